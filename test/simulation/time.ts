/**
 * Virtual time: nothing waits, timers run when the simulation moves on. And the clock of a process on
 * it, which may be wrong: jump, or stand still, as clocks of machines do.
 */

export interface VirtualTime {
  /** True time: what the world goes by. */
  readonly now: () => number;
  readonly wakeAt: (at: number, callback: () => void) => () => void;
  /** Runs everything that is due until then, and lets all that follows from it settle. */
  readonly advance: (ms: number) => Promise<void>;
}

/** Timers that run in the life of a world; a usual one has some hundreds, the busiest of 150 had 12,000. */
const TIMERS_MAX = 100_000;

/** Something is due again and again, at once: nothing else would ever happen. */
export class NeverRests extends Error {}

export function createTime(start: number): VirtualTime {
  let now = start;
  const timers = new Set<{ at: number; order: number; callback: () => void }>();
  let order = 0;
  let ran = 0;
  return {
    now: () => now,
    wakeAt(at, callback) {
      const timer = { at, order: order++, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const due = [...timers]
          .filter(({ at }) => at <= until)
          .sort((a, b) => a.at - b.at || a.order - b.order)[0];
        if (due === undefined) break;
        if (++ran > TIMERS_MAX) throw new NeverRests(`it never rests: ${TIMERS_MAX} timers ran`);
        timers.delete(due);
        now = Math.max(now, due.at);
        due.callback();
        await settle();
      }
      now = until;
    },
  };
}

/** Everything here is memory: a few rounds of the event loop carry out all that can be. */
async function settle(): Promise<void> {
  for (let round = 0; round < 4; round++) await new Promise((resolve) => setImmediate(resolve));
}

export interface MachineClock {
  readonly now: () => number;
  readonly wakeAt: (at: number, callback: () => void) => () => void;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Forwards, or backwards. */
  readonly jump: (ms: number) => void;
  /** Stands still for a while, and is behind from then on. */
  readonly stop: (ms: number) => void;
  /** Right again. */
  readonly mend: () => void;
}

/** As in Node: timers take a time to wait, so they run by true time whatever the clock says meanwhile. */
export function createClock(time: VirtualTime): MachineClock {
  let offset = 0;
  let stopped = { from: 0, until: 0 };
  const now = () => {
    const { from, until } = stopped;
    const lost = Math.max(0, Math.min(time.now(), until) - from);
    return time.now() + offset - lost;
  };
  const wakeAt = (at: number, callback: () => void) =>
    // Node waits a millisecond at the least.
    time.wakeAt(time.now() + Math.max(1, at - now()), callback);
  return {
    now,
    wakeAt,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const abort = () => {
          off();
          resolve();
        };
        const off = time.wakeAt(time.now() + ms, () => {
          signal.removeEventListener('abort', abort);
          resolve();
        });
        signal.addEventListener('abort', abort);
      }),
    jump(ms) {
      offset += ms;
    },
    stop(ms) {
      offset = now() - time.now();
      stopped = { from: time.now(), until: time.now() + ms };
    },
    mend() {
      stopped = { from: 0, until: 0 };
      offset = 0;
    },
  };
}
