/**
 * What the pipeline failed on, as an event that it can decide: a bug is kept for inspection, so that
 * one alert, or one thing that is due, cannot stop all.
 */
import type { Event } from '../model.ts';

/** What is kept of it. */
const EXCERPT_MAX = 2_000;
/** Who found it. */
const QUELL = 'quell';

/** Each costs a load of the lane. */
const FOUND_MAX = 3;

/** The event at `failed` is odd. When so many of them are, all that come after it are taken to be. */
export function withOdd(events: readonly Event[], failed: number): readonly Event[] {
  const found = events.filter((event) => event.kind === 'odd' && event.source === QUELL).length;
  const last = found < FOUND_MAX ? failed : events.length;
  return events.map((event, index) =>
    index < failed || index > last ? event : oddOf('the pipeline failed on it', event),
  );
}

export function oddOf(what: string, failed: Event | string): Event {
  const isDelivered =
    typeof failed !== 'string' && (failed.kind === 'alert' || failed.kind === 'odd');
  const text = typeof failed === 'string' ? failed : JSON.stringify(failed);
  return {
    kind: 'odd',
    delivery: isDelivered ? failed.delivery : QUELL,
    source: QUELL,
    error: `${what}: a bug in Quell, please report it with the log`,
    excerpt: text.slice(0, EXCERPT_MAX),
  };
}
