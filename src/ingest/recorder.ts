/**
 * `serve --record FILE`: appends every accepted delivery as one JSON line, for `quell replay`.
 *
 * It never slows or fails a request: lines wait in memory for the disk, and what does not fit is
 * dropped and counted aloud. Flushed when it is closed. A file that cannot be opened is refused.
 */
import { createWriteStream, openSync } from 'node:fs';
import { AppError } from '../errors.ts';
import type { Instant } from '../model.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { textOf } from './json.ts';

export interface Recorder {
  /** Appends a line of a recording, line break included. */
  line(text: string): void;
  /** Resolves when everything that was taken is written. */
  close(): Promise<void>;
}

export interface RecorderDeps {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What may wait for a slow disk. */
const WAITING_MAX = 64 * 1024 * 1024;

/** Fails with an AppError when the file cannot be written to begin with. */
export function openRecorder(path: string, { log, metrics }: RecorderDeps): Recorder {
  const stream = createWriteStream(path, { fd: openFile(path) });
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
  // What comes in one turn of the process is one write.
  let waiting = '';
  const flush = (): void => {
    if (waiting !== '') stream.write(waiting);
    waiting = '';
  };
  const line = (text: string): void => {
    if (failed) return drop('it cannot be written');
    if (stream.writableLength > WAITING_MAX) return drop('the disk is too slow');
    dropping = false;
    if (waiting === '') setImmediate(flush);
    waiting += text;
  };
  return {
    line,
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
    if (!(error instanceof Error && 'code' in error)) throw error;
    const message = `cannot record to ${path} (${String(error.code)}): check QUELL_RECORD; its folder must exist`;
    throw new AppError('cannot-record', message, { retryable: false, cause: error });
  }
}

/** The body stands as it came, so that numbers keep their digits; line breaks in JSON are blanks. */
export function recordingLine(at: Instant, source: string, body: Uint8Array): string {
  const head = `{"at":"${new Date(at).toISOString()}","source":${JSON.stringify(source)},"body":`;
  const text = textOf(body).trim();
  // Nearly all bodies are one line already.
  const isOneLine = !text.includes('\n') && !text.includes('\r');
  return `${head}${isOneLine ? text : text.replaceAll(/[\r\n]+/g, ' ')}}\n`;
}
