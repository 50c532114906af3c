/** Silences that people set: by API, or in the thread of a message. */
import { expect, test } from 'vitest';
import { decide, runDueUntil } from '../../src/decide.ts';
import type { Event, Silence } from '../../src/model.ts';
import { restore } from '../../src/state/restore.ts';
import { createState, type LaneState, takeChanges } from '../../src/state/state.ts';
import {
  alertEvent,
  HOUR,
  MINUTE,
  rulesOf,
  SHOP,
  START,
  type Story,
  tell,
} from '../support/story.ts';

function silence(more: Partial<Silence> = {}): Silence {
  return {
    id: 's1',
    matchers: [{ name: 'service', value: 'payments', isRegex: false, isEqual: true }],
    startsAt: START,
    endsAt: START + HOUR,
    createdBy: 'ann',
    comment: 'database upgrade',
    ...more,
  };
}

function set(story: Story, more?: Partial<Silence>): void {
  story.event({ kind: 'silence', silence: silence(more) });
}

function becauseOf(story: Story, reason: string): string | undefined {
  return story.decisions.findLast((decision) => decision.reason === reason)?.because;
}

/** The first line of the newest state of the message. */
function headline(story: Story): string | undefined {
  return story.messages.findLast(({ action }) => action !== 'reply')?.text.split('\n')[0];
}

test('an alert that a silence matches is told to nobody, and to all when the silence ends', () => {
  const story = tell(SHOP);
  set(story);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  expect(story.reasons()).toEqual(['silence-set', 'silenced']);
  expect(becauseOf(story, 'silenced')).toBe('a silence of ann');
  story.wait(59 * MINUTE);
  expect(story.posts()).toEqual([]);
  story.wait(2 * MINUTE);
  expect(story.reasons()).toContain('silence-over');
  expect(story.reasons()).toContain('unsilenced');
  expect(story.posts()).toHaveLength(1);
});

test('a silence that begins later lets through what comes before it', () => {
  const story = tell(SHOP);
  set(story, { startsAt: START + 10 * MINUTE });
  story.fire('payments', 'LatencyHigh');
  story.wait(5 * MINUTE);
  expect(story.reasons()).not.toContain('silenced');
  story.wait(6 * MINUTE);
  expect(story.reasons()).toContain('told');
});

test('what is still unseen when a silence begins is silenced', () => {
  const story = tell(SHOP);
  set(story, { startsAt: START + 2 * MINUTE });
  story.fire('payments', 'LatencyHigh');
  story.wait(30 * MINUTE);
  expect(story.reasons()).toContain('silenced');
  expect(story.posts()).toEqual([]);
});

test('who ends a silence early hears of what fires', () => {
  const story = tell(SHOP);
  set(story);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  story.wait(MINUTE);
  story.event({ kind: 'unsilence', id: 's1', by: 'bob' });
  expect(becauseOf(story, 'silence-over')).toBe('bob ended it');
  expect(story.posts()).toHaveLength(1);
});

test('a message that stands becomes quiet under a silence, and loud again without it', () => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  expect(story.posts()).toHaveLength(1);
  set(story);
  expect(headline(story)).toContain('🔕 quiet');
  story.event({ kind: 'unsilence', id: 's1', by: 'bob' });
  expect(headline(story)).not.toContain('🔕');
});

test('who takes 🔕 back does not end the quiet of a silence that they set', () => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  const incident = story.posts()[0]?.incident ?? '';
  story.react('no_bell', incident, 'U7');
  story.wait(1_000);
  const text = 'silence 2h upgrade';
  story.event({ kind: 'request', user: 'U7', text, on: { incident }, orderedAt: story.now() });
  story.wait(1_000);
  expect(headline(story)).toContain('🔕 quiet');
  story.unreact('no_bell', incident, 'U7');
  story.wait(MINUTE);
  expect(headline(story)).toContain('🔕 quiet');
});

test('a silence that is changed lets go of what it no longer matches', () => {
  const story = tell(SHOP);
  set(story);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  set(story, { matchers: [{ name: 'service', value: 'bas.*', isRegex: true, isEqual: true }] });
  expect(story.reasons()).toContain('unsilenced');
  expect(story.posts()).toHaveLength(1);
});

test('what is set says how many alerts it matches', () => {
  const story = tell(SHOP);
  story.fire('payments', 'LatencyHigh');
  story.fire('basket', 'LatencyHigh');
  set(story);
  expect(becauseOf(story, 'silence-set')).toBe(
    'ann for 1 h: service="payments"; it matches 1 of 2 alerts that fire now',
  );
});

function ask(story: Story, text: string, orderedAt = story.now()): void {
  const post = story.posts()[0];
  if (post === undefined) throw new Error('nothing was posted');
  const on = { channel: post.channel, ts: `${START}.1` };
  story.event({ kind: 'request', user: 'U7', text, on, orderedAt });
}

