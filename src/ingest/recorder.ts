/**
 * `serve --record FILE`: appends every accepted delivery as one JSON line, for `quell replay`.
 *
 * It never slows or fails a request: lines wait in memory for the disk, and what does not fit there, or in
 * the file, is dropped and counted aloud. Flushed when it is closed. A file that cannot be opened is refused.
 */
import { isUtf8 } from 'node:buffer';
import { createWriteStream, fstatSync, openSync } from 'node:fs';
import { AppError, codeOf } from '../errors.ts';
import { over } from '../limits.ts';
import type { Instant } from '../model.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { textOf } from './json.ts';

export interface Recorder {
  /** Appends a line of a recording, line break included. */
  line(bytes: Uint8Array): void;
  /** Resolves when everything so far is written, or never will be. */
  flush(): Promise<void>;
  /** Resolves when everything that was taken is written. */
  close(): Promise<void>;
}

export interface RecorderDeps {
  readonly log: Log;
  readonly metrics: Metrics;
}

interface RecorderOptions extends RecorderDeps {
  /** Of the file, with what stands in it: nothing is added beyond. */
  readonly bytesMax?: number;
}

/** What may wait for a slow disk. */
const WAITING_MAX = 64 * 1024 * 1024;

/** How long lines are gathered for one write, and how many bytes of them. */
const GATHER_MS = 50;
const GATHERED_MAX = 256 * 1024;

/** Fails with an AppError when the file cannot be written to begin with. */
export function openRecorder(
  path: string,
  { log, metrics, bytesMax = Infinity }: RecorderOptions,
): Recorder {
  const fd = openFile(path);
  const file = fstatSync(fd);
  // A pipe does not fill up.
  let bytesLeft = file.isFile() ? bytesMax - file.size : Infinity;
  const stream = createWriteStream(path, { fd });
  let failed = false;
  let dropping = false;
  const drop = (reason: string): void => {
    metrics.recordingLost(1);
    if (!dropping) log.error({ path, reason }, 'the recording loses deliveries');
    dropping = true;
  };
  stream.on('error', (error) => {
    failed = true;
    log.error({ path, error }, 'the recording stopped: it cannot be written');
  });
  // What comes within a moment is one write: to write each by itself costs as much as to decide it.
  let waiting: Uint8Array[] = [];
  let size = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const count = waiting.length;
    if (count > 0) {
      const [first] = waiting;
      const bytes = count === 1 ? first : Buffer.concat(waiting, size);
      stream.write(bytes, (error) => {
        // null or undefined, as the stream likes it.
        if (error instanceof Error) metrics.recordingLost(count);
      });
    }
    waiting = [];
    size = 0;
  };
  const line = (bytes: Uint8Array): void => {
    if (failed) return drop('it cannot be written');
    if (stream.writableLength > WAITING_MAX) return drop('the disk is too slow');
    if (bytes.length > bytesLeft) {
      metrics.limitReached('recorded');
      return drop(over('recorded', `it has ${bytesMax} bytes: name another file`));
    }
    dropping = false;
    bytesLeft -= bytes.length;
    waiting.push(bytes);
    size += bytes.length;
    if (size > GATHERED_MAX) flush();
    else timer ??= setTimeout(flush, GATHER_MS);
  };
  return {
    line,
    flush: () =>
      new Promise((resolve) => {
        if (failed || stream.closed) return resolve();
        flush();
        stream.write('', () => resolve());
      }),
    close: () =>
      new Promise((resolve) => {
        if (failed || stream.closed) return resolve();
        flush();
        stream.on('close', resolve);
        stream.end();
      }),
  };
}

function openFile(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (error) {
    // Every failure of the file system has a code.
    const code = codeOf(error);
    if (code === undefined) throw error;
    const message = `cannot record to ${path} (${code}): check QUELL_RECORD; its folder must exist`;
    throw new AppError('cannot-record', message, { retryable: false, cause: error });
  }
}

/**
 * The body stands as it came, so that numbers keep their digits, and nothing has to be made text of.
 */
export function recordingLine(at: Instant, source: string, body: Uint8Array): Buffer {
  const head = `{"at":"${new Date(at).toISOString()}","source":${JSON.stringify(source)},"body":`;
  const bytes = inOneLine(body);
  let from = isMarked(bytes) ? MARK_BYTES : 0;
  let end = bytes.length;
  while (isBlank(bytes[from])) from++;
  while (end > from && isBlank(bytes[end - 1])) end--;
  const value = from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end);
  // One buffer, written once: it is made for every delivery.
  const line = Buffer.allocUnsafe(head.length * UTF8_MAX + value.length + LINE_END.length);
  let written = line.write(head);
  line.set(value, written);
  written += value.length;
  written += line.write(LINE_END, written);
  return line.subarray(0, written);
}

/** As UTF-8 without line breaks: in JSON they are blanks. The body itself when it is that already, as nearly all are. */
function inOneLine(body: Uint8Array): Uint8Array {
  const isWell = isUtf8(body);
  if (isWell && !body.includes(NEWLINE) && !body.includes(RETURN)) return body;
  const bytes = isWell ? Uint8Array.from(body) : Buffer.from(textOf(body));
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === NEWLINE || bytes[i] === RETURN) bytes[i] = BLANK;
  }
  return bytes;
}

const LINE_END = '}\n';
/** Bytes that a character takes at most. */
const UTF8_MAX = 3;
/** Of a byte order mark. */
const MARK_BYTES = 3;
const [NEWLINE, RETURN, BLANK] = [10, 13, 32];

function isMarked(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** What JSON allows around a value is below a blank, or one. */
function isBlank(byte: number | undefined): boolean {
  return byte !== undefined && byte <= BLANK;
}
