/** What began at the same time, where nothing else links it. */
import { expect, test } from 'vitest';
import { HOUR, MINUTE, SECOND, SHOP, tell } from '../support/story.ts';

test('services that nobody said anything about are grouped by the time at which they fail', () => {
  const story = tell('');
  for (const service of ['cart', 'orders', 'front']) {
    story.fire(service, 'HighErrorRate', { severity: 'critical' });
    story.wait(20_000);
  }
  story.wait(3 * MINUTE);
  story.fire('mail', 'HighErrorRate', { severity: 'critical' });
  story.wait(3 * MINUTE);
  expect(story.posts()).toHaveLength(2);
});

test('what a rule groups by its labels does not join what began at the same moment', () => {
  const posts = (rule: string): number => {
    const story = tell(rule);
    for (const service of ['cart', 'mail']) {
      story.fire(service, 'HighErrorRate', { severity: 'high', labels: { job: service } });
      story.wait(5 * SECOND);
    }
    story.wait(20 * MINUTE);
    return story.posts().length;
  };
  expect(posts('')).toBe(1);
  expect(posts(`correlate: [{ match: ['job!=""'], by: [job] }]`)).toBe(2);
});

test('what only began at the same time is not said to be explained', () => {
  const story = tell('');
  for (const service of ['cart', 'ads', 'mail']) {
    story.fire(service, 'HighErrorRate', { severity: 'high' });
    story.wait(5 * SECOND);
  }
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(3);
  expect(story.last()?.text).not.toContain('explains');
});

test('what lasts and began together is one message without a graph, whatever it is and wherever', () => {
  const posts = (apartMs: number, more: Record<string, string> = {}): number => {
    const story = tell('');
    story.fire('app', 'HighErrorRate', { severity: 'critical', labels: { namespace: 'shop' } });
    story.wait(apartMs);
    const labels = { namespace: 'data', ...more };
    story.fire('kafka', 'BrokerDown', { severity: 'critical', labels });
    story.wait(5 * MINUTE);
    return story.posts().length;
  };
  expect(posts(2 * MINUTE)).toBe(1);
  expect(posts(4 * MINUTE)).toBe(2);
  expect(posts(2 * MINUTE, { cluster: 'other' })).toBe(2);
});

test('what joins a message that is over opens it again, and everybody hears of it', () => {
  const story = tell('');
  const one = { severity: 'critical', labels: { namespace: 'shop' } };
  story.fire('app', 'HighErrorRate', one);
  story.wait(2 * MINUTE);
  story.fire('kafka', 'BrokerDown', { severity: 'critical', labels: { namespace: 'data' } });
  story.wait(MINUTE);
  story.react('eyes', story.posts()[0]?.incident ?? '');
  story.wait(MINUTE / 2);
  story.resolve('app', 'HighErrorRate', one);
  story.wait(5 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.reasons().slice(-2)).toEqual(['merged', 'reopened']);
  const lines = story.messages.filter(({ action }) => action === 'reply').map(({ text }) => text);
  expect(lines).toContainEqual(expect.stringContaining('Fires again: kafka'));
  expect(story.last()?.text).toContain('Nobody is on it yet · re-opened once');
});

test('what the graph does not place joins what it places, and the other way round, if they began together', () => {
  const posts = (services: readonly [string, string], apartMs: number, rules = SHOP): number => {
    const story = tell(rules);
    for (const service of services) {
      story.fire(service, 'HighErrorRate', { severity: 'critical' });
      story.wait(apartMs);
    }
    story.wait(5 * MINUTE);
    return story.posts().length;
  };
  expect(posts(['payments-db', 'switch-7'], 50 * SECOND)).toBe(1);
  expect(posts(['switch-7', 'payments-db'], 50 * SECOND)).toBe(1);
  expect(posts(['payments-db', 'switch-7'], 4 * MINUTE)).toBe(2);
  // Who would be told of the other reads another channel.
  const apart = `${SHOP}\nroute:\n  channel: '#payments'\n  routes: [{ match: ['service="switch-7"'], channel: '#network' }]\n`;
  expect(posts(['payments-db', 'switch-7'], 50 * SECOND, apart)).toBe(2);
  // Of both of these the graph says that they have nothing to do with each other.
  expect(posts(['payments-db', 'basket-db'], 50 * SECOND)).toBe(2);
});

