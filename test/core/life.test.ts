import { expect, test } from 'vitest';
import { afterRefire, calmAt } from '../../src/dedupe/flap.ts';
import { decide, runDueUntil } from '../../src/decide.ts';
import type { Alert } from '../../src/model.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { restore } from '../../src/state/restore.ts';
import { createState, takeChanges } from '../../src/state/state.ts';
import { buildView } from '../../src/view.ts';
import { alertEvent, HOUR, MINUTE, rulesOf, SHOP, START, tell } from '../support/story.ts';

const FLAP_RULE = rulesOf('').flap({
  labels: {},
  facts: { severity: 'warning' } as Alert['facts'],
  source: 's',
});

test('an alert that fires every 20 minutes flaps at its fourth firing', () => {
  if (FLAP_RULE === undefined) throw new Error('flap damping is on by default');
  const penalties: number[] = [];
  // Only what the arithmetic needs of an alert.
  let alert = { since: 0, flap: undefined } as Pick<Alert, 'since' | 'flap'> as Alert;
  for (let firing = 2; firing <= 4; firing++) {
    alert = { ...alert, flap: afterRefire(alert, FLAP_RULE, (firing - 1) * 20 * MINUTE, false) };
    penalties.push(Math.round(alert.flap?.penalty ?? 0));
  }
  expect(penalties).toEqual([1794, 2424, 2924]);
  expect(alert.flap?.flapping).toBe(true);
  const minutes = Math.round(
    (calmAt(alert.flap ?? { penalty: 0, at: 0, flapping: false, since: undefined }, 0, FLAP_RULE) -
      60 * MINUTE) /
      MINUTE,
  );
  expect(minutes).toBe(93);
});

test('a hold that elapses while Quell is down is told after the start', () => {
  const rules = rulesOf(SHOP);
  const before = createState('default');
  const alert = alertEvent({ alertname: 'Slow', service: 'basket', severity: 'warning' });
  decide(before, alert, START, rules);
  const records = takeChanges(before).map(({ key, value }) => ({
    key,
    value: JSON.parse(JSON.stringify(value)),
  }));
  const after = createState('default');
  restore(after, records);
  const later = START + HOUR;
  decide(after, { kind: 'started' }, later, rules);
  const effects: string[] = [];
  runDueUntil(after, later + 1000, later, 100, (event, now) => {
    for (const { kind } of decide(after, event, now, rules).effects) effects.push(kind);
  });
  expect(effects).toEqual(['message']);
});

test('nobody acknowledges: the lead is called, once', () => {
  const story = tell(`${SHOP}
people: [{ name: Ann, slack: U012AB3CD, team: team-payments }]
teams: [{ name: team-payments, channel: '#payments', lead: U012AB3CD }]
route:
  channel: '#alerts'
  routes:
    - { match: ['severity="critical"'], channel: owner, escalate: { after: 15m, mention: team-lead } }
`);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  expect(story.posts()[0]?.channel).toBe('#payments');
  story.wait(15 * MINUTE);
  expect(story.last()).toMatchObject({ action: 'reply' });
  story.wait(2 * HOUR);
  const shown = story.messages.findLast(({ action }) => action !== 'reply');
  expect(shown?.text).toMatch(/escalated once[^]*Called: Ann/);
  expect(story.reasons().filter((reason) => reason === 'escalated')).toHaveLength(1);
});

test('somebody acknowledges in time: nobody is called', () => {
  const story = tell(`${SHOP}
route: { channel: '#alerts', escalate: { after: 15m, mention: here } }
`);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.react('eyes', story.posts()[0]?.incident ?? '');
  story.wait(HOUR);
  expect(story.reasons()).not.toContain('escalated');
});

test('a heartbeat that stays away is told by Quell itself, and resolved when it is back', () => {
  const story = tell();
  const beat = () => story.fire('', 'Watchdog', { severity: 'none', labels: { service: '' } });
  beat();
  story.wait(10 * MINUTE);
  beat();
  story.wait(14 * MINUTE);
  expect(story.messages).toHaveLength(0);
  story.wait(2 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.posts()[0]?.text).toMatch(/Watchdog/);
  story.wait(MINUTE);
  beat();
  expect(story.last()?.action).toBe('update');
  expect(story.reasons()).toContain('source-back');
});

