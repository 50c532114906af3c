/**
 * The thread that reads what came in, ahead of the one that decides it (read-ahead.ts): files or the
 * network, inflating, JSON, and the names of alerts. Each message asks for the whole of it once.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { fingerprintOf } from '../dedupe/fingerprint.ts';
import { AppError } from '../errors.ts';
import { type Batch, createPacker, type ReadLine } from '../ingest/packed.ts';
import type { Recorded } from '../ingest/recording.ts';
import { knowsSource, NO_MAPPINGS, parseDelivery } from '../ingest/sources.ts';
import { openHistory } from './history.ts';
import type { HistoryPlace } from './history-place.ts';

export interface ThreadData {
  readonly place: HistoryPlace;
  /** How many batches were decided. */
  readonly decided: Int32Array;
}

export interface Wanted {
  /** Sources that rules read by themselves: their deliveries are handed over as they are. */
  readonly mapped: ReadonlySet<string>;
  /** Labels that do not count in an alert's name, if all the rules agree about them. */
  readonly notIdentity: ReadonlySet<string> | undefined;
}

export type FromThread =
  | { readonly kind: 'batch'; readonly batch: Batch }
  | { readonly kind: 'end' }
  /** An AppError, as far as it can be copied. */
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
    };

const LINES_TOGETHER = 500;
/** Batches that may wait to be decided. */
const AHEAD_MAX = 16;

function serveReader(port: MessagePort, data: ThreadData): void {
  let sent = 0;
  const tell = (message: FromThread): void => port.postMessage(message);
  const send = (batch: Batch): void => {
    tell({ kind: 'batch', batch });
    sent++;
    let decided = Atomics.load(data.decided, 0);
    while (sent - decided > AHEAD_MAX) {
      Atomics.wait(data.decided, 0, decided);
      decided = Atomics.load(data.decided, 0);
    }
  };
  const read = async (wanted: Wanted): Promise<void> => {
    try {
      await readAll(data, wanted, send);
      tell({ kind: 'end' });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { code, message, retryable } = error;
      tell({ kind: 'failed', code, message, retryable });
    }
  };
  port.on('message', (wanted: Wanted) => void read(wanted));
}

/** Sends all of it in batches. Rejects with an AppError. */
export async function readAll(
  { place }: ThreadData,
  { mapped, notIdentity }: Wanted,
  send: (batch: Batch) => void,
): Promise<void> {
  const packer = createPacker(({ source, labels }) =>
    notIdentity === undefined ? undefined : fingerprintOf(source, labels, notIdentity),
  );
  let lines = 0;
  await openHistory(place).read((recorded, at) => {
    packer.add(alertsIn(recorded, at, mapped), at.slice(0, at.lastIndexOf(':')));
    if (++lines % LINES_TOGETHER === 0) send(packer.take());
  });
  send(packer.take());
}

function alertsIn(recorded: Recorded, place: string, mapped: ReadonlySet<string>): ReadLine {
  if (recorded.kind !== 'delivery') return recorded;
  const { source, at, line, body } = recorded;
  if (mapped.has(source) || !knowsSource(source, NO_MAPPINGS)) return recorded;
  const parsed = parseDelivery(body, { source, delivery: place, at }, NO_MAPPINGS);
  if (parsed.kind === 'refused') return { kind: 'bad', line, error: parsed.error };
  return { kind: 'alerts', line, at, events: parsed.events };
}

// What read-ahead.ts started it with.
if (parentPort !== null) serveReader(parentPort, workerData as ThreadData);
