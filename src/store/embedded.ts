/**
 * The embedded store: LMDB files in one directory, for one process.
 *
 *   [lane, 'v']        version, next wake-up
 *   [lane, 'l', version]  the state records of one commit: see embedded/records.ts
 *   [lane, 'o', id]    the outbox
 *   ...                history: see embedded/history-rows.ts
 *
 * Everything of a commit is one transaction, and its promise resolves when that is on the disk.
 * Commits that come while one is being written share the next.
 */
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Effect, Instant } from '../model.ts';
import type { Commit, CommitResult, LaneSnapshot, Store } from './contract.ts';
import { type Database, openDatabase, type Rows } from './embedded/database.ts';
import { lockDir } from './embedded/dir-lock.ts';
import { storeFailure } from './embedded/failure.ts';
import { checkFormat } from './embedded/format.ts';
import { pruneClosed, pruneDecisions, writeHistory } from './embedded/history.ts';
import { queryClosed, queryDecisions, readClosed } from './embedded/history-query.ts';
import { readRow } from './embedded/history-rows.ts';
import { keyPart } from './embedded/keys.ts';
import {
  emptyLog,
  linesOf,
  readRecords,
  type RecordLog,
  writeRecords,
} from './embedded/records.ts';
import { forgetIndexed, type Indexed, nothingIndexed } from './history-chunks.ts';
import { UNFINISHED, unfinished } from './unfinished.ts';

interface LaneMeta {
  readonly version: number;
  /** Counts effects, so that the outbox keeps its order. */
  readonly order: number;
  readonly wakeAt: Instant | undefined;
}

export async function openEmbeddedStore(dir: string): Promise<Store> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    // LMDB says of a read-only disk that there is no such file.
    await access(dir, constants.W_OK);
    const lock = await lockDir(join(dir, 'lock'), dir);
    try {
      await checkFormat(dir);
      return storeOn(openDatabase(join(dir, 'store')), () => lock.release());
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw storeFailure(error, dir);
  }
}

function storeOn(database: Database, release: () => Promise<void>): Store {
  const lanes: Writing['lanes'] = new Map();
  let closing: Promise<void> | undefined;
  return {
    load: (lane) => load({ database, lanes }, lane),
    commit: (lane, change) => commit({ database, lanes }, lane, change),
    decisions: (query) => database.read((rows) => queryDecisions(rows, query)),
    closedIncidents: (query) => database.read((rows) => queryClosed(rows, query)),
    closedIncident: (lane, id) => database.read((rows) => readClosed(rows, lane, id)),
    async prune(lane, before, limit) {
      let gone = 0;
      await database.write((rows, batch) => {
        gone = pruneDecisions(rows, batch, lane, before, limit);
        gone += pruneClosed(rows, batch, lane, before, limit);
        const open = lanes.get(lane);
        if (open !== undefined) forgetIndexed(open.indexed);
      });
      return gone;
    },
    bytes: () => database.read((rows) => bytesBeside(rows, lanes)),
    close() {
      closing ??= database.close().then(release);
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
  readonly database: Database;
  /** As the last transaction leaves them, be it on the disk yet or not. */
  readonly lanes: Map<string, OpenLane>;
}

/** In its turn, so that no commit of the lane is half written. */
async function load({ database, lanes }: Writing, lane: string): Promise<LaneSnapshot> {
  let snapshot: LaneSnapshot | undefined;
  await database.write((rows) => {
    snapshot = loadLane(rows, lanes, lane);
  });
  if (snapshot === undefined) throw new Error(`lane ${lane} was not loaded`);
  if (lanes.get(lane)?.log.where.has(UNFINISHED) === true) throw unfinished();
  return snapshot;
}

async function commit(
  { database, lanes }: Writing,
  lane: string,
  change: Commit,
): Promise<CommitResult> {
  let result: CommitResult = { kind: 'stale' };
  const name = keyPart(lane);
  // What can fail is done before the transaction: inside it only rows are put.
  const lines = linesOf(change.put);
  const effects = change.effects.map((effect) => ({
    key: [name, 'o', keyPart(effect.id)],
    effect,
  }));
  const staged = database.write((rows, batch) => {
    const open = lanes.get(lane) ?? openLane(rows, lane);
    const { log, meta, indexed } = open;
    if (meta.version !== change.version) return;
    const version = meta.version + 1;
    const order = meta.order + effects.length;
    result = { kind: 'committed', version };
    const next: LaneMeta = { version, order, wakeAt: change.wakeAt };
    lanes.set(lane, { meta: next, log, indexed });
    batch.put([name, 'v'], JSON.stringify(next));
    writeRecords({ rows, batch, lane, log, version }, change, lines);
    for (const id of change.effectsDone) batch.remove([name, 'o', keyPart(id)]);
    for (const [index, { key, effect }] of effects.entries()) {
      batch.put(key, JSON.stringify({ order: meta.order + index, effect }));
    }
    writeHistory(rows, batch, lane, indexed, change);
  });
  try {
    await staged;
    return result;
  } catch (error) {
    lanes.delete(lane);
    throw error;
  }
}

/** All that the file holds, without the state: that must not push out history. */
function bytesBeside(rows: Rows, lanes: Writing['lanes']): number {
  let bytes = rows.bytes();
  for (const { log } of lanes.values()) bytes -= log.length;
  return Math.max(0, bytes);
}

function readMeta(rows: Rows, name: string): LaneMeta {
  return readRow<LaneMeta>(rows, [name, 'v']) ?? { version: 0, order: 0, wakeAt: undefined };
}

/** What memory must know of a lane before it can be written to. */
function openLane(rows: Rows, lane: string): OpenLane {
  const log = emptyLog();
  for (const _ of readRecords(rows, lane, log));
  return { meta: readMeta(rows, keyPart(lane)), log, indexed: nothingIndexed() };
}

function loadLane(rows: Rows, lanes: Writing['lanes'], lane: string): LaneSnapshot {
  const name = keyPart(lane);
  const meta = readMeta(rows, name);
  const { version, wakeAt } = meta;
  const log = emptyLog();
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
