/**
 * The shape of `*.test.yaml`: what goes in at which time, and what is expected to come out. Times are
 * relative to the test's start; what a key means stands beside it, for editors too (schema/).
 */
import { z } from 'zod';
import { CONSEQUENCES, type Reason, SEVERITIES, VERDICTS } from '../model.ts';
import {
  Channel,
  Duration,
  Emoji,
  Flag,
  Match,
  Moment,
  Text,
  oneOrMany,
  strict,
} from '../rules/compile/schema-parts.ts';

/** Entries of one list of a test. */
const ENTRIES_MAX = 1_000;
export const TESTS_MAX = 5_000;

function many<T extends z.ZodType>(item: T) {
  return z.array(item).max(ENTRIES_MAX);
}

const Labels = z.record(
  z.string().min(1),
  z.union([z.string(), z.number(), z.boolean()]).transform(String),
);

const SentAlert = strict({
  labels: Labels.refine((labels) => Object.keys(labels).length > 0, 'an alert has labels').describe(
    'The labels, as the source sends them.',
  ),
  annotations: Labels.optional().describe('The annotations, as the source sends them.'),
  source: Text.optional().describe('Who sends it. Default: alertmanager.'),
  at: Duration.optional().describe('When it begins to fire. Default: 0s, the start of the test.'),
  for: Duration.optional().describe('It resolves after this. Without it, it fires on.'),
  every: Duration.optional().describe('It fires again each time this has passed: it flaps.'),
  times: z.int().min(2).max(10_000).optional().describe('How often it fires in all, with "every".'),
  resend: Duration.optional().describe('While it fires, its source says so again this often.'),
});

const Reaction = strict({
  at: Duration.describe('When somebody reacts.'),
  reaction: Emoji.describe('The emoji, like eyes or white_check_mark.'),
  removed: Flag.describe('true: the reaction is taken back.'),
  user: Text.optional().describe('Who: a name of people, or a Slack member id.'),
  on: Text.optional().describe(
    'An alert in the message, like HighLoad{service="checkout"}. Default: the newest message.',
  ),
});

const Silence = strict({
  match: Match.describe('Which alerts: all matchers must hold.'),
  at: Duration.optional().describe('When it begins. Default: 0s.'),
  for: Duration.optional().describe('How long it lasts. Default: to the end of the test.'),
  user: Text.optional().describe('Who sets it.'),
  why: Text.optional().describe('The reason, which decisions repeat.'),
});

const Reply = z
  .preprocess(
    (value) => (typeof value === 'string' ? { text: value } : value),
    strict({
      at: Duration.optional().describe('When it is written.'),
      text: Text.optional().describe('What it contains.'),
    }),
  )
  .meta({ besides: { type: 'string', minLength: 1 } });

const Message = strict({
  at: Duration.optional().describe('When it is posted.'),
  channel: Channel.optional().describe("Where, like '#alerts'."),
  urgency: z
    .enum(['post', 'thread', 'digest'])
    .optional()
    .describe('A message of its own, a line in the thread of another, or a digest.'),
  severity: z.enum(SEVERITIES).optional().describe('The worst of its alerts.'),
  mention: oneOrMany(Text)
    .optional()
    .describe('Who is mentioned, all of them: Slack ids or names of people. []: nobody.'),
  root: Text.optional().describe('The service that it names as the likely cause.'),
  state: z
    .enum(['open', 'acknowledged', 'resolved'])
    .optional()
    .describe('How far its incident is.'),
  alerts: oneOrMany(Text)
    .optional()
    .describe('Which alerts it stands for, all of them: HighLoad or HighLoad{service="checkout"}.'),
  text: oneOrMany(Text).optional().describe('What it says: each of these is in its text.'),
  replies: many(Reply).optional().describe('The lines in its thread, all of them. []: none.'),
});

const REASONS = [...Object.keys(VERDICTS), ...Object.keys(CONSEQUENCES)];

const Decision = strict({
  // At the border: REASONS are the names of the closed lists.
  reason: z.enum(REASONS as [Reason, ...Reason[]]).describe('What was decided.'),
  alert: Text.optional().describe('About this alert, or its incident: HighLoad{service="a"}.'),
  at: Duration.optional().describe('When.'),
  because: Text.optional().describe('What its reason contains.'),
  rule: Text.optional().describe('The rule behind it: quiet.yaml or quiet.yaml:9.'),
  why: Text.optional().describe('What the "why:" of that rule contains.'),
  times: z
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe('How often. 0: never. Default: at least once.'),
});

const Expectation = strict({
  at: Duration.optional().describe('As it is then. Default: the end of the test.'),
  messages: many(Message)
    .optional()
    .describe('All messages in Slack by then, one for each incident. []: nobody is told.'),
  decisions: many(Decision)
    .optional()
    .describe('Some of what is decided by then: why somebody was told, or nobody.'),
});

export const RuleTest = strict({
  name: Text.describe('What is true of these rules, in plain words.'),
  start: Moment.optional().describe(
    'When 0s is. Default: 2026-03-03T10:00:00Z, a Tuesday. For rules that look at the clock.',
  ),
  until: Duration.optional().describe(
    'When the test ends. Default: 1h after the last thing in it.',
  ),
  alerts: many(SentAlert).describe('What the sources send.'),
  reactions: many(Reaction).optional().describe('What people say with emoji.'),
  silences: many(Silence).optional().describe('Silences besides those of the rules.'),
  expect: oneOrMany(Expectation).describe('What is true at the end, or at several times.'),
});

export const TestFile = strict({
  tests: z.array(RuleTest).max(TESTS_MAX).describe('Each is decided by itself, from nothing.'),
});

export type RuleTestSource = z.output<typeof RuleTest>;
export type SentAlertSource = z.output<typeof SentAlert>;
export type ExpectationSource = z.output<typeof Expectation>;
export type MessageSource = z.output<typeof Message>;
export type DecisionSource = z.output<typeof Decision>;
