/**
 * Jobs that an instance wrote into the inbox of a lane that it leads itself: it need not make alerts of a text again
 * that it has just made of them. Redis has them all the same, and whoever leads next reads them there.
 */
import { type Job, type JobJson, Worker } from 'bullmq';

export interface OwnJobs<T> {
  /** `bytes`: what it takes in memory. What is too much, or comes while another instance leads, is not kept. */
  keep(id: string, data: T, bytes: number): void;
  of(id: string): T | undefined;
  drop(id: string): void;
  /** This instance leads from now on, or does not any more. */
  leads(now: boolean): void;
}

/** What waits for long is in Redis alone. */
const KEPT_BYTES_MAX = 32 * 1024 * 1024;

export function createOwnJobs<T>(): OwnJobs<T> {
  const jobs = new Map<string, { readonly data: T; readonly bytes: number }>();
  let kept = 0;
  let leading = false;
  return {
    keep(id, data, bytes) {
      if (!leading || kept + bytes > KEPT_BYTES_MAX) return;
      jobs.set(id, { data, bytes });
      kept += bytes;
    },
    of: (id) => jobs.get(id)?.data,
    drop(id) {
      kept -= jobs.get(id)?.bytes ?? 0;
      jobs.delete(id);
    },
    leads(now) {
      leading = now;
      jobs.clear();
      kept = 0;
    },
  };
}

/** Does not read the text of a job that is at hand. A class because BullMQ asks for one. */
export class InboxWorker<T> extends Worker<T> {
  own: Pick<OwnJobs<T>, 'of'> | undefined;

  protected override createJob(json: JobJson, id: string): Job<T> {
    const data = this.own?.of(id);
    if (data === undefined) return super.createJob(json, id);
    const job = super.createJob({ ...json, data: '{}' }, id);
    job.data = data;
    return job;
  }
}
