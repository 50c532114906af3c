/**
 * What keeps a platform's noise out of its messages, each behaviour by itself.
 */
import { expect, test } from 'vitest';
import type { Severity } from '../../src/model.ts';
import { alertEvent, HOUR, MINUTE, SECOND, SHOP, tell } from '../support/story.ts';

test('a blip that is over explains nothing that comes later', () => {
  const story = tell();
  story.fire('payments-db', 'HighCpu');
  story.wait(2 * MINUTE);
  story.resolve('payments-db', 'HighCpu');
  story.wait(MINUTE);
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'payments', alerts: [{}] });
});

test('an alert that fires again after it ended untold takes a new place', () => {
  const story = tell();
  story.fire('basket', 'HighLatency');
  story.wait(MINUTE);
  story.resolve('basket', 'HighLatency');
  story.wait(10 * MINUTE);
  story.fire('basket', 'HighLatency');
  expect(story.reasons().filter((reason) => reason === 'opened')).toHaveLength(2);
});

test('a flapping alert of which no end was seen stays where it fires', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.fire('payments-db', 'SlowQueries');
  for (let i = 0; i < 5; i++) {
    story.wait(5 * MINUTE);
    story.fire('payments-db', 'SlowQueries', { startsAt: story.now() });
  }
  story.wait(MINUTE);
  expect(story.reasons()).toContain('flapping');
  expect(story.last()?.alerts).toHaveLength(2);
  expect(story.reasons()).not.toContain('ended');
});

test('a critical alert that stands alone waits by what the catalog says of its service', () => {
  const toldAfterMs = (service: string, ...alsoFails: readonly string[]): number => {
    const story = tell();
    const firedAt = story.now();
    story.fire(service, 'HighErrorRate', { severity: 'critical' });
    for (const name of alsoFails) story.fire(service, name);
    story.wait(20 * MINUTE);
    return Date.parse(story.posts()[0]?.at ?? '') - firedAt;
  };
  expect(toldAfterMs('payments')).toBe(0);
  expect(toldAfterMs('stranger')).toBe(150 * SECOND);
  expect(toldAfterMs('basket')).toBe(4 * MINUTE);
  expect(toldAfterMs('newsletter')).toBe(5 * MINUTE);
  // It is taken at its word where something else fails, too; what never wakes anyone is not.
  expect(toldAfterMs('basket', 'HighLatency')).toBe(0);
  expect(toldAfterMs('newsletter', 'HighLatency')).toBe(4 * MINUTE);
});

test('of a service that never wakes anyone one mild check waits for the digest, and several are a message', () => {
  const toldAfter = (
    rules: string,
    ...checks: readonly (readonly [number, string, Severity])[]
  ) => {
    const story = tell(rules);
    const firedAt = story.now();
    for (const [atMs, name, severity] of checks) {
      story.wait(firedAt + atMs - story.now());
      story.fire('newsletter', name, { severity });
    }
    story.wait(HOUR);
    const digested = story.reasons().includes('digested');
    const told = story.posts().map(({ at }) => (Date.parse(at) - firedAt) / MINUTE);
    return [...(digested ? ['digest'] : []), ...told];
  };
  const slow = [0, 'HighLatency', 'warning'] as const;
  expect(toldAfter(SHOP, slow)).toEqual(['digest']);
  expect(toldAfter(SHOP, slow, [MINUTE, 'BackupMissing', 'info'])).toEqual(['digest']);
  expect(toldAfter(SHOP, slow, [MINUTE, 'QueueGrows', 'warning'])).toEqual([5]);
  // It was in the digest when the second began to fail, and to last.
  expect(toldAfter(SHOP, slow, [11 * MINUTE, 'QueueGrows', 'high'])).toEqual(['digest', 16]);
  const stated = `${SHOP}\nroute: { routes: [{ match: ['tier="3"'], urgency: digest }] }\n`;
  expect(toldAfter(stated, slow, [MINUTE, 'QueueGrows', 'warning'])).toEqual(['digest']);
});

test('two checks that both fail for four minutes are told before one alone would be', () => {
  const story = tell();
  story.fire('basket', 'HighLatency');
  story.wait(MINUTE);
  story.fire('basket-db', 'SlowQueries');
  story.wait(4 * MINUTE - 1);
  expect(story.posts()).toHaveLength(0);
  story.wait(1);
  expect(story.posts()).toHaveLength(1);
  expect(story.posts()[0]?.alerts).toHaveLength(2);
});

