/**
 * The two BullMQ queues of a lane, and how their workers behave.
 *
 *   inbox   what came in and is not decided yet, oldest first
 *   lead    one job that is never done: whoever works on it leads the lane
 *
 * A worker keeps the lock of its job as long as it lives. When it is killed, stands still or is cut
 * off, the lock ends, and a check that every instance makes gives the job to the next.
 */
import { setTimeout } from 'node:timers/promises';
import { Queue, type QueueOptions, Worker, type WorkerOptions } from 'bullmq';
import type { Connection } from '../store/redis/connection.ts';

/** A lock that is not renewed for so long is lost. */
export const LOCK_MS = 5_000;
/** How often it is looked for lost ones: an instance that dies is replaced within both together, and a bit. */
const STALLED_CHECK_MS = 2_000;
/** After a command that failed. */
const RETRY_MS = 250;
/** Redis is asked for work, and it answers when there is some, or after so long. */
const WAIT_FOR_WORK_S = 5;
const CLOSE_MS = 1_000;
/** BullMQ's own record of what happens in a queue: nobody here reads it. */
const EVENTS_KEPT = 100;

function queueOptions({ client }: Connection, tag: string): QueueOptions {
  return { connection: client, prefix: tag, streams: { events: { maxLen: EVENTS_KEPT } } };
}

export function workerOptions({ client }: Connection, tag: string) {
  return {
    connection: client,
    prefix: tag,
    autorun: false,
    concurrency: 1,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    runRetryDelay: RETRY_MS,
    drainDelay: WAIT_FOR_WORK_S,
  } as const satisfies WorkerOptions;
}

/** Ends what BullMQ does; without Redis it would wait for it to come back. */
export async function closeSoon(part: Queue | Worker): Promise<void> {
  await Promise.race([
    part instanceof Worker ? part.close(true) : part.close(),
    setTimeout(CLOSE_MS, undefined, { ref: false }),
  ]);
}

/** One job at a time, in all instances together. */
export async function openQueue(
  name: 'inbox' | 'lead',
  connection: Connection,
  tag: string,
  trouble: (error: Error) => void,
): Promise<Queue> {
  const queue = new Queue(name, queueOptions(connection, tag));
  queue.on('error', trouble);
  await queue.waitUntilReady();
  await queue.setGlobalConcurrency(1);
  return queue;
}
