/**
 * What people split is remembered: the next time the same two services fail they are two incidents from the
 * beginning, and everybody can see why.
 */
import { expect, test } from 'vitest';
import { partingName } from '../../src/correlate/may.ts';
import { keyOf } from '../../src/state/keys.ts';
import { type LaneContents, relane } from '../../src/lane/relane.ts';
import { follow, restore } from '../../src/state/restore.ts';
import { WHOLE } from '../../src/split.ts';
import { createState, type LaneState } from '../../src/state/state.ts';
import { recordOfAlert } from '../../src/state/alert-record.ts';
import { HOUR, MINUTE, SHOP, type Story, tell } from '../support/story.ts';

const DAY = 24 * HOUR;
const CRITICAL = { severity: 'critical' };

function ask(story: Story, text: string, incident: string | undefined): void {
  story.wait(1_000);
  const on = { incident: incident ?? '' };
  story.event({ kind: 'request', user: 'U7', text, on, orderedAt: story.now() });
}

/** Payments fails because of its database, or so it seems. */
function outage(story: Story, env = 'production'): readonly string[] {
  const before = story.posts().length;
  story.fire('payments-db', 'Down', { ...CRITICAL, env });
  story.fire('payments', 'HighErrorRate', { ...CRITICAL, env });
  story.wait(MINUTE);
  return story
    .posts()
    .slice(before)
    .map(({ incident }) => incident);
}

function over(story: Story, afterwards: number, env = 'production'): void {
  story.resolve('payments-db', 'Down', { ...CRITICAL, env });
  story.resolve('payments', 'HighErrorRate', { ...CRITICAL, env });
  story.wait(afterwards);
}

/** An outage that somebody took apart, and that is long over. */
function split(yaml: string = SHOP, env = 'production'): Story {
  const story = tell(yaml);
  const [incident] = outage(story, env);
  ask(story, 'split payments', incident);
  over(story, 2 * DAY, env);
  return story;
}

function textOf(story: Story, incident: string | undefined): string {
  const shown = story.messages.findLast(
    (one) => one.incident === incident && one.action !== 'reply',
  );
  return shown?.text ?? '';
}

test('what was split is two incidents from the beginning when both fail again', () => {
  const story = split();
  const posts = outage(story);
  expect(posts).toHaveLength(2);
  expect(posts.map((id) => new Set(story.state.tallies.get(id)?.services.keys()))).toEqual([
    new Set(['payments-db']),
    new Set(['payments']),
  ]);
});

test('the same, whichever of the two fails first, and when the cause joins its effects late', () => {
  const story = split();
  story.fire('payments', 'HighErrorRate', CRITICAL);
  story.wait(5 * MINUTE);
  story.fire('payments-db', 'Down', CRITICAL);
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(4);
  expect(story.reasons()).not.toContain('merged');
});

test('what is kept apart from one incident joins another that something else links it to', () => {
  const story = split();
  const onHost = { ...CRITICAL, labels: { host: 'h1' } };
  story.fire('payments-db', 'Down', CRITICAL);
  story.fire('newsletter', 'Down', onHost);
  story.fire('payments', 'HighErrorRate', onHost);
  const together = [...story.state.tallies.values()].map(({ services }) => [...services.keys()]);
  expect(together).toContainEqual(['newsletter', 'payments']);
});

test('others still join the one that they belong to', () => {
  const story = split();
  const [db, payments] = outage(story);
  story.fire('checkout', 'HighErrorRate', CRITICAL);
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(4);
  expect(story.state.tallies.get(payments ?? '')?.services.has('checkout')).toBe(true);
  expect(story.state.tallies.get(db ?? '')?.services.has('checkout')).toBe(false);
});