test('they have to last for longer where their source says late that something is over', () => {
  const toldAfterMs = (lateMs: number): number => {
    const story = tell();
    for (let blip = 0; blip < 60; blip++) {
      story.fire('newsletter', `Check${blip}`, { severity: 'info' });
      story.wait(MINUTE + lateMs);
      const over = { severity: 'info', endsAt: story.now() - lateMs };
      story.resolve('newsletter', `Check${blip}`, over);
    }
    const from = story.now();
    story.fire('basket', 'HighLatency');
    story.fire('basket-db', 'SlowQueries');
    story.wait(20 * MINUTE);
    return Date.parse(story.posts()[0]?.at ?? '') - from;
  };
  expect(toldAfterMs(0)).toBe(4 * MINUTE);
  // Within a step of 4 min and 3 min.
  expect(toldAfterMs(3 * MINUTE)).toBeGreaterThan(6.5 * MINUTE);
  expect(toldAfterMs(3 * MINUTE)).toBeLessThan(7.5 * MINUTE);
  // Each outlasts its own hold by then.
  expect(toldAfterMs(6 * MINUTE)).toBe(8 * MINUTE);
});

test('one that lasts and one that passes by are not two that last', () => {
  const story = tell();
  story.fire('basket', 'HighLatency');
  story.wait(3 * MINUTE);
  story.fire('basket-db', 'SlowQueries');
  story.wait(2 * MINUTE);
  story.resolve('basket-db', 'SlowQueries');
  story.wait(3 * MINUTE - 1);
  expect(story.posts()).toHaveLength(0);
  story.wait(1);
  expect(story.posts()).toHaveLength(1);
});

test('what flaps joins nobody, and takes its place once it lasts', () => {
  const story = tell();
  for (let i = 0; i < 5; i++) {
    story.fire('payments-db', 'SlowQueries');
    story.wait(MINUTE);
    story.resolve('payments-db', 'SlowQueries');
    story.wait(4 * MINUTE);
  }
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  story.wait(MINUTE);
  story.fire('payments-db', 'SlowQueries');
  expect(story.last()?.alerts).toHaveLength(1);
  story.wait(21 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(2);
});

test('a workload whose pods come and go flaps, although each alert is a new one', () => {
  const story = tell('');
  for (let i = 0; i < 12; i++) {
    const pod = {
      severity: 'critical',
      labels: { pod: `cart-7d9f8b6c5-x2k${'bcdfghjklmnp'[i]}z` },
    };
    story.fire('cart', 'PodCrashLooping', pod);
    story.wait(2 * MINUTE);
    story.resolve('cart', 'PodCrashLooping', pod);
    story.wait(7 * MINUTE);
  }
  expect(story.posts().length).toBeLessThan(3);
  expect(story.reasons()).toContain('flapping');
});

test('the same trouble on several pods at once is no flap', () => {
  const story = tell('');
  for (const last of ['b', 'c', 'd', 'f', 'g']) {
    story.fire('cart', 'PodNotReady', { labels: { pod: `cart-7d9f8b6c5-x2k4${last}` } });
    story.wait(20_000);
  }
  expect(story.reasons()).not.toContain('flapping');
});

test('information does not gather an outage, nor make it look older than it is', () => {
  const story = tell();
  story.fire('payments-db', 'DiskHalfFull', { severity: 'info' });
  story.wait(30 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  expect(story.posts()).toHaveLength(1);
  expect(story.posts()[0]?.alerts).toHaveLength(1);
});

test('what a host draws into one incident must all run there, told or not', () => {
  const posts = (...hosts: readonly string[]): number => {
    const story = tell();
    for (const host of hosts)
      story.fire('payments-db', 'Down', { severity: 'critical', labels: { host } });
    story.fire('basket-db', 'Down', { severity: 'critical', labels: { host: 'h1' } });
    story.wait(5 * MINUTE);
    return story.posts().length;
  };
  expect([posts('h1'), posts('h1', 'h2')]).toEqual([1, 2]);
});

test('what runs beside one of two services that fail together, or on one of several hosts, is no part of it', () => {
  const posts = (rules: string, ...hosts: readonly (readonly [string, string])[]): number => {
    const story = tell(rules);
    for (const [service, host] of hosts)
      story.fire(service, `Down on ${host}`, { severity: 'critical', labels: { host } });
    story.wait(10 * SECOND);
    story.fire('stranger', 'Down', { severity: 'critical', labels: { host: 'h1' } });
    story.wait(5 * MINUTE);
    return story.posts().length;
  };
  const graph =
    'services: [{ name: a, dependsOn: [db] }, { name: b, dependsOn: [db] }, { name: db }, { name: stranger, dependsOn: [other] }, { name: other }]';
  expect(posts(graph, ['db', 'h1'], ['a', 'h2'])).toBe(2);
  expect(posts(graph, ['db', 'h1'], ['a', 'h1'], ['db', 'h2'])).toBe(2);
  expect(posts(graph, ['db', 'h1'], ['a', 'h1'])).toBe(1);
  expect(posts(graph, ['db', 'h1'], ['a', 'h1'], ['b', 'h2'])).toBe(1);
});

test('a host that fails is one incident of all that runs on it', () => {
  const story = tell();
  const onHost = { severity: 'high', labels: { host: 'h1' } } as const;
  for (const service of ['payments-db', 'newsletter', 'stranger']) {
    story.fire(service, 'Down', onHost);
    story.wait(5_000);
  }
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'h1' });
});

