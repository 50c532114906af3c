/**
 * Whatever an alert says, its message is one that Slack takes, that can be read, and that does nothing
 * an alert told it to do.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SEVERITIES } from '../../src/model.ts';
import { renderDigest, renderMessage, renderReply } from '../../src/slack/message.ts';
import { cut } from '../../src/slack/rich.ts';
import type { MessageView } from '../../src/view.ts';
import { NOW } from '../support/message-view.ts';
import { expectSound } from '../support/sound-message.ts';

const LONE_SURROGATE = /\p{Cs}/u;

const TRICKS = [
  '<!channel>',
  '<!here|x>',
  '<@U1>',
  '<https://evil.example|safe>',
  '&lt;!here&gt;',
  '&',
  '->',
  '*',
  '_',
  '~',
  '`',
  '```',
  '>',
  '\n',
  '\r',
  '\u2028',
  '\u202e',
  '\ud800',
  '\u0000',
  '\u200b',
  '👨‍👩‍👧',
  'e\u0301',
  ':fire:',
  '|',
  ' ',
  'payments',
  '"',
  '\\',
  '__proto__',
  'valueOf',
];

/** Text as it comes, and text that tries. */
const text = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  {
    weight: 1,
    arbitrary: fc.nat({ max: 6_000 }).map((length) => 'long <text> & '.repeat(length / 14)),
  },
  {
    weight: 3,
    arbitrary: fc
      .array(fc.constantFrom(...TRICKS), { maxLength: 60 })
      .map((parts) => parts.join('')),
  },
);
const maybe = fc.option(text, { nil: undefined });
const address = fc.option(
  fc.oneof(
    text,
    fc.webUrl({ withQueryParameters: true, withFragments: true }),
    text.map((path) => `https://wiki.example.com/${path}`),
    text.map((query) => `http://user:secret@wiki.example.com/?q=${query}`),
    fc.constantFrom(
      'javascript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      '//x',
      'slack://',
    ),
  ),
  { nil: undefined },
);
const at = fc.oneof(
  fc.integer({ min: NOW - 1e10, max: NOW + 1e10 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 9e15, 1.5),
);
const count = fc.nat({ max: 200_000 });
const mark = fc.record({ user: fc.oneof(text, fc.constantFrom('U1', 'W99')), at });
const candidate = fc.record({
  service: text,
  explains: count,
  of: count,
  since: at,
  reasons: fc.array(text, { maxLength: 8 }),
  explainsOthers: fc.boolean(),
  clearedAt: fc.option(at, { nil: undefined }),
});
const severity = fc.constantFrom(...SEVERITIES);
const people = fc
  .array(fc.tuple(fc.oneof(text, fc.constantFrom('U1', 'S1')), text), { maxLength: 5 })
  .map((pairs) => new Map(pairs));
const emojiName = fc.oneof(text, fc.constantFrom('eyes', '+1', 'no_bell'));

const view: fc.Arbitrary<MessageView> = fc.record({
  incident: text,
  revision: count,
  phase: fc.constantFrom('gathering', 'open', 'acknowledged', 'resolved'),
  special: fc.constantFrom(undefined, undefined, 'storm', 'heartbeat'),
  severity,
  environment: text,
  startsAt: at,
  resolvedAt: fc.option(at, { nil: undefined }),
  endedAt: fc.option(at, { nil: undefined }),
  now: at,
  lead: fc.record({
    name: text,
    service: text,
    summary: maybe,
    description: maybe,
    host: maybe,
    isElsewhereToo: fc.boolean(),
    impact: maybe,
  }),
  root: fc.option(
    fc
      .tuple(candidate, fc.option(fc.nat(5), { nil: undefined }), maybe, fc.boolean())
      .map(([root, tier, owner, explainsOthers]) => ({ ...root, tier, owner, explainsOthers })),
    { nil: undefined },
  ),
  otherRoots: fc.array(candidate, { maxLength: 3 }),
  services: fc.array(fc.record({ name: text, firing: count, alerts: count }), { maxLength: 10 }),
  servicesTotal: count,
  alerts: fc.record({ firing: count, total: count }),
  kinds: fc.array(fc.record({ name: text, alerts: count }), { maxLength: 5 }),
  capabilities: fc.array(text, { maxLength: 4 }),
  neededBy: fc.array(text, { maxLength: 4 }),
  victim: fc.option(text, { nil: undefined }),
  transactions: fc.record({ ids: fc.array(text, { maxLength: 3 }), total: count }),
  owner: maybe,
  links: fc.record({
    runbook: address,
    dashboard: address,
    source: address,
    silence: address,
    logs: address,
    explain: address,
  }),
  mention: fc.array(fc.oneof(text, fc.constantFrom('U1', 'S1', 'here', 'channel')), {
    maxLength: 4,
  }),
  called: fc.array(fc.oneof(text, fc.constantFrom('U1', 'S1', 'here', 'channel')), {
    maxLength: 4,
  }),
  acknowledged: fc.array(mark, { maxLength: 5 }),
  solved: fc.option(mark, { nil: undefined }),
  snoozed: fc.option(fc.record({ by: text, until: at }), { nil: undefined }),
  notActionable: fc.array(mark, { maxLength: 4 }),
  escalated: count,
  reopened: count,
  flapping: fc.option(fc.record({ alerts: count, episodes: count, isDamped: fc.boolean() }), {
    nil: undefined,
  }),
  mergedInto: fc.option(text, { nil: undefined, freq: 5 }),
  storm: fc.option(
    fc.record({
      incidents: count,
      goOn: count,
      worst: fc.array(fc.record({ incident: text, service: text, name: text }), {
        maxLength: 5,
      }),
      before: fc.array(fc.record({ incident: text, service: text }), { maxLength: 2 }),
    }),
    { nil: undefined },
  ),
  heartbeat: fc.option(fc.record({ name: text, lastSeenAt: fc.option(at, { nil: undefined }) }), {
    nil: undefined,
  }),
  toldBecause: maybe,
  snoozeMs: count,
  people,
  emoji: fc.record({
    acknowledge: emojiName,
    solved: emojiName,
    snooze: emojiName,
    notActionable: emojiName,
  }),
});

const mention = fc.option(fc.array(text, { maxLength: 20 }), { nil: undefined });
const reply = fc.oneof(
  fc.record({
    kind: fc.constant('severity-rose' as const),
    from: severity,
    to: severity,
    service: text,
    mention,
  }),
  fc.record({
    kind: fc.constant('service-joined' as const),
    services: fc.array(text, { maxLength: 30 }),
    mention,
  }),
  fc.record({ kind: fc.constant('refired' as const), times: count, service: text, mention }),
  fc.record({
    kind: fc.constant('silence-over' as const),
    firing: count,
    user: fc.option(text, { nil: undefined }),
    mention,
  }),
  fc.record({
    kind: fc.constant('escalated' as const),
    mention: fc.array(text, { maxLength: 20 }),
    afterMs: count,
  }),
  fc.record({ kind: fc.constant('not-solved' as const), user: text, firing: count }),
  fc.record({
    kind: fc.constant('beside' as const),
    incident: text,
    service: text,
    name: text,
    severity,
    mention,
  }),
);

const digestLine = fc.record({
  incident: text,
  service: text,
  name: text,
  severity,
  environment: text,
  incidents: count,
  alerts: count,
  firing: fc.boolean(),
  still: fc.option(fc.record({ services: fc.array(text, { maxLength: 6 }), of: count }), {
    nil: undefined,
  }),
});

test('the message of any incident is sound', () => {
  fc.assert(
    fc.property(view, (given) => {
      expectSound(renderMessage(given), given.mention);
    }),
  );
});

test('any line in a thread is sound', () => {
  fc.assert(
    fc.property(reply, view, (given, about) => {
      expectSound(renderReply(given, about), given.kind === 'escalated' ? given.mention : []);
    }),
  );
});

test('any digest is sound', () => {
  fc.assert(
    fc.property(fc.array(digestLine, { maxLength: 60 }), at, at, (lines, from, now) => {
      const base = { id: 'digest', channel: '#x', severity: 'info', delivery: undefined } as const;
      expectSound(
        renderDigest({ kind: 'digest', message: undefined, ...base, at: now, from, lines }),
        [],
      );
    }),
  );
});

test('a text is cut by what people count as characters, and says so', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.integer({ min: 1, max: 100 }),
      (given, max) => {
        const short = cut(given, max);
        expect(Array.from(short).length).toBeLessThanOrEqual(max);
        expect(short).not.toMatch(/[\n\r\t]/);
        expect(short).not.toMatch(LONE_SURROGATE);
      },
    ),
  );
});
