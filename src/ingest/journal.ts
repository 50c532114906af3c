/**
 * What came in, kept for rehearsals: every accepted delivery and every reaction, as a recording, one
 * file for each day (UTC) beside the state. `quell replay --since` and `quell suggest` read it, also
 * while the service runs.
 *
 *   recorded/2026-01-31.jsonl.gz    a day that is over
 *   recorded/2026-02-01.jsonl       today
 *
 * It is no record of truth: like every recording it never slows or fails a request, and what the disk
 * does not take is counted and left out. Days older than the retention go, and the oldest of them
 * when all together grow too large.
 */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { AppError, codeOf } from '../errors.ts';
import { CAPACITY, type Capacity } from '../limits.ts';
import type { Instant } from '../model.ts';
import { openRecorder, type Recorder, type RecorderDeps } from './recorder.ts';

export interface Journal {
  /** Appends a line of a recording, line break included. */
  line(at: Instant, line: Uint8Array): void;
  /** Resolves when whoever reads the files finds everything so far. */
  flush(): Promise<void>;
  /** Of all days, about. */
  readonly bytes: number;
  /** Forgets days that ended before an instant. Rejects with the error of the file system. */
  prune(before: Instant): Promise<void>;
  /** Resolves when everything that was taken is written. */
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;
/** Of the bytes of all days: one on which very much comes in must not push out all others. */
const TODAY_SHARE = 1 / 2;
const NAME = /^(\d{4}-\d\d-\d\d)\.jsonl(\.gz)?$/;
/** A day that is being packed, by some process. */
const UNFINISHED = /^\d{4}-\d\d-\d\d\.jsonl\.\d+\.new$/;
/** Whoever packs writes more often than that, or is gone. */
const UNFINISHED_MS = 10 * 60_000;
/** Read backwards from the end of a file to find its last whole line. */
const TAIL_BYTES = 1024 * 1024;

interface Today {
  readonly day: string;
  readonly endsAt: Instant;
  readonly recorder: Recorder;
  bytes: number;
}

export interface JournalDeps extends RecorderDeps {
  /** Gets each line as well, and is closed with it. */
  readonly also?: Recorder | undefined;
  readonly limits?: Pick<Capacity, 'recorded'>;
}

/** Where it lies in a data directory. */
export function journalDir(dataDir: string): string {
  return join(dataDir, 'recorded');
}

export function dayOf(at: Instant): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** Rejects with an AppError when the folder cannot be written. */
export async function openJournal(dir: string, now: Instant, deps: JournalDeps): Promise<Journal> {
  const bytesMax = (deps.limits ?? CAPACITY).recorded;
  await prepare(dir, dayOf(now));
  let today = await openDay(dir, dayOf(now), deps);
  let closedBytes = await bytesOfClosed(dir);
  let tidying: Promise<void> = closeDays(dir, today.day, deps);
  const turnTo = (day: string): void => {
    const ended = today;
    today = startDay(dir, day, deps);
    tidying = tidying.then(() => ended.recorder.close()).then(() => closeDays(dir, day, deps));
  };
  const line = (at: Instant, bytes: Uint8Array): void => {
    // A clock that goes back writes on in the newer file.
    if (at >= today.endsAt) turnTo(dayOf(at));
    deps.also?.line(bytes);
    if (today.bytes + bytes.length > bytesMax * TODAY_SHARE) {
      deps.metrics.limitReached('recorded');
      deps.metrics.recordingLost(1);
      return;
    }
    today.bytes += bytes.length;
    today.recorder.line(bytes);
  };
  return {
    line,
    flush: () => today.recorder.flush(),
    get bytes() {
      return closedBytes + today.bytes;
    },
    async prune(before) {
      const day = dayOf(before - DAY_MS);
      await dropUnfinished(dir);
      const forgotten = await forgetDays(dir, day, bytesMax - today.bytes);
      if (forgotten.isFull) deps.metrics.limitReached('recorded');
      closedBytes = forgotten.bytes;
    },
    async close() {
      await tidying;
      await Promise.all([today.recorder.close(), deps.also?.close()]);
    },
  };
}

function startDay(dir: string, day: string, deps: RecorderDeps): Today {
  const endsAt = Date.parse(day) + DAY_MS;
  return { day, endsAt, recorder: openRecorder(pathOf(dir, day), deps), bytes: 0 };
}

/** Its file may be there already. */
async function openDay(dir: string, day: string, deps: RecorderDeps): Promise<Today> {
  const today = startDay(dir, day, deps);
  const { size } = await stat(pathOf(dir, day));
  return { ...today, bytes: size };
}

function pathOf(dir: string, day: string): string {
  return join(dir, `${day}.jsonl`);
}

async function prepare(dir: string, today: string): Promise<void> {
  try {
    if (!existsSync(dir)) await mkdir(dir, { mode: 0o700 });
    for (const { name, day, closed } of await daysIn(dir)) {
      if (!closed && day === today) await cutTail(join(dir, name));
    }
  } catch (error) {
    // Every failure of the file system has a code.
    const code = codeOf(error);
    if (code === undefined) throw error;
    const message = `cannot keep what comes in under ${dir} (${code}): check QUELL_DATA_DIR`;
    throw new AppError('cannot-record', message, { retryable: false, cause: error });
  }
}

/** A process that was killed may leave half a line at the end: it goes, so that the next is a whole one. */
async function cutTail(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    for (let end = size; end > 0; ) {
      const from = Math.max(0, end - TAIL_BYTES);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(end - from), 0, end - from, from);
      const newline = buffer.subarray(0, bytesRead).lastIndexOf(10);
      if (newline >= 0) return await file.truncate(from + newline + 1);
      end = from;
    }
    await file.truncate(0);
  } finally {
    await file.close();
  }
}

