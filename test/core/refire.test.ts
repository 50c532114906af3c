/** What fires again soon after its message was over: it opens that again, or belongs to something else by now. */
import { expect, test } from 'vitest';
import { MINUTE, SECOND, SHOP, type Story, tell } from '../support/story.ts';

const CRITICAL = { severity: 'critical' } as const;

function fail(story: Story, ...services: readonly string[]): void {
  for (const service of services) {
    story.fire(service, 'HighErrorRate', CRITICAL);
    story.wait(20 * SECOND);
  }
}

function over(story: Story, ...services: readonly string[]): void {
  for (const service of services) story.resolve(service, 'HighErrorRate', CRITICAL);
}

function ask(story: Story, text: string, incident = ''): void {
  story.event({ kind: 'request', user: 'U7', text, on: { incident }, orderedAt: story.now() });
}

/** The first of these services fails for ten minutes, and is told of with what calls it; then all is well for ten. */
function failed(services: readonly string[], yaml = SHOP): Story {
  const story = tell(yaml);
  fail(story, ...services);
  story.wait(10 * MINUTE);
  over(story, ...services);
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  return story;
}

const CASCADE = ['payments-db', 'payments', 'checkout'];

test('what fails again with something else that fails now does not open the message of before', () => {
  const story = failed(CASCADE);
  fail(story, 'basket-db', 'basket', 'checkout');
  story.wait(5 * MINUTE);
  expect(story.posts()).toHaveLength(2);
  expect(story.reasons()).not.toContain('reopened');
  expect(story.last()).toMatchObject({ root: 'basket-db', alerts: [{}, {}, {}] });
});

test.each([[[]], [['checkout']]])(
  'what fires again joins the message that its service has by now, with %j in it',
  (callers) => {
    const story = failed(['payments']);
    story.fire('payments', 'QueueGrows', CRITICAL);
    fail(story, ...callers);
    story.wait(3 * MINUTE);
    expect(story.posts()).toHaveLength(2);
    fail(story, 'payments');
    expect(story.reasons()).not.toContain('reopened');
    expect(story.last()).toMatchObject({
      root: 'payments',
      alerts: { length: callers.length + 2 },
    });
  },
);

test('it joins what gathers about its service and what calls it, too', () => {
  const story = failed(['payments']);
  story.fire('payments', 'QueueGrows');
  story.fire('checkout', 'Slow');
  story.wait(20 * SECOND);
  expect(story.posts()).toHaveLength(1);
  fail(story, 'payments');
  expect(story.reasons()).not.toContain('reopened');
  expect(story.posts()).toMatchObject([{}, { root: 'payments', alerts: [{}, {}, {}] }]);
});

test('it does where a rule keeps it apart from the other', () => {
  const rule = `correlate: [{ match: ['service="checkout"'], off: true }]`;
  const story = failed(['checkout'], `${SHOP}\n${rule}\n`);
  fail(story, 'basket-db', 'basket', 'checkout');
  expect(story.reasons()).toContain('reopened');
});

test('it does where it explains what fails now', () => {
  const story = failed(['payments-db']);
  fail(story, 'payments', 'checkout');
  story.wait(3 * MINUTE);
  expect(story.posts()).toHaveLength(2);
  fail(story, 'payments-db');
  expect(story.reasons()).toContain('reopened');
});

test('it does where people split the other from what it was part of', () => {
  const story = tell();
  fail(story, ...CASCADE);
  const [told] = story.posts();
  ask(story, 'split payments', told?.incident);
  over(story, 'payments-db', 'checkout');
  story.wait(6 * MINUTE);
  story.fire('payments', 'QueueGrows', CRITICAL);
  expect(story.state.incidents.get(told?.incident ?? '')?.phase).toBe('resolved');
  fail(story, 'checkout');
  expect(story.reasons()).toContain('reopened');
});

test('it does where people split it from the likely cause of the other, some days ago', () => {
  const story = tell();
  fail(story, ...CASCADE);
  ask(story, 'split payments', story.posts()[0]?.incident);
  over(story, ...CASCADE);
  story.wait(2 * 24 * 60 * MINUTE);
  fail(story, 'payments');
  story.wait(5 * MINUTE);
  over(story, 'payments');
  story.wait(10 * MINUTE);
  const before = story.posts().length;
  fail(story, 'payments-db');
  story.wait(3 * MINUTE);
  fail(story, 'payments');
  expect(story.posts()).toHaveLength(before + 1);
  expect(story.reasons()).toContain('reopened');
});

test('what was over before anything that fires now began is not its likely cause', () => {
  const story = failed(CASCADE);
  story.fire('checkout', 'HighErrorRate', CRITICAL);
  expect(story.reasons()).toContain('reopened');
  expect(story.last()?.root).toBe('checkout');
  story.wait(20 * SECOND);
  story.fire('basket', 'HighErrorRate', CRITICAL);
  story.wait(MINUTE);
  expect(story.last()?.root).toBe('basket');
  story.fire('payments-db', 'HighErrorRate', CRITICAL);
  story.wait(MINUTE);
  expect(story.last()?.root).toBe('payments-db');
});

test('what was over just before that is', () => {
  const story = failed(CASCADE);
  fail(story, 'payments-db');
  story.wait(3 * MINUTE);
  over(story, 'payments-db');
  story.wait(2 * MINUTE);
  fail(story, 'payments', 'checkout');
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'payments-db' });
});

test('what fires again long after it was over is told anew, although its old message still stands', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.fire('payments', 'Down', { severity: 'critical' });
  story.fire('checkout', 'Errors', { severity: 'critical' });
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  story.resolve('payments-db', 'Down', { severity: 'critical' });
  story.resolve('payments', 'Down', { severity: 'critical' });
  story.wait(40 * MINUTE);
  story.fire('payments', 'Down', { severity: 'critical' });
  expect(story.posts()).toHaveLength(2);
  story.resolve('payments', 'Down', { severity: 'critical' });
  story.wait(10 * MINUTE);
  story.fire('payments', 'Down', { severity: 'critical' });
  expect(story.posts()).toHaveLength(2);
});

test('a delivery of an earlier firing that comes long after the end of a later one opens nothing', () => {
  const story = tell();
  const first = { severity: 'critical', startsAt: story.now() };
  story.fire('payments-db', 'Down', first);
  story.wait(10 * MINUTE);
  const second = { severity: 'critical', startsAt: story.now() };
  story.resolve('payments-db', 'Down', first);
  story.wait(MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical', startsAt: story.now() });
  story.wait(10 * MINUTE);
  story.resolve('payments-db', 'Down', {
    severity: 'critical',
    startsAt: second.startsAt + MINUTE,
  });
  story.wait(20 * MINUTE);
  story.fire('payments-db', 'Down', first);
  expect(story.reasons().at(-1)).toBe('stale');
});

test.each([
  ['warning', 20, 1],
  ['critical', 20, 2],
  ['warning', 70, 2],
])(
  'a %s that comes of the same service %i minutes after a failure: %i messages',
  (severity, minutes, posts) => {
    const story = tell();
    story.fire('payments', 'HighErrorRate', { severity: 'critical' });
    story.wait(10 * MINUTE);
    story.resolve('payments', 'HighErrorRate', { severity: 'critical' });
    story.wait((minutes - 10) * MINUTE);
    story.fire('payments', 'ErrorBudgetBurn', { severity });
    story.wait(15 * MINUTE);
    expect(story.posts()).toHaveLength(posts);
    expect(story.last()?.text).not.toMatch(/^🟢/);
  },
);
