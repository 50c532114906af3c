/** A look at every record is taken in slices, and nothing is decided before it is over. */
import { expect, test } from 'vitest';
import { decide, runDueUntil, wakeAt } from '../../src/decide.ts';
import { createState } from '../../src/state/state.ts';
import { createTimers } from '../../src/state/timers.ts';
import { alertEvent, MINUTE, rulesOf, START } from '../support/story.ts';

const RULES = rulesOf('');
/** More than one turn looks at. */
const ALERTS = 3_000;

function manyAlerts() {
  const state = createState('default');
  for (let number = 0; number < ALERTS; number++) {
    const labels = { alertname: 'Down', service: `service-${number}` };
    decide(state, alertEvent(labels), START, RULES);
  }
  return state;
}

test('what is left of a look at all records is due at once, also when the clock was put back', () => {
  const state = manyAlerts();
  Object.assign(state.timers, createTimers());
  decide(state, { kind: 'started' }, START + MINUTE, RULES);
  expect(state.timers.reviews).toHaveLength(1);
  expect(state.timers.due.size).toBeLessThan(ALERTS);

  const early = START - MINUTE;
  expect(wakeAt(state)).toBeLessThan(early);
  runDueUntil(state, early, early, 100, (event, now) => void decide(state, event, now, RULES));
  expect(state.timers.reviews).toEqual([]);
  expect(state.timers.due.size).toBeGreaterThanOrEqual(ALERTS);
});
