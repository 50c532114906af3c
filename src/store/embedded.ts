/**
 * The embedded store: everything in one directory, for one process.
 *
 *   journal/      what was accepted and committed, in order: inbox, state, outbox, wake-ups, history
 *   history/      LMDB: decisions and closed incidents, to be found by time, service and incident
 *   lock/         shows that a process has it open
 *   format.json   the version of all this
 *
 * A call resolves when it is in the journal, on the disk. In memory there is only where in the journal
 * the newest line of each record stands. Why the state is not in LMDB as well: bench/STORE.md.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Commit, CommitResult, Incoming, Store } from './contract.ts';
import { startCleaner } from './embedded/cleaner.ts';
import { type DirLock, lockDir } from './embedded/dir-lock.ts';
import { writeAccepted, writeCommitted } from './embedded/entries.ts';
import { storeFailure } from './embedded/failure.ts';
import { checkFormat } from './embedded/format.ts';
import { type History, isAfter, openHistory } from './embedded/history.ts';
import { queryClosed, queryDecisions, readClosed } from './embedded/history-query.ts';
import type { FrameBuffer } from './embedded/frame-buffer.ts';
import { type HistoryTexts, historyTexts } from './embedded/history-texts.ts';
import type { Journal, Positions } from './embedded/journal.ts';
import {
  aliveBytes,
  applyAccepted,
  applyCommitted,
  applyEffect,
  countWritten,
  laneOf,
  type LaneMemory,
} from './embedded/lane-memory.ts';
import { loadLane } from './embedded/load-lane.ts';
import { openJournal } from './embedded/open-journal.ts';
import { replayFrame } from './embedded/replay.ts';

export interface EmbeddedOptions {
  /** Size of a file of the journal. Smaller ones are for tests. */
  readonly segmentBytes?: number;
}

const SEGMENT_BYTES = 8 << 20;

interface Embedded {
  readonly journal: Journal;
  readonly positions: Positions;
  readonly history: History;
  readonly lanes: Map<string, LaneMemory>;
}

export async function openEmbeddedStore(
  dir: string,
  options: EmbeddedOptions = {},
): Promise<Store> {
  try {
    await mkdir(dir, { recursive: true });
    const lock = await lockDir(join(dir, 'lock'), dir);
    try {
      await checkFormat(dir);
      return storeOf(await openParts(dir, options.segmentBytes ?? SEGMENT_BYTES), lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw storeFailure(error, dir);
  }
}

/** Reads the journal, and hands to history what it did not get before the process ended. */
async function openParts(dir: string, segmentBytes: number): Promise<Embedded> {
  const history = openHistory(join(dir, 'history'));
  const lanes = new Map<string, LaneMemory>();
  try {
    const { journal, positions } = await openJournal(
      join(dir, 'journal'),
      segmentBytes,
      (frame) => {
        const end = { segment: frame.segment, offset: frame.end };
        replayFrame(frame, lanes, (lane, commit, texts) => {
          if (isAfter(end, history.applied)) history.add(lane, commit, texts(), end);
        });
      },
    );
    const alive = (): number =>
      [...lanes.values()].reduce((sum, lane) => sum + aliveBytes(lane), 0);
    startCleaner({ journal, positions, lanes, history, segmentBytes, aliveBytes: alive });
    return { journal, positions, history, lanes };
  } catch (error) {
    await history.close();
    throw error;
  }
}

function storeOf(parts: Embedded, lock: DirLock): Store {
  const { journal, positions, history, lanes } = parts;
  let closing: Promise<void> | undefined;
  return {
    accept: (lane, items) => accept(parts, laneOf(lanes, lane), items),
    load: (lane) =>
      journal.exclusively(() => loadLane(laneOf(lanes, lane), journal.files, positions)),
    commit: (lane, change) => commit(parts, laneOf(lanes, lane), change),
    decisions: (query) => history.read((rows) => queryDecisions(rows, query)),
    closedIncidents: (query) => history.read((rows) => queryClosed(rows, query)),
    closedIncident: (lane, id) => history.read((rows) => readClosed(rows, lane, id)),
    prune: (lane, before, limit) => history.prune(lane, before, limit),
    close() {
      closing ??= close(parts, lock);
      return closing;
    },
  };
}

async function close({ journal, history }: Embedded, lock: DirLock): Promise<void> {
  await journal.close();
  await history.close();
  await lock.release();
}

function accept(
  { journal }: Embedded,
  lane: LaneMemory,
  items: readonly Incoming[],
): Promise<readonly number[]> {
  if (items.length === 0) return Promise.resolve([]);
  const first = lane.seq + 1;
  lane.seq += items.length;
  let offsets: readonly number[] = [];
  return new Promise((resolve, reject) => {
    journal.add(
      {
        write(frame) {
          const start = frame.length;
          offsets = writeAccepted(frame, lane.name, first, items);
          countWritten(lane.items, items.length, frame.length - start);
        },
        written(origin) {
          const seqs = offsets.map((_, index) => first + index);
          for (const [index, offset] of offsets.entries()) {
            applyAccepted(lane, first + index, origin + offset);
          }
          resolve(seqs);
        },
        failed: reject,
      },
      'now',
    );
  });
}

function commit(
  { journal, positions, history }: Embedded,
  lane: LaneMemory,
  change: Commit,
): Promise<CommitResult> {
  let staged: StagedCommit | undefined;
  return new Promise((resolve, reject) => {
    journal.add(
      {
        write(frame) {
          if (history.stuck !== undefined) throw history.stuck;
          if (lane.staged === change.version) staged = stageCommit(frame, lane, change);
        },
        written(origin) {
          if (staged === undefined) return resolve({ kind: 'stale' });
          applyCommit(lane, change, staged, origin);
          const { texts } = staged;
          if (texts.chunks.length > 0 || texts.closed.length > 0) {
            const { end } = journal;
            const place = { segment: positions.segmentOf(end), offset: positions.offsetOf(end) };
            history.add(lane.name, change.version, texts, place);
          }
          resolve({ kind: 'committed', version: lane.version });
        },
        failed(error) {
          if (staged !== undefined) lane.staged = lane.version;
          reject(error);
        },
      },
      // Nobody waits for a commit without effects but the lane, which has it behind it then.
      change.effects.length > 0 ? 'now' : 'lingers',
    );
  });
}

interface StagedCommit {
  readonly texts: HistoryTexts;
  readonly effects: readonly string[];
  readonly offsets: readonly number[];
}

function stageCommit(frame: FrameBuffer, lane: LaneMemory, change: Commit): StagedCommit {
  const texts = historyTexts(change.decisions, change.rules, change.closed);
  const effects = change.effects.map((effect) => JSON.stringify(effect));
  const { offsets, end } = writeCommitted(frame, lane.name, change, effects, texts);
  countWritten(lane.lines, offsets.length, end - (offsets[0] ?? end));
  lane.staged = change.version + 1;
  return { texts, effects, offsets };
}

function applyCommit(
  lane: LaneMemory,
  change: Commit,
  { offsets, effects }: StagedCommit,
  origin: number,
): void {
  applyCommitted(lane, { ...change, version: change.version + 1 });
  for (const [index, { key }] of change.put.entries()) {
    lane.records.set(key, origin + (offsets[index] ?? 0));
  }
  for (const [index, { id }] of change.effects.entries())
    applyEffect(lane, id, effects[index] ?? '');
}
