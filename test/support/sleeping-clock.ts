/**
 * Time that passes only when a test says so. Whoever sleeps is known, so that a test can wait until
 * somebody does, and see for how long.
 */
export interface SleepingClock {
  readonly now: () => number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Resolves with how long the sleepers still have, shortest first, once there are that many. */
  asleep(sleepers?: number): Promise<readonly number[]>;
  pass(ms: number): void;
  /** Sleeps that were asked for from now on end as soon as nothing else is to be done. */
  hurry(): void;
}

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

export function sleepingClock(start: number): SleepingClock {
  let now = start;
  let hurried = false;
  const sleepers = new Set<Sleeper>();
  let watchers: { readonly count: number; readonly tell: (ms: readonly number[]) => void }[] = [];

  function left(): readonly number[] {
    return [...sleepers].map(({ until }) => until - now).sort((one, other) => one - other);
  }

  function pass(ms: number): void {
    now += ms;
    for (const sleeper of sleepers) if (sleeper.until <= now) sleeper.wake();
  }

  function hurryOn(): void {
    const [shortest] = left();
    if (shortest !== undefined) pass(Math.max(0, shortest));
  }

  function sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        until: now + ms,
        wake() {
          sleepers.delete(sleeper);
          signal.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      sleepers.add(sleeper);
      signal.addEventListener('abort', sleeper.wake, { once: true });
      for (const { count, tell } of watchers) if (sleepers.size >= count) tell(left());
      watchers = watchers.filter(({ count }) => sleepers.size < count);
      if (hurried) setImmediate(hurryOn);
    });
  }

  return {
    now: () => now,
    sleep,
    asleep: (count = 1) =>
      sleepers.size >= count
        ? Promise.resolve(left())
        : new Promise((tell) => void watchers.push({ count, tell })),
    pass,
    hurry() {
      hurried = true;
      hurryOn();
    },
  };
}
