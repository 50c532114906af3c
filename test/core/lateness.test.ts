/** What is learnt of how late a source says that something is over. */
import { expect, test } from 'vitest';
import { learnLateness, latenessOf } from '../../src/dedupe/lateness.ts';
import { builtInRules } from '../../src/rules/compile.ts';
import { restore } from '../../src/state/restore.ts';
import { createState, type LaneState, takeChanges } from '../../src/state/state.ts';
import type { Turn } from '../../src/state/turn.ts';
import { START } from '../support/story.ts';

const SECOND = 1_000;

function turnAt(state: LaneState, now: number): Turn {
  return { state, rules: builtInRules(), now, delivery: 'd', decisions: [], effects: undefined };
}

/** An end a minute, each heard so much late; answers with what is known then. */
function learnt(state: LaneState, source: string, lateS: readonly number[]): number {
  let now = START;
  for (const late of lateS) {
    now += 60 * SECOND;
    learnLateness(turnAt(state, now), source, now - late * SECOND);
  }
  return latenessOf(turnAt(state, now), source);
}

function times(count: number, late: (index: number) => number): readonly number[] {
  return Array.from({ length: count }, (_, index) => late(index));
}

test('about nineteen ends of twenty are heard within what is known of their source', () => {
  const even = times(500, (index) => (index * 7) % 300);
  const known = learnt(createState('main'), 'alertmanager', even) / SECOND;
  expect(known).toBeGreaterThan(260);
  expect(known).toBeLessThanOrEqual(300);
});

test('ends that come once, hours late, change little; nothing is later than five minutes', () => {
  const calm = times(100, () => 0);
  expect(learnt(createState('main'), 'zabbix', [...calm, 7_200])).toBe(16 * SECOND);
  expect(learnt(createState('main'), 'zabbix', [...calm, 7_200, ...times(16, () => 0)])).toBe(0);
  expect(
    learnt(
      createState('main'),
      'zabbix',
      times(100, () => 7_200),
    ),
  ).toBe(300 * SECOND);
});

test('a clock that is ahead makes no end late, and sources are known each by itself', () => {
  const state = createState('main');
  expect(
    learnt(
      state,
      'ahead',
      times(50, () => -90),
    ),
  ).toBe(0);
  expect(
    learnt(
      state,
      'behind',
      times(50, () => 90),
    ),
  ).toBeGreaterThan(60 * SECOND);
  expect(latenessOf(turnAt(state, START), 'ahead')).toBe(0);
});

test('what ends together counts once', () => {
  const state = createState('main');
  for (let alert = 0; alert < 50; alert++) learnLateness(turnAt(state, START), 'zabbix', 0);
  expect(latenessOf(turnAt(state, START), 'zabbix')).toBe(16 * SECOND);
});

test('what was learnt survives a restart', () => {
  const state = createState('main');
  const known = learnt(
    state,
    'zabbix',
    times(10, () => 120),
  );
  const again = createState('main');
  restore(again, takeChanges(state));
  expect(latenessOf(turnAt(again, START), 'zabbix')).toBe(known);
});
