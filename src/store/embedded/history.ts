/**
 * History: decisions and closed incidents in LMDB, where they are found by time, service and incident.
 *
 * They are on the disk already, in the journal, when they come here, so there is no hurry: they are
 * written many at a time, and at once when somebody asks. One row says up to where in the journal that
 * was done; the journal keeps what is after it, and after a crash it comes from there again.
 */
import { type Key, open } from 'lmdb';
import type { AppError } from '../../errors.ts';
import type { Instant } from '../../model.ts';
import { storeDamaged, storeFailure } from './failure.ts';
import { createHistoryBatch, type HistoryBatch, type RowChange } from './history-batch.ts';
import { pruneClosed, pruneDecisions } from './history-prune.ts';
import { readRow, type Rows, writeJson } from './history-rows.ts';
import type { HistoryTexts } from './history-texts.ts';

/** Written when so many wait, or after so long: the more at once, the less each costs. */
const WAITING_ENOUGH = 20_000;
const WAIT_MS = 1_000;
/** More than this waits only when LMDB cannot write. Commits fail then, rather than fill the memory. */
const WAITING_MAX = 100_000;
/** Rows in one transaction: a millisecond or two of work. */
const ROWS_MAX = 1_000;
const APPLIED_KEY: Key = ['', 'applied'];
/** Address space, not memory. LMDB enlarges it when that is not enough. */
const MAP_BYTES = 2 ** 32;

/** Where in the journal a frame ends, in a form that outlives the process. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
}

export function isAfter(a: Place, b: Place): boolean {
  return a.segment === b.segment ? a.offset > b.offset : a.segment > b.segment;
}

export interface History {
  /** Everything in the journal up to here was written when it was opened. */
  readonly applied: Place;
  /** Why nothing more should be added; undefined when all is well. */
  readonly stuck: AppError | undefined;
  /** What was committed, on the disk in a frame that ends there. */
  add(lane: string, commit: number, texts: HistoryTexts, end: Place): void;
  /** Resolves when everything added so far is written. */
  settled(): Promise<void>;
  /** Reads, with everything added so far in it. */
  read<T>(act: (rows: Rows) => T): Promise<T>;
  prune(lane: string, before: Instant, limit: number): Promise<number>;
  close(): Promise<void>;
}

interface Writer {
  readonly dir: string;
  readonly rows: Rows;
  waiting: HistoryBatch;
  /** What is being written, or must be once more. */
  writing: HistoryBatch | undefined;
  timer: NodeJS.Timeout | undefined;
  /** One thing after another. */
  turn: Promise<unknown>;
  failure: AppError | undefined;
}

export function openHistory(dir: string): History {
  const rows = openRows(dir);
  const writer: Writer = {
    dir,
    rows,
    waiting: createHistoryBatch(),
    writing: undefined,
    timer: undefined,
    turn: Promise.resolve(),
    failure: undefined,
  };
  return {
    applied: readRow<Place>(rows, APPLIED_KEY) ?? { segment: 0, offset: 0 },
    get stuck() {
      return writer.waiting.size > WAITING_MAX ? writer.failure : undefined;
    },
    add(lane, commit, texts, end) {
      writer.waiting.add(lane, commit, texts, end);
      writeSoon(writer, writer.waiting.size >= WAITING_ENOUGH ? 0 : WAIT_MS);
    },
    settled: () => inTurn(writer, () => writeWaiting(writer)),
    async read(act) {
      await inTurn(writer, () => writeWaiting(writer));
      return act(writer.rows);
    },
    prune: (lane, before, limit) => inTurn(writer, () => prune(writer, lane, before, limit)),
    async close() {
      clearTimeout(writer.timer);
      try {
        await inTurn(writer, () => writeWaiting(writer));
      } finally {
        clearTimeout(writer.timer);
        await rows.close();
      }
    },
  };
}

function openRows(dir: string): Rows {
  try {
    return open({
      path: dir,
      encoding: 'binary',
      mapSize: MAP_BYTES,
      // A batch resolves when it is on the disk, not before.
      overlappingSync: false,
      cache: false,
    });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (/MDB_INVALID|MDB_CORRUPTED|MDB_VERSION_MISMATCH|not an LMDB file/.test(text)) {
      throw storeDamaged(`the history in ${dir} cannot be read (${text})`, error);
    }
    throw storeFailure(error, dir);
  }
}

function writeSoon(writer: Writer, ms: number): void {
  if (ms === 0 && writer.writing === undefined) {
    clearTimeout(writer.timer);
    writer.timer = undefined;
  }
  writer.timer ??= setTimeout(() => {
    writer.timer = undefined;
    // It is safe in the journal: should this fail, it is tried again, and `stuck` tells of it.
    inTurn(writer, () => writeWaiting(writer)).catch(() => writeSoon(writer, WAIT_MS));
  }, ms);
}

function inTurn<T>(writer: Writer, act: () => Promise<T>): Promise<T> {
  const result = writer.turn.then(act);
  writer.turn = result.catch(() => {});
  return result;
}

async function writeWaiting(writer: Writer): Promise<void> {
  while (writer.writing !== undefined || writer.waiting.size > 0) {
    if (writer.writing === undefined) {
      writer.writing = writer.waiting;
      writer.waiting = createHistoryBatch();
    }
    const { writing } = writer;
    await writeRows(writer, writing.changes(writer.rows));
    // Last of all: should the process end before, all of it is written again, to the same rows.
    await writeRows(writer, [{ key: APPLIED_KEY, value: writeJson(writing.end) }]);
    writer.writing = undefined;
  }
}

async function prune(
  writer: Writer,
  lane: string,
  before: Instant,
  limit: number,
): Promise<number> {
  await writeWaiting(writer);
  const decisions = pruneDecisions(writer.rows, lane, before, limit);
  await writeRows(writer, decisions.changes);
  const closed = pruneClosed(writer.rows, lane, before, limit);
  await writeRows(writer, closed.changes);
  return decisions.count + closed.count;
}

/** On the disk when it resolves. A large number of changes goes in several transactions. */
async function writeRows(writer: Writer, changes: Iterable<RowChange>): Promise<void> {
  let slice: RowChange[] = [];
  for (const change of changes) {
    slice.push(change);
    if (slice.length < ROWS_MAX) continue;
    await writeSlice(writer, slice);
    slice = [];
  }
  if (slice.length > 0) await writeSlice(writer, slice);
}

async function writeSlice(writer: Writer, slice: readonly RowChange[]): Promise<void> {
  const { rows } = writer;
  try {
    await rows.batch(() => {
      for (const { key, value } of slice) {
        // The promise of the batch says what became of each of them.
        if (value === undefined) void rows.remove(key);
        else void rows.put(key, value);
      }
    });
    writer.failure = undefined;
  } catch (error) {
    const failure = storeFailure(await causeOf(error), writer.dir);
    writer.failure = failure;
    throw failure;
  }
}

/** lmdb rejects with an error that has a promise, which rejects with the reason. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
  } catch (cause) {
    return cause;
  }
  return error;
}
