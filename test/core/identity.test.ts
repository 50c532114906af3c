/** Who an alert is under other rules: it goes on under its new name, in slices if there are many. */
import { expect, test } from 'vitest';
import { decide, runDueUntil } from '../../src/decide.ts';
import { openLane } from '../../src/lane/lane.ts';
import type { Event, Labels } from '../../src/model.ts';
import { createState } from '../../src/state/state.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { alertEvent, rulesOf, START } from '../support/story.ts';

function firing(labels: Labels): Event {
  return alertEvent({ alertname: 'Down', service: 'shop', ...labels });
}

test('tens of thousands of alerts get their new names in several commits, and before what comes next', async () => {
  const before = rulesOf('replica: [prometheus]');
  const after = rulesOf('replica: [pod]');
  const decided: string[] = [];
  const commits: number[] = [];
  const lane = await openLane({
    name: 'default',
    store: createMemoryStore(),
    rules: before,
    clock: { now: () => START, wakeAt: () => () => undefined },
    observer: {
      decided: (verdict) => decided.push(verdict ?? 'none'),
      committed: (_, events) => commits.push(events),
      failed: (error) => {
        throw error;
      },
    },
  });
  const alerts = Array.from({ length: 12_000 }, (_, i) =>
    firing({ instance: `i${i}`, pod: `p${i}`, prometheus: 'a' }),
  );
  await lane.submit(START, alerts);
  const [incident] = lane.state.incidents.keys();
  commits.length = 0;
  lane.useRules(after);
  await lane.submit(START, [firing({ instance: 'i7', pod: 'another', prometheus: 'a' })]);
  expect(decided.at(-1)).toBe('repeat');
  expect(commits.length).toBeGreaterThan(2);
  expect(lane.state.alerts.size).toBe(12_000);
  expect(lane.state.members.get(incident ?? '')?.size).toBe(12_000);
  await lane.stop();
});

test('rules that name alerts as before look at none of them', () => {
  const state = createState('default');
  decide(state, { kind: 'started' }, START, rulesOf('replica: [pod]'));
  decide(state, firing({ pod: 'a' }), START, rulesOf('replica: [pod]'));
  decide(state, { kind: 'rules-changed' }, START, rulesOf('replica: [pod]\nhubs: { callers: 5 }'));
  expect([...state.timers.due.keys()].filter((key) => key.startsWith('name/'))).toEqual([]);
});

test.each([
  ['one first', [{ host: 'a' }, { rack: 'b' }]],
  ['the other first', [{ rack: 'b' }, { host: 'a' }]],
])('a new name that was the old name of another makes nobody one with it: %s', (_, two) => {
  const before = rulesOf('replica: [rack]');
  const after = rulesOf('replica: [host]');
  const state = createState('default');
  decide(state, { kind: 'started' }, START, before);
  for (const labels of two) decide(state, firing(labels), START, before);
  expect(state.alerts.size).toBe(2);
  decide(state, { kind: 'rules-changed' }, START, after);
  runDueUntil(state, START, START, 10, (event, now) => decide(state, event, now, after));
  expect(state.alerts.size).toBe(2);
  for (const labels of two)
    expect(decide(state, firing(labels), START + 1, after).verdict).toBe('repeat');
});
