/** What the words of a message follow from: what goes on, and what makes its alerts one incident. */
import { expect, test } from 'vitest';
import { alertEvent, MINUTE, SECOND, SHOP, type Story, tell } from '../support/story.ts';

function lastTold(story: Story): readonly string[] {
  return story.messages.findLast(({ action }) => action !== 'reply')?.text.split('\n') ?? [];
}

const CRITICAL = { severity: 'critical' };

function cascade(): Story {
  const story = tell();
  const says = (summary: string) => ({ ...CRITICAL, annotations: { summary } });
  story.fire('payments-db', 'Down', says('payments-db refuses connections'));
  story.wait(20 * SECOND);
  story.fire('checkout', 'Errors', says('checkout answers with errors'));
  story.fire('payments', 'Errors', says('payments answers with errors'));
  story.wait(6 * MINUTE);
  return story;
}

test('the first line is of what goes on, once its likely cause has recovered, and says that it has', () => {
  const story = cascade();
  expect(lastTold(story)[0]).toMatch(/^🔴 Checkout is failing: payments-db refuses connections ·/);
  story.resolve('payments-db', 'Down', CRITICAL);
  story.wait(MINUTE);
  const [first, cause] = lastTold(story);
  expect(first).toMatch(
    /^🔴 Checkout is still failing: payments answers with errors · payments-db, the likely cause, has recovered · critical in production ·/,
  );
  expect(cause).toMatch(/^Likely cause: payments-db .*its own alerts have cleared/);
});

test('when the next candidate has recovered as well, whoever is left speaks', () => {
  const story = cascade();
  story.resolve('payments-db', 'Down', CRITICAL);
  story.resolve('payments', 'Errors', CRITICAL);
  story.wait(MINUTE);
  expect(lastTold(story)[0]).toMatch(/: checkout answers with errors · payments-db, the likely/);
});

test('when all is over the cause speaks again, and when it fires again, too', () => {
  const story = cascade();
  story.resolve('payments-db', 'Down', CRITICAL);
  story.wait(MINUTE);
  story.fire('payments-db', 'Down', {
    ...CRITICAL,
    annotations: { summary: 'payments-db refuses connections' },
  });
  story.wait(MINUTE);
  expect(lastTold(story)[0]).toMatch(/^🔴 Checkout is failing: payments-db refuses connections ·/);
  for (const service of ['payments', 'checkout']) story.resolve(service, 'Errors', CRITICAL);
  story.resolve('payments-db', 'Down', CRITICAL);
  story.wait(MINUTE);
  expect(lastTold(story)[0]).toMatch(
    /^🟢 Resolved .*: Checkout \(payments-db refuses connections\)/,
  );
});

test.each([
  [
    'a host',
    '',
    { labels: { node: 'node-17' } },
    'it alerted first; both services are on host node-17',
  ],
  [
    'a transaction',
    '',
    { labels: { transaction_id: 'tid_9f3ac1' } },
    'it alerted first; both alerts carry transaction tid_9f3ac1',
  ],
  [
    'a rule',
    'correlate: [{ by: [release] }]',
    { labels: { release: '7' } },
    'it alerted first; kept together by rules.yaml:9',
  ],
])('what %s makes one incident is not called unlinked', (_case, rules, more, why) => {
  const story = tell(`${SHOP.trimEnd()}\n${rules}`);
  story.fire('newsletter', 'Errors', { ...CRITICAL, ...more });
  story.wait(10 * SECOND);
  story.fire('payments', 'Slow', { severity: 'warning', ...more });
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(lastTold(story).find((line) => line.startsWith('Likely cause: newsletter'))).toContain(
    why,
  );
});

test('what is told after it came and went says so, also where no end was heard', () => {
  const story = tell('');
  const start = story.now();
  const labels = { alertname: 'Slow', service: 'web', severity: 'warning' };
  // It fires for three minutes of six, and its source speaks every five minutes: of two ends it never says a word.
  const heard = [
    { at: 0, since: 0 },
    { at: 5, since: 0, until: 3 },
    { at: 20, since: 18 },
    { at: 25, since: 24 },
    { at: 30, since: 30 },
  ];
  for (const { at, since, until } of heard) {
    story.wait(start + at * MINUTE - story.now());
    const startsAt = start + since * MINUTE;
    const endsAt = until === undefined ? undefined : start + until * MINUTE;
    story.event(alertEvent(labels, { startsAt, endsAt }));
  }
  story.wait(4 * MINUTE);
  const text = story.posts()[0]?.text ?? '';
  expect(text.split('\n')[0]).toContain(' · comes and goes');
  expect(text).toContain('\nComes and goes: it fired 4 times lately\n');
  expect(text).toMatch(/told because Slow of web fired 4 times lately and still fires after \d/);
});

test('what fires again after hours does not come and go', () => {
  const story = tell('');
  for (let day = 0; day < 4; day++) {
    story.fire('web', 'Slow');
    story.wait(30 * MINUTE);
    story.resolve('web', 'Slow');
    story.wait(5 * 60 * MINUTE);
  }
  expect(story.posts().length).toBeGreaterThan(1);
  for (const { text } of story.messages) expect(text).not.toContain('omes and goes');
});