test('a heartbeat that comes and goes has one message, and each silence a line in its thread', () => {
  const story = tell();
  const beat = () => story.fire('', 'Watchdog', { severity: 'none', labels: { service: '' } });
  for (let time = 0; time < 3; time++) {
    beat();
    story.wait(16 * MINUTE);
  }
  expect(story.posts()).toHaveLength(1);
  const replies = story.messages.filter(({ action }) => action === 'reply');
  expect(replies.map(({ text }) => text)).toEqual([
    '🔁 Silent again (re-opened once) · Quell hears nothing from Watchdog',
    '🔁 Silent again (re-opened twice) · Quell hears nothing from Watchdog',
  ]);
  beat();
  expect(story.last()?.text).toMatch(/^🟢 Quell hears Watchdog again/);
  for (let time = 0; time < 4; time++) {
    story.wait(10 * MINUTE);
    beat();
  }
  story.wait(16 * MINUTE);
  expect(story.posts()).toHaveLength(2);
});

test('a recording that stops says nothing of heartbeats: none is missed after its end', () => {
  const story = tell(`${SHOP}
heartbeats: [{ name: beat, match: ['alertname="Beat"'], missingAfter: 5m }]
`);
  story.fire('', 'Beat');
  story.wait(4 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.end();
  expect(story.posts()).toMatchObject([{ root: 'payments-db' }]);
});

test('a heartbeat that is missing is missed anew when its rule was gone for a moment', () => {
  const watched = rulesOf(`${SHOP}
heartbeats: [{ name: beat, match: ['alertname="Beat"'], missingAfter: 5m, expected: true }]
`);
  const state = createState('default');
  const reasons: string[] = [];
  const decideBy = (rules: Rules, kind: 'rules-changed' | 'tick', at: number) => {
    for (const { reason } of decide(state, { kind }, at, rules).decisions) reasons.push(reason);
  };
  decideBy(watched, 'rules-changed', START);
  decideBy(watched, 'tick', START + 5 * MINUTE);
  decideBy(rulesOf(SHOP), 'rules-changed', START + 6 * MINUTE);
  decideBy(watched, 'rules-changed', START + 7 * MINUTE);
  expect(reasons).toEqual(['source-lost']);
  decideBy(watched, 'tick', START + 12 * MINUTE);
  expect(reasons).toEqual(['source-lost', 'source-lost']);
});

test('a heartbeat whose rule was made shorter is missed by that rule', () => {
  const after = (missingAfter: string) =>
    rulesOf(
      `heartbeats: [{ name: beat, match: ['alertname="Beat"'], missingAfter: ${missingAfter} }]`,
    );
  const state = createState('default');
  decide(state, alertEvent({ alertname: 'Beat' }), START, after('6h'));
  decide(state, { kind: 'rules-changed' }, START + MINUTE, after('5m'));
  const { decisions } = decide(state, { kind: 'tick' }, START + 6 * MINUTE, after('5m'));
  expect(decisions.map(({ reason }) => reason)).toEqual(['source-lost']);
});

test('what the route says belongs in the digest comes once a day, in one message', () => {
  const story = tell();
  for (const name of ['CertExpiresSoon', 'DiskHalfFull'])
    story.fire('newsletter', name, { severity: 'info' });
  story.wait(HOUR);
  expect(story.messages).toHaveLength(0);
  story.wait(23 * HOUR);
  expect(story.posts()).toHaveLength(1);
  expect(story.posts()[0]?.text).toMatch(/2 alerts/);
});

test('the digest is one standing message, and waits for something that still fires', () => {
  const story = tell();
  story.fire('newsletter', 'CertExpiresSoon', { severity: 'info' });
  story.wait(HOUR);
  story.resolve('newsletter', 'CertExpiresSoon', { severity: 'info' });
  story.wait(24 * HOUR);
  expect(story.messages).toHaveLength(0);
  story.fire('newsletter', 'DiskHalfFull', { severity: 'info' });
  story.wait(24 * HOUR);
  expect(story.messages.map(({ action }) => action)).toEqual(['post']);
  story.wait(24 * HOUR);
  expect(story.messages.map(({ action }) => action)).toEqual(['post', 'update']);
  story.resolve('newsletter', 'DiskHalfFull', { severity: 'info' });
  story.wait(3 * 24 * HOUR);
  expect(story.messages.map(({ action }) => action)).toEqual(['post', 'update', 'update']);
  expect(story.last()?.text).toMatch(/over/);
});

test('a digest has one line for each service and what is wrong with it', () => {
  const story = tell(`${SHOP}
route: { routes: [{ match: ['severity="info"'], urgency: digest }] }
`);
  const info = { severity: 'info' };
  for (const service of ['newsletter', 'basket']) story.fire(service, 'CertExpiresSoon', info);
  story.wait(HOUR);
  story.resolve('basket', 'CertExpiresSoon', info);
  story.wait(5 * HOUR);
  story.fire('basket', 'CertExpiresSoon', info);
  story.wait(25 * HOUR);
  expect(story.posts().map(({ text }) => text.split('\n').slice(1))).toEqual([
    [
      expect.stringMatching(/newsletter: cert expires soon · 1 incident, 1 alert/),
      expect.stringMatching(/basket: cert expires soon · 2 incidents, 2 alerts/),
    ],
  ]);
});

test('a failure after one whose resolve was lost is heard of', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical', startsAt: START });
  story.wait(26 * HOUR);
  const before = story.messages.length;
  story.fire('payments-db', 'Down', { severity: 'critical', startsAt: story.now() });
  const since = story.messages.slice(before);
  expect(since.map(({ action }) => action)).toEqual(['update', 'reply']);
  expect(since.at(-1)?.text).toMatch(/Fires again: payments-db/);
  expect(story.decisions.map(({ because }) => because).join()).toMatch(
    /the resolve in between was never seen/,
  );
  // No source said so.
  expect(story.decisions.find(({ reason }) => reason === 'ended')?.because).toBe(
    'its alert begins anew: that it was over was never heard',
  );
});

