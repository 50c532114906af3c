/**
 * How late a source says that something is over. An Alertmanager says it at the next `group_interval`, up
 * to five minutes late by default, and until then a blip looks like what lasts.
 *
 * Kept for each source is about the time within which 19 of 20 ends are heard: it rises by a fixed step
 * at an end that came later, and falls by a sixteenth of that at one that did not. One number is enough, and an end
 * that came hours late, after an outage, counts no more than any other. (Frugal streaming: Ma,
 * Muthukrishnan and Sandler, 2013.)
 */
import type { Instant } from '../model.ts';
import { putSmall } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';

const RISE_MS = 16_000;
const FALL_MS = 1_000;
/** Alertmanager's default `group_interval`. */
const LATENESS_MAX_MS = 5 * 60_000;
/** What ends together is said together, and counts once. */
const TOGETHER_MS = 1_000;

/** An alert of the source was over at `endsAt`, and is said to be so now. */
export function learnLateness({ state, now }: Turn, source: string, endsAt: Instant): void {
  const known = state.lateness.get(source);
  if (known !== undefined && Math.abs(now - known.at) < TOGETHER_MS) return;
  const before = known?.ms ?? 0;
  const step = now - endsAt > before ? RISE_MS : -FALL_MS;
  const ms = Math.min(Math.max(0, before + step), LATENESS_MAX_MS);
  if (ms !== before) putSmall(state, 'late', source, { source, ms, at: now });
}

/** In milliseconds; 0 for a source of which no end was heard. */
export function latenessOf({ state }: Turn, source: string): number {
  return state.lateness.get(source)?.ms ?? 0;
}

/** A little more than the nineteen of twenty, so that its word is heard. */
const MARGIN = 1.2;

/** After a word about an alert the source's next one, that it is over, takes this long; 0 where none was heard. */
export function nextWordMs(turn: Turn, source: string): number {
  return latenessOf(turn, source) * MARGIN;
}
