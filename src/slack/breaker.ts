/**
 * The circuit breaker: when Slack does not answer, or not to us, one call at a time asks whether it
 * does again; all others wait. Nothing is given up here.
 *
 * It says so in the log once when it opens and once when it closes.
 */
import type { Log } from './log.ts';
import {
  type Bucket,
  type DeliveryClock,
  rest,
  takeMostUrgent,
  type Waiter,
  backoffMs,
} from './pace.ts';
import { isAboutUs } from './refusal.ts';
import type { SlackResult } from './result.ts';

/** Where a call stands in line while it waits. */
export interface Line {
  /** Smaller is more urgent. */
  readonly urgency: () => number;
  /** Asked when Slack is there, so that what waited for it does not go all at once. */
  readonly bucket: Pick<Bucket, 'take'>;
}

export interface Breaker {
  /**
   * Makes the call when it is its turn, the most urgent first; undefined when everything stops before that.
   * Without a line it goes as soon as Slack is there.
   */
  guard<T>(call: Call<T>, line?: Line): Promise<SlackResult<T> | undefined>;
  /** Why it is open, in Slack's or the network's words; undefined while all is well. */
  trouble(): string | undefined;
}

/** Asks Slack; undefined when there is nothing to ask it any more. */
type Call<T> = () => Promise<SlackResult<T>> | undefined;

interface BreakerOptions {
  readonly clock: DeliveryClock;
  readonly signal: AbortSignal;
  readonly random: () => number;
  readonly log: Log;
}

const REFUSED_LINE = 'Slack refuses our token: messages wait, see docs/slack.md';
const DOWN_LINE = 'Slack cannot be reached: messages wait';
const NO_LINE: Line = { urgency: () => 0, bucket: { take: () => true } };

const FAILURES_MAX = 5;
const DOWN_MS = { first: 1_000, most: 30_000 };
/** A token is mended by a person. */
const REFUSED_MS = { first: 15_000, most: 300_000 };

export function createBreaker({ clock, signal, random, log }: BreakerOptions): Breaker {
  let failures = 0;
  let open: { readonly error: string; readonly since: number } | undefined;
  let limits = DOWN_MS;
  let tries = 0;
  let trying = false;
  let answered: () => void = () => {};
  const waiters: Waiter[] = [];

  /** Lets one waiter after the other try, further and further apart, until Slack answers one. */
  async function tryAgain(): Promise<void> {
    trying = true;
    while (open !== undefined && waiters.length > 0 && !signal.aborted) {
      const ms = backoffMs(limits, tries++) * (0.75 + random() / 2);
      await rest(clock, ms, signal);
      if (open === undefined || signal.aborted) break;
      const waiter = takeMostUrgent(waiters);
      await new Promise<void>((resolve) => {
        answered = resolve;
        waiter.go(true);
      });
    }
    trying = false;
    if (open === undefined || signal.aborted) release(!signal.aborted);
  }

  function release(may: boolean): void {
    const released = inOrder(waiters);
    waiters.length = 0;
    for (const { go } of released) go(may);
  }

  async function ask<T>(call: Call<T>): Promise<SlackResult<T> | undefined> {
    const answer = await call();
    const aboutUs = answer?.kind === 'refused' && isAboutUs(answer.error);
    if (answer?.kind === 'unknown' || answer?.kind === 'unreachable' || aboutUs) {
      failures += 1;
      if (aboutUs || failures >= FAILURES_MAX) trip(answer.error, aboutUs);
    } else if (answer !== undefined) close();
    return answer;
  }

  function trip(error: string, aboutUs: boolean): void {
    limits = aboutUs ? REFUSED_MS : DOWN_MS;
    if (open !== undefined) return;
    open = { error, since: clock.now() };
    log.error({ error }, aboutUs ? REFUSED_LINE : DOWN_LINE);
  }

  function close(): void {
    failures = 0;
    tries = 0;
    if (open === undefined) return;
    log.info({ downMs: clock.now() - open.since }, 'Slack takes our messages again');
    open = undefined;
    release(true);
  }

  function turn(urgency: () => number): Promise<boolean> {
    return new Promise((go) => {
      waiters.push({ urgency, go });
      if (!trying) void tryAgain();
    });
  }

  async function guard<T>(
    call: Call<T>,
    { urgency, bucket }: Line = NO_LINE,
  ): Promise<SlackResult<T> | undefined> {
    do {
      if (signal.aborted || (open !== undefined && !(await turn(urgency)))) return undefined;
      // Still open: this one asks for all, and stands in no line for it.
      if (open !== undefined) break;
      if (!(await bucket.take(urgency))) return undefined;
      // While it stood in line Slack may have gone away.
    } while (open !== undefined);
    // Also when the call itself fails, by a bug: then the next one asks.
    return ask(call).finally(() => answered());
  }

  return { guard, trouble: () => open?.error };
}

/** The most urgent first; of equals, what waits longest. */
function inOrder(waiters: readonly Waiter[]): readonly Waiter[] {
  const asked = waiters.map((waiter) => ({ waiter, urgency: waiter.urgency() }));
  return asked.sort((one, other) => one.urgency - other.urgency).map(({ waiter }) => waiter);
}
