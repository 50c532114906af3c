/**
 * The inbox of a lane: a BullMQ queue of what came in, one job after the other, whoever decides them.
 *
 * Deliveries that come while a job is being written share the next one, so one write serves many
 * requests. A job that could not be decided is tried again before the next; one that takes its worker
 * down with it again and again is set aside as failed, and kept for inspection.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type Job, type Queue, WaitingError, Worker } from 'bullmq';
import { AppError, asError } from '../errors.ts';
import { type Capacity, over } from '../limits.ts';
import type { Event, Instant } from '../model.ts';
import { refusal } from '../lane/refusals.ts';
import type { Connection } from '../store/redis/connection.ts';
import { weightOf } from '../state/weight.ts';
import { keepRows, leaveRows, readRows, rowsOf, sendRows } from './job-rows.ts';
import { createOwnJobs, InboxWorker, type OwnJobs } from './own-jobs.ts';
import { closeSoon, openQueue, workerOptions } from './queues.ts';

export interface Inbox {
  /** Resolves when Redis has it: only then may a webhook be answered 2xx. Rejects with a retryable AppError. */
  add(at: Instant, events: readonly Event[]): Promise<void>;
  /** Asks how much waits. */
  look(): Promise<void>;
  /** Jobs that are not decided yet, as far as is known. */
  readonly waiting: number;
  /** Events in them, about. */
  readonly waitingEvents: number;
  /** Jobs that took their workers down with them, and are kept. */
  readonly setAside: number;
  /** Decides what waits, one job at a time, until it is told to stop. */
  decide(job: (job: InboxJob) => Promise<void>): { stop(): Promise<void> };
  close(): Promise<void>;
}

export interface InboxJob {
  readonly id: string;
  readonly at: Instant;
  readonly events: readonly Event[];
  /** It was given to a worker before: it may have been decided. */
  readonly again: boolean;
}

interface InboxOptions {
  /** For writing: fails at once when Redis is away. */
  readonly prompt: Connection;
  /** For workers. */
  readonly blocking: Connection;
  readonly tag: string;
  /** Beyond these senders are asked to come back. */
  readonly limits: Pick<Capacity, 'waiting' | 'bodies'>;
  readonly trouble: (error: Error) => void;
  /** A job could not be decided, or was set aside. */
  readonly failed: (id: string, error: Error) => void;
}

/** Two jobs of one instance are at least this far apart, so that a lane need not decide thousands of small ones. */
const APART_MS = 5;
/** Events of several deliveries in one job. One delivery may have more. */
const TOGETHER_MAX = 2_000;
/** A job takes as long to decide as so many events, however few there are in it. */
const EVENTS_OF_JOB_MIN = 10;
/** Of the jobs that were written here last, about so many count for how much one has. */
const JOBS_COUNTED = 50;
/** A job that is with its worker when it dies so often has killed it. */
const DEATHS_MAX = 10;
/** After a job that could not be decided. */
const AGAIN_MS = 250;
const FAILED_KEPT = 1_000;
const STOP_MS = 2_000;
/** Of what a job says: see `Written`. Another one with every kind of event that an earlier version lacks. */
const FORMAT = 2;

interface Written {
  readonly format: number;
  readonly at: Instant;
  /** How many rows of events there are beside it. */
  readonly rows: number;
}

/** Whoever wrote it has its events at hand. */
interface OwnJob extends Written {
  readonly events: readonly Event[];
}

type AnyJob = Written | OwnJob;

