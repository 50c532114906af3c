/**
 * Whatever happens, no commit is larger than stores take, however much its sources say of what fires: one that is
 * would fail again and again, and nothing would be decided any more.
 *
 * Each alert here takes 100 KB, so that some hundreds of them are much.
 */
import { expect, test } from 'vitest';
import { CAPACITY } from '../../src/limits.ts';
import type { Event, Incident, Silence } from '../../src/model.ts';
import { alertEvent, HOUR, MINUTE, rulesOf, SECOND, SHOP, START } from '../support/story.ts';
import { heavy, MB, type Weighed, weighed } from '../support/weighed.ts';

/** What waits is unseen: what mutes it takes it out of its incident. */
const WAITING = `${SHOP}
hold: [{ for: 5h }]
`;
/** The same, and a window that began before and mutes it. */
function mutedUntil(time: string): string {
  return `${WAITING}
maintenance: [{ name: patching, match: ['service="basket"'], startsAt: 2026-03-03T09:00:00Z, endsAt: 2026-03-03T${time}:00Z }]
`;
}
/** The same, and an alert that inhibits it. */
const INHIBITED = `${WAITING}
inhibit: [{ sourceMatchers: ['alertname="Power"'], targetMatchers: ['service="basket"'], equal: [] }]
`;
const POWER = { alertname: 'Power', service: 'newsletter' };
/** More than a commit may hold: two batches and an alert. */
const SMALL = 5 * MB;
const MUCH = 30 * MB;

/** The largest commit of what happens meanwhile. */
async function largest({ sizes, lane }: Weighed, act: () => Promise<unknown>): Promise<number> {
  sizes.length = 0;
  await act();
  await lane.settled();
  expect(
    sizes.reduce((sum, size) => sum + size, 0),
    'something is written',
  ).toBeGreaterThan(0);
  return Math.max(...sizes);
}

function silenceOf(name: string, value: string, endsAt: number): Event {
  const matchers = [{ name, value, isRegex: true, isEqual: true }];
  const silence: Silence = {
    id: 'b0f2c7a4-0000-4000-8000-000000000000',
    matchers,
    startsAt: START,
    endsAt,
    createdBy: 'ann',
    comment: 'planned',
  };
  return { kind: 'silence', silence };
}

const muted = ({ lane }: Weighed) =>
  [...lane.state.alerts.values()].filter((alert) => alert.muted !== undefined).length;
const open = ({ lane }: Weighed): readonly Incident[] =>
  [...lane.state.incidents.values()].filter(({ phase }) => phase !== 'resolved');

test('a silence that begins over much that waits, and is ended', async () => {
  const all = await weighed(rulesOf(WAITING));
  await all.take(heavy(400));
  const begins = await largest(all, () =>
    all.take([silenceOf('service', 'bask.*', START + 2 * HOUR)]),
  );
  expect(muted(all)).toBe(400);
  const id = 'b0f2c7a4-0000-4000-8000-000000000000';
  const ends = await largest(all, () => all.take([{ kind: 'unsilence', id, by: 'ann' }]));
  expect(muted(all)).toBe(0);
  expect([begins, ends].map((size) => size < SMALL)).toEqual([true, true]);
});

test('a silence whose time is over', async () => {
  const all = await weighed(rulesOf(WAITING));
  await all.take([silenceOf('service', 'bask.*', START + 2 * HOUR)]);
  await all.take(heavy(400));
  expect(muted(all)).toBe(400);
  const ends = await largest(all, () => all.time.advance(3 * HOUR));
  expect(muted(all)).toBe(0);
  expect(ends).toBeLessThan(SMALL);
});

test('a maintenance window that is over', async () => {
  const all = await weighed(rulesOf(mutedUntil('11:00')));
  await all.take(heavy(400));
  expect(muted(all)).toBe(400);
  const ends = await largest(all, () => all.time.advance(2 * HOUR));
  expect(muted(all)).toBe(0);
  expect(ends).toBeLessThan(SMALL);
});

test('other rules that mute much, and that do not any more', async () => {
  const all = await weighed(rulesOf(WAITING));
  await all.take(heavy(400));
  const change = (rules: string) =>
    largest(all, async () => {
      all.lane.useRules(rulesOf(rules));
      await all.time.advance(10 * SECOND);
    });
  const begins = await change(mutedUntil('20:00'));
  expect(muted(all)).toBe(400);
  const ends = await change(WAITING);
  expect(muted(all)).toBe(0);
  expect([begins, ends].map((size) => size < SMALL)).toEqual([true, true]);
});

test('other rules by which alerts have other names', async () => {
  const all = await weighed(rulesOf(WAITING));
  await all.take(heavy(400, { labels: { zone: 'a' } }));
  const size = await largest(all, async () => {
    all.lane.useRules(rulesOf(`${WAITING}replica: [zone]\n`));
    await all.time.advance(10 * SECOND);
  });
  expect(all.lane.state.alerts.size).toBe(400);
  expect(size).toBeLessThan(SMALL);
});

