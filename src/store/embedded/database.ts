/**
 * The LMDB file: reading, and one transaction after another.
 *
 * What waits while a transaction is being written shares the next one, and each is all or nothing: its
 * changes are collected first, so whoever fails meanwhile leaves nothing behind. A write resolves when
 * it is on the disk. What is small goes into the log of changes (change-log.ts) and stays in memory; LMDB
 * gets it together with what is large, or does not fit there any more, and before a range is read.
 *
 * To hand little to a thread costs as much CPU as to write it, and a good disk has it done in a fraction
 * of a millisecond: then the process waits for it. On a slower disk, and as soon as this one becomes
 * slow, threads do it.
 *
 * LMDB maps the file into memory and lets nothing go again, so what was ever looked at would count as
 * memory of the process. After a while the file is therefore closed and opened again, which takes about
 * a millisecond.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type Database as Lmdb, type Key, open } from 'lmdb';
import { codeOf } from '../../errors.ts';
import { type ChangeLog, nameOf, type NamedChanges, openChangeLog } from './change-log.ts';
import { storeDamaged, storeFailure } from './failure.ts';
import { type Change, lengthOf, type RowText, UTF8_MAX, writeText } from './row-text.ts';

type RangeOptions = NonNullable<Parameters<Lmdb<Buffer, Key>['getRange']>[0]>;

/** What can be read. Valid until the next await. */
export interface Rows {
  get(key: Key): Buffer | undefined;
  getRange(options: RangeOptions): Iterable<{ readonly key: Key; readonly value: Buffer }>;
  getKeys(options: RangeOptions): Iterable<Key>;
  /** Of the disk, in use: pages that are free again do not count, although the file keeps them. */
  bytes(): number;
}

/** Collects the changes of one transaction. */
export interface RowWriter {
  put(key: Key, value: RowText): void;
  remove(key: Key): void;
}

export interface Database {
  read<T>(act: (rows: Rows) => T): Promise<T>;
  /** Calls `stage` when its turn has come, and resolves when what it staged is on the disk. */
  write(stage: (rows: Rows, batch: RowWriter) => void): Promise<void>;
  /** Writes what waits, then closes. */
  close(): Promise<void>;
}

