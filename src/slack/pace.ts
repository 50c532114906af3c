/**
 * A token bucket that lets calls go at once while there are tokens, and the most urgent first when
 * there are none.
 *
 * Slack's own limits are not written down exactly; a 429 tells the truth, and pauses this bucket only.
 */
import type { Instant } from '../model.ts';

/** Time as a parameter. `sleep` ends early, in whatever way, when the signal aborts. */
export interface DeliveryClock {
  now(): Instant;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Never rejects because of the signal: whoever slept asks whether to go on. */
export async function rest(clock: DeliveryClock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  await clock.sleep(ms, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** Longer with each try, within limits; without chance, which is the caller's. */
export function backoffMs(
  { first, most }: { readonly first: number; readonly most: number },
  tries: number,
): number {
  return Math.min(most, first * 2 ** Math.min(tries, 20));
}

export interface Bucket {
  /** True when the caller may go; false when everything stops. Smaller is more urgent. */
  take(urgency: () => number): Promise<boolean> | true;
  pause(ms: number): void;
}

interface BucketOptions {
  readonly clock: DeliveryClock;
  readonly signal: AbortSignal;
  readonly perMinute: number;
  readonly burst: number;
}

export interface Waiter {
  readonly urgency: () => number;
  readonly go: (may: boolean) => void;
}

export function createBucket({ clock, signal, perMinute, burst }: BucketOptions): Bucket {
  const msPerToken = 60_000 / perMinute;
  let tokens = burst;
  let countedAt = clock.now();
  let paused = { from: 0, until: 0 };
  const waiters: Waiter[] = [];

  function refill(): void {
    const now = clock.now();
    tokens = Math.min(burst, tokens + Math.max(0, now - countedAt) / msPerToken);
    countedAt = now;
  }

  /** A clock that was put back to before the pause began cannot tell when it ends: Slack will. */
  function pauseLeft(now: Instant): number {
    return now < paused.from ? 0 : Math.max(0, paused.until - now);
  }

  /** Zero when there is a token now. Rounded up: a timer that fires early would spin. */
  function waitMs(): number {
    refill();
    const forToken = tokens >= 1 ? 0 : (1 - tokens) * msPerToken;
    return Math.ceil(Math.max(forToken, pauseLeft(countedAt)));
  }

  async function serve(): Promise<void> {
    while (waiters.length > 0 && !signal.aborted) {
      const ms = waitMs();
      if (ms > 0) {
        await rest(clock, ms, signal);
        continue;
      }
      tokens -= 1;
      takeMostUrgent(waiters).go(true);
    }
    for (const waiter of waiters.splice(0)) waiter.go(false);
  }

  function take(urgency: () => number): Promise<boolean> | true {
    if (waiters.length === 0 && !signal.aborted && waitMs() <= 0) {
      tokens -= 1;
      return true;
    }
    return new Promise((go) => {
      waiters.push({ urgency, go });
      if (waiters.length === 1) void serve();
    });
  }

  function pause(ms: number): void {
    const from = clock.now();
    paused = { from, until: from + Math.max(ms, pauseLeft(from)) };
  }

  return { take, pause };
}

/** The first of the most urgent: what waits longest goes first among equals. */
export function takeMostUrgent(waiters: Waiter[]): Waiter {
  let best = 0;
  let bestUrgency = Number.POSITIVE_INFINITY;
  for (const [index, waiter] of waiters.entries()) {
    const urgency = waiter.urgency();
    if (urgency < bestUrgency) [best, bestUrgency] = [index, urgency];
  }
  const [waiter] = waiters.splice(best, 1);
  if (waiter === undefined) throw new Error('nobody waits');
  return waiter;
}