test('an alert that inhibits much that waits, and ends', async () => {
  const all = await weighed(rulesOf(INHIBITED));
  await all.take(heavy(400));
  const begins = await largest(all, () => all.take([alertEvent(POWER)]));
  expect(muted(all)).toBe(400);
  const endsAt = all.time.now();
  const ends = await largest(all, async () => {
    await all.take([alertEvent(POWER, { endsAt })]);
    await all.time.advance(MINUTE);
  });
  expect(muted(all)).toBe(0);
  expect([begins, ends].map((size) => size < SMALL)).toEqual([true, true]);
});

test('what an alert of a delivery means for others is decided before the next alert of it', async () => {
  const all = await weighed(rulesOf(INHIBITED));
  const labels = { alertname: 'Down', service: 'basket', severity: 'warning' };
  await all.take(Array.from({ length: 1_300 }, (_, n) => alertEvent({ ...labels, pod: `${n}` })));
  await all.take([alertEvent(POWER), alertEvent(POWER, { endsAt: all.time.now() })]);
  expect([all.reasons.get('inhibited'), all.reasons.get('uninhibited')]).toEqual([1_300, 1_300]);
  expect(muted(all)).toBe(0);
});

test('very much that is over and goes to the history at one time', async () => {
  const apart = `${SHOP}correlate: [{ off: true }]\n`;
  const all = await weighed(rulesOf(apart));
  const service = (n: number) => `service-${n}`;
  await all.take(heavy(400, { service }));
  await all.take(heavy(400, { service, endsAt: all.time.now() }));
  expect(all.lane.state.incidents.size).toBe(400);
  const size = await largest(all, () => all.time.advance(48 * HOUR));
  expect(all.lane.state.incidents.size).toBe(0);
  expect(size).toBeLessThan(SMALL);
});

test('one incident of very much that goes to the history', async () => {
  const all = await weighed();
  await all.take(heavy(400));
  await all.take(heavy(400, { endsAt: all.time.now() }));
  const size = await largest(all, () => all.time.advance(48 * HOUR));
  expect(all.lane.state.incidents.size).toBe(0);
  expect(size).toBeLessThan(SMALL);
  const { items } = await all.store.closedIncidents({ lane: 'default', limit: 10 });
  expect(items).toHaveLength(1);
});

test('room that is much less than what is over takes', async () => {
  const apart = rulesOf(`${SHOP}correlate: [{ off: true }]\n`);
  const before = await weighed(apart);
  const service = (n: number) => `service-${n}`;
  await before.take(heavy(400, { service }));
  await before.take(heavy(400, { service, endsAt: before.time.now() }));
  await before.lane.stop();
  const less = { ...CAPACITY, 'open-alerts': 30 };
  const after = await weighed(apart, { memory: before.store, limits: less });
  const size = await largest(after, () => after.take(heavy(30, { service: 'another' })));
  expect(after.lane.state.alerts.size).toBe(30);
  expect(size).toBeLessThan(12 * MB);
});

/** A storm of two thousand incidents with long names. */
async function storm(): Promise<Weighed> {
  const rules = `${SHOP}
correlate: [{ off: true }]
storm: { perMinute: 10, calm: 1m }
hold: [{ for: 10s }]
`;
  const all = await weighed(rulesOf(rules));
  const name = 'x'.repeat(4_000);
  const events = Array.from({ length: 2_000 }, (_, n) =>
    alertEvent({ alertname: name, service: `${n}-${name}`, severity: 'critical' }),
  );
  await all.take(events);
  await all.time.advance(MINUTE);
  await all.lane.settled();
  expect(all.lane.state.stormed.size).toBeGreaterThan(1_900);
  return all;
}

test('the end of a storm of very many incidents', async () => {
  const all = await storm();
  const size = await largest(all, () => all.time.advance(4 * HOUR));
  expect(all.lane.state.storm).toBeUndefined();
  expect(all.lane.state.stormed.size).toBe(0);
  expect(all.reasons.get('digested')).toBeGreaterThan(1_900);
  expect(size).toBeLessThan(MUCH);
});

test('the end of a storm goes on after a start', async () => {
  const all = await storm();
  const { state } = all.lane;
  // The commit after the one that ends it.
  all.fault.when = ({ remove }) => {
    if (remove.includes('storm')) all.fault.when = () => true;
    return false;
  };
  await all.time.advance(4 * HOUR);
  await all.lane.settled();
  expect(all.lane.state).not.toBe(state);
  expect(all.lane.state.stormed.size).toBe(0);
  expect(all.reasons.get('digested')).toBeGreaterThan(1_900);
});