test.each([
  ['something else fires there', 26 * HOUR, ['payments'], {}, ''],
  ['it may be a reminder', 11 * HOUR, [], {}, ''],
  ['it may be one yet', 26 * HOUR, [], {}, 'incident: { reopenWithin: 48h }'],
  ['its source repeats what goes on', 26 * HOUR, [], { endsAt: START + 28 * HOUR }, ''],
] as const)('nobody is called for a later start when %s', (_, after, others, more, rules) => {
  const story = tell(`${SHOP}\n${rules}\n`);
  const firing = { labels: { alertname: 'Down', service: 'payments-db', severity: 'critical' } };
  const starts = (startsAt: number) =>
    story.event(alertEvent(firing.labels, { startsAt, status: 'firing', ...more }));
  starts(START);
  for (const service of others) story.fire(service, 'Slow', { severity: 'critical' });
  story.wait(after);
  const before = story.messages.length;
  starts(story.now());
  expect(story.messages.slice(before).filter(({ action }) => action === 'reply')).toEqual([]);
});

test('what stands in the digest, and is dated anew, is listed there once', () => {
  const story = tell();
  const starts = () =>
    story.event(
      alertEvent(
        { alertname: 'Odd', service: 'payments', severity: 'info' },
        { startsAt: story.now() },
      ),
    );
  starts();
  story.wait(14 * HOUR);
  starts();
  story.wait(24 * HOUR);
  expect(story.last()?.text).toMatch(/payments: odd · 1 incident, 1 alert /);
});

test('a reminder that is dated anew is no new failure', () => {
  const story = tell();
  const remind = () =>
    story.event(
      alertEvent(
        { alertname: 'Down', service: 'payments-db', severity: 'critical' },
        { source: 'generic', startsAt: story.now() },
      ),
    );
  remind();
  story.wait(5 * MINUTE);
  const [post] = story.posts();
  story.react('eyes', post?.incident ?? '');
  story.wait(HOUR);
  const before = story.messages.length;
  remind();
  story.wait(MINUTE);
  expect(story.messages.slice(before).filter(({ action }) => action === 'reply')).toEqual([]);
  expect(story.state.incidents.get(post?.incident ?? '')).toMatchObject({
    phase: 'acknowledged',
    acknowledged: [{}],
  });
});

test('the digest names what still fires, when what it began with is over', () => {
  const story = tell();
  story.fire('payments-db', 'Odd', { severity: 'info' });
  story.fire('payments', 'Odd', { severity: 'info' });
  story.wait(HOUR);
  story.resolve('payments-db', 'Odd', { severity: 'info' });
  story.wait(24 * HOUR);
  expect(story.last()?.text).toMatch(
    /payments-db: odd · 1 incident, 2 alerts .*· payments still firing/,
  );
});

test('of many that still fire the digest names six', () => {
  const story = tell('correlate: [{ by: [team] }]');
  const of = { severity: 'info', labels: { team: 'shop' } };
  for (let n = 1; n <= 9; n++) story.fire(`s${n}`, 'Odd', of);
  story.wait(25 * HOUR);
  expect(story.last()?.text).toContain('9 alerts');
  expect(story.last()?.text).toContain('s1, s2, s3, s4, s5, s6 and 3 more still firing');
});

/** Each service with a database of its own: nothing links any two. */
function strangers(count: number): string {
  const services = Array.from(
    { length: count },
    (_, i) => `  - { name: svc-${i}, dependsOn: [db-${i}] }\n  - { name: db-${i} }`,
  );
  return `services:\n${services.join('\n')}\n`;
}