interface Job {
  readonly stage: (rows: Rows, batch: RowWriter) => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

interface Writer {
  readonly dir: string;
  /** Undefined while nobody needs it. */
  file: Lmdb<Buffer, Key> | undefined;
  readonly rows: Rows;
  readonly log: ChangeLog;
  /** What is in the log and not in LMDB. */
  readonly logged: NamedChanges;
  /** Something could not be written, or may have been: nothing is added to the log before LMDB has all. */
  doubtful: boolean;
  waiting: Job[];
  work: Promise<void> | undefined;
  /** About how many bytes of the file were looked at since it was opened. */
  seen: number;
  /** How long a write takes on the disk of late. */
  usualMs: number;
  /** Holds the values of one transaction after another: a buffer for each would wait for the collector. */
  scratch: Buffer;
}

/** Address space, not disk: the file grows as it is filled. */
const MAP_BYTES = 2 ** 36;
const PAGE_BYTES = 4_096;
/** Stands at the beginning of each LMDB file, after the head of its first page. */
const MAGIC = 0xbeef_c0de;
const MAGIC_END = 28;
/** Looked at before the file is opened anew. */
const SEEN_MAX_BYTES = 32 << 20;
/** Changes that are few enough to wait for. */
const SMALL_CHANGES = 2_000;
const SMALL_LENGTH = 512 << 10;
/** Larger transactions get a buffer of their own. */
const SCRATCH_BYTES = 1 << 20;
/** Longer than this the process should not stand still. */
const STAND_STILL_MS = 3;
/** How much the last transaction says about the next. */
const LAST_COUNTS = 0.1;

/** The number of the last frame of the log that LMDB has. No lane has such a name. */
const LOGGED_KEY: Key = ['#', 'logged'];

export function openDatabase(dir: string): Database {
  const file = openFile(dir);
  const known = Number(file.get(LOGGED_KEY)?.toString() ?? 0);
  const { log, lacking } = openChangeLog(join(dir, 'changes'), known);
  const writer: Writer = {
    dir,
    file,
    rows: {
      get: (key) => readOne(writer, key),
      *getRange(options) {
        settle(writer);
        for (const row of fileOf(writer).getRange(options)) {
          writer.seen += row.value.length;
          yield row;
        }
      },
      getKeys(options) {
        settle(writer);
        return fileOf(writer).getKeys(options);
      },
      bytes() {
        settle(writer);
        return bytesIn(fileOf(writer));
      },
    },
    log,
    logged: lacking,
    doubtful: false,
    waiting: [],
    work: undefined,
    seen: 0,
    usualMs: 0,
    scratch: Buffer.allocUnsafeSlow(SCRATCH_BYTES),
  };
  settle(writer);
  return {
    read: (act) => read(writer, act),
    write: (stage) => enqueue(writer, stage),
    async close() {
      while (writer.work !== undefined) await writer.work;
      log.close();
      await writer.file?.close();
    },
  };
}

function enqueue(writer: Writer, stage: Job['stage']): Promise<void> {
  return new Promise((done, failed) => {
    writer.waiting.push({ stage, done, failed });
    start(writer);
  });
}

/** In its turn when something is being written: half of that may be in the log, or the file closed. */
async function read<T>(writer: Writer, act: (rows: Rows) => T): Promise<T> {
  if (writer.work === undefined) {
    const result = act(writer.rows);
    if (writer.seen > SEEN_MAX_BYTES) start(writer);
    return result;
  }
  const results: T[] = [];
  await enqueue(writer, (rows) => void results.push(act(rows)));
  // It was staged, so there is one.
  return results[0] as T;
}

function readOne(writer: Writer, key: Key): Buffer | undefined {
  const change = writer.logged.size === 0 ? undefined : writer.logged.get(nameOf(key));
  if (change !== undefined)
    return change.value === undefined ? undefined : bytesOf(change.value, NO_SCRATCH, 0);
  const value = fileOf(writer).get(key);
  writer.seen += value?.length ?? 0;
  return value;
}

function openFile(dir: string): Lmdb<Buffer, Key> {
  checkFile(join(dir, 'data.mdb'));
  try {
    return open({
      path: dir,
      encoding: 'binary',
      // Records repeat each other: with it they take a seventh of the disk, and no more CPU.
      compression: true,
      // A write resolves when it is on the disk, not when it is visible.
      overlappingSync: false,
      // Of a transaction of its own making it drops the promise, and a disk that is full would end the process.
      eventTurnBatching: false,
      cache: false,
      mapSize: MAP_BYTES,
    });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (/MDB_INVALID|MDB_CORRUPTED|MDB_VERSION_MISMATCH|MDB_PAGE_NOTFOUND/.test(text)) {
      throw storeDamaged(`${dir} cannot be read (${text})`, error);
    }
    throw storeFailure(error, dir);
  }
}

function bytesIn(file: Lmdb<Buffer, Key>): number {
  // What LMDB tells of its tree; the library does not say which fields that has.
  const { pageSize, treeBranchPageCount, treeLeafPageCount, overflowPages } =
    file.getStats() as Readonly<Record<string, number>>;
  const pages = (treeBranchPageCount ?? 0) + (treeLeafPageCount ?? 0) + (overflowPages ?? 0);
  return pages * (pageSize ?? 0);
}

/** LMDB itself would not survive a file that is none of its own. */
function checkFile(path: string): void {
  const start = Buffer.alloc(MAGIC_END);
  let bytes: number;
  try {
    const fd = openSync(path, 'r');
    bytes = readSync(fd, start);
    closeSync(fd);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw storeFailure(error, path);
  }
  if (bytes > 0 && start.readUInt32LE(MAGIC_END - 4) !== MAGIC) {
    throw storeDamaged(`${path} is no LMDB file`);
  }
}

function start(writer: Writer): void {
  writer.work ??= work(writer).finally(() => {
    writer.work = undefined;
    if (writer.waiting.length > 0) start(writer);
  });
}

async function work(writer: Writer): Promise<void> {
  while (writer.waiting.length > 0) {
    // After everything else that is done in this turn, so that it shares a transaction.
    await Promise.resolve();
    const jobs = writer.waiting;
    writer.waiting = [];
    await writeTogether(writer, jobs);
  }
  if (writer.seen > SEEN_MAX_BYTES) await reopen(writer);
}

async function writeTogether(writer: Writer, jobs: readonly Job[]): Promise<void> {
  const changes: Change[] = [];
  const staged: Job[] = [];
  for (const job of jobs) {
    const before = changes.length;
    try {
      job.stage(writer.rows, {
        put: (key, value) => void changes.push({ key, value }),
        remove: (key) => void changes.push({ key, value: undefined }),
      });
      staged.push(job);
    } catch (error) {
      changes.length = before;
      job.failed(error);
    }
  }
  try {
    if (changes.length > 0) await save(writer, changes);
  } catch (error) {
    const failure = storeFailure(await causeOf(error), writer.dir);
    for (const job of staged) job.failed(failure);
    return;
  }
  for (const job of staged) job.done();
}

async function save(writer: Writer, changes: readonly Change[]): Promise<void> {
  const { log, logged } = writer;
  const frame = writer.doubtful ? undefined : log.frame(changes);
  if (frame === undefined) return writeAll(writer, changes);
  const began = performance.now();
  writer.doubtful = true;
  if (writer.usualMs < STAND_STILL_MS) log.addSync(frame);
  else await log.add(frame);
  writer.doubtful = false;
  noteTime(writer, began);
  for (const [name, change] of frame.changes) logged.set(name, change);
}

/** To LMDB, with what is only in the log so far. */
async function writeAll(writer: Writer, changes: readonly Change[]): Promise<void> {
  const all = [...unsettled(writer), ...changes];
  const began = performance.now();
  writer.doubtful = true;
  if (writer.usualMs < STAND_STILL_MS && isSmall(all)) writeSync(writer, all);
  else {
    const file = fileOf(writer);
    writer.seen += all.length * PAGE_BYTES;
    await file.batch(() => {
      apply(file, all, writer.scratch);
    });
  }
  noteTime(writer, began);
  isSettled(writer);
}

/** LMDB has to have everything. */
function settle(writer: Writer): void {
  if (writer.logged.size === 0) return;
  writer.doubtful = true;
  try {
    writeSync(writer, unsettled(writer));
  } catch (error) {
    throw storeFailure(error, writer.dir);
  }
  isSettled(writer);
}

function unsettled({ logged, doubtful, log }: Writer): readonly Change[] {
  if (logged.size === 0 && !doubtful) return [];
  return [...logged.values(), { key: LOGGED_KEY, value: String(log.last) }];
}

function isSettled(writer: Writer): void {
  writer.logged.clear();
  writer.log.restart();
  writer.doubtful = false;
}

function noteTime(writer: Writer, began: number): void {
  writer.usualMs += (performance.now() - began - writer.usualMs) * LAST_COUNTS;
}

function writeSync(writer: Writer, changes: readonly Change[]): void {
  const file = fileOf(writer);
  writer.seen += changes.length * PAGE_BYTES;
  // Not the expression alone: a promise that comes back would leave the transaction open for ever.
  file.transactionSync(() => {
    apply(file, changes, writer.scratch);
  });
}

function apply(file: Lmdb<Buffer, Key>, changes: readonly Change[], scratch: Buffer): void {
  let used = 0;
  for (const { key, value } of changes) {
    // What becomes of each is said by the transaction they are in.
    if (value === undefined) void file.remove(key);
    else {
      const bytes = bytesOf(value, scratch, used);
      if (bytes.buffer === scratch.buffer) used += bytes.length;
      void file.put(key, bytes);
    }
  }
}

/** In the scratch buffer from `used` on, if it is sure to have room. */
function bytesOf(value: RowText, scratch: Buffer, used: number): Buffer {
  if (used + lengthOf(value) * UTF8_MAX > scratch.length)
    return Buffer.from(typeof value === 'string' ? value : value.join('\n'));
  return scratch.subarray(used, writeText(value, scratch, used));
}

const NO_SCRATCH = Buffer.alloc(0);

function isSmall(changes: readonly Change[]): boolean {
  if (changes.length > SMALL_CHANGES) return false;
  let length = 0;
  for (const { value } of changes) length += lengthOf(value);
  return length <= SMALL_LENGTH;
}

/** No transaction is under way; whoever wants to read waits. */
async function reopen(writer: Writer): Promise<void> {
  const { file } = writer;
  writer.file = undefined;
  writer.seen = 0;
  await file?.close();
}

function fileOf(writer: Writer): Lmdb<Buffer, Key> {
  writer.file ??= openFile(writer.dir);
  return writer.file;
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
