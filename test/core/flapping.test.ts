/** What comes and goes: it is told of when it lasts, and moves nothing else. */
import { expect, test } from 'vitest';
import { MINUTE, tell } from '../support/story.ts';

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

test('a message says how often that fired which flaps in it', () => {
  const story = tell();
  for (let i = 0; i < 5; i++) {
    story.fire('payments-db', 'Down', { severity: 'critical' });
    story.wait(MINUTE);
    story.resolve('payments-db', 'Down', { severity: 'critical' });
    story.wait(4 * MINUTE);
  }
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.text).toContain('Flapping: 1 alert fired 5 times in 21 min');
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

test('what flaps does so until it is calm, though few firings are left to count', () => {
  const story = tell();
  const fire = () => {
    story.fire('payments-db', 'SlowQueries');
    story.wait(MINUTE);
    story.resolve('payments-db', 'SlowQueries');
  };
  for (let i = 0; i < 3; i++) {
    fire();
    story.wait(4 * MINUTE);
  }
  story.wait(60 * MINUTE);
  fire();
  const [alert] = story.state.alerts.values();
  expect(alert?.flap?.penalty).toBeLessThan(2500);
  expect(story.reasons().filter((reason) => reason === 'damped')).toHaveLength(2);
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

test.each([
  [1, 1, 15],
  [2, 2, 18],
])(
  'a critical check that fails for %d min and rests for %d, again and again, is told once',
  (fails, rests, told) => {
    const story = tell('');
    const begun = story.now();
    let toldAt: number | undefined;
    for (let i = 0; i < 60 / (fails + rests); i++) {
      story.fire('cart', 'ProbeFailed', { severity: 'critical' });
      story.wait(fails * MINUTE);
      if (story.posts().length > 0) toldAt ??= story.now() - begun;
      story.resolve('cart', 'ProbeFailed', { severity: 'critical' });
      story.wait(rests * MINUTE);
    }
    expect(toldAt).toBe(told * MINUTE);
    expect(story.posts()).toHaveLength(1);
    expect(story.last()?.text).toContain('flapping');
  },
);

test('a milder one that fails as often is not: it would be told of each that flaps', () => {
  const story = tell('');
  for (let i = 0; i < 30; i++) {
    story.fire('cart', 'ProbeFailed', { severity: 'high' });
    story.wait(MINUTE);
    story.resolve('cart', 'ProbeFailed', { severity: 'high' });
    story.wait(MINUTE);
  }
  expect(story.posts()).toHaveLength(0);
});

test('what people were told of before it flapped is not told again because it goes on flapping', () => {
  const story = tell(`
services:
  - { name: web, tier: 1, dependsOn: [catalog] }
  - { name: catalog, tier: 1, dependsOn: [media] }
  - { name: media, tier: 1 }
`);
  const services = ['web', 'catalog', 'media'];
  for (let i = 0; i < 12; i++) {
    for (const service of services) story.fire(service, 'HighErrorRate', { severity: 'critical' });
    story.wait(MINUTE);
    for (const service of services)
      story.resolve(service, 'HighErrorRate', { severity: 'critical' });
    story.wait(9 * MINUTE);
  }
  expect(story.reasons()).toContain('flapping');
  expect(story.posts()).toHaveLength(1);
});
