/**
 * People take an incident apart, and what they said stays so.
 */
import { expect, test } from 'vitest';
import { openMessages } from '../../src/slack/connect.ts';
import { HOUR, MINUTE, SHOP, type Story, tell } from '../support/story.ts';

function ask(story: Story, text: string, post = 0): void {
  story.wait(1_000);
  const incident = story.posts()[post]?.incident ?? '';
  const on = { incident };
  story.event({ kind: 'request', user: 'U7', text, on, orderedAt: story.now() });
}

function incidents(story: Story): readonly (readonly string[])[] {
  const last = new Map(
    story.messages
      .filter(({ action }) => action !== 'reply')
      .map((message) => [message.incident, message]),
  );
  return [...last.values()].map(({ alerts }) => alerts.map(({ labels }) => `${labels['service']}`));
}

/** Payments and its database fail, and what calls them. */
function outage(yaml: string = SHOP): Story {
  const story = tell(yaml);
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.fire('checkout', 'HighErrorRate', { severity: 'critical' });
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(1);
  return story;
}

test('"split payments-db" makes an incident of its own of it, told at once', () => {
  const story = outage();
  ask(story, 'split Payments-DB');
  expect(incidents(story)).toEqual([['payments', 'checkout'], ['payments-db']]);
  expect(story.posts().map(({ root }) => root)).toEqual(['payments', 'payments-db']);
  const [reply] = story.messages.filter(({ action }) => action === 'reply');
  expect(reply?.text).toContain('Split off: payments-db by U7, told as ');
  expect(story.reasons().filter((reason) => reason === 'split')).toHaveLength(2);
});

test('evidence does not undo it: alerts of both go where their services are now', () => {
  const story = outage();
  ask(story, 'split payments-db');
  story.wait(MINUTE);
  story.fire('payments-db', 'SlowQueries', { severity: 'high' });
  story.fire('payments', 'Timeouts', { severity: 'high' });
  story.wait(10 * MINUTE);
  expect(incidents(story)).toEqual([
    ['payments', 'checkout', 'payments'],
    ['payments-db', 'payments-db'],
  ]);
  expect(story.reasons()).not.toContain('merged');
});

test('each of the two ends by itself, and an alert that fires again does so where it was put', () => {
  const story = outage();
  ask(story, 'split payments-db');
  story.wait(MINUTE);
  story.resolve('payments-db', 'Down', { severity: 'critical' });
  expect(story.last()?.text).toContain('Resolved');
  story.wait(MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(MINUTE);
  expect(incidents(story)).toEqual([['payments', 'checkout'], ['payments-db']]);
  expect(story.posts()).toHaveLength(2);
});

test('"unsplit" in either thread makes them one again', () => {
  for (const post of [0, 1]) {
    const story = outage();
    ask(story, 'split payments-db');
    story.wait(MINUTE);
    ask(story, 'unsplit', post);
    story.fire('payments-db', 'SlowQueries', { severity: 'high' });
    story.wait(MINUTE);
    const [first = []] = incidents(story).filter((services) => services.length > 0);
    expect(new Set(first)).toEqual(new Set(['payments', 'payments-db', 'checkout']));
    expect(first).toHaveLength(4);
    expect(story.reasons().filter((reason) => reason === 'merged')).toHaveLength(1);
  }
});

test('what people said on the message of one that became part of another is asked for, as that of the other', () => {
  const story = outage();
  ask(story, 'split payments-db');
  story.wait(MINUTE);
  ask(story, 'unsplit');
  story.wait(MINUTE);
  const [standing] = [...story.state.incidents.values()].filter(({ id }) =>
    story.state.open.has(id),
  );
  expect(story.posts()).toHaveLength(2);
  const asked = openMessages(story);
  expect(new Set(asked.map(({ message }) => message.ts)).size).toBe(2);
  for (const { reactions } of asked) expect(reactions).toBe(standing?.reactions);
});

test('what its route would have told nobody has a message all the same, for somebody asked for it', () => {
  for (const urgency of ['drop', 'digest', 'thread']) {
    const routes = `route: { channel: '#a', routes: [{ match: ['service="payments-db"'], urgency: ${urgency} }] }`;
    const story = outage(`${SHOP}${routes}\n`);
    ask(story, 'split payments-db');
    expect(story.posts()).toHaveLength(2);
  }
});

test('each of the two began when its own alerts did', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(20 * MINUTE);
  story.fire('payments-db', 'SlowQueries', { severity: 'critical' });
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  ask(story, 'split payments-db');
  story.wait(MINUTE);
  const began = story.posts().map(({ incident }) => {
    const shown = story.messages.findLast(
      (one) => one.incident === incident && one.action !== 'reply',
    );
    return /since (\d\d:\d\d)/.exec(shown?.text ?? '')?.[1];
  });
  expect(began).toEqual(['10:20', '10:00']);
});

test('"unsplit" finds what was split off, whatever that has become part of since', () => {
  const story = outage();
  ask(story, 'split payments-db');
  ask(story, 'split checkout');
  story.react('eyes', story.posts()[1]?.incident ?? '');
  ask(story, 'unsplit', 1);
  ask(story, 'unsplit', 2);
  const left = incidents(story).filter((services) => services.length > 0);
  expect(left.map((services) => services.length)).toEqual([3]);
});

test('the same "unsplit" again does nothing', () => {
  const story = outage();
  ask(story, 'split payments-db');
  ask(story, 'split checkout');
  const orderedAt = story.now();
  const incident = story.posts()[1]?.incident ?? '';
  for (let i = 0; i < 2; i++)
    story.event({
      kind: 'request',
      user: 'U7',
      text: 'unsplit',
      on: { incident },
      orderedAt: orderedAt + 1,
    });
  expect(story.reasons().filter((reason) => reason === 'merged')).toHaveLength(1);
  expect(story.last()?.text).not.toContain('nothing was split');
});

test('one that is over and becomes part of one that goes on calls somebody again', () => {
  const routes = "route: { channel: '#a', escalate: { after: 15m, mention: [here] } }";
  const story = outage(`${SHOP}${routes}\n`);
  ask(story, 'split payments-db');
  story.resolve('payments', 'HighErrorRate', { severity: 'critical' });
  story.resolve('checkout', 'HighErrorRate', { severity: 'critical' });
  story.wait(MINUTE);
  ask(story, 'unsplit', 1);
  story.wait(HOUR);
  expect(story.reasons()).toContain('escalated');
});

test.each(['split', 'split nothing-here', 'split payments payments-db checkout', 'split basket'])(
  'to "%s" the answer is what could be split off',
  (text) => {
    const story = outage();
    ask(story, text);
    expect(story.last()?.text).toContain('of those that fire here');
    expect(story.last()?.text).toContain('checkout, payments and payments-db');
    expect(story.reasons()).not.toContain('split');
  },
);

test('where nothing was split there is nothing to make one again', () => {
  const story = outage();
  ask(story, 'unsplit');
  expect(story.last()?.text).toContain('nothing was split from this incident');
});