test('where the work of a lost host went is part of its failure', () => {
  const story = tell();
  const onHost = (host: string) => ({ severity: 'high', labels: { host } }) as const;
  for (const service of ['payments-db', 'newsletter', 'stranger'])
    story.fire(service, 'Down', onHost('h1'));
  story.wait(3 * MINUTE);
  story.fire('stranger', 'HighLatency', onHost('h2'));
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'h1', alerts: [{}, {}, {}, {}] });
});

test('a service that failed before its host was known to is one with all that runs there', () => {
  const story = tell();
  const onHost = { severity: 'high', labels: { host: 'h1' } } as const;
  story.fire('payments-db', 'Down', onHost);
  story.fire('newsletter', 'Down', onHost);
  story.fire('stranger', 'HighErrorRate', { severity: 'critical' });
  story.wait(30_000);
  story.fire('stranger', 'PodNotReady', onHost);
  story.wait(10 * MINUTE);
  expect(story.last()).toMatchObject({ root: 'h1' });
  expect(story.last()?.alerts).toHaveLength(4);
});

test('a failure is no part of the blip that its victim joined before', () => {
  const story = tell();
  story.fire('payments', 'HighCpu');
  story.wait(2 * MINUTE);
  story.fire('checkout', 'HighErrorRate', { severity: 'critical' });
  story.fire('checkout', 'Timeouts', { severity: 'high' });
  story.wait(MINUTE);
  expect(story.last()).toMatchObject({ root: 'payments' });
  story.fire('basket-db', 'DiskFull', { severity: 'critical' });
  story.wait(5 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.candidates).toContain('basket-db');
});

test('a warning that passes by does not take over an outage as its cause', () => {
  const story = tell();
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  story.fire('checkout', 'HighErrorRate', { severity: 'critical' });
  story.wait(4 * MINUTE);
  story.fire('payments-db', 'HighCpu');
  story.wait(2 * MINUTE);
  story.resolve('payments-db', 'HighCpu');
  story.wait(3 * MINUTE);
  story.fire('checkout', 'HighLatency', { severity: 'high' });
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.root).toBe('payments');
});

test('a cause that comes last takes the incidents along that it explains', () => {
  const story = tell();
  story.fire('payments', 'HighErrorRate', {
    severity: 'critical',
    annotations: { transaction_id: 'tid_5a5a5a' },
  });
  story.fire('basket-db', 'Down', { severity: 'critical' });
  story.wait(3 * MINUTE);
  story.fire('payments-db', 'ConnectionsExhausted', { severity: 'critical' });
  expect(story.last()).toMatchObject({ root: 'payments-db' });
  story.wait(3 * MINUTE);
  expect(story.posts()).toHaveLength(2);
});

test('a late warning of a broken service stands by itself until it has lasted', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(10 * MINUTE);
  story.fire('payments-db', 'HighCpu');
  story.wait(2 * MINUTE);
  story.resolve('payments-db', 'HighCpu');
  story.wait(MINUTE);
  story.fire('payments-db', 'SlowQueries');
  story.wait(9 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts.map(({ labels }) => labels['alertname'])).toEqual([
    'Down',
    'SlowQueries',
  ]);
});

