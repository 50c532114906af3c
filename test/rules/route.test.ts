import { expect, test } from 'vitest';
import { builtInRules } from '../../src/rules/compile.ts';
import { at, rulesOf, seenBy, subjectOf } from './support.ts';

const TREE = rulesOf(`
services:
  - { name: payments, owner: team-payments, tier: 1 }
  - { name: web, owner: team-web, channel: '#web' }
  - { name: batch, owner: team-batch }
people:
  - { name: Ann, slack: U0ANN }
  - { name: Bob, slack: U0BOB }
teams:
  - { name: team-payments, channel: '#team-payments', oncall: [Ann, U0XYZ99], lead: Bob }
  - { name: team-web, oncall: [Bob] }
route:
  channel: '#alerts'
  mention: here
  routes:
    - match: ['environment!="production"']
      channel: '#alerts-dev'
      urgency: thread
      why: dev is nobody's night
      routes:
        - match: ['environment="staging"', 'severity="critical"']
          channel: '#staging'
    - match: ['service="web"']
      mention: [Ann, team-payments]
      continue: true
    - match: ['severity="high"']
      urgency: drop
      continue: true
    - match: ['severity="critical"']
      channel: owner
      mention: oncall
      escalate: { after: 15m, mention: team-lead }
      routes:
        - match: ['team="quiet"']
          escalate: off
`);

function route(labels: Record<string, string>) {
  return TREE.route(seenBy(TREE, labels));
}

test('what no route takes stays with the root', () => {
  expect(route({ service: 'payments', severity: 'warning' })).toEqual({
    channel: '#alerts',
    mention: ['here'],
    urgency: 'post',
    escalate: undefined,
    rule: 'rules.yaml:13',
    why: undefined,
  });
});

test('the first route that matches takes the alert, and inherits what it does not state', () => {
  expect(route({ service: 'payments', severity: 'critical', env: 'dev' })).toMatchObject({
    channel: '#alerts-dev',
    mention: ['here'],
    urgency: 'thread',
    escalate: undefined,
    rule: 'rules.yaml:16',
    why: "dev is nobody's night",
  });
});

test('a route below it goes before it', () => {
  expect(route({ service: 'payments', severity: 'critical', env: 'staging' })).toMatchObject({
    channel: '#staging',
    urgency: 'thread',
    rule: 'rules.yaml:21',
    why: undefined,
  });
});

test('"owner" is the channel of the service, else of its team, else what is inherited', () => {
  const critical = { severity: 'critical' };
  expect(route({ service: 'web', ...critical }).channel).toBe('#web');
  expect(route({ service: 'payments', ...critical }).channel).toBe('#team-payments');
  expect(route({ service: 'batch', ...critical }).channel).toBe('#alerts');
  expect(route({ service: 'nobody-knows', ...critical }).channel).toBe('#alerts');
  expect(route({ service: 'unlisted', owner: 'team-payments', ...critical }).channel).toBe(
    '#team-payments',
  );
});

test('people and roles become Slack ids', () => {
  const decision = route({ service: 'payments', severity: 'critical' });
  expect(decision.mention).toEqual(['U0ANN', 'U0XYZ99']);
  expect(decision.escalate).toEqual({ afterMs: 900_000, mention: ['U0BOB'] });
});

test('after "continue", a later sibling overrides only what it states', () => {
  expect(route({ service: 'web', severity: 'warning' })).toMatchObject({
    channel: '#alerts',
    mention: ['U0ANN', 'U0XYZ99'],
    rule: 'rules.yaml:23',
  });
  expect(route({ service: 'web', severity: 'high' })).toMatchObject({
    mention: ['U0ANN', 'U0XYZ99'],
    urgency: 'drop',
    rule: 'rules.yaml:26',
  });
  expect(route({ service: 'web', severity: 'critical' })).toMatchObject({
    mention: ['U0BOB'],
    channel: '#web',
  });
});

test('an escalation that is inherited can be switched off', () => {
  expect(route({ service: 'web', severity: 'critical', team: 'quiet' }).escalate).toBeUndefined();
});

test('what waits for the digest by itself stands in the main channel, or with its owner if there is none', () => {
  const info = { service: 'web', severity: 'info' };
  expect(route(info).channel).toBe('#alerts');
  const rules = rulesOf(`
services: [{ name: web, owner: team-web, channel: '#web' }]
route: { channel: owner }`);
  const channelOf = (labels: Record<string, string>) => rules.route(seenBy(rules, labels)).channel;
  expect(channelOf(info)).toBe('#web');
  expect(channelOf({ service: 'unowned', severity: 'info' })).toBe('#alerts');
});

test('info and none go into the digest unless a route says otherwise', () => {
  expect(route({ service: 'payments', severity: 'info' }).urgency).toBe('digest');
  expect(builtInRules().route(subjectOf({}, { severity: 'none' }))).toEqual({
    channel: '#alerts',
    mention: [],
    urgency: 'digest',
    escalate: undefined,
    rule: 'built-in',
    why: undefined,
  });
  const posts = rulesOf('route: { urgency: post }');
  expect(posts.route(subjectOf({}, { severity: 'info' })).urgency).toBe('post');
});

test.each([
  [{ env: 'staging' }, 'digest'],
  [{ env: 'eu-dev2' }, 'digest'],
  [{ env: 'non-prod' }, 'digest'],
  [{ env: 'prod' }, 'post'],
  [{ env: 'latest-and-greatest' }, 'post'],
  [{}, 'post'],
  [{ service: 'report' }, 'digest'],
  [{ service: 'report', severity: 'critical' }, 'post'],
])('when no route says how loudly, an alert with %j gets: %s', (labels, urgency) => {
  const rules = rulesOf('services: [{ name: report, owner: a, tier: 3 }]');
  expect(rules.route(seenBy(rules, labels)).urgency).toBe(urgency);
});

const TIMED = rulesOf(`
timeIntervals:
  - name: office hours
    weekdays: monday:friday
    times: [{ start_time: '09:00', end_time: '17:00' }]
    location: Europe/London
time_intervals:
  - name: lunch
    time_intervals:
      - times: [{ start_time: '12:00', end_time: '13:00' }]
route:
  routes:
    - match: ['team="day"']
      active_time_intervals: [office hours]
      why: nobody reads it at night
      routes:
        - match: ['severity="critical"']
    - match: ['team="lunch"']
      muteTimeIntervals: lunch
`);

test('a route tells only while an active time interval lasts, and says until when', () => {
  const subject = seenBy(TIMED, { team: 'day' });
  expect(TIMED.muted(subject, at('2026-03-03T10:00:00Z'))).toBeUndefined();
  expect(TIMED.muted(subject, at('2026-03-06T20:00:00Z'))).toEqual({
    by: 'outside of office hours',
    ground: 'route',
    rule: 'rules.yaml:13',
    why: 'nobody reads it at night',
    until: at('2026-03-09T09:00:00Z'),
  });
});

test('a route does not tell while a mute time interval lasts', () => {
  const subject = seenBy(TIMED, { team: 'lunch' });
  expect(TIMED.muted(subject, at('2026-03-03T11:59:59Z'))).toBeUndefined();
  expect(TIMED.muted(subject, at('2026-03-03T12:30:00Z'))).toMatchObject({
    by: 'time interval lunch',
    until: at('2026-03-03T13:00:00Z'),
  });
});

test('time intervals are not inherited, as in Alertmanager', () => {
  const subject = seenBy(TIMED, { team: 'day', severity: 'critical' });
  expect(TIMED.muted(subject, at('2026-03-06T20:00:00Z'))).toBeUndefined();
});
