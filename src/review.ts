/**
 * A look at every record: after a start, and when other rules are in force. It is taken in slices, because
 * in one go a million records would let nobody else have a turn for many seconds, and whoever leads would
 * lose the lead meanwhile.
 *
 * What is left of it is due before anything else, so no event is decided in between: slices decide what
 * one go would have.
 */
import { DueFailed, type Reviewed, type Steps } from './timers.ts';
import { type Turn, turnWith } from './turn.ts';

/** What is due for the rest of a review. */
const KEY = 'review';
/** Records that are looked at in one turn: some thousandths of a second of work. */
const SLICE = 500;

/** Looks at the first records; instead of what is left of an earlier review. Throws DueFailed. */
export function beginReview(turn: Turn, stepsOf: (turn: Turn) => Steps): void {
  const own = turnWith(turn, { decisions: [], effects: undefined });
  const steps = stepsOf(own);
  turn.state.timers.review = {
    goOn(to) {
      const isOver = take(steps);
      handOver(own, to);
      return isOver;
    },
  };
  lookFurther(turn);
}

/** Looks at the next ones. Throws DueFailed. */
export function lookFurther(turn: Turn): void {
  const { timers } = turn.state;
  // What failed before would fail again.
  const isOver = timers.setAside.has(KEY) || timers.review?.goOn(turn) !== false;
  if (isOver) timers.review = undefined;
}

function take(steps: Steps): boolean {
  try {
    for (let looked = 0; looked < SLICE; looked++) if (steps.next().done === true) return true;
    return false;
  } catch (error) {
    throw new DueFailed(KEY, error);
  }
}

function handOver(own: Turn, to: Reviewed): void {
  for (const decision of own.decisions.splice(0)) to.decisions.push(decision);
  for (const [id, effect] of own.effects ?? []) (to.effects ??= new Map()).set(id, effect);
  own.effects = undefined;
}
