/**
 * What the pipeline failed on, as an event that it can decide: a bug is kept for inspection, so that
 * one alert, or one thing that is due, cannot stop all.
 */
import type { Event } from './model.ts';

/** What is kept of it. */
const EXCERPT_MAX = 2_000;

export function oddOf(what: string, failed: Event | string): Event {
  const isDelivered =
    typeof failed !== 'string' && (failed.kind === 'alert' || failed.kind === 'odd');
  const text = typeof failed === 'string' ? failed : JSON.stringify(failed);
  return {
    kind: 'odd',
    delivery: isDelivered ? failed.delivery : 'quell',
    source: 'quell',
    error: `${what}: a bug in Quell, please report it with the log`,
    excerpt: text.slice(0, EXCERPT_MAX),
  };
}