test('both messages say who split them and how it is undone, and both stories say why', () => {
  const story = split();
  const [db, payments] = outage(story);
  story.wait(MINUTE);
  expect(textOf(story, payments)).toContain(
    `✂️ Kept apart from payments-db (${db ?? ''}): U7 split them at `,
  );
  expect(textOf(story, db)).toContain(`✂️ Kept apart from payments (${payments ?? ''})`);
  expect(textOf(story, db)).toContain('mention me in the thread with unsplit');
  const kept = story.decisions.filter(({ reason }) => reason === 'kept-apart');
  expect(new Set(kept.map(({ incident }) => incident))).toEqual(new Set([db, payments]));
  expect(kept[0]?.because).toMatch(
    /^\w{8}: U7 split payments from payments-db 2 d ago, which counts for another 28 d$/,
  );
});

test('of what a host took along the service that comes first counts as its cause', () => {
  const story = tell('');
  const names = ['a', 'b', 'c', 'd'];
  const on = (name: string) => ({ ...CRITICAL, labels: { host: 'n1', namespace: name } });
  for (const name of names) story.fire(name, `${name}Down`, on(name));
  story.wait(4 * MINUTE);
  ask(story, 'split b', story.posts()[0]?.incident);
  expect(story.messages.find(({ action }) => action === 'reply')?.text).toContain(
    'kept apart from a for 30 days',
  );
  for (const name of names) story.resolve(name, `${name}Down`, on(name));
  story.wait(3 * HOUR);
  const before = story.posts().length;
  for (const name of names) story.fire(name, `${name}Down`, on(name));
  story.wait(10 * MINUTE);
  const posts = story.posts().slice(before);
  expect(
    posts.map(({ incident }) => [...(story.state.tallies.get(incident)?.services.keys() ?? [])]),
  ).toEqual([['a', 'c', 'd'], ['b']]);
});

test('an end of one takes the line out of the other when it changes next', () => {
  const story = split();
  const [db] = outage(story);
  story.resolve('payments', 'HighErrorRate', CRITICAL);
  story.wait(20 * MINUTE);
  story.fire('payments-db', 'SlowQueries', CRITICAL);
  story.wait(MINUTE);
  expect(textOf(story, db)).not.toContain('Kept apart');
});

test('it is said of one environment', () => {
  const story = split();
  outage(story, 'staging');
  const there = [...story.state.incidents.values()].filter(
    ({ environment }) => environment === 'staging',
  );
  expect(there).toHaveLength(1);
});

test('after a month it is forgotten', () => {
  const story = split();
  story.wait(29 * DAY);
  expect(outage(story)).toHaveLength(1);
});

test('"unsplit" in the thread of either makes them one, and they stay one', () => {
  for (const which of [0, 1]) {
    const story = split();
    ask(story, 'unsplit', outage(story)[which]);
    expect(story.reasons().filter((reason) => reason === 'merged')).toHaveLength(1);
    expect(story.state.partings.size).toBe(0);
    over(story, DAY);
    expect(outage(story)).toHaveLength(1);
  }
});

test('"unsplit" where the other is long over says what it is no longer kept apart from', () => {
  const story = split();
  const [, payments] = outage(story);
  story.resolve('payments-db', 'Down', CRITICAL);
  story.wait(3 * HOUR);
  ask(story, 'unsplit', payments);
  expect(story.last()?.text).toContain('No longer kept apart from payments-db');
  ask(story, 'unsplit', payments);
  expect(story.last()?.text).toContain('nothing was split from this incident');
});

test('"unsplit" says nothing of what else was split off before', () => {
  const story = tell();
  const [first] = outage(story);
  story.fire('checkout', 'HighErrorRate', CRITICAL);
  story.wait(MINUTE);
  ask(story, 'split checkout', first);
  story.resolve('checkout', 'HighErrorRate', CRITICAL);
  over(story, 2 * DAY);
  const [again] = outage(story);
  ask(story, 'split payments', again);
  expect(story.state.partings.size).toBe(2);
  ask(story, 'unsplit', again);
  const left = [...story.state.partings.values()].map(({ services }) => services);
  expect(left).toEqual([['checkout', 'payments-db']]);
});

test('the answer to a split says for how long, and from what', () => {
  const story = tell();
  const [incident] = outage(story);
  ask(story, 'split payments', incident);
  const reply = story.messages.find(({ action }) => action === 'reply');
  expect(reply?.text).toContain('and kept apart from payments-db for 30 days');
});