/** Packs the days that are over. What cannot be packed stays as it is, and is tried again the next day. */
async function closeDays(dir: string, today: string, { log }: RecorderDeps): Promise<void> {
  try {
    for (const { name, day, closed } of await daysIn(dir)) {
      if (closed || day >= today) continue;
      const path = join(dir, name);
      // Another process may share the folder, and do the same.
      const packed = `${path}.${process.pid}.new`;
      await cutTail(path);
      await pipeline(
        createReadStream(path),
        createGzip(),
        createWriteStream(packed, { mode: 0o600 }),
      );
      await rename(packed, `${path}.gz`);
      await rm(path, { force: true });
    }
  } catch (error) {
    log.error({ error, folder: dir }, 'a day of the recording could not be packed');
  }
}

/** `isFull`: days went that were younger. Returns what is left. */
async function forgetDays(
  dir: string,
  before: string,
  bytesMax: number,
): Promise<{ readonly bytes: number; readonly isFull: boolean }> {
  let bytes = 0;
  let looked = 0;
  let isFull = false;
  for (const { name, day, closed } of (await daysIn(dir)).toReversed()) {
    if (!closed) continue;
    const path = join(dir, name);
    const { size } = await stat(path);
    looked += size;
    const goes = day < before || looked > bytesMax;
    if (!goes) bytes += size;
    else await rm(path, { force: true });
    isFull ||= goes && day >= before;
  }
  return { bytes, isFull };
}

/** A process that was killed while it packed a day leaves a file that nobody goes on with. */
async function dropUnfinished(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!UNFINISHED.test(name)) continue;
    const path = join(dir, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > UNFINISHED_MS) await rm(path, { force: true });
  }
}

async function bytesOfClosed(dir: string): Promise<number> {
  let bytes = 0;
  for (const { name, closed } of await daysIn(dir))
    if (closed) bytes += (await stat(join(dir, name))).size;
  return bytes;
}

export interface JournalDay {
  readonly name: string;
  readonly day: string;
  /** Packed: nothing is added to it any more. */
  readonly closed: boolean;
}

/** Oldest first; a day that is being packed counts once. */
export async function daysIn(dir: string): Promise<readonly JournalDay[]> {
  const found = new Map<string, JournalDay>();
  for (const name of (await readdir(dir)).sort()) {
    const [, day, packed] = NAME.exec(name) ?? [];
    if (day !== undefined) found.set(day, { name, day, closed: packed !== undefined });
  }
  return [...found.values()];
}
