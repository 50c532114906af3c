/**
 * `serve --record FILE`: appends every accepted delivery as one JSON line, for `quell replay`.
 *
 * It never slows or fails a request: lines wait in memory for the disk, and what does not fit is
 * dropped and counted aloud. Flushed when it is closed.
 */
import { createWriteStream } from 'node:fs';
import type { Instant } from '../model.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { textOf } from './json.ts';

export interface Recorder {
  record(at: Instant, source: string, body: Uint8Array): void;
  /** Resolves when everything that was taken is written. */
  close(): Promise<void>;
}

export interface RecorderDeps {
  readonly log: Log;
  readonly metrics: Metrics;
}

/** What may wait for a slow disk. */
const WAITING_MAX = 64 * 1024 * 1024;

export function createRecorder(path: string, { log, metrics }: RecorderDeps): Recorder {
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 });
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
  return {
    record(at, source, body) {
      if (failed) return drop('it cannot be written');
      if (stream.writableLength > WAITING_MAX) return drop('the disk is too slow');
      dropping = false;
      stream.write(recordingLine(at, source, body));
    },
    close: () =>
      new Promise((resolve) => {
        if (failed || stream.closed) return resolve();
        stream.on('close', resolve);
        stream.end();
      }),
  };
}

/** The body stands as it came, so that numbers keep their digits; line breaks in JSON are blanks. */
export function recordingLine(at: Instant, source: string, body: Uint8Array): string {
  const head = `{"at":"${new Date(at).toISOString()}","source":${JSON.stringify(source)},"body":`;
  return `${head}${textOf(body)
    .replaceAll(/[\r\n]+/g, ' ')
    .trim()}}\n`;
}
