/**
 * A look at very many records: after a start, after a change of rules, when a silence begins. It is taken in
 * slices. In one go a million records would stop everybody for many seconds, a leader would lose its lead, and what
 * was decided would be one huge commit.
 *
 * What is left is due before anything else, also before the next alert of a delivery, so slices decide what one go
 * would have. If the process dies meanwhile, the look at the next start finds what is left.
 */
import { DueFailed, type Review, type Reviewed, type Steps } from '../state/timers.ts';
import { type Turn, turnWith } from '../state/turn.ts';
import { isHeavy } from '../state/weight.ts';

/** What is due for the rest of a review of everything. */
const KEY = 'review';
/** Records that are looked at in one turn: some thousandths of a second of work. */
const SLICE = 500;

/** Looks at the first records; instead of what is left of earlier reviews. Throws DueFailed. */
export function beginReview(turn: Turn, stepsOf: (turn: Turn) => Steps): void {
  const { reviews } = turn.state.timers;
  reviews.splice(0, reviews.length, reviewOf(turn, KEY, stepsOf));
  lookFurther(turn);
}

/**
 * Looks at the first records now, and at the rest after other looks that wait. `key`: what is set aside if it
 * throws.
 */
export function inSlices(turn: Turn, key: string, stepsOf: (turn: Turn) => Steps): void {
  const review = reviewOf(turn, key, stepsOf);
  if (!review.goOn(turn)) turn.state.timers.reviews.push(review);
}

/** Looks at the next ones. Throws DueFailed. */
export function lookFurther(turn: Turn): void {
  const { reviews, setAside } = turn.state.timers;
  const [review] = reviews;
  if (review === undefined) return;
  try {
    // What failed before would fail again.
    if (setAside.has(review.key) || review.goOn(turn)) reviews.shift();
  } catch (error) {
    throw new DueFailed(review.key, error);
  }
}

function reviewOf(turn: Turn, key: string, stepsOf: (turn: Turn) => Steps): Review {
  // No delivery told of these records: what becomes of them follows from something else.
  const own = turnWith(turn, { delivery: undefined, decisions: [], effects: undefined });
  const steps = stepsOf(own);
  return {
    key,
    goOn(to) {
      const isOver = take(own, steps);
      handOver(own, to);
      return isOver;
    },
  };
}

function take({ state: { weights } }: Turn, steps: Steps): boolean {
  for (let looked = 0; looked < SLICE; looked++) {
    if (looked > 0 && isHeavy(weights)) return false;
    if (steps.next().done === true) return true;
  }
  return false;
}

function handOver(own: Turn, to: Reviewed): void {
  for (const decision of own.decisions.splice(0)) to.decisions.push(decision);
  for (const [id, effect] of own.effects ?? []) (to.effects ??= new Map()).set(id, effect);
  own.effects = undefined;
}
