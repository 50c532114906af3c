/**
 * Reads bodies. A large one is read in a thread of its own (apart-thread.ts), so that nobody waits for it: JSON of
 * ten megabytes can take a third of a second, whatever its limits, and nothing else is done meanwhile.
 *
 * Its events come back in parts, with a turn for others after each. One large body is read at a time;
 * those that wait count for the limit `bodies`.
 */
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Event } from '../model.ts';
import type { FromThread, ThreadData } from './apart-thread.ts';
import type { DeliveryContext, Parsed } from './parsed.ts';
import { type Mappings, parseBytes } from './sources.ts';

export interface ReadDelivery {
  readonly parsed: Parsed;
  /** How it is recorded, where that was made along with it. */
  readonly line: Uint8Array | undefined;
}

/** Rejects with what parsing throws: a bug. */
export type DeliveryReader = (
  body: Uint8Array,
  context: DeliveryContext,
  mappings: Mappings,
) => ReadDelivery | Promise<ReadDelivery>;

/** Smaller ones take 30 ms at the most, and hardly ever as long as to start a thread. */
const LARGE_BYTES = 1024 * 1024;

/** `thread`: the file of it. Without one everything is read at once. */
export function createReader(thread: URL | undefined = THREAD): DeliveryReader {
  let before: Promise<unknown> = Promise.resolve();
  return (body, context, mappings) => {
    if (thread === undefined || body.length <= LARGE_BYTES)
      return { parsed: parseBytes(body, context, mappings), line: undefined };
    const read = before.then(() => readIn(thread, body, context, mappings));
    before = read.catch(() => undefined);
    return read;
  };
}

/** Undefined when Quell runs as source: Node 20 loads no TypeScript in a thread. */
const THREAD = import.meta.url.endsWith('.ts')
  ? undefined
  : new URL('./apart-thread.js', import.meta.url);

async function readIn(
  file: URL,
  body: Uint8Array,
  context: DeliveryContext,
  mappings: Mappings,
): Promise<ReadDelivery> {
  const copy = Uint8Array.from(body);
  const workerData: ThreadData = { body: copy, context, mappings };
  const thread = new Worker(file, { workerData, transferList: [copy.buffer] });
  const failed = failureOf(thread);
  try {
    const events: Event[] = [];
    for (;;) {
      thread.postMessage('more');
      const [said] = await Promise.race([once(thread, 'message'), failed]);
      // Our own thread says nothing else.
      const part = said as FromThread;
      if (part.kind === 'end') {
        const { rest, line } = part;
        return { parsed: rest.kind === 'refused' ? rest : { ...rest, events }, line };
      }
      for (const event of part.events) events.push(event);
      await setImmediate();
    }
  } finally {
    await thread.terminate();
  }
}

/** Rejects when the thread is no more, whether anybody waits for it then or not. */
function failureOf(thread: Worker): Promise<never> {
  const failed = new Promise<never>((_, reject) => {
    thread.on('error', reject);
    thread.once('exit', () => reject(new Error('the thread ended before the body was read')));
  });
  failed.catch(() => undefined);
  return failed;
}
