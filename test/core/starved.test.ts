/** Too few requests: what comes of a caller that fails, and is not taken for its cause. */
import { expect, test } from 'vitest';
import { saysTooFewCome } from '../../src/state/starved.ts';
import { MINUTE, SECOND, type Story, tell } from '../support/story.ts';

const BOUTIQUE = `
services:
  - { name: frontend, dependsOn: [ads, cart, recommendations, currency] }
  - { name: recommendations, dependsOn: [products] }
  - { name: cart, dependsOn: [cart-db] }
  - { name: ads }
  - { name: products }
  - { name: currency }
  - { name: cart-db }
`;

function starve(story: Story, services: readonly string[]): void {
  for (const service of services) {
    story.fire(service, 'RequestRateLow');
    story.wait(5 * SECOND);
  }
}

function breakFrontend(story: Story): void {
  story.fire('frontend', 'HighRequestLatency');
  story.fire('frontend', 'VeryHighRequestLatency', { severity: 'critical' });
  story.wait(MINUTE);
}

test('what gets too few requests is an effect of its caller that fails, and not its cause', () => {
  const story = tell(BOUTIQUE);
  breakFrontend(story);
  starve(story, ['products', 'recommendations', 'ads', 'cart']);
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'frontend' });
  expect(story.last()?.alerts).toHaveLength(6);
  expect(story.last()?.text).toContain(
    'it alerted first; 4 services behind it get too few requests; explains 6 of 6 alerts',
  );
});

test('it is so, too, when the caller is heard of last', () => {
  const story = tell(BOUTIQUE);
  starve(story, ['recommendations', 'ads']);
  breakFrontend(story);
  expect(story.last()).toMatchObject({ root: 'frontend', alerts: [{}, {}, {}, {}] });
});

test('what gets too few requests joins its caller beside the cause that both wait for', () => {
  const story = tell(BOUTIQUE);
  story.fire('currency', 'HighRequestLatency');
  story.fire('currency', 'VeryHighRequestLatency', { severity: 'critical' });
  breakFrontend(story);
  starve(story, ['ads', 'cart']);
  expect(story.last()).toMatchObject({ root: 'currency' });
  expect(story.last()?.alerts).toHaveLength(6);
  expect(story.last()?.text).toContain('frontend → currency; explains 6 of 6 alerts');
});

test('when the traffic stays away from all, the first in line is what to look at', () => {
  const story = tell(BOUTIQUE);
  starve(story, ['frontend', 'ads', 'recommendations', 'products']);
  story.wait(8 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'frontend' });
});

test('one service that gets no requests while its caller fails may be dead: it stays the likely cause', () => {
  const story = tell(BOUTIQUE);
  story.fire('frontend', 'HighErrorRate', { severity: 'critical' });
  starve(story, ['cart', 'cart-db']);
  story.wait(8 * MINUTE);
  expect(story.last()?.root).not.toBe('frontend');
});

test('a service that fails in other ways as well is judged as ever', () => {
  const story = tell(BOUTIQUE);
  breakFrontend(story);
  story.fire('cart', 'HighErrorRate', { severity: 'critical' });
  starve(story, ['cart', 'ads']);
  expect(story.last()).toMatchObject({ root: 'cart' });
});

test('too few requests that come again belong to the caller that fails now', () => {
  const story = tell(BOUTIQUE);
  breakFrontend(story);
  starve(story, ['ads', 'cart']);
  story.wait(4 * MINUTE);
  for (const service of ['ads', 'cart']) story.resolve(service, 'RequestRateLow');
  story.resolve('frontend', 'HighRequestLatency');
  story.resolve('frontend', 'VeryHighRequestLatency', { severity: 'critical' });
  story.wait(20 * MINUTE);
  story.fire('frontend', 'HighErrorRate');
  story.fire('frontend', 'VeryHighErrorRate', { severity: 'critical' });
  story.wait(MINUTE);
  const [first, second] = story.posts();
  starve(story, ['ads', 'cart']);
  expect(story.posts()).toHaveLength(2);
  expect(story.last()).toMatchObject({ incident: second?.incident, root: 'frontend' });
  expect(story.last()?.alerts).toHaveLength(4);
  expect(first?.incident).not.toBe(second?.incident);
});

test('what comes again with a service that may be dead is no second firing of an old message', () => {
  const story = tell(BOUTIQUE);
  story.fire('frontend', 'HighErrorRate', { severity: 'critical' });
  story.wait(4 * MINUTE);
  story.resolve('frontend', 'HighErrorRate', { severity: 'critical' });
  story.wait(20 * MINUTE);
  story.fire('cart', 'RequestRateLow');
  story.wait(5 * SECOND);
  story.fire('frontend', 'HighErrorRate', { severity: 'critical' });
  story.fire('cart', 'HighErrorRate', { severity: 'critical' });
  expect(story.posts().map(({ root }) => root)).toEqual(['frontend', 'cart']);
  expect(story.last()?.alerts).toHaveLength(3);
});

test.each([
  ['RequestRateLow', true],
  ['RequestRateDrop', true],
  ['LowRequestRate', true],
  ['NoTraffic', true],
  ['traffic_drop', true],
  ['ThroughputLow', true],
  ['ZeroRequests', true],
  ['TooFewRequests', true],
  ['Low RPS on checkout', true],
  ['HTTPRequestRateBelowNormal', true],
  ['RequestsDropped', false],
  ['RequestSuccessRateLow', false],
  ['CacheHitRateLow', false],
  ['HighRequestLatency', false],
  ['HighRequestRate', false],
  ['LowDiskSpace', false],
  ['KubeCPURequestsLow', false],
  ['NoHealthyUpstream', false],
  ['RequestErrorsNotLow', false],
])('%s says that too few requests come: %s', (name, says) => {
  expect(saysTooFewCome(name)).toBe(says);
});
