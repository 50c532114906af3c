/**
 * What was once wrong, each as the story that showed it.
 */
import { expect, test } from 'vitest';
import { mergeIncidents } from '../../src/correlate/merge.ts';
import { decide, runDueUntil } from '../../src/decide.ts';
import { nobody } from '../../src/life/lead.ts';
import { openIncident } from '../../src/life/open.ts';
import { createState, removeAlert } from '../../src/state/state.ts';
import type { Turn } from '../../src/state/turn.ts';
import { HOUR, MINUTE, rulesOf, SHOP, START, tell } from '../support/story.ts';

const DIGEST_WARNINGS = `${SHOP}
route: { channel: '#alerts', routes: [{ match: ['severity="warning"'], urgency: digest }] }
hold: [{ for: 0s }]
`;

test('a mild cause does not hide a critical symptom', () => {
  const story = tell(DIGEST_WARNINGS);
  story.fire('payments-db', 'Slow', { severity: 'warning' });
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(0);
  story.fire('checkout', 'Down', { severity: 'critical' });
  expect(story.posts()).toHaveLength(1);
  expect(story.posts()[0]?.root).toBe('payments-db');
});

test('an alert that its source takes back, with the old start, is on again', () => {
  const story = tell();
  const startsAt = story.now();
  story.fire('payments-db', 'Down', { severity: 'critical', startsAt });
  story.wait(10 * MINUTE);
  story.resolve('payments-db', 'Down', { severity: 'critical', startsAt });
  story.wait(10 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical', startsAt });
  expect(story.reasons()).toContain('reopened');
});

test('a start that moves with each delivery does not put the telling off for ever', () => {
  const story = tell();
  for (let i = 0; i < 10; i++) {
    story.fire('basket', 'Slow', { startsAt: story.now() });
    story.wait(2 * MINUTE);
  }
  expect(story.posts()).toHaveLength(1);
});

test('nothing is due again and again while a flapping alert fires under a silence', () => {
  const rules = rulesOf(`${SHOP}
silences: [{ name: s, match: ['service="basket"'], startsAt: 2026-03-03T10:30:00Z, endsAt: 2026-03-04T10:00:00Z }]
`);
  const state = createState('default');
  let now = START;
  let ticks = 0;
  const step = (event: Parameters<typeof decide>[1], at: number) => {
    if (event.kind === 'tick') ticks++;
    decide(state, event, at, rules);
  };
  for (let i = 0; i < 7; i++) {
    for (const status of ['firing', 'resolved'] as const) {
      now = runDueUntil(state, now + 3 * MINUTE, now, 10_000, step).now;
      const startsAt = now - (status === 'firing' ? 0 : 3 * MINUTE);
      const alert = {
        source: 's',
        status,
        labels: { alertname: 'A', service: 'basket', severity: 'warning' },
        annotations: {},
        startsAt,
        endsAt: status === 'firing' ? undefined : now,
        generatorURL: undefined,
      };
      if (i < 6 || status === 'firing') step({ kind: 'alert', delivery: 'd', alert }, now);
    }
  }
  ticks = 0;
  runDueUntil(state, now + 24 * HOUR, now, 10_000, step);
  expect(ticks).toBeLessThan(50);
});

test('a muted alert that timed out and is mentioned again stays muted, and is told afterwards', () => {
  const story = tell(`${SHOP}
silences: [{ name: s, match: ['service="payments-db"'], startsAt: 2026-03-03T09:00:00Z, endsAt: 2026-03-03T11:00:00Z }]
`);
  const again = () =>
    story.fire('payments-db', 'Down', { severity: 'critical', endsAt: story.now() + 4 * MINUTE });
  again();
  story.wait(10 * MINUTE);
  for (let i = 0; i < 30; i++) {
    again();
    expect(story.posts()).toHaveLength(story.now() < START + HOUR ? 0 : 1);
    story.wait(2 * MINUTE);
  }
  expect(story.posts()).toHaveLength(1);
});

test('an incident whose only alert is silenced when it fires again is over', () => {
  const story = tell(`${SHOP}
silences: [{ name: s, match: ['service="payments-db"'], startsAt: 2026-03-03T10:05:00Z, endsAt: 2026-03-03T20:00:00Z }]
`);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(10 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical', startsAt: story.now() });
  expect(story.reasons()).toContain('ended');
});

test('an alert that becomes critical is told by what it is now', () => {
  const yaml = `${SHOP}\nseverity: { from: [annotations.level], map: { red: critical, amber: warning } }\n`;
  const story = tell(yaml);
  story.fire('payments-db', 'Slow', { annotations: { level: 'amber' } });
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(0);
  story.fire('payments-db', 'Slow', { annotations: { level: 'red' } });
  expect(story.posts()).toHaveLength(1);
});

test('other rules, or a restart, within a maintenance window do not end what was told', () => {
  const story = tell(`${SHOP}
maintenance:
  - { name: m, match: ['service="payments-db"'], every: { times: [{ start_time: '11:00', end_time: '13:00' }], location: UTC } }
`);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(90 * MINUTE);
  story.event({ kind: 'rules-changed' });
  story.event({ kind: 'started' });
  story.wait(4 * HOUR);
  expect(story.posts()).toHaveLength(1);
  expect(story.reasons()).not.toContain('ended');
});

test('when a window ends, what belongs together is told together', () => {
  const story = tell(`${SHOP}
maintenance:
  - { name: m, match: ['service=~".+"'], every: { times: [{ start_time: '09:00', end_time: '12:00' }], location: UTC } }
`);
  for (const service of ['checkout', 'payments', 'payments-db'])
    story.fire(service, 'Down', { severity: 'critical' });
  story.wait(3 * HOUR);
  expect(story.posts()).toHaveLength(1);
});

test('the call for help is repeated when nobody is on it any more', () => {
  const story = tell(
    `${SHOP}\nroute: { channel: '#alerts', escalate: { after: 15m, mention: here } }\n`,
  );
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const id = story.posts()[0]?.incident ?? '';
  story.react('eyes', id);
  story.wait(HOUR);
  story.unreact('eyes', id);
  expect(story.reasons()).not.toContain('escalated');
  story.wait(15 * MINUTE);
  expect(story.reasons()).toContain('escalated');
});

test('a re-opened incident speaks of what fires now', () => {
  const story = tell();
  story.fire('payments-db', 'Down', {
    severity: 'critical',
    annotations: { summary: 'refuses connections' },
  });
  story.wait(2 * MINUTE);
  story.resolve('payments-db', 'Down', { severity: 'critical' });
  story.wait(MINUTE);
  story.fire('payments-db', 'DiskFull', {
    severity: 'critical',
    annotations: { summary: 'disk is 97 % full' },
  });
  expect(story.posts()).toHaveLength(1);
  story.wait(MINUTE);
  const update = story.messages.filter(({ action }) => action === 'update').at(-1);
  expect(update?.text.split('\n')[0]).toMatch(/disk is 97/);
});

test('beside an open message each incident of little urgency has its own line', () => {
  const story = tell(`${SHOP}
route: { channel: '#alerts', routes: [{ match: ['severity="info"'], urgency: thread }] }
hold: [{ for: 0s }]
`);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  for (const service of ['newsletter', 'stranger', 'other']) {
    story.wait(MINUTE);
    story.fire(service, 'Note', { severity: 'info' });
  }
  expect(story.messages.filter(({ action }) => action === 'reply')).toHaveLength(3);
});

test('what outlasts a storm is told by the worst, and listed by the rest', () => {
  const services = Array.from(
    { length: 200 },
    (_, i) => `  - { name: svc-${i}, dependsOn: [db-${i}] }`,
  );
  const databases = services.map((_, i) => `  - { name: db-${i} }`);
  const story = tell(`services:\n${[...services, ...databases].join('\n')}\n`);
  for (let i = 0; i < 200; i++) {
    const labels = { cluster: `c-${i}` };
    story.fire(`svc-${i}`, 'Broken', { severity: 'critical', labels });
    story.wait(1_000);
  }
  // While nearly all of it goes on, its message stands for it, but not for ever.
  story.wait(2 * HOUR);
  expect(story.reasons()).not.toContain('storm-ended');
  story.wait(2 * HOUR);
  expect(story.reasons()).toContain('storm-ended');
  expect(story.posts().length).toBeLessThan(20);
  expect(story.reasons()).toContain('digested');
});

test('the end of a later firing is remembered although its incident is put away meanwhile', () => {
  const story = tell();
  story.fire('basket', 'Slow');
  story.wait(MINUTE);
  story.resolve('basket', 'Slow');
  const { reopenWithinMs } = story.rules.life;
  story.wait(reopenWithinMs - MINUTE);
  const startsAt = story.now() - MINUTE;
  story.resolve('basket', 'Slow', { startsAt });
  story.wait(2 * MINUTE);
  story.fire('basket', 'Slow', { startsAt });
  expect(story.reasons().at(-1)).toBe('stale');
  story.wait(reopenWithinMs);
  expect(story.state.incidents.size).toBe(0);
});

test('an incident is over when the flapping alert that it waited for fires again in one of its own', () => {
  const story = tell(`${SHOP}\ncorrelate: [{ by: [cluster] }]\n`);
  const critical = { severity: 'critical', labels: { cluster: 'c1' } };
  const comesAndGoes = (service: string) => {
    story.fire(service, 'Down', critical);
    story.wait(MINUTE);
    story.resolve(service, 'Down', critical);
    story.wait(MINUTE);
  };
  for (let times = 0; times < 4; times++) comesAndGoes('payments');
  comesAndGoes('payments-db');
  expect([...story.state.open]).toHaveLength(1);
  comesAndGoes('payments');
  expect([...story.state.open]).toEqual([]);
});

test('an incident is over when its alert is calm, also when that takes longer than it is remembered for', () => {
  const story = tell(`${SHOP}\nflap: [{ halfLife: 6h, maxSuppress: 24h }]\n`);
  for (let times = 0; times < 8; times++) {
    story.fire('payments-db', 'Down', { severity: 'critical' });
    story.wait(MINUTE);
    story.resolve('payments-db', 'Down', { severity: 'critical' });
    story.wait(MINUTE);
  }
  story.wait(12 * HOUR);
  expect([...story.state.open]).toHaveLength(1);
  story.wait(24 * HOUR);
  expect([...story.state.open]).toEqual([]);
});

test('an incident that was left open with nothing in it is over at the next start', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  for (const fingerprint of story.state.alerts.keys()) removeAlert(story.state, fingerprint);
  story.wait(HOUR);
  expect([...story.state.open]).toHaveLength(1);
  story.event({ kind: 'started' });
  expect([...story.state.open]).toEqual([]);
  expect(story.last()?.text).toMatch(/^🟢/u);
});

test('after a failed commit a merge is another revision than what may have been shown', () => {
  const rules = rulesOf(SHOP);
  const turn: Turn = {
    state: createState('default', undefined, 1),
    rules,
    now: START,
    delivery: undefined,
    decisions: [],
    effects: undefined,
  };
  const { facts } = nobody({ environment: 'production', severity: 'critical' });
  const [older, newer] = ['older', 'newer'].map((name, index) =>
    openIncident(turn.state, name, START + index, { startsAt: START, facts }, {}),
  );
  if (older === undefined || newer === undefined) throw new Error('two are open');
  mergeIncidents(turn, older, newer, { service: 'basket', because: 'they are one' });
  const gone = turn.state.incidents.get(newer.id);
  expect(gone?.mergedInto).toBe(older.id);
  expect(gone?.revision).toBeGreaterThan(newer.revision + 1);
});