interface Delivery {
  readonly at: Instant;
  readonly events: readonly Event[];
  /** What its alerts weigh. */
  readonly bytes: number;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Events, and what their alerts weigh in bytes. */
interface Load {
  events: number;
  bytes: number;
}

interface Open extends InboxOptions {
  readonly queue: Queue;
  readonly own: OwnJobs<OwnJob>;
  unwritten: Delivery[];
  readonly unwrittenLoad: Load;
  /** Of one job, on the average. Other instances do not say how much theirs have. */
  readonly perJob: Load;
  writing: Promise<void> | undefined;
  waiting: number;
  setAside: number;
}

export async function openInbox(options: InboxOptions): Promise<Inbox> {
  const { prompt, blocking, tag, trouble } = options;
  const queue = await openQueue('inbox', prompt, tag, trouble);
  const open: Open = {
    ...options,
    queue,
    own: createOwnJobs(),
    unwritten: [],
    unwrittenLoad: { events: 0, bytes: 0 },
    perJob: { events: EVENTS_OF_JOB_MIN, bytes: 0 },
    writing: undefined,
    waiting: 0,
    setAside: 0,
  };
  // Also an instance that does not lead looks for jobs whose worker died, so that none waits for the next.
  const watch = new Worker('inbox', null, {
    ...workerOptions(blocking, tag),
    maxStalledCount: DEATHS_MAX,
  });
  watch.on('error', trouble);
  void watch.startStalledCheckTimer();
  return {
    add: (at, events) => add(open, at, events),
    async look() {
      const { failed = 0, ...going } = await queue.getJobCounts(
        'wait',
        'active',
        'delayed',
        'failed',
      );
      open.waiting = Object.values(going).reduce((sum, count) => sum + count, 0);
      open.setAside = failed;
    },
    get waiting() {
      return open.waiting;
    },
    get waitingEvents() {
      return waitingIn(open).events;
    },
    get setAside() {
      return open.setAside;
    },
    decide: (decide) => work(open, decide),
    async close() {
      while (open.writing !== undefined) await open.writing;
      await closeSoon(watch);
      await closeSoon(queue);
    },
  };
}

function add(open: Open, at: Instant, events: readonly Event[]): Promise<void> {
  const { limits, unwrittenLoad } = open;
  const waiting = waitingIn(open);
  const bytes = events.reduce((sum, event) => sum + bytesOf(event), 0);
  if (waiting.events + events.length > limits.waiting) {
    const what = `about ${Math.round(waiting.events)} events wait to be decided: try again`;
    return Promise.reject(refusal('overloaded', over('waiting', what)));
  }
  // One delivery is always taken: it may be larger than what is left of the limit for them all.
  if (waiting.bytes > 0 && waiting.bytes + bytes > limits.bodies) {
    const what = `about ${Math.round(waiting.bytes)} bytes wait to be decided: try again`;
    return Promise.reject(refusal('overloaded', over('bodies', what)));
  }
  return new Promise((done, failed) => {
    open.unwritten.push({ at, events, bytes, done, failed });
    unwrittenLoad.events += events.length;
    unwrittenLoad.bytes += bytes;
    start(open);
  });
}

function waitingIn({ unwrittenLoad, waiting, perJob }: Open): Load {
  return {
    events: unwrittenLoad.events + waiting * Math.max(perJob.events, EVENTS_OF_JOB_MIN),
    bytes: unwrittenLoad.bytes + waiting * perJob.bytes,
  };
}

function bytesOf(event: Event): number {
  return event.kind === 'alert' ? weightOf(event.alert) : 0;
}

function start(open: Open): void {
  open.writing ??= write(open).finally(() => {
    open.writing = undefined;
    if (open.unwritten.length > 0) start(open);
  });
}

async function write(open: Open): Promise<void> {
  while (open.unwritten.length > 0) {
    const deliveries = open.unwritten.splice(0, countTogether(open.unwritten));
    for (const { events, bytes } of deliveries) {
      open.unwrittenLoad.events -= events.length;
      open.unwrittenLoad.bytes -= bytes;
    }
    try {
      await writeJob(open, deliveries);
      for (const { done } of deliveries) done();
    } catch (error) {
      const what = 'Redis cannot be written';
      const refusal = new AppError('store-unavailable', what, { retryable: true, cause: error });
      for (const { failed } of deliveries) failed(refusal);
    }
    await setTimeout(APART_MS);
  }
}

async function writeJob(open: Open, all: readonly Delivery[]): Promise<void> {
  const events = all.flatMap((one) => one.events);
  const at = Math.max(...all.map((one) => one.at));
  const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
  const { queue, own, prompt } = open;
  const jobId = randomUUID();
  const rows = rowsOf(queue.toKey(jobId));
  const { count, written } = await sendRows(prompt.client, rows, events);
  const data: Written = { format: FORMAT, at, rows: count };
  // Before it is written: it may come back sooner than the answer.
  own.keep(jobId, { ...data, events }, bytes);
  const options = { jobId, removeOnComplete: true, removeOnFail: { count: FAILED_KEPT } };
  const added = queue.add('deliveries', data, options);
  const sent = [written, added, keepRows(prompt.client, rows)];
  try {
    await Promise.all(sent);
  } catch (error) {
    own.drop(jobId);
    void Promise.allSettled(sent).then(() => leaveRows(prompt.client, rows));
    throw error;
  }
  open.waiting++;
  open.perJob.events += (events.length - open.perJob.events) / JOBS_COUNTED;
  open.perJob.bytes += (bytes - open.perJob.bytes) / JOBS_COUNTED;
  if (!(await open.prompt.secured(open.tag))) throw new Error('no replica has it in time');
}

function countTogether(deliveries: readonly Delivery[]): number {
  let events = 0;
  const end = deliveries.findIndex((one) => {
    events += one.events.length;
    return events > TOGETHER_MAX;
  });
  return end < 0 ? deliveries.length : Math.max(1, end);
}

function work(
  { blocking, tag, trouble, failed, own, queue, prompt }: Open,
  decide: (job: InboxJob) => Promise<void>,
): { stop(): Promise<void> } {
  async function process(job: Job<AnyJob>): Promise<void> {
    const { id = '' } = job;
    try {
      const read = await readJob(job, prompt, rowsOf(queue.toKey(id)));
      if (read === undefined)
        failed(id, new Error('what it says is gone: its sender was not told that it is here'));
      else await decide(read);
      own.drop(id);
    } catch (error) {
      failed(id, asError(error));
      await setTimeout(AGAIN_MS);
      // Back to the front, whoever takes it next: those behind it must not overtake it. Without an answer
      // its lock ends, and it comes back there, too.
      await job.moveToWait(job.token).catch(trouble);
      throw new WaitingError();
    }
  }
  const worker = new InboxWorker<AnyJob>('inbox', process, {
    ...workerOptions(blocking, tag),
    maxStalledCount: DEATHS_MAX,
  });
  worker.own = own;
  own.leads(true);
  worker.on('error', trouble);
  worker.on('failed', (job, error) => failed(job?.id ?? 'unknown', error));
  worker.run().catch(trouble);
  return {
    async stop() {
      // What it does it may end, unless Redis is away: then the job is given to another worker anyway.
      await Promise.race([worker.pause(), setTimeout(STOP_MS, undefined, { ref: false })]);
      await closeSoon(worker);
      own.leads(false);
    },
  };
}

/** Undefined: it is of no use any more. */
async function readJob(
  { id = '', data, attemptsStarted, stalledCounter }: Job<AnyJob>,
  { client }: Connection,
  rows: string,
): Promise<InboxJob | undefined> {
  if (data.format > FORMAT) {
    // It waits for an instance that knows it.
    const what = `this instance is older than what wrote the job (format ${data.format}, it knows ${FORMAT}): upgrade it`;
    throw new AppError('store-format', what, { retryable: false });
  }
  const again = attemptsStarted > 1 || stalledCounter > 0;
  const events = 'events' in data ? data.events : await readRows(client, rows, data.rows);
  return events === undefined ? undefined : { id, at: data.at, events, again };
}
