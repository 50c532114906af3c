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
import { readRow, type Rows, type RowWriter } from './history-rows.ts';
import type { HistoryTexts } from './history-texts.ts';
import { pruneClosed, pruneDecisions, writeHistory } from './history-write.ts';

/** Written in one batch: a few milliseconds of work. */
const BATCH_DECISIONS = 500;
/** Written when so many wait, or after so long. */
const WAITING_ENOUGH = 2_000;
const WAIT_MS = 1_000;
/** More than this waits only when LMDB cannot write. Commits fail then, rather than fill the memory. */
const WAITING_MAX = 100_000;
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

interface Waiting {
  readonly lane: string;
  readonly commit: number;
  readonly texts: HistoryTexts;
  readonly end: Place;
  readonly size: number;
}

interface Writer {
  readonly dir: string;
  readonly rows: Rows;
  waiting: Waiting[];
  waitingSize: number;
  timer: NodeJS.Timeout | undefined;
  /** One batch after another. */
  turn: Promise<unknown>;
  failure: AppError | undefined;
}

export function openHistory(dir: string): History {
  const rows = openRows(dir);
  const writer: Writer = {
    dir,
    rows,
    waiting: [],
    waitingSize: 0,
    timer: undefined,
    turn: Promise.resolve(),
    failure: undefined,
  };
  return {
    applied: readRow<Place>(rows, APPLIED_KEY) ?? { segment: 0, offset: 0 },
    get stuck() {
      return writer.waitingSize > WAITING_MAX ? writer.failure : undefined;
    },
    add: (lane, commit, texts, end) =>
      add(writer, { lane, commit, texts, end, size: sizeOf(texts) }),
    settled: () => inTurn(writer, () => writeWaiting(writer)),
    async read(act) {
      if (writer.waiting.length > 0) await inTurn(writer, () => writeWaiting(writer));
      return act(writer.rows);
    },
    prune: (lane, before, limit) => inTurn(writer, () => prune(writer, lane, before, limit)),
    async close() {
      clearTimeout(writer.timer);
      await inTurn(writer, () => writeWaiting(writer));
      await rows.close();
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

function add(writer: Writer, waiting: Waiting): void {
  writer.waiting.push(waiting);
  writer.waitingSize += waiting.size;
  if (writer.waitingSize >= WAITING_ENOUGH) writeSoon(writer, 0);
  else writeSoon(writer, WAIT_MS);
}

function sizeOf({ chunks, closed }: HistoryTexts): number {
  return chunks.reduce((sum, { count }) => sum + count, closed.length);
}

function writeSoon(writer: Writer, ms: number): void {
  if (ms === 0) {
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
  while (writer.waiting.length > 0) {
    const batch = nextBatch(writer.waiting);
    const last = batch.at(-1);
    if (last === undefined) return;
    await inBatch(writer, (rowWriter) => {
      for (const { lane, commit, texts } of batch) {
        writeHistory(writer.rows, rowWriter, lane, commit, texts);
      }
      rowWriter.put(APPLIED_KEY, Buffer.from(JSON.stringify(last.end)));
    });
    writer.waiting.splice(0, batch.length);
    for (const { size } of batch) writer.waitingSize -= size;
  }
}

function nextBatch(waiting: readonly Waiting[]): readonly Waiting[] {
  let size = 0;
  let count = 0;
  while (count < waiting.length && size < BATCH_DECISIONS) size += waiting[count++]?.size ?? 0;
  return waiting.slice(0, count);
}

async function prune(
  writer: Writer,
  lane: string,
  before: Instant,
  limit: number,
): Promise<number> {
  await writeWaiting(writer);
  let gone = 0;
  await inBatch(writer, (batch) => {
    gone += pruneDecisions(writer.rows, batch, lane, before, limit);
    gone += pruneClosed(writer.rows, batch, lane, before, limit);
  });
  return gone;
}

/** All that `act` puts and removes takes effect together, and is on the disk, or none of it. */
async function inBatch(writer: Writer, act: (batch: RowWriter) => void): Promise<void> {
  const { rows } = writer;
  // Collected first: what `act` throws must not leave half a batch behind.
  const changes: (() => void)[] = [];
  act({
    // The promise of the batch says what became of each of them.
    put: (key, value) => changes.push(() => void rows.put(key, value)),
    remove: (key) => changes.push(() => void rows.remove(key)),
  });
  try {
    await rows.batch(() => {
      for (const change of changes) change();
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
