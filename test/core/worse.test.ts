import { expect, test } from 'vitest';
import { decide } from '../../src/decide.ts';
import { createState, takeChanges } from '../../src/state/state.ts';
import { alertEvent, MINUTE, rulesOf, START, type Story, tell } from '../support/story.ts';

/** What is critical at the shop calls somebody at once, and the lead when nobody answers. */
const RULES = `
services:
  - { name: checkout, tier: 1, owner: team-shop, dependsOn: [payments-db] }
  - { name: payments-db, tier: 1, owner: team-payments }
  - { name: search, tier: 2, owner: team-shop, dependsOn: [payments-db] }
teams:
  - { name: team-shop, channel: '#shop', oncall: S012SHOPTEAM, lead: U012SHOPLEAD }
  - { name: team-payments, channel: '#payments', oncall: S012PAYTEAM, lead: U012PAYLEAD }
hold: [{ for: 0s }]
route:
  routes:
    - match: ['tier="1"', 'severity="critical"']
      channel: owner
      mention: oncall
      escalate: { after: 15m, mention: team-lead }
    - { match: ['tier=~"1|2"'], channel: owner }
`;

function replies(story: Story): readonly string[] {
  return story.messages.filter(({ action }) => action === 'reply').map(({ text }) => text);
}

function only(story: Story): string {
  const [first, ...more] = story.posts();
  if (first === undefined || more.length > 0) throw new Error('not one post');
  return first.incident;
}

test('what began as a warning calls whom its route calls when it is critical, and escalates', () => {
  const story = tell(RULES);
  story.fire('payments-db', 'DiskFilling');
  story.wait(5 * MINUTE);
  story.fire('payments-db', 'DiskFull', { severity: 'critical' });
  expect(replies(story)).toEqual([
    expect.stringMatching(/^🔴 Now critical, was warning.*S012PAYTEAM/),
  ]);
  expect(story.decisions).toContainEqual(
    expect.objectContaining({
      reason: 'worsened',
      because: 'critical now, was warning; S012PAYTEAM called',
      rule: expect.stringContaining('rules.yaml:'),
    }),
  );
  story.wait(14 * MINUTE);
  expect(story.reasons()).not.toContain('escalated');
  story.wait(2 * MINUTE);
  expect(replies(story)[1]).toMatch(/^📣 Nobody is on it after 15 min.*U012PAYLEAD/);
  expect(story.last()?.text).toBeDefined();
  expect(story.posts()).toHaveLength(1);
});

test('what is worse now is named by its own service, and not by the likely cause', () => {
  const story = tell();
  story.fire('payments-db', 'Slow', { severity: 'high' });
  story.fire('payments', 'Slow', { severity: 'high' });
  story.wait(10 * MINUTE);
  story.fire('payments', 'Errors', { severity: 'critical' });
  expect(replies(story)).toEqual([
    expect.stringMatching(
      /^🔴 Now critical, was high: payments · Checkout is failing: payments-db/,
    ),
  ]);
});

test('whoever was called is not called again because another alert is critical too', () => {
  const story = tell(RULES);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(5 * MINUTE);
  story.fire('payments-db', 'DiskFull', { severity: 'critical' });
  story.fire('checkout', 'Errors', { severity: 'critical' });
  expect(replies(story).join('\n')).not.toContain('S012');
  expect(story.reasons()).not.toContain('worsened');
});

