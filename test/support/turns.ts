/**
 * How long a process was kept from everything else: the processor's time of the longest turn of its event loop. Other
 * threads, and what else the machine does, do not count.
 */
import { existsSync, readFileSync } from 'node:fs';

/** First in it: nanoseconds that this thread ran. */
const SCHEDULED = '/proc/thread-self/schedstat';
const isTold = existsSync(SCHEDULED);

/** Milliseconds of processor time of this thread; of the whole process where the system does not say. */
export function threadMs(): number {
  if (isTold) return Number(readFileSync(SCHEDULED, 'latin1').split(' ')[0]) / 1e6;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export interface Turns {
  /** Milliseconds of the longest turn since it was watched. */
  stop(): number;
}

export function watchTurns(): Turns {
  let last = threadMs();
  let longest = 0;
  let next: NodeJS.Immediate | undefined;
  const look = (): void => {
    const now = threadMs();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const turn = (): void => {
    look();
    next = setImmediate(turn);
  };
  next = setImmediate(turn);
  return {
    stop() {
      clearImmediate(next);
      look();
      return longest;
    },
  };
}