test('what the graph does not place is no echo if it fails in so many ways that it is told by itself', () => {
  const posts = (order: readonly string[], checks: readonly string[]): number => {
    const story = tell(SHOP);
    for (const service of order) {
      for (const check of service === 'switch-7' ? checks : ['Down'])
        story.fire(service, check, { severity: 'critical' });
      story.wait(20 * SECOND);
    }
    story.wait(5 * MINUTE);
    return story.posts().length;
  };
  const many = ['Down', 'SyntheticCheckFailing', 'HighErrorRate'];
  expect(posts(['payments-db', 'switch-7'], many)).toBe(2);
  expect(posts(['switch-7', 'payments-db'], many)).toBe(2);
  expect(posts(['payments-db', 'switch-7'], ['Down'])).toBe(1);
  // Of several that the graph does not place it is not known which of them fails.
  expect(posts(['payments-db', 'switch-7', 'switch-8'], ['Down'])).toBe(1);
});

test('what passes by does not join what began with it', () => {
  const story = tell('');
  story.fire('app', 'HighErrorRate', { severity: 'critical', labels: { namespace: 'shop' } });
  story.wait(MINUTE);
  story.fire('kafka', 'BrokerSlow', { labels: { namespace: 'data' } });
  story.wait(4 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.text).not.toContain('kafka');
});

test.each([
  ['KubeNodeNotReady', 1],
  ['ReplicasMissing', 2],
])('%s began as much earlier as its source is known to have waited: %i messages', (name, posts) => {
  const story = tell('');
  story.fire('app', 'HighErrorRate', { severity: 'critical', labels: { namespace: 'shop' } });
  story.wait(15 * MINUTE);
  story.fire('node-7', name, { labels: { namespace: 'monitoring' } });
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(posts);
});

test.each([
  [1, 1],
  [7, 2],
  [15, 1],
])(
  'a machine %i minutes later, if a team may have shortened the wait: %i messages',
  (minutes, posts) => {
    const story = tell(SHOP);
    story.fire('payments-db', 'Down', { severity: 'critical' });
    story.wait(minutes * MINUTE);
    const machine = { severity: 'critical', labels: { host: 'node-7' } };
    story.fire('node-7', 'KubeNodeNotReady', machine);
    story.fire('node-7', 'NodeExporterDown', machine);
    story.wait(10 * MINUTE);
    expect(story.posts()).toHaveLength(posts);
  },
);

test('what began with a message that is over opens it again', () => {
  const story = tell('');
  story.fire('app', 'HighErrorRate', { severity: 'critical', labels: { namespace: 'shop' } });
  story.wait(5 * MINUTE);
  story.resolve('app', 'HighErrorRate', { labels: { namespace: 'shop' } });
  story.wait(10 * MINUTE);
  story.fire('node-7', 'KubeNodeNotReady', { labels: { namespace: 'monitoring' } });
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.text).toMatch(/node-7/);
  expect(story.last()?.text).not.toMatch(/Solved|over after/);
});

test('what a source says minutes later still began at the same time', () => {
  const story = tell('');
  const labels = { namespace: 'shop' };
  story.fire('cart', 'HighErrorRate', { severity: 'critical', labels });
  const startsAt = story.now() + MINUTE;
  story.wait(5 * MINUTE);
  story.fire('orders', 'HighLatency', { labels, startsAt });
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(2);
});

test('the time alone puts nothing into a message that people asked quiet about', () => {
  const postsAfter = (isQuiet: boolean): number => {
    const story = tell('');
    const critical = (namespace: string) => ({ severity: 'critical', labels: { namespace } });
    const startsAt = story.now();
    story.fire('cart', 'Down', critical('shop'));
    story.wait(5 * MINUTE);
    if (isQuiet) story.react('no_bell', story.posts()[0]?.incident ?? '');
    story.wait(10 * MINUTE);
    story.fire('mail', 'QueueGrows', { ...critical('office'), startsAt });
    story.wait(10 * MINUTE);
    return story.posts().length;
  };
  expect(postsAfter(false)).toBe(1);
  expect(postsAfter(true)).toBe(2);
});

