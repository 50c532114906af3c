/**
 * A delivery that waits to be decided. A heavy one is decided in parts, each with a commit of its own, and answered
 * after the last: if the process dies before, its sender sends it again, and what was decided is only repeated.
 */
import type { AppError } from '../errors.ts';
import type { Event, Instant } from '../model.ts';
import { withOdd } from './odd.ts';

export interface Waiting {
  readonly at: Instant;
  readonly events: readonly Event[];
  /** The job of the inbox that it came by. */
  readonly job: string | undefined;
  /** Answers whoever submitted it. */
  readonly done: () => void;
  readonly failed: (error: AppError) => void;
  /** How many of its events are decided. */
  decided: number;
}

/** An event of the process itself: nobody waits for it. */
export function ownEvent(at: Instant, event: Event): Waiting {
  const nobody = () => undefined;
  return { at, events: [event], job: undefined, done: nobody, failed: nobody, decided: 0 };
}

/** Goes on with it. False when the rest is for the next commit. */
export function decideEvents(
  waiting: Waiting,
  decide: (event: Event) => void,
  isFull: () => boolean,
): boolean {
  for (const event of waiting.events.slice(waiting.decided)) {
    if (isFull()) return false;
    decide(event);
    waiting.decided++;
  }
  return true;
}

/** The pipeline failed on an event: a bug. It is kept as odd, so that one alert cannot stop all. */
export function quarantine(queue: Waiting[], index: number): void {
  const waiting = queue[index];
  if (waiting !== undefined)
    queue[index] = { ...waiting, events: withOdd(waiting.events, waiting.decided) };
}