test('in the thread, "silence 2h why" silences what fires of the incident, and says so', () => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  story.fire('payments-db', 'Down', { severity: 'critical' });
  ask(story, 'silence 2h the upgrade goes on');
  const [reply] = story.messages.filter(({ action }) => action === 'reply').slice(-1);
  expect(reply?.text).toContain('Silenced by U7 until 12:00 UTC (2 h)');
  expect(reply?.text).toContain('service=~"payments|payments-db"');
  expect(reply?.text).toContain('all 2 alerts that fire now');
  expect(story.decisions.findLast(({ reason }) => reason === 'silence-set')?.why).toBe(
    'the upgrade goes on',
  );
  story.wait(3 * MINUTE);
  story.resolve('payments', 'ErrorRateHigh', { severity: 'critical' });
  story.wait(MINUTE);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  expect(story.reasons().filter((reason) => reason === 'silenced')).toHaveLength(1);
  ask(story, 'unsilence');
  expect(headline(story)).not.toContain('🔕');
  expect(story.reasons()).toContain('silence-over');
});

test('the same request again does nothing', () => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  ask(story, 'silence 1h', START);
  ask(story, 'silence 1h', START);
  expect(story.reasons().filter((reason) => reason === 'silence-set')).toHaveLength(1);
});

test.each([
  ['silence', 'U7, say in “silence 2h why it may be quiet”'],
  ['silence 0', 'U7, say in “silence 2h'],
  ['silence soon', '"soon" is no duration: write it like 90s, 10m or 1h30m, as in “silence 2h'],
  ['silence 10', '"10" is no duration: add the unit, 10s or 10m, as in “silence 2h'],
  ['silence 1am', '"1am" is no duration'],
  ['what is this?', 'I understand “silence 2h why it may be quiet”'],
  [
    '',
    'I understand “silence 2h why it may be quiet”, “unsilence”, “split a-service” and “unsplit”',
  ],
])('to "%s" the answer is what would be understood', (text, answer) => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  ask(story, text);
  expect(story.last()?.text).toContain(answer);
  expect(story.last()?.text).not.toContain('“”');
  expect(story.reasons()).not.toContain('silence-set');
});

test.each([
  ['silence 2 hours the disk', 2 * HOUR, 'the disk'],
  ['silence for 30 min: a deploy', HOUR / 2, 'a deploy'],
  ['Silence 1h30m', 1.5 * HOUR, undefined],
  ['mute 90 minutes 2 disks', 1.5 * HOUR, '2 disks'],
])('"%s" is understood, as people write it on a phone', (text, lasts, comment) => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  ask(story, text);
  const [{ silence } = expect.fail()] = [...story.state.silences.values()];
  expect(silence.endsAt - silence.startsAt).toBe(lasts);
  if (comment !== undefined) expect(silence.comment).toBe(comment);
});

test('where nothing fires any more, the answer to "silence 2h" says so', () => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  story.wait(3 * MINUTE);
  story.resolve('payments', 'ErrorRateHigh', { severity: 'critical' });
  ask(story, 'silence 2h');
  expect(story.last()?.text).toContain('U7, nothing fires here any more');
  story.wait(MINUTE);
  ask(story, 'split payments');
  expect(story.last()?.text).toContain('U7, nothing fires here: there is nothing to split');
});

test('a request where no message of ours stands is ignored', () => {
  const story = tell(SHOP);
  const on = { channel: 'C1', ts: '1.1' };
  story.event({ kind: 'request', user: 'U7', text: 'silence 1h', on, orderedAt: START });
  expect(story.reasons()).toEqual(['ignored']);
});

function replies(story: Story): readonly string[] {
  return story.messages.filter(({ action }) => action === 'reply').map(({ text }) => text);
}

test('when a silence over a message is over, the thread says what still fires', () => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  set(story);
  story.wait(59 * MINUTE);
  expect(replies(story)).toEqual([]);
  story.wait(MINUTE);
  expect(replies(story)).toEqual([
    expect.stringContaining('The silence is over: 1 alert still fires'),
  ]);
  expect(headline(story)).not.toContain('🔕');
  expect(story.posts()).toHaveLength(1);
});

test('when nothing fires any more, the end of a silence is nothing to speak of', () => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  set(story);
  story.wait(MINUTE);
  story.resolve('payments', 'ErrorRateHigh', { severity: 'critical' });
  story.wait(2 * HOUR);
  expect(replies(story)).toEqual([]);
  expect(story.reasons()).not.toContain('unsilenced');
});

test('a message stays quiet while any silence matches all that fires of it', () => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  set(story);
  set(story, { id: 's2', endsAt: START + 2 * HOUR });
  story.event({ kind: 'unsilence', id: 's2', by: 'bob' });
  expect(headline(story)).toContain('🔕 quiet');
  story.event({ kind: 'unsilence', id: 's1', by: 'bob' });
  expect(headline(story)).not.toContain('🔕');
});

test('a new alert that no silence matches is told in the thread of a quiet message', () => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  set(story);
  story.wait(2 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  expect(replies(story)).toEqual([expect.stringContaining('Now hit too: payments-db')]);
  expect(headline(story)).not.toContain('🔕');
});