test('a cause that comes after its victim was told of calls those who own it, at once', () => {
  const story = tell(RULES);
  story.fire('search', 'Errors', { severity: 'critical' });
  story.wait(20_000);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  expect(replies(story)).toEqual([
    expect.stringMatching(/^➕ Now hit too: payments-db.*S012PAYTEAM.*its message is in #shop/),
  ]);
  expect(story.posts()).toHaveLength(1);
});

test('somebody who is on it is not escalated over when it gets worse', () => {
  const story = tell(RULES);
  story.fire('payments-db', 'DiskFilling');
  story.react('eyes', only(story));
  story.wait(5 * MINUTE);
  story.fire('payments-db', 'DiskFull', { severity: 'critical' });
  expect(replies(story)).toHaveLength(1);
  story.wait(60 * MINUTE);
  expect(story.reasons()).not.toContain('escalated');
});

test.each(['no_bell', 'wastebasket'])(
  ':%s: of a warning does not keep quiet what is critical',
  (emoji) => {
    const story = tell(RULES);
    story.fire('payments-db', 'DiskFilling');
    story.react(emoji, only(story));
    story.wait(MINUTE);
    story.fire('payments-db', 'DiskFull', { severity: 'critical' });
    expect(replies(story)).toEqual([expect.stringContaining('S012PAYTEAM')]);
    story.wait(16 * MINUTE);
    expect(replies(story)[1]).toContain('U012PAYLEAD');
  },
);

test('the quiet that somebody asked for ends with a reminder of what still fires', () => {
  const story = tell(RULES);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.react('no_bell', only(story));
  story.wait(59 * MINUTE);
  expect(replies(story)).toEqual([]);
  story.wait(2 * MINUTE);
  expect(replies(story)).toEqual([
    '🔔 The quiet is over, U1: 1 alert still fires · payments-db: down',
  ]);
  story.wait(13 * MINUTE);
  expect(story.reasons()).not.toContain('escalated');
  story.wait(3 * MINUTE);
  expect(replies(story)[1]).toContain('U012PAYLEAD');
});

test('no reminder comes when somebody is on it, or when it is over', () => {
  for (const end of ['eyes', 'resolved']) {
    const story = tell(RULES);
    story.fire('payments-db', 'Down', { severity: 'critical' });
    story.react('no_bell', only(story));
    story.wait(MINUTE);
    if (end === 'eyes') story.react('eyes', only(story), 'U2');
    else story.resolve('payments-db', 'Down', { severity: 'critical' });
    story.wait(90 * MINUTE);
    expect(replies(story)).toEqual([]);
  }
});

test('what fires again calls whom its route calls, as severe as it is now', () => {
  const story = tell(RULES);
  const critical = { severity: 'critical' };
  story.fire('payments-db', 'Down', critical);
  story.resolve('payments-db', 'Down', critical);
  story.wait(6 * MINUTE);
  story.fire('payments-db', 'Down', critical);
  expect(replies(story)).toEqual([expect.stringMatching(/^🔁 Fires again.*S012PAYTEAM/)]);
});

test('what was critical and fires again as a warning calls nobody', () => {
  const story = tell(RULES);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.resolve('payments-db', 'Down', { severity: 'critical' });
  story.wait(MINUTE);
  story.fire('payments-db', 'Slow');
  expect(story.messages.map(({ text }) => text).at(-2)).toContain('fires again');
  expect(story.messages.map(({ text }) => text).at(-2)).not.toContain('Called:');
  expect(replies(story)).toEqual([expect.stringMatching(/^🔁 Fires again: payments-db.*slow$/)]);
  story.wait(20 * MINUTE);
  expect(story.reasons()).not.toContain('escalated');
});

test('what fires again, and is by now for the digest, calls nobody', () => {
  const story = tell(
    RULES.replace(
      '  routes:\n',
      `  routes:
    - match: ['severity="warning"']
      urgency: digest
      mention: oncall
      escalate: { after: 15m, mention: team-lead }
`,
    ),
  );
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.resolve('payments-db', 'Down', { severity: 'critical' });
  story.wait(MINUTE);
  story.fire('payments-db', 'Slow');
  story.wait(20 * MINUTE);
  expect(replies(story)).toEqual([expect.stringMatching(/^🔁 Fires again: payments-db.*slow$/)]);
});

test('what was a warning and fires again critical says so, however soon', () => {
  const story = tell(RULES);
  story.fire('payments-db', 'Slow');
  story.resolve('payments-db', 'Slow');
  story.wait(MINUTE);
  story.fire('payments-db', 'Slow');
  story.resolve('payments-db', 'Slow');
  story.wait(MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  expect(replies(story)[1]).toMatch(/^🔴 Now critical, was warning.*S012PAYTEAM/);
});

test('what is over and fires again, first mildly, calls for the same severity once in a while', () => {
  const story = tell(RULES);
  const rounds = 3;
  for (let n = 0; n < rounds; n++) {
    for (const [name, severity] of [
      [`Slow${n}`, 'warning'],
      [`Down${n}`, 'critical'],
    ] as const) {
      story.fire('payments-db', name, { severity });
      story.wait(10_000);
    }
    if (n === rounds - 1) break;
    story.resolve('payments-db', `Slow${n}`);
    story.resolve('payments-db', `Down${n}`, { severity: 'critical' });
    story.wait(MINUTE);
  }
  expect(story.posts()).toHaveLength(1);
  const calls = () => replies(story).filter((text) => text.includes('S012PAYTEAM'));
  expect(calls()).toHaveLength(1);
  const said = story.decisions.filter(({ reason }) => reason === 'worsened');
  expect(said.map(({ because }) => because)).toEqual([
    'critical now, was warning; S012PAYTEAM called',
    'critical now, was warning; that was said a moment ago, so nobody is called again',
    'critical now, was warning; that was said a moment ago, so nobody is called again',
  ]);
  story.wait(16 * MINUTE);
  expect(replies(story).at(-1)).toContain('U012PAYLEAD');
});

/** Reactions a second apart. */
function sayer(story: Story, incident: string) {
  const say = (how: 'react' | 'unreact') => (emoji: string, user: string) => {
    story.wait(1_000);
    story[how](emoji, incident, user);
  };
  return { react: say('react'), unreact: say('unreact') };
}

test('several people say that it is solved, or ask for quiet: it stands while one of them does', () => {
  const story = tell(RULES);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const incident = only(story);
  const said = sayer(story, incident);
  const text = () => story.last()?.text ?? '';
  said.react('white_check_mark', 'U1');
  said.react('white_check_mark', 'U2');
  said.unreact('white_check_mark', 'U2');
  expect(text()).toContain('✅ solved, says U1');
  said.react('white_check_mark', 'U2');
  said.unreact('white_check_mark', 'U1');
  expect(text()).toContain('✅ solved, says U2');
  said.unreact('white_check_mark', 'U2');
  expect(text()).not.toContain('solved, says');
  said.react('no_bell', 'U1');
  said.react('no_bell', 'U2');
  said.unreact('no_bell', 'U1');
  expect(text()).toContain('🔕 U2 asked for quiet until');
  said.react('no_bell', 'U1');
  said.unreact('no_bell', 'U1');
  expect(text()).toContain('🔕 U2 asked for quiet until');
  said.unreact('no_bell', 'U2');
  expect(text()).not.toContain('🔕 U');
});

test('what was found to be not solved is not solved again because another one takes that back', () => {
  const story = tell(RULES);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const said = sayer(story, only(story));
  said.react('white_check_mark', 'U1');
  story.wait(6 * MINUTE);
  expect(story.reasons()).toContain('refuted');
  said.react('white_check_mark', 'U2');
  said.unreact('white_check_mark', 'U2');
  expect(story.last()?.text).not.toContain('solved, says');
});

test('what comes in one delivery is all in the message, and needs no line in its thread', () => {
  const state = createState('default');
  const rules = rulesOf(RULES);
  const effects = ['warning', 'critical'].flatMap((severity) => {
    const labels = { alertname: `Disk ${severity}`, service: 'payments-db', severity };
    return decide(state, alertEvent(labels), START, rules).effects;
  });
  expect(effects.map(({ kind }) => kind)).toEqual(['message']);
  const [incident] = state.incidents.values();
  expect(incident?.route?.mention).toEqual(['S012PAYTEAM']);
  expect(incident?.escalateAt).toBe(START + 15 * MINUTE);
});

test('what the next delivery of the same millisecond brings has a line of its own: the message is on its way', () => {
  const state = createState('default');
  const rules = rulesOf(RULES);
  const [, effects] = ['warning', 'critical'].map((severity) => {
    const labels = { alertname: `Disk ${severity}`, service: 'payments-db', severity };
    const outcome = decide(state, alertEvent(labels), START, rules);
    takeChanges(state);
    return outcome.effects;
  });
  expect(effects).toContainEqual(
    expect.objectContaining({
      kind: 'reply',
      reply: expect.objectContaining({ kind: 'severity-rose', mention: ['S012PAYTEAM'] }),
    }),
  );
});

const BY_SEVERITY = `
services: [{ name: payments-db, tier: 1, owner: team-payments }, { name: search, owner: team-shop, dependsOn: [payments-db] }]
teams: [{ name: team-payments, channel: '#payments' }, { name: team-shop, channel: '#shop' }]
hold: [{ for: 0s }]
route:
  channel: '#warnings'
  routes: [{ match: ['severity="critical"'], channel: '#critical', mention: here }]
`;

test('where another channel is for what is worse, that hears of it once, and reactions there count', () => {
  const story = tell(BY_SEVERITY);
  story.fire('payments-db', 'Slow');
  story.wait(2 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(2 * MINUTE);
  story.fire('search', 'Errors', { severity: 'critical' });
  story.wait(10 * MINUTE);
  const lines = story.messages.filter(({ action }) => action === 'reply');
  expect(lines.map(({ channel, text }) => [channel, text])).toEqual([
    ['#warnings', '🔴 Now critical, was warning: payments-db: down'],
    [
      '#critical',
      '🔴 Now critical, was warning: payments-db: down · everyone online here: please take it · its message is in #warnings, and reactions here count for it',
    ],
    ['#warnings', '➕ Now hit too: search · payments-db: down'],
  ]);
  expect(story.posts()).toHaveLength(1);
  const [incident] = story.state.incidents.values();
  const there = incident?.replies.find((reply) => reply.startsWith('#critical ')) ?? '';
  const [channel = '', ts = ''] = there.split(' ');
  const reaction = { kind: 'reaction', added: true, emoji: 'eyes', user: 'U1' } as const;
  story.event({ ...reaction, on: { channel, ts }, orderedAt: story.now() });
  expect(story.last()?.text).toContain('👀 U1');
});

test('a cause of another team is said where that team reads', () => {
  const byOwner = `routes: [{ match: ['owner=~"team-.*"'], channel: owner }]`;
  const story = tell(BY_SEVERITY.replace(/routes: .*/, byOwner));
  story.fire('search', 'Errors', { severity: 'critical' });
  story.wait(2 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  expect(story.posts().map(({ channel }) => channel)).toEqual(['#shop']);
  const lines = story.messages.filter(({ action }) => action === 'reply');
  expect(lines.map(({ channel }) => channel)).toEqual(['#shop', '#payments']);
});

const HIGH_TOO = RULES.replace('severity="critical"', 'severity=~"critical|high"');

test.each(['no_bell', 'wastebasket'])(
  'quiet by :%s: that ends because it is worse leaves the escalation its time',
  (emoji) => {
    const story = tell(HIGH_TOO);
    story.fire('payments-db', 'Slow', { severity: 'high' });
    story.react(emoji, only(story));
    story.wait(20 * MINUTE);
    story.fire('payments-db', 'Down', { severity: 'critical' });
    story.wait(14 * MINUTE);
    expect(story.reasons()).not.toContain('escalated');
    story.wait(2 * MINUTE);
    expect(replies(story).at(-1)).toContain('U012PAYLEAD');
  },
);

test('what a silence kept quiet escalates when something joins that none matches', () => {
  const story = tell(HIGH_TOO);
  story.fire('payments-db', 'Slow', { severity: 'high' });
  story.wait(MINUTE);
  const startsAt = story.now();
  const silence = {
    id: 'one',
    matchers: [{ name: 'alertname', value: 'Slow', isRegex: false, isEqual: true }],
    startsAt,
    endsAt: startsAt + 600 * MINUTE,
    createdBy: 'ann',
    comment: '',
  };
  story.event({ kind: 'silence', silence });
  story.wait(20 * MINUTE);
  story.fire('payments-db', 'Full', { severity: 'high' });
  story.wait(16 * MINUTE);
  expect(replies(story)).toEqual([expect.stringContaining('U012PAYLEAD')]);
});

test('what is worse when it fires again is heard through the quiet, and escalates', () => {
  const story = tell(RULES);
  story.fire('payments-db', 'Slow');
  story.react('no_bell', only(story));
  story.resolve('payments-db', 'Slow');
  story.wait(MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(16 * MINUTE);
  expect(replies(story)).toEqual([
    expect.stringMatching(/^🔴 Now critical.*S012PAYTEAM/),
    expect.stringContaining('U012PAYLEAD'),
  ]);
});

test('whom another cause calls while it is quiet is called when the quiet is over', () => {
  const story = tell(RULES);
  story.fire('search', 'Errors', { severity: 'critical' });
  story.react('no_bell', only(story));
  story.wait(20_000);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  expect(story.reasons()).not.toContain('worsened');
  story.wait(61 * MINUTE);
  const lines = story.messages.filter(({ action }) => action === 'reply');
  expect(lines.map(({ channel, text }) => [channel, text])).toEqual([
    ['#shop', '🔔 The quiet is over, U1: 2 alerts still fire · payments-db: down'],
    ['#payments', expect.stringMatching(/^🔔 The quiet is over, U1.*S012PAYTEAM/)],
  ]);
});

/** Each calls the next, and two teams own them by turns. */
const CHAIN = `
services:
${[0, 1, 2, 3, 4].map((i) => `  - { name: s${i}, tier: 1, owner: team-${i % 2}, dependsOn: [s${i + 1}] }`).join('\n')}
  - { name: s5, tier: 1, owner: team-1 }
teams:
  - { name: team-0, channel: '#a', oncall: S012AAAA, lead: U012AAAA }
  - { name: team-1, channel: '#b', oncall: S012BBBB, lead: U012BBBB }
hold: [{ for: 0s }]
route: { routes: [{ channel: owner, mention: oncall, escalate: { after: 8m, mention: team-lead } }] }
`;

test('causes that take turns do not put the escalation off, and nobody is called by it twice', () => {
  const story = tell(CHAIN);
  const began = story.now();
  for (let i = 0; i < 6; i++) {
    story.fire(`s${i}`, 'Down', { severity: 'critical' });
    story.wait(4 * MINUTE);
  }
  story.wait(60 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  const escalations = story.decisions.filter(({ reason }) => reason === 'escalated');
  expect(escalations.map(({ at }) => (at - began) / MINUTE)).toEqual([12, 20]);
  const called = replies(story).flatMap((text) => text.match(/U012\w+/g) ?? []);
  expect(called).toEqual(['U012AAAA', 'U012BBBB']);
});