/** What links the two: it shares a transaction with each. */
const LINK = alertEvent({
  alertname: 'Down',
  service: 'payments-db',
  env: 'production',
  severity: 'warning',
  transaction_id: 'tid_9f3ac1d2 tid_9f3ac1d3',
});

/** Many alerts each of payments and of the newsletter. */
async function linked(count: number): Promise<Weighed> {
  const all = await weighed(rulesOf(WAITING));
  for (const [service, id] of [
    ['payments', 'tid_9f3ac1d3'],
    ['newsletter', 'tid_9f3ac1d2'],
  ] as const)
    await all.take([
      ...heavy(count - 1, { service }),
      ...heavy(1, { service, labels: { transaction_id: id } }),
    ]);
  expect(open(all)).toHaveLength(2);
  return all;
}

test('two incidents that would be one are so while they are not too large', async () => {
  const all = await linked(60);
  await all.take([LINK]);
  expect(all.reasons.get('merged')).toBe(1);
  expect(open(all)).toHaveLength(1);
});

test('two incidents of very much stay two, each knows why, and what links them joins one', async () => {
  const all = await linked(300);
  const size = await largest(all, () => all.take([LINK]));
  expect(size).toBeLessThan(SMALL);
  expect(all.reasons.get('merged')).toBeUndefined();
  const [one, other] = open(all);
  expect([one?.apartFrom, other?.apartFrom].flat().filter(Boolean)).toHaveLength(1);
  expect(all.reasons.get('too-large')).toBe(2);
  const { items } = await all.store.decisions({
    lane: 'default',
    incident: one?.id ?? '',
    limit: 1_000,
  });
  const [why] = items.filter(({ reason }) => reason === 'too-large');
  expect(why?.because).toContain(`${other?.id}: `);
  expect(why?.because).toMatch(/has \d+ alerts, and 5,000, or 8 MB of them, can be moved at once$/);
  const [link] = [...all.lane.state.alerts.values()].filter(
    ({ facts }) => facts.service === 'payments-db',
  );
  expect(link?.incident).toBe(other?.id);
  await all.take([
    alertEvent({ ...LINK.alert.labels, alertname: 'Slow' }),
    alertEvent({ ...LINK.alert.labels, alertname: 'Slower' }),
  ]);
  expect(all.reasons.get('too-large')).toBe(2);
});

test('of several incidents that would be one as many become so as may move at once, and the rest with the next alert', async () => {
  const all = await weighed(rulesOf(WAITING));
  for (const service of ['payments', 'newsletter', 'basket']) {
    const labels = { transaction_id: `tid_${service}` };
    await all.take([...heavy(59, { service }), ...heavy(1, { service, labels })]);
  }
  expect(open(all)).toHaveLength(3);
  const ids = 'tid_payments tid_newsletter tid_basket';
  const links = (alertname: string) =>
    all.take([alertEvent({ ...LINK.alert.labels, alertname, transaction_id: ids })]);
  await links('Down');
  expect(open(all)).toHaveLength(2);
  await links('Slow');
  expect(open(all)).toHaveLength(1);
  expect(all.reasons.get('too-large')).toBeUndefined();
});

test('what people split off, or make one, moves as far as it is not too much', async () => {
  const ask = (all: Weighed, text: string, on: string) =>
    all.take([
      { kind: 'request', user: 'U1', text, on: { incident: on }, orderedAt: all.time.now() },
    ]);
  for (const [count, isSplit] of [
    [60, true],
    [300, false],
  ] as const) {
    const all = await weighed();
    const more = { labels: { severity: 'critical' } };
    await all.take(heavy(1, { service: 'payments-db', ...more }));
    await all.take(heavy(count, { service: 'payments', ...more }));
    const [told] = open(all);
    const size = await largest(all, () => ask(all, 'split payments', told?.id ?? ''));
    expect(open(all)).toHaveLength(isSplit ? 2 : 1);
    expect(size).toBeLessThan(MUCH);
    expect(all.reasons.get('ignored') ?? 0).toBe(isSplit ? 0 : 1);
    if (!isSplit) continue;
    await all.take(heavy(400, { service: 'payments', labels: { severity: 'critical', more: '' } }));
    const one = await largest(all, () => ask(all, 'unsplit', told?.id ?? ''));
    expect(open(all)).toHaveLength(2);
    expect(open(all).map(({ apartFrom }) => apartFrom?.length)).toEqual([1, 1]);
    expect(one).toBeLessThan(MUCH);
  }
});

test('a silence goes on to begin after a start', async () => {
  const all = await weighed(rulesOf(WAITING));
  await all.take(heavy(400));
  const { state } = all.lane;
  const fifth = all.sizes.length + 5;
  all.fault.when = () => all.sizes.length === fifth;
  await all.take([silenceOf('service', 'bask.*', START + 2 * HOUR)]);
  expect(all.lane.state).not.toBe(state);
  expect(muted(all)).toBe(400);
});
