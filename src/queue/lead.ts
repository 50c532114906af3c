/**
 * Who leads a lane: the instance that works on the one job of its `lead` queue.
 *
 * BullMQ gives the job to one worker at a time, and takes it away from one that does not renew its
 * lock. The leader knows by its own clocks until when nobody else can have it, and does nothing that
 * only a leader may do after that: neither commit nor speak. So an instance that was stopped for a
 * while finds out before it acts, without asking anybody.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type Job, type Queue, Worker } from 'bullmq';
import { AppError, asError } from '../errors.ts';
import type { Connection } from '../store/redis/connection.ts';
import { closeSoon, LOCK_MS, openQueue, workerOptions } from './queues.ts';

export interface Lead {
  /** True while nobody else can lead. */
  holds(): boolean;
  /** Lets another instance have it, and seeks it again: a little later, see `patienceMs`. */
  giveBack(): void;
  /** Gives it back, so that another instance has it at once, and wants it no more. */
  stop(): Promise<void>;
}

interface LeadOptions {
  /** For commands that are answered at once. */
  readonly prompt: Connection;
  /** For waiting. */
  readonly blocking: Connection;
  readonly tag: string;
  readonly trouble: (error: Error) => void;
  /** How long others come first. */
  readonly patienceMs: () => number;
  /** This instance leads now. When it rejects, the lead is given back; because it is too old: for good. */
  readonly gained: () => Promise<void>;
  /** It does not any more. Whatever only a leader may do has ended when it resolves. */
  readonly lost: () => Promise<void>;
}

const RENEW_MS = 1_000;
/** The lock ends a little earlier for whoever holds it than for the others. */
const MARGIN_MS = 500;
/** After the lead could not be had because Redis did not answer. */
const AGAIN_MS = 500;
const STOP_MS = 1_000;
/** While others come first: how often it is looked whether they still do. */
const PATIENT_MS = 250;
const JOB = 'lead';

interface Seeking extends LeadOptions {
  readonly queue: Queue;
  readonly worker: Worker;
  readonly token: string;
  readonly stopping: AbortController;
  until: Deadline | undefined;
  /** Has the job, be its lock lost or not. Aborted: it is given back. */
  working: AbortController | undefined;
}

/** By the clock that never jumps, and by the one that goes on while the machine sleeps. */
interface Deadline {
  readonly steady: number;
  readonly wall: number;
}

export async function seekLead(options: LeadOptions): Promise<Lead> {
  const { prompt, blocking, tag, trouble } = options;
  const queue = await openQueue('lead', prompt, tag, trouble);
  const worker = new Worker('lead', null, {
    ...workerOptions(blocking, tag),
    // It is taken over as often as instances die.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  worker.on('error', trouble);
  const seeking: Seeking = {
    ...options,
    queue,
    worker,
    token: randomUUID(),
    stopping: new AbortController(),
    until: undefined,
    working: undefined,
  };
  void worker.startStalledCheckTimer();
  const done = seek(seeking);
  return {
    holds: () => holds(seeking),
    giveBack: () => seeking.working?.abort(),
    async stop() {
      seeking.stopping.abort();
      if (seeking.working !== undefined) await done;
      // Who waits for the job does so no longer than the worker lives.
      await closeSoon(worker);
      await Promise.race([done, setTimeout(STOP_MS, undefined, { ref: false })]);
      await closeSoon(queue);
    },
  };
}

/** A newer version wrote what this one does not know. */
export function isTooOld(error: unknown): boolean {
  return error instanceof AppError && error.code === 'store-format';
}

function holds({ until }: Seeking): boolean {
  return until !== undefined && performance.now() < until.steady && Date.now() < until.wall;
}

async function seek(seeking: Seeking): Promise<void> {
  const { queue, worker, token, trouble } = seeking;
  const { signal } = seeking.stopping;
  while (!signal.aborted) {
    try {
      // It is there already, unless this is the first instance ever.
      await queue.add(JOB, {}, { jobId: JOB, removeOnFail: true });
      // Who waits for it has it as soon as it is free; who lets others come first only looks.
      const block = !(await letOthersFirst(seeking));
      if (signal.aborted) return;
      const job = await worker.getNextJob(token, { block });
      if (job !== undefined) await hold(seeking, job);
    } catch (error) {
      if (signal.aborted) return;
      trouble(asError(error));
      await setTimeout(AGAIN_MS);
    }
  }
}

/** True when it had to wait. */
async function letOthersFirst({ patienceMs, stopping: { signal } }: Seeking): Promise<boolean> {
  let waited = 0;
  while (waited < patienceMs() && !signal.aborted) {
    await setTimeout(PATIENT_MS, undefined, { signal }).catch(() => undefined);
    waited += PATIENT_MS;
  }
  return waited > 0 && patienceMs() > 0;
}

async function hold(seeking: Seeking, job: Job): Promise<void> {
  const { gained, lost, token, trouble } = seeking;
  const { signal } = seeking.stopping;
  if (!(await renew(seeking, job))) return;
  const working = new AbortController();
  seeking.working = working;
  const renewing = keepRenewing(seeking, job, AbortSignal.any([signal, working.signal]));
  try {
    await gained();
    await renewing;
  } catch (error) {
    // It would only take it from those that can lead.
    if (isTooOld(error)) seeking.stopping.abort();
    trouble(asError(error));
  } finally {
    working.abort();
    await renewing;
    await lost();
    const may = holds(seeking);
    seeking.until = undefined;
    // Else somebody has it, or will find it without a lock.
    if (may) await job.moveToWait(token).catch(trouble);
    seeking.working = undefined;
  }
}

/** Resolves when the lead is lost, or nobody wants it any more. */
async function keepRenewing(seeking: Seeking, job: Job, signal: AbortSignal): Promise<void> {
  while (holds(seeking) && !signal.aborted) {
    await setTimeout(RENEW_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted || !holds(seeking)) return;
    if (!(await renew(seeking, job))) return;
  }
}

/** False: somebody else has it. When Redis does not answer, the lead is kept until its time is over. */
async function renew(seeking: Seeking, job: Job): Promise<boolean> {
  const { token, trouble, until } = seeking;
  const from = { steady: performance.now(), wall: Date.now() };
  const asked = job.extendLock(token, LOCK_MS);
  const left = until === undefined ? LOCK_MS : until.steady - from.steady;
  try {
    const renewed = await Promise.race([
      asked,
      setTimeout(left, 'no answer' as const, { ref: false }),
    ]);
    if (renewed !== 1) return false;
    const ms = LOCK_MS - MARGIN_MS;
    seeking.until = { steady: from.steady + ms, wall: from.wall + ms };
    return true;
  } catch (error) {
    trouble(asError(error));
    return holds(seeking);
  } finally {
    // Whoever did not wait for it hears of its end all the same.
    asked.catch(() => undefined);
  }
}