test('several late warnings of a broken service join its message once they have lasted', () => {
  const story = tell('');
  story.fire('cart', 'HighErrorRate', { severity: 'critical' });
  story.wait(15 * MINUTE);
  for (const pod of ['cart-7d9f8b6c5-x2kbz', 'cart-7d9f8b6c5-x2kcz']) {
    story.fire('cart', 'PodCrashLooping', { labels: { pod } });
    story.fire('cart', 'PodNotReady', { labels: { pod } });
  }
  expect(story.last()?.alerts).toHaveLength(1);
  story.wait(4 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(5);
});

test('a later failure is told by itself, although its victim stands in a message', () => {
  const story = tell();
  story.fire('basket', 'HighErrorRate', { severity: 'critical' });
  story.fire('checkout', 'HighErrorRate', { severity: 'critical' });
  story.wait(15 * MINUTE);
  for (const name of ['HighLatency', 'QueueGrowing', 'ThreadsBusy']) story.fire('checkout', name);
  for (const name of ['SlowQueries', 'HighCpu']) story.fire('payments', name);
  story.wait(10 * SECOND);
  expect(story.posts().map(({ root }) => root)).toEqual(['basket', 'payments']);
});

test('a late warning beside a broken service stands by itself until it has lasted', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(4 * MINUTE);
  story.fire('payments-db', 'HighErrorRate', { severity: 'high' });
  story.wait(3 * MINUTE);
  story.fire('payments', 'HighCpu');
  story.wait(MINUTE);
  expect(story.last()?.alerts).toHaveLength(2);
  story.wait(9 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(3);
});

test('the headline of a mild cause names whom it brings down', () => {
  const story = tell('services: [{ name: till, dependsOn: [stock] }, { name: stock }]');
  story.fire('stock', 'HighCpu');
  story.fire('till', 'HighErrorRate', { severity: 'critical' });
  story.wait(3 * MINUTE);
  expect(story.last()?.text.split('\n')[0]).toContain(
    'till is failing: stock: high cpu · critical',
  );
});

test('a mild cause does not hush a victim that matters more', () => {
  const story = tell(`
services:
  - { name: shop, tier: 1, dependsOn: [counter] }
  - { name: counter, tier: 3 }
`);
  story.fire('counter', 'QueueGrowing');
  story.wait(20_000);
  story.fire('shop', 'HighErrorRate', { severity: 'critical' });
  expect(story.posts()).toHaveLength(1);
  expect(story.posts()[0]).toMatchObject({ root: 'counter', severity: 'critical' });
});

test('what stands in the digest is told when it has become worse, not when a blip comes by', () => {
  const story = tell();
  story.fire('basket', 'DiskHalfFull', { severity: 'info' });
  story.wait(16 * MINUTE);
  story.fire('basket', 'HighLatency');
  story.wait(2 * MINUTE);
  story.resolve('basket', 'HighLatency');
  story.wait(HOUR);
  expect(story.posts()).toHaveLength(0);
});

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

test('two hosts that fail at once are two incidents where the graph knows what runs on them', () => {
  const roots = (rules: string): readonly (string | undefined)[] => {
    const story = tell(rules);
    for (const host of ['h1', 'h2']) {
      for (const name of ['api', 'cache', 'jobs'])
        story.fire(`${host}-${name}`, 'Down', { severity: 'high', labels: { host } });
      story.wait(20_000);
    }
    story.wait(5 * MINUTE);
    return story.posts().map(({ root }) => root);
  };
  const graph = ['h1', 'h2'].map(
    (host) => `{ name: ${host}-api, dependsOn: [${host}-db] }, { name: ${host}-db }`,
  );
  expect(roots(`services: [${graph.join(', ')}]`)).toEqual(['h1', 'h2']);
  expect(roots('')).toHaveLength(1);
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

test('a source that speaks seldom gets the chance to say that it is over, unless a rule says how long', () => {
  const toldAfterMs = (yaml: string): number => {
    const story = tell(yaml);
    for (let blip = 0; blip < 60; blip++) {
      story.fire('newsletter', `Check${blip}`, { severity: 'info' });
      story.wait(6 * MINUTE);
      const over = { severity: 'info', endsAt: story.now() - 5 * MINUTE };
      story.resolve('newsletter', `Check${blip}`, over);
      story.wait(MINUTE);
    }
    const before = story.now();
    story.fire('basket', 'Down', { severity: 'critical' });
    story.wait(20 * MINUTE);
    const told = story.decisions.findLast(({ reason }) => reason === 'told');
    expect(told?.why).toBe(yaml === '' ? 'its source says late that something is over' : undefined);
    return Date.parse(story.posts().at(-1)?.at ?? '') - before;
  };
  expect(toldAfterMs('')).toBeGreaterThan(5.5 * MINUTE);
  expect(toldAfterMs('')).toBeLessThanOrEqual(6 * MINUTE);
  expect(toldAfterMs('hold:\n  - { for: 3m }\n')).toBe(3 * MINUTE);
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

test('the time alone keeps nobody asleep whom a route calls', () => {
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
  expect(postsWith(`{ ${ofBank} }`)).toBe(1);
  expect(postsWith(`{ ${ofBank}, mention: ['@here'] }`)).toBe(2);
  // Whom that message has called, or calls when it becomes critical.
  const ofCritical = `{ match: ['severity="critical"'], mention: ['@here'] }`;
  expect(postsWith(ofCritical)).toBe(1);
  expect(postsWith(ofCritical, 'warning')).toBe(1);
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

test('a critical alert that stands alone waits, and is told at once in company', () => {
  const told = (...company: readonly string[]): string[] => {
    const story = tell();
    story.fire('basket', 'HighErrorRate', { severity: 'critical' });
    story.wait(MINUTE);
    for (const service of company) story.fire(service, `SlowQueriesOf${service}`);
    story.wait(5 * MINUTE);
    return story.posts().map(({ at }) => at.slice(14, 19));
  };
  expect([told(), told('basket')]).toEqual([['04:00'], ['01:00']]);
  // One warning somewhere around it may be a coincidence.
  expect([told('basket-db'), told('basket-db', 'checkout')]).toEqual([['04:00'], ['01:00']]);
});

test('over a silent service a critical alert finds company less easily', () => {
  const told = (others: readonly string[]): string[] => {
    const story = tell(`services:
  - { name: till, dependsOn: [orders] }
  - { name: orders, dependsOn: [stock, prices] }
  - { name: stock }
  - { name: prices }`);
    story.fire('stock', 'HighErrorRate', { severity: 'critical' });
    for (const service of others) story.fire(service, 'HighLatency');
    story.wait(5 * MINUTE);
    return story.posts().map(({ at }) => at.slice(14, 19));
  };
  expect(told(['till'])).toEqual(['02:30']);
  expect(told(['till', 'orders'])).toEqual(['00:00']);
});

test('warnings that only the time links must last, however many', () => {
  const story = tell('');
  for (const service of ['cart', 'mail', 'orders', 'stock', 'front'])
    story.fire(service, 'HighLatency');
  expect(story.posts()).toHaveLength(0);
  story.wait(4 * MINUTE);
  expect(story.posts()).toHaveLength(1);
});

test('a critical alert of a tier-3 service and two warnings are no outage yet', () => {
  const story = tell(`
services:
  - { name: shop, dependsOn: [counter] }
  - { name: counter, tier: 3 }
`);
  story.fire('counter', 'Down', { severity: 'critical' });
  story.fire('counter', 'QueueGrowing');
  story.fire('shop', 'HighLatency');
  expect(story.posts()).toHaveLength(0);
});

test('a critical alert that only its late source makes wait is told at once in company', () => {
  const story = tell('services: [{ name: shop }, { name: counter }]');
  for (let blip = 0; blip < 60; blip++) {
    story.fire('shop', `Check${blip}`, { severity: 'info' });
    story.wait(6 * MINUTE);
    const over = { severity: 'info', endsAt: story.now() - 5 * MINUTE };
    story.resolve('shop', `Check${blip}`, over);
    story.wait(MINUTE);
  }
  story.fire('counter', 'Down', { severity: 'critical' });
  story.fire('counter', 'QueueGrowing');
  expect(story.posts()).toHaveLength(1);
});

test('four warnings may be a blip with its echoes, five are none', () => {
  const posts = (checks: readonly (readonly [string, string])[]): number => {
    const story = tell();
    for (const [service, name] of checks) {
      story.fire(service, name);
      story.wait(3 * SECOND);
    }
    return story.posts().length;
  };
  const cascade = [
    ['payments-db', 'SlowQueries'],
    ['payments-db', 'HighCpu'],
    ['payments', 'HighLatency'],
    ['payments', 'QueueGrowing'],
  ] as const;
  expect(posts(cascade)).toBe(0);
  expect(posts([...cascade, ['payments', 'HighErrorRate']])).toBe(1);
});

test('where nothing explains anything, the likely cause is what shows most', () => {
  const story = tell('');
  story.fire('front', 'HighLatency');
  story.fire('queue', 'Down', { severity: 'critical' });
  story.fire('queue', 'PodNotReady');
  expect(story.last()).toMatchObject({ root: 'queue' });
});

test('a burst is still a storm when what came in it has outlasted its hold', () => {
  const story = tell('correlate: [{ off: true }]');
  for (let i = 0; i < 40; i++) story.fire(`service-${i}`, 'Down', { severity: 'critical' });
  story.wait(3 * MINUTE);
  expect(story.reasons()).toContain('storm-began');
  expect(story.posts().length).toBeLessThanOrEqual(3);
});

test('information beside an outage does not join its message, nor keeps it open', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(MINUTE);
  story.fire('payments-db', 'CertificateExpires', { severity: 'info' });
  story.fire('payments', 'DiskFillingUp', { severity: 'info' });
  story.wait(10 * MINUTE);
  expect(story.last()?.alerts).toHaveLength(1);
  story.resolve('payments-db', 'Down', { severity: 'critical' });
  expect(story.reasons()).toContain('ended');
});

test('what fires again long after it was over is told anew, although its old message still stands', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.fire('payments', 'Down', { severity: 'critical' });
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  story.resolve('payments', 'Down', { severity: 'critical' });
  story.wait(40 * MINUTE);
  story.fire('payments', 'Down', { severity: 'critical' });
  expect(story.posts()).toHaveLength(2);
  story.resolve('payments', 'Down', { severity: 'critical' });
  story.wait(10 * MINUTE);
  story.fire('payments', 'Down', { severity: 'critical' });
  expect(story.posts()).toHaveLength(2);
});

test('a machine that fails is the likely cause of what began with it, however little it says', () => {
  const story = tell('');
  const host = { instance: 'db1:9100', job: 'node', namespace: 'monitoring' };
  for (const name of ['ServiceDown', 'QueueFull', 'JobsFail'])
    story.fire('billing', name, { severity: 'critical', labels: { namespace: 'shop' } });
  for (const name of ['HostDown', 'FilesystemReadOnly'])
    story.event(
      alertEvent({ alertname: name, severity: 'warning', ...host }, { startsAt: story.now() }),
    );
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.root).toBe('db1');
  expect(story.last()?.text).toContain('the machine itself fails');
});

test('a site that is probed by its URL is no machine', () => {
  const story = tell('');
  for (const name of ['ServiceDown', 'QueueFull'])
    story.fire('billing', name, { severity: 'critical', labels: { namespace: 'shop' } });
  const probe = { alertname: 'ProbeFailed', instance: 'https://shop.example.com', job: 'blackbox' };
  story.event(alertEvent({ ...probe, severity: 'critical' }, { startsAt: story.now() }));
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.root).toBe('billing');
});

test('what runs on one of several machines that fail together is part of it, though its service is in the graph', () => {
  const story = tell();
  for (const host of ['db1', 'db2', 'db3'])
    story.event(
      alertEvent({ alertname: 'HostDown', host, severity: 'critical' }, { startsAt: story.now() }),
    );
  story.wait(MINUTE);
  story.fire('payments-db', 'PortClosed', { labels: { host: 'db2' } });
  // Later than what the time alone would put there.
  story.wait(3 * MINUTE);
  story.fire('basket-db', 'PortClosed', { labels: { host: 'other' } });
  story.wait(10 * MINUTE);
  const [hosts] = story.posts();
  const last = story.messages.findLast(({ incident }) => incident === hosts?.incident);
  expect(last?.text).toContain('payments-db');
  expect(last?.text).not.toContain('basket-db');
});

test.each([
  [
    'More than 5 % of requests to basket fail. Look at its database first.',
    'More than 5 % of requests to basket fail ·',
  ],
  [`basket ${'very '.repeat(40)}slow`, 'basket: high error rate ·'],
  [
    'Requests to basket fail, e.g. those of guests. Ask them.',
    'Requests to basket fail, e.g. those of guests ·',
  ],
])(
  'without a summary a message begins with the first sentence of the description, if it is short: %s',
  (description, headline) => {
    const story = tell();
    story.fire('basket', 'HighErrorRate', { severity: 'critical', annotations: { description } });
    story.wait(4 * MINUTE);
    expect(story.last()?.text).toContain(`🔴 ${headline}`);
  },
);
