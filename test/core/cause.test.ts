/** Which alert explains the others: the likely cause, late warnings beside it, and what the first line says of it. */
import { expect, test } from 'vitest';
import { buildView } from '../../src/view.ts';
import { MINUTE, SECOND, tell } from '../support/story.ts';

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

/** One caller of two that have nothing else in common. */
const TWO_BELOW = `
services:
  - { name: edge, tier: 1, dependsOn: [ads, api] }
  - { name: api, tier: 1, dependsOn: [users] }
  - { name: ads, tier: 2 }
  - { name: users, tier: 2 }
`;

test('two failures with a caller in common stay two when the second explains more of the callers', () => {
  const story = tell(TWO_BELOW);
  story.fire('ads', 'HighErrorRate', { severity: 'high' });
  story.wait(10 * SECOND);
  story.fire('edge', 'HighErrorRate', { severity: 'critical' });
  story.fire('edge', 'Timeouts', { severity: 'critical' });
  story.fire('edge', 'Down', { severity: 'critical' });
  story.wait(30 * SECOND);
  expect(story.last()).toMatchObject({ root: 'ads', alerts: [{}, {}, {}, {}] });
  // It explains nine tenths of what fails there, and yet ads fails by itself.
  story.fire('users', 'Down', { severity: 'critical' });
  story.wait(10 * MINUTE);
  expect(story.posts().map(({ root }) => root)).toEqual(['ads', 'users']);
});

test('a neighbour that explains half of what fails there is a failure of its own', () => {
  const story = tell(TWO_BELOW);
  story.fire('ads', 'HighLatency');
  story.wait(10 * SECOND);
  story.fire('edge', 'HighLatency');
  story.wait(30 * SECOND);
  story.fire('users', 'Down', { severity: 'high' });
  story.wait(20 * MINUTE);
  expect(story.posts()).toMatchObject([{ root: 'ads' }, { root: 'users' }]);
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
    'till is failing: stock – high cpu · critical',
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

test('where nothing explains anything, the likely cause is what shows most', () => {
  const story = tell('');
  story.fire('front', 'HighLatency');
  story.fire('queue', 'Down', { severity: 'critical' });
  story.fire('queue', 'PodNotReady');
  expect(story.last()).toMatchObject({ root: 'queue' });
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

test('what the cause explains is counted when all else is, also between two updates of the message', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  story.fire('payments', 'HighLatency');
  const [incident] = story.state.incidents.values();
  if (incident === undefined) throw new Error('it fires');
  const view = buildView(story.state, incident, story.rules, story.now(), undefined);
  expect(view.alerts.total).toBe(3);
  expect(view.root).toMatchObject({ service: 'payments-db', explains: 3, of: 3 });
});

test('of a candidate that explains as much, and came when all of that failed already, it is said', () => {
  const story = tell();
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  story.wait(3 * MINUTE);
  story.fire('checkout', 'HighErrorRate', { severity: 'critical' });
  story.wait(3 * MINUTE);
  story.fire('payments-db', 'HighCpu');
  story.wait(MINUTE);
  expect(story.last()?.text).toContain('payments-db (explains 3 of 3 alerts; began 6 min later)');
});