test('a message began when the first of what it became one with did', () => {
  const story = tell('');
  const startsAt = story.now();
  const shop = { labels: { namespace: 'shop' } };
  story.fire('cart', 'Down', { severity: 'critical', ...shop });
  story.wait(20 * MINUTE);
  story.fire('cart', 'KubePodNotReady', shop);
  story.wait(10 * MINUTE);
  expect(story.reasons()).toContain('merged');
  const labels = { namespace: 'office' };
  story.fire('mail', 'QueueGrows', { severity: 'critical', labels, startsAt });
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
});

test('what is left after a split began when what is left did', () => {
  const story = tell('');
  const startsAt = story.now() - 13 * MINUTE;
  const description = 'Not ready for longer than 15 minutes.';
  const critical = (namespace: string) => ({ severity: 'critical', labels: { namespace } });
  story.fire('cart', 'Down', critical('shop'));
  story.wait(2 * MINUTE);
  story.fire('orders', 'NotReady', { ...critical('shop'), annotations: { description } });
  story.wait(2 * MINUTE);
  const on = { incident: story.posts()[0]?.incident ?? '' };
  const orderedAt = story.now();
  story.event({ kind: 'request', user: 'U7', text: 'split orders', on, orderedAt });
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(2);
  story.fire('mail', 'QueueGrows', { ...critical('office'), startsAt });
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(3);
});

test('the time alone keeps nothing from the channel that would be told, and nobody asleep whom a route calls', () => {
  const postsWith = (entry: string, first = 'critical'): number => {
    const story = tell(`route:\n  channel: '#alerts'\n  routes:\n    - ${entry}\n`);
    const startsAt = story.now();
    story.fire('cart', 'Down', { severity: first, labels: { namespace: 'shop' } });
    story.wait(12 * MINUTE);
    story.react('eyes', story.posts()[0]?.incident ?? '');
    const labels = { namespace: 'bank' };
    story.fire('ledger', 'QueueGrows', { severity: 'critical', labels, startsAt });
    story.wait(10 * MINUTE);
    return story.posts().length;
  };
  const ofBank = `match: ['namespace="bank"'], channel: '#bank'`;
  expect(postsWith(`{ ${ofBank} }`)).toBe(2);
  expect(postsWith(`{ match: ['namespace="bank"'], mention: ['@here'] }`)).toBe(2);
  expect(postsWith(`{ match: ['namespace="bank"'] }`)).toBe(1);
  // Whom that message has called, or calls when it becomes critical.
  const ofCritical = `{ match: ['severity="critical"'], mention: ['@here'] }`;
  expect(postsWith(ofCritical)).toBe(1);
  expect(postsWith(ofCritical, 'warning')).toBe(1);
});

test('two teams with channels of their own are both told of what fails at once in one namespace', () => {
  const story = tell(`
route:
  channel: '#alerts'
  routes:
    - { match: ['team="a"'], channel: '#team-a' }
    - { match: ['team="b"'], channel: '#team-b' }
`);
  for (const [service, team] of [
    ['cart', 'a'],
    ['billing', 'b'],
  ] as const) {
    story.fire(service, 'HighErrorRate', {
      severity: 'critical',
      labels: { namespace: 'shop', team },
    });
    story.wait(20_000);
  }
  story.wait(10 * MINUTE);
  expect(story.posts().map(({ channel }) => channel)).toEqual(['#team-a', '#team-b']);
});

test('what an Alertmanager says at once to whoever newly listens is grouped by when it began', () => {
  const story = tell('');
  const ago = (hours: number) => ({ severity: 'critical', startsAt: story.now() - hours * HOUR });
  story.fire('cart', 'HighErrorRate', ago(70));
  story.fire('orders', 'HighErrorRate', ago(3));
  story.fire('mail', 'QueueGrows', {
    severity: 'critical',
    startsAt: story.now() - 3 * HOUR + MINUTE,
  });
  story.wait(10 * MINUTE);
  const told = story
    .posts()
    .map(
      ({ incident }) => story.messages.findLast((one) => one.incident === incident)?.alerts.length,
    );
  expect(told).toEqual([1, 2]);
});

test('the graph keeps apart what only came at the same time', () => {
  const story = tell(SHOP);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.fire('basket-db', 'Down', { severity: 'critical' });
  story.wait(4 * MINUTE);
  expect(story.posts()).toHaveLength(2);
});
