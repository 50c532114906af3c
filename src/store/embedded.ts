/**
 * The embedded store: LMDB files in one directory, for one process.
 *
 *   [lane, 'v']        version, next wake-up
 *   [lane, 'l', version]  the state records of one commit: see embedded/records.ts
 *   [lane, 'o', id]    the outbox
 *   ...                history: see embedded/history-rows.ts
 *
 * Everything of a commit is one LMDB transaction, and its promise resolves when that is on the disk.
 * Commits that come while one is being written share the next.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { Effect, Instant } from '../model.ts';
import type { Commit, CommitResult, LaneSnapshot, Store } from './contract.ts';
import { lockDir } from './embedded/dir-lock.ts';
import { storeFailure } from './embedded/failure.ts';
import { checkFormat } from './embedded/format.ts';
import { type Indexed, pruneClosed, pruneDecisions, writeHistory } from './embedded/history.ts';
import { queryClosed, queryDecisions, readClosed } from './embedded/history-query.ts';
import { readRow, type Rows, type RowWriter } from './embedded/history-rows.ts';
import { keyPart } from './embedded/keys.ts';
import { readRecords, type RecordLog, writeRecords } from './embedded/records.ts';

interface LaneMeta {
  readonly version: number;
  /** Counts effects, so that the outbox keeps its order. */
  readonly order: number;
  readonly wakeAt: Instant | undefined;
}

interface Job {
  readonly stage: (batch: RowWriter) => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Address space, not disk: the file grows as it is filled. */
const MAP_SIZE = 2 ** 36;

export async function openEmbeddedStore(dir: string): Promise<Store> {
  try {
    await mkdir(dir, { recursive: true });
    const lock = await lockDir(join(dir, 'lock'), dir);
    try {
      await checkFormat(dir);
      return storeOn(openRows(join(dir, 'store')), dir, () => lock.release());
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw storeFailure(error, dir);
  }
}

function openRows(path: string): Rows {
  return open({
    path,
    encoding: 'binary',
    // A write resolves when it is on the disk, not when it is visible.
    overlappingSync: false,
    cache: false,
    mapSize: MAP_SIZE,
    // Reading maps only what it reads, so that the file does not count as memory of the process.
    remapChunks: true,
  });
}

function storeOn(rows: Rows, dir: string, release: () => Promise<void>): Store {
  const write = groupWriter(rows, dir);
  const lanes: Writing['lanes'] = new Map();
  let closing: Promise<void> | undefined;
  return {
    load: async (lane) => loadLane(rows, lanes, lane),
    commit: (lane, change) => commit({ rows, lanes, write }, lane, change),
    decisions: async (query) => queryDecisions(rows, query),
    closedIncidents: async (query) => queryClosed(rows, query),
    closedIncident: async (lane, id) => readClosed(rows, lane, id),
    async prune(lane, before, limit) {
      let gone = 0;
      await write((batch) => {
        gone = pruneDecisions(rows, batch, lane, before, limit);
        gone += pruneClosed(rows, batch, lane, before, limit);
      });
      return gone;
    },
    close() {
      closing ??= rows.close().then(release);
      return closing;
    },
  };
}

interface OpenLane {
  readonly meta: LaneMeta;
  readonly log: RecordLog;
  readonly indexed: Indexed;
}

interface Writing {
  readonly rows: Rows;
  /** As the last transaction leaves them, be it on the disk yet or not. */
  readonly lanes: Map<string, OpenLane>;
  readonly write: (stage: Job['stage']) => Promise<void>;
}

async function commit(
  { rows, lanes, write }: Writing,
  lane: string,
  change: Commit,
): Promise<CommitResult> {
  let result: CommitResult = { kind: 'stale' };
  const name = keyPart(lane);
  // What can fail is done before the transaction: inside it only rows are put.
  const put = change.put.map((record) => ({ key: record.key, line: JSON.stringify(record) }));
  const effects = change.effects.map((effect) => ({
    key: [name, 'o', keyPart(effect.id)],
    effect,
  }));
  await write((batch) => {
    const open = lanes.get(lane) ?? openLane(rows, lane);
    const { log, meta, indexed } = open;
    if (meta.version !== change.version) return;
    const version = meta.version + 1;
    const order = meta.order + effects.length;
    result = { kind: 'committed', version };
    const next: LaneMeta = { version, order, wakeAt: change.wakeAt };
    lanes.set(lane, { ...open, meta: next });
    batch.put([name, 'v'], toJson(next));
    writeRecords(rows, batch, lane, log, version, put, change.remove);
    for (const id of change.effectsDone) batch.remove([name, 'o', keyPart(id)]);
    for (const [index, { key, effect }] of effects.entries()) {
      batch.put(key, toJson({ order: meta.order + index, effect }));
    }
    writeHistory(rows, batch, lane, indexed, { ...change, commit: change.version });
  }).catch((error: unknown) => {
    lanes.delete(lane);
    throw error;
  });
  return result;
}

/** What waits while a transaction is being written shares the next one. */
function groupWriter(rows: Rows, dir: string): (stage: Job['stage']) => Promise<void> {
  let waiting: Job[] = [];
  let busy = false;
  const batch: RowWriter = {
    // The promise of the batch tells what becomes of each put and remove in it.
    put(key, value) {
      void rows.put(key, value);
    },
    remove(key) {
      void rows.remove(key);
    },
  };
  async function run(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const jobs = waiting;
      waiting = [];
      try {
        await rows.batch(() => {
          for (const job of jobs) job.stage(batch);
        });
        for (const job of jobs) job.done();
      } catch (error) {
        for (const job of jobs) job.failed(storeFailure(error, dir));
      }
    }
    busy = false;
  }
  return (stage) =>
    new Promise((done, failed) => {
      waiting.push({ stage, done, failed });
      if (!busy) void run();
    });
}

function readMeta(rows: Rows, name: string): LaneMeta {
  return readRow<LaneMeta>(rows, [name, 'v']) ?? { version: 0, order: 0, wakeAt: undefined };
}

function nothingIndexed(): Indexed {
  return { span: Number.NaN, terms: new Set() };
}

/** What memory must know of a lane before it can be written to. */
function openLane(rows: Rows, lane: string): OpenLane {
  const log: RecordLog = { where: new Map(), lines: 0 };
  for (const _ of readRecords(rows, lane, log));
  return { meta: readMeta(rows, keyPart(lane)), log, indexed: nothingIndexed() };
}

function loadLane(rows: Rows, lanes: Writing['lanes'], lane: string): LaneSnapshot {
  const name = keyPart(lane);
  const meta = readMeta(rows, name);
  const { version, wakeAt } = meta;
  const log: RecordLog = { where: new Map(), lines: 0 };
  const records = [...readRecords(rows, lane, log)];
  lanes.set(lane, { meta, log, indexed: nothingIndexed() });
  const outbox = [
    ...valuesOf<{ readonly order: number; readonly effect: Effect }>(rows, [name, 'o']),
  ];
  outbox.sort((one, other) => one.order - other.order);
  return {
    version,
    records,
    outbox: outbox.map(({ effect }) => effect),
    wakeAt,
  };
}

/** `T` is what we wrote there ourselves. */
function* valuesOf<T>(rows: Rows, prefix: readonly string[]): Iterable<T> {
  for (const { value } of rows.getRange({ start: [...prefix], end: [...prefix, AFTER_ALL] })) {
    yield JSON.parse(value.toString()) as T;
  }
}

/** Comes after every string that a key part can be. */
const AFTER_ALL = '\uffff';

function toJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