test('while one silence is over and another goes on, an alert stays silenced', () => {
  const story = tell(SHOP);
  set(story);
  set(story, { id: 's2', endsAt: START + 2 * HOUR });
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  story.wait(HOUR + MINUTE);
  expect(story.posts()).toEqual([]);
  story.wait(HOUR);
  expect(story.posts()).toHaveLength(1);
});

test('who asks for the end of a silence in the thread gets one answer', () => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  ask(story, 'silence 2h');
  story.wait(MINUTE);
  ask(story, 'unsilence');
  expect(replies(story)).toEqual([
    expect.stringContaining('Silenced by U7'),
    expect.stringContaining('No longer silenced'),
  ]);
  // The story of the incident would end with the quiet.
  const last = story.decisions.at(-1);
  expect(last).toMatchObject({ reason: 'unsilenced', incident: story.posts()[0]?.incident });
});

test('"unsilence" in a thread ends what silences its message, and nothing else', () => {
  const story = tell(SHOP);
  story.fire('payments', 'ErrorRateHigh', { severity: 'critical' });
  set(story);
  const matchers = [{ name: 'service', value: 'newsletter', isRegex: false, isEqual: true }];
  set(story, { id: 's2', matchers });
  story.fire('newsletter', 'Down', { severity: 'critical' });
  const incident = story.posts()[0]?.incident ?? '';
  const on = { incident };
  story.event({ kind: 'request', user: 'U7', text: 'unsilence', on, orderedAt: story.now() });
  const ended = story.decisions.filter(({ reason }) => reason === 'silence-over');
  expect(ended.map(({ rule }) => rule)).toEqual(['silence s1']);
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(1);
});

test('a silence that begins while Quell is down quietens what stands', () => {
  const rules = rulesOf(SHOP);
  const state = createState('default');
  const alert = alertEvent({ alertname: 'Down', service: 'payments', severity: 'critical' });
  const later = silence({ startsAt: START + 10 * MINUTE });
  decide(state, alert, START, rules);
  decide(state, { kind: 'silence', silence: later }, START, rules);
  const restarted = createState('default');
  restore(restarted, takeChanges(state));
  const start = START + 20 * MINUTE;
  decide(restarted, { kind: 'started' }, start, rules);
  runDueUntil(restarted, start, start, 100, (event, now) => decide(restarted, event, now, rules));
  const [incident] = restarted.incidents.values();
  expect(incident?.snoozed).toMatchObject({ silence: later.id, until: later.endsAt });
});

test('a start ends the quiet of a silence that nobody knows any more', () => {
  const rules = rulesOf(SHOP);
  const state = createState('default');
  decide(state, { kind: 'silence', silence: silence() }, START, rules);
  const alert = alertEvent({ alertname: 'Down', service: 'payments', severity: 'critical' });
  decide(state, alert, START - MINUTE, rules);
  const told = START + 20 * MINUTE;
  runDueUntil(state, told, START, 100, (event, now) => decide(state, event, now, rules));
  decide(state, { kind: 'silence', silence: silence({ endsAt: START + 5 * HOUR }) }, told, rules);
  const left = takeChanges(state).filter(({ key }) => !key.startsWith('silence/'));
  const restarted = createState('default');
  restore(restarted, left);
  decide(restarted, { kind: 'started' }, told, rules);
  const [incident] = restarted.incidents.values();
  expect(incident?.snoozed).toBeUndefined();
});

test('what was quiet by a silence that was changed, or ended, is looked at again also when the process dies meanwhile', () => {
  const changed = silence({
    matchers: [{ name: 'service', value: 'basket', isRegex: false, isEqual: true }],
  });
  for (const event of [
    { kind: 'silence', silence: changed },
    { kind: 'unsilence', id: 's1', by: 'bob' },
  ] as const) {
    const rules = rulesOf(`${SHOP}correlate: [{ off: true }]\n`);
    const state = createState('default');
    const step = (one: Event, at: number) => void decide(state, one, at, rules);
    const fires = (service: string, at: number) =>
      step(alertEvent({ alertname: 'Down', service, severity: 'critical' }, { startsAt: at }), at);
    // More incidents than are looked at in one go; the silence is about the last.
    for (let n = 0; n < 600; n++) fires(`s${n}`, START);
    runDueUntil(state, START + 20 * MINUTE, START, 10_000, step);
    fires('payments', START + 20 * MINUTE);
    const at = START + 40 * MINUTE;
    runDueUntil(state, at, START + 20 * MINUTE, 10_000, step);
    const quiet = (of: LaneState) =>
      [...of.incidents.values()].filter(({ snoozed }) => snoozed !== undefined).length;
    step({ kind: 'silence', silence: silence({ endsAt: START + 5 * HOUR }) }, at);
    runDueUntil(state, at, at, 100, step);
    expect(quiet(state)).toBe(1);

    const then = at + MINUTE;
    step(event, then);
    expect(quiet(state), 'it has not come to it').toBe(1);
    const restarted = createState('default');
    restore(restarted, takeChanges(state));
    decide(restarted, { kind: 'started' }, then, rules);
    runDueUntil(restarted, then, then, 100, (one, now) => decide(restarted, one, now, rules));
    expect(quiet(restarted)).toBe(0);
  }
});
