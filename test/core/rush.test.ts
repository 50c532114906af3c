/**
 * What is told of alerts that come within seconds of each other, and of what follows minutes later.
 */
import { expect, test } from 'vitest';
import { MINUTE, SECOND, type Story, tell } from '../support/story.ts';

/** Services that have nothing to do with each other. */
function strangers(count: number): string {
  const services = Array.from(
    { length: count },
    (_, i) => `  - { name: svc-${i}, tier: 1, dependsOn: [db-${i}] }\n  - { name: db-${i} }`,
  );
  return `services:\n${services.join('\n')}\n`;
}

/** One warning after the other, each of another service. */
function warn(story: Story, count: number, everyMs: number): void {
  for (let i = 0; i < count; i++) {
    story.fire(`svc-${i}`, 'Slow');
    story.wait(everyMs);
  }
}

test('what alerts while others pour in is told when they do not any more', () => {
  const story = tell(strangers(30));
  warn(story, 6, 500);
  story.fire('svc-9', 'Down', { severity: 'critical' });
  story.wait(1_999);
  expect(story.posts()).toHaveLength(0);
  story.wait(SECOND);
  expect(story.posts().map(({ root }) => root)).toEqual(['svc-9']);
});

test('what alerts while others pour in waits for ten seconds at most', () => {
  const story = tell(strangers(30));
  warn(story, 6, SECOND);
  story.fire('svc-20', 'Down', { severity: 'critical' });
  for (let i = 6; i < 9; i++) {
    story.wait(1_500);
    story.fire(`svc-${i}`, 'Slow');
  }
  expect(story.posts().map(({ root }) => root)).toEqual(['svc-20']);
});

test('what is over before a rush is told to nobody', () => {
  const story = tell(strangers(30));
  warn(story, 6, 500);
  story.fire('svc-9', 'Down', { severity: 'critical' });
  story.wait(SECOND);
  story.resolve('svc-9', 'Down', { severity: 'critical' });
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(0);
  expect(story.reasons().at(-1)).toBe('transient');
});

test('what comes by itself does not wait', () => {
  const story = tell(strangers(30));
  warn(story, 4, 3 * SECOND);
  story.fire('svc-9', 'Down', { severity: 'critical' });
  expect(story.posts()).toHaveLength(1);
});

test('a storm that begins suddenly is one message', () => {
  const story = tell(strangers(60));
  warn(story, 10, 100);
  for (let i = 10; i < 60; i++) {
    story.fire(`svc-${i}`, 'Down', { severity: 'critical' });
    story.wait(200);
  }
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.reasons()).toContain('storm-began');
});

test('many alerts of one failure are no storm, however suddenly they come', () => {
  const services = Array.from({ length: 30 }, (_, i) => `  - { name: web-${i}, dependsOn: [db] }`);
  const story = tell(`services:\n  - { name: db, tier: 1 }\n${services.join('\n')}\n`);
  for (const name of ['Down', 'SlowQueries', 'HighCpu']) story.fire('db', name);
  for (let i = 0; i < 30; i++) story.fire(`web-${i}`, 'Slow');
  story.wait(MINUTE);
  expect(story.reasons()).not.toContain('storm-began');
  expect(story.posts()).toMatchObject([{ root: 'db' }]);
});

/** gateway -> api -> db; api -> mail. The database failed, was told of, and fails in one more way. */
function brokenDatabase(): Story {
  const story = tell(`
services:
  - { name: gateway, dependsOn: [api] }
  - { name: api, dependsOn: [db, mail] }
  - { name: db }
  - { name: mail }
`);
  story.fire('db', 'Down', { severity: 'critical' });
  story.fire('db', 'SlowQueries');
  story.wait(4 * MINUTE);
  story.fire('db', 'HighCpu');
  story.wait(3 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  return story;
}

test('late effects that last join the message of their cause, instead of a second one', () => {
  const story = brokenDatabase();
  story.fire('api', 'Slow');
  story.fire('gateway', 'Slow');
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(5);
});

test('what the cause that stands in a message does not explain is told by itself', () => {
  const story = brokenDatabase();
  story.fire('mail', 'QueueGrowing');
  story.fire('gateway', 'Slow');
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(2);
});

test('what is broken goes on to break what calls it, however long after the last news', () => {
  const story = brokenDatabase();
  story.wait(20 * MINUTE);
  story.fire('api', 'Slow');
  story.fire('gateway', 'Slow');
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(5);
});

test('what follows long after the last news of what works again is another failure', () => {
  const story = brokenDatabase();
  for (const name of ['SlowQueries', 'HighCpu']) story.resolve('db', name);
  story.resolve('db', 'Down', { severity: 'critical' });
  story.wait(10 * MINUTE);
  story.fire('api', 'Slow');
  story.fire('gateway', 'Slow');
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(2);
});