test('not even a transaction that both carry makes them one', () => {
  const story = split(`${SHOP}transaction: [labels.tid]\n`);
  const labels = { tid: 'tid_9f3ac1b2' };
  story.fire('payments-db', 'Down', { ...CRITICAL, labels });
  story.fire('payments', 'HighErrorRate', { ...CRITICAL, labels });
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(4);
});

function recordsOf({ alerts, incidents, partings }: LaneState) {
  const values: unknown = JSON.parse(
    JSON.stringify([
      ...[...alerts.values()].map((alert) => ({
        key: alert.fingerprint,
        value: recordOfAlert(alert),
      })),
      ...[...incidents.values()].map((value) => ({ key: `i/${value.id}`, value })),
      ...[...partings].map(([name, value]) => ({ key: keyOf('parting', name), value })),
    ]),
  );
  return values as { key: string; value: unknown }[];
}

test('a restart knows it as well', () => {
  const story = split();
  const state = createState('main');
  restore(state, recordsOf(story.state));
  expect([...state.partings]).toEqual([...story.state.partings]);
  const name = partingName('production', 'payments-db', 'payments');
  expect(state.partings.get(name)).toMatchObject({ services: ['payments', 'payments-db'] });
});

test('of very many splits the oldest go', () => {
  const services = Array.from({ length: 60 }, (_, index) => `s${index}`);
  const yaml = `services:\n  - { name: db }\n${services
    .map((name) => `  - { name: ${name}, dependsOn: [db] }`)
    .join('\n')}\n`;
  const story = tell(yaml);
  for (let round = 0; round < 10; round++) {
    const env = `env${round}`;
    story.fire('db', 'Down', { ...CRITICAL, env });
    for (const name of services) story.fire(name, 'Errors', { ...CRITICAL, env });
    story.wait(MINUTE);
    const incident = [...story.state.incidents.values()].find(
      ({ environment }) => environment === env,
    );
    ask(story, `split ${services.join(' ')}`, incident?.id);
  }
  expect(story.state.partings.size).toBe(500);
  expect(story.state.partings.has(partingName('env9', 'db', 's0'))).toBe(true);
  expect(story.state.partings.has(partingName('env0', 'db', 's0'))).toBe(false);
});

test('the same after a restart', () => {
  const story = tell();
  for (let n = 0; n < 500; n++) {
    const services = [`a${999 - n}`, 'db'] as const;
    const parting = { environment: 'old', services, by: 'U1', at: n, until: story.now() + DAY };
    restore(story.state, [
      { key: keyOf('parting', partingName('old', ...services)), value: parting },
    ]);
  }
  const again = createState('main');
  restore(again, recordsOf(story.state));
  story.state.partings.clear();
  for (const [name, parting] of again.partings) story.state.partings.set(name, parting);
  const [incident] = outage(story);
  ask(story, 'split payments', incident);
  expect(story.state.partings.has(partingName('old', 'a999', 'db'))).toBe(false);
  expect(story.state.partings.has(partingName('old', 'a500', 'db'))).toBe(true);
  expect(story.state.partings.has(partingName('production', 'payments', 'payments-db'))).toBe(true);
});

test('other lanes know it, too: what was split may fail in any of them', () => {
  const story = split();
  const contents = { lane: 'default', records: recordsOf(story.state), outbox: [] };
  const lanes = relane([contents], { by: ['env'], lanes: ['europe'] });
  const partingsIn = ({ records }: LaneContents) =>
    records.filter(({ key }) => key.startsWith('parting/'));
  expect(lanes.map((lane) => partingsIn(lane).length)).toEqual([1, 1]);
  const [back] = relane(lanes, WHOLE);
  expect(back === undefined ? [] : partingsIn(back)).toEqual(partingsIn(contents));
});

test('an instance that follows hears of a split, and of its end', () => {
  const story = split();
  const name = partingName('production', 'payments-db', 'payments');
  const state = createState('main');
  follow(state, recordsOf(story.state), []);
  expect(state.partings.has(name)).toBe(true);
  follow(state, [], [keyOf('parting', name)]);
  expect(state.partings.size).toBe(0);
});
