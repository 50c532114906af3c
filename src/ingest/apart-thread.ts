/**
 * The thread that reads one large body (read-apart.ts). It hands over a part of the events each time that it
 * is asked for more: what comes from a thread is copied, and to copy all at once takes as long as to read it.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Event } from '../model.ts';
import { endOfPart } from '../state/weight.ts';
import type { DeliveryContext, Parsed } from './parsed.ts';
import { recordingLine } from './recorder.ts';
import { type Mappings, parseBytes } from './sources.ts';

export interface ThreadData {
  readonly body: Uint8Array;
  readonly context: DeliveryContext;
  readonly mappings: Mappings;
}

export type FromThread =
  | { readonly kind: 'part'; readonly events: readonly Event[] }
  | {
      readonly kind: 'end';
      /** What was read, without its events. */
      readonly rest: Parsed;
      /** How it is recorded. */
      readonly line: Uint8Array<ArrayBuffer>;
    };

/** What the events of a part weigh: a few milliseconds to copy. */
const PART_BYTES = 256 * 1024;

function serve(port: MessagePort, { body, context, mappings }: ThreadData): void {
  const line = Uint8Array.from(recordingLine(context.at, context.source, body));
  const parsed = parseBytes(body, context, mappings);
  const events = parsed.kind === 'parsed' ? parsed.events : [];
  const rest: Parsed = parsed.kind === 'parsed' ? { ...parsed, events: [] } : parsed;
  let next = 0;
  port.on('message', () => {
    if (next >= events.length) {
      const whole: FromThread = { kind: 'end', rest, line };
      return port.postMessage(whole, [line.buffer]);
    }
    const end = endOfPart(events, next, PART_BYTES);
    const part: FromThread = { kind: 'part', events: events.slice(next, end) };
    port.postMessage(part);
    next = end;
  });
}

// What read-apart.ts started it with.
if (parentPort !== null) serve(parentPort, workerData as ThreadData);