test('a storm of unrelated alerts is a few messages, and what outlasts it is told', () => {
  const story = tell(strangers(400));
  // Each in a cluster of its own: not even the time makes them one.
  const severe = (i: number) => ({ severity: 'critical', labels: { cluster: `c-${i}` } });
  for (let i = 0; i < 400; i++) {
    story.fire(`svc-${i}`, 'Broken', severe(i));
    story.wait(1_500);
  }
  expect(story.posts().length).toBeLessThan(5);
  expect(story.reasons()).toContain('storm-began');
  story.wait(30 * MINUTE);
  expect(story.reasons()).not.toContain('storm-ended');
  for (let i = 2; i < 399; i++) story.resolve(`svc-${i}`, 'Broken', severe(i));
  story.wait(30 * MINUTE);
  expect(story.reasons()).toContain('storm-ended');
  expect(
    story
      .posts()
      .at(-1)
      ?.alerts.map(({ labels }) => labels['service']),
  ).toEqual(['svc-399']);
});

test('a maintenance window mutes only while it lasts', () => {
  const story = tell(`${SHOP}
maintenance:
  - name: patching
    match: ['service=~".*-db"']
    every: { times: [{ start_time: '10:00', end_time: '11:00' }], location: UTC }
`);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.fire('payments', 'Down', { severity: 'critical' });
  expect(story.posts().map(({ root }) => root)).toEqual(['payments']);
  story.wait(61 * MINUTE);
  expect(story.reasons()).toContain('unsilenced');
});

test('taking 🔕 and 🗑️ away takes them back', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const id = story.posts()[0]?.incident ?? '';
  for (const emoji of ['no_bell', 'wastebasket']) {
    story.wait(1000);
    story.react(emoji, id);
    story.wait(1000);
    story.unreact(emoji, id);
    expect(story.reasons().at(-1)).toBe('taken-back');
  }
});

test('a late reaction does not undo a newer one', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const incident = story.posts()[0]?.incident ?? '';
  const reaction = (added: boolean, orderedAt: number) =>
    story.event({
      kind: 'reaction',
      added,
      emoji: 'eyes',
      user: 'U1',
      on: { incident },
      orderedAt,
    });
  reaction(false, START + 2000);
  reaction(true, START + 1000);
  expect(story.reasons().at(-1)).toBe('ignored');
  expect(story.reasons()).not.toContain('acknowledged');
});

test('one of two emojis of one gesture is taken away: what the other says still stands', () => {
  const story = tell(`${SHOP}reactions: { acknowledge: [eyes, raised_hands] }\n`);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const incident = story.posts()[0]?.incident ?? '';
  const phase = () => story.state.incidents.get(incident)?.phase;
  for (const emoji of ['eyes', 'raised_hands']) story.react(emoji, incident);
  story.wait(1000);
  story.unreact('raised_hands', incident);
  expect(phase()).toBe('acknowledged');
  story.unreact('eyes', incident);
  expect(phase()).toBe('open');
});

test('who takes 👀 back when all is over opens nothing', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const incident = story.posts()[0]?.incident ?? '';
  story.react('eyes', incident);
  story.wait(MINUTE);
  story.resolve('payments-db', 'Down', { severity: 'critical' });
  story.unreact('eyes', incident);
  expect(story.state.incidents.get(incident)?.phase).toBe('resolved');
  story.wait(MINUTE);
  expect(story.last()?.text).toMatch(/^🟢/);
});

test('an emoji that was given another meaning is offered for that only', () => {
  const story = tell(`${SHOP}reactions: { acknowledge: [wastebasket] }\n`);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const [incident] = story.state.incidents.values();
  if (incident === undefined) throw new Error('it fires');
  const view = buildView(story.state, incident, story.rules, story.now(), undefined);
  expect(view.emoji).toEqual({
    acknowledge: 'wastebasket',
    solved: 'white_check_mark',
    snooze: 'no_bell',
  });
});

test('a message is deleted: what people said on it stands, until they take it back on the new one', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const incident = story.posts()[0]?.incident ?? '';
  const now = () => story.state.incidents.get(incident);
  const effect = `message:${incident}`;
  const sent = (ts: string) => {
    const message = { channel: 'C1', ts };
    const revision = now()?.revision ?? 0;
    story.event({ kind: 'delivered', effect, outcome: { kind: 'sent', message, revision } });
    return message;
  };
  const eyes = (added: boolean, on: { channel: string; ts: string }) => {
    story.wait(1000);
    const orderedAt = story.now();
    story.event({ kind: 'reaction', added, emoji: 'eyes', user: 'U1', on, orderedAt });
  };
  eyes(true, sent('1.1'));
  story.event({ kind: 'delivered', effect, outcome: { kind: 'gone' } });
  const reposted = story.decisions.find(({ reason }) => reason === 'reposted');
  expect(reposted?.because).toBe('its message was deleted');
  const anew = sent('2.2');
  expect(now()).toMatchObject({ phase: 'acknowledged', reactions: {} });
  eyes(true, anew);
  eyes(false, anew);
  expect(now()?.phase).toBe('open');
});
