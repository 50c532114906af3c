/** What fires of a source that the rules do not know any more: it ends, but not at once. */
import { expect, test } from 'vitest';
import { decide, runDueUntil } from '../../src/decide.ts';
import type { Event } from '../../src/model.ts';
import { restore } from '../../src/state/restore.ts';
import { createState, type LaneState, takeChanges } from '../../src/state/state.ts';
import { alertEvent, HOUR, MINUTE, rulesOf, START } from '../support/story.ts';

const KUMA = rulesOf('ingest: { uptime-kuma: { labels: { alertname: =Down, service: name } } }');
const NONE = rulesOf('');

function firing(source: string, endsAt?: number): Event {
  const labels = { alertname: 'Down', service: `of-${source}`, severity: 'critical' };
  return alertEvent(labels, { source, status: 'firing', endsAt });
}

function playing(rules = KUMA) {
  let now = START;
  let state = createState('default');
  const said: string[] = [];
  const step = (event: Event, at: number): void => {
    for (const { reason, because } of decide(state, event, at, rules).decisions)
      if (reason === 'expired') said.push(because ?? '');
  };
  step({ kind: 'started' }, now);
  return {
    said,
    hear: (event: Event) => step(event, now),
    use(other: typeof rules) {
      rules = other;
      step({ kind: 'rules-changed' }, now);
    },
    restart(other: typeof rules) {
      rules = other;
      const records = takeChanges(state).filter(({ value }) => value !== undefined);
      state = createState('default');
      restore(state, records);
      step({ kind: 'started' }, now);
    },
    wait(ms: number) {
      now = runDueUntil(state, now + ms, now, 10_000, step).now;
    },
    firing: () => firingIn(state),
  };
}

function firingIn({ alerts }: LaneState): readonly string[] {
  return [...alerts.values()]
    .filter(({ status }) => status === 'firing')
    .map(({ source }) => source)
    .sort();
}

test.each(['use', 'restart'] as const)(
  'without its mapping (%s) it ends after an hour, and explain says why',
  (how) => {
    const world = playing();
    world.hear(firing('uptime-kuma'));
    world.hear(firing('alertmanager'));
    world[how](NONE);
    world.wait(59 * MINUTE);
    expect(world.firing()).toEqual(['alertmanager', 'uptime-kuma']);
    world.wait(2 * MINUTE);
    expect(world.firing()).toEqual(['alertmanager']);
    expect(world.said).toEqual([
      'the rules have no mapping "uptime-kuma" any more, so nothing that it sends is read',
    ]);
  },
);

test('a mapping that is back within the hour leaves all as it was', () => {
  const world = playing();
  world.hear(firing('uptime-kuma'));
  world.use(NONE);
  world.wait(30 * MINUTE);
  world.use(KUMA);
  world.wait(24 * HOUR);
  expect(world.firing()).toEqual(['uptime-kuma']);
});

test('an end that the source named counts', () => {
  const world = playing();
  world.hear(firing('uptime-kuma', START + 3 * HOUR));
  world.use(NONE);
  world.wait(2 * HOUR);
  expect(world.firing()).toEqual(['uptime-kuma']);
  world.wait(2 * HOUR);
  expect(world.firing()).toEqual([]);
});
