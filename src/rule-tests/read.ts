/**
 * From the text of a `*.test.yaml` to tests that can be played: shapes, selectors and matchers checked
 * against the rules, every mistake at its place.
 */
import { z } from 'zod';
import type { Instant, Silence } from '../model.ts';
import { compileMatch } from '../rules/compile/match.ts';
import { type Predicate, allOf, compileMatcher, parseSelector } from '../rules/matcher.ts';
import { readSource } from '../rules/files/read-source.ts';
import { type Report, below } from '../rules/files/report.ts';
import type { Rules, Subject } from '../rules/rules.ts';
import { parseAt } from '../rules/compile/schema-errors.ts';
import { type Place, type RulesFile, refOf } from '../rules/files/source-file.ts';
import { strict } from '../rules/compile/schema-parts.ts';
import {
  type DecisionSource,
  type ExpectationSource,
  type MessageSource,
  type RuleTestSource,
  RuleTest as RuleTestSchema,
  type SentAlertSource,
  TESTS_MAX,
} from './schema.ts';

/** A value as it is written, and where. */
export interface Written<T> {
  readonly value: T;
  readonly place: Place;
}

export interface Selector {
  readonly text: string;
  readonly matches: (subject: Subject) => boolean;
  readonly place: Place;
}

export interface WantedMessage extends Written<MessageSource> {
  readonly alerts: readonly Selector[] | undefined;
}

export interface WantedDecision extends Written<DecisionSource> {
  readonly alert: Selector | undefined;
}

export interface Expectation {
  /** Since the start; undefined: the end of the test. */
  readonly atMs: number | undefined;
  readonly place: Place;
  readonly messages: readonly WantedMessage[] | undefined;
  readonly decisions: readonly WantedDecision[];
}

export interface Reacting {
  readonly atMs: number;
  readonly emoji: string;
  readonly added: boolean;
  readonly user: string;
  readonly on: Selector | undefined;
  readonly place: Place;
}

export interface RuleTest {
  readonly name: string;
  readonly place: Place;
  readonly startsAt: Instant;
  readonly untilMs: number;
  readonly alerts: readonly Written<SentAlertSource>[];
  readonly reactions: readonly Reacting[];
  readonly silences: readonly Silence[];
  readonly expect: readonly Expectation[];
}

/** A Tuesday in working hours. */
const START = Date.parse('2026-03-03T10:00:00Z');
/** Longer than any built-in hold, escalations and the re-opening of messages included. */
const AFTERWARDS_MS = 3_600_000;
const SOMEBODY = 'somebody';
const DELIVERIES_MAX = 100_000;

/** Each test is looked at by itself, so that a mistake in one hides none in another. */
const Tests = strict({ tests: z.array(z.unknown()).max(TESTS_MAX) });

export function readTests(file: RulesFile, rules: Rules, report: Report): readonly RuleTest[] {
  const read = readSource(file, '"tests:"');
  if (read.kind === 'empty') return [];
  report.add(read.errors);
  if (read.kind === 'refused') return [];
  const top: Place = { source: read.source, path: [] };
  const parsed = parseAt(Tests, read.data, top, report);
  if (parsed.kind === 'refused') return [];
  return parsed.value.tests.flatMap((raw, i) => {
    const place = below(top, 'tests', i);
    const test = parseAt(RuleTestSchema, raw, place, report);
    return test.kind === 'value' ? [readTest(test.value, place, { rules, report })] : [];
  });
}

interface Context {
  readonly rules: Rules;
  readonly report: Report;
}

function readTest(test: RuleTestSource, place: Place, context: Context): RuleTest {
  const startsAt = test.start ?? START;
  const alerts = test.alerts.map((value, i) => ({ value, place: below(place, 'alerts', i) }));
  const untilMs = test.until ?? lastThing(test) + AFTERWARDS_MS;
  checkTimes(alerts, untilMs, context.report);
  checkBounds(test, untilMs, place, context.report);
  return {
    name: test.name,
    place,
    startsAt,
    untilMs,
    alerts,
    reactions: (test.reactions ?? []).map((value, i) => {
      const at = below(place, 'reactions', i);
      return {
        atMs: value.at,
        emoji: value.reaction,
        added: value.removed !== true,
        user: value.user ?? SOMEBODY,
        on: selector(value.on, below(at, 'on'), context),
        place: at,
      };
    }),
    silences: (test.silences ?? []).map((value, i) =>
      silence({ value, place: below(place, 'silences', i) }, { startsAt, untilMs }, context),
    ),
    expect: test.expect.map((value, i) =>
      expectation(value, below(place, 'expect', i), untilMs, context),
    ),
  };
}

function silence(
  { value, place }: Written<NonNullable<RuleTestSource['silences']>[number]>,
  test: Pick<RuleTest, 'startsAt' | 'untilMs'>,
  { rules, report }: Context,
): Silence {
  const { catalog } = rules;
  const environment = (name: string) => name;
  const named = { owner: new Set<string>(), capability: new Set<string>() };
  const context = { catalog, report, environment, named, unsure: () => true };
  const { conditions } = compileMatch({ value, place }, context);
  const startsAt = test.startsAt + (value.at ?? 0);
  return {
    id: refOf(place),
    matchers: conditions.map(({ matcher: { name, operator, value: text } }) => ({
      name,
      value: text,
      isRegex: operator === '=~' || operator === '!~',
      isEqual: operator === '=' || operator === '=~',
    })),
    startsAt,
    endsAt: value.for === undefined ? test.startsAt + test.untilMs + 1 : startsAt + value.for,
    createdBy: value.user ?? SOMEBODY,
    comment: value.why ?? '',
  };
}

function expectation(
  value: ExpectationSource,
  place: Place,
  untilMs: number,
  context: Context,
): Expectation {
  const { messages, decisions = [] } = value;
  if (messages === undefined && decisions.length === 0) {
    const hint = 'say which messages: there are, or which decisions:';
    context.report.error(place, 'this expects nothing', hint);
  }
  if (value.at !== undefined && value.at > untilMs) {
    context.report.error(below(place, 'at'), 'the test ends before that', 'set its "until"');
  }
  return {
    atMs: value.at,
    place,
    messages: messages?.map((message, i) => {
      const at = below(place, 'messages', i);
      const alerts = message.alerts?.map((text, j) =>
        selector(text, below(at, 'alerts', j), context),
      );
      return { value: message, place: at, alerts: alerts?.filter((one) => one !== undefined) };
    }),
    decisions: decisions.map((decision, i) => {
      const at = below(place, 'decisions', i);
      return {
        value: decision,
        place: at,
        alert: selector(decision.alert, below(at, 'alert'), context),
      };
    }),
  };
}

function selector(
  text: string | undefined,
  place: Place,
  { rules, report }: Context,
): Selector | undefined {
  if (text === undefined) return undefined;
  const parsed = parseSelector(text);
  if (parsed.kind === 'refused') {
    report.errorWithin(place, text, parsed);
    return undefined;
  }
  const tests: Predicate[] = [];
  const { name } = parsed;
  if (name !== undefined) tests.push((subject) => subject.facts.name === name);
  for (const matcher of parsed.matchers) {
    const compiled = compileMatcher(matcher, rules.catalog);
    if (compiled.kind === 'predicate') tests.push(compiled.test);
    else
      report.errorWithin(place, text, { ...compiled, offset: matcher.valueAt + compiled.offset });
  }
  return { text, matches: allOf(tests), place };
}

// --- time -------------------------------------------------------------------------------------

/** How long an alert is heard of, until it resolves for the last time or fires on. */
function lastOf({ at = 0, for: lasts = 0, every = 0, times = 1 }: SentAlertSource): number {
  return at + (times - 1) * every + lasts;
}

function lastThing(test: RuleTestSource): number {
  const expected = test.expect.flatMap(({ at = 0, messages = [] }) => [
    at,
    ...messages.map((message) => message.at ?? 0),
  ]);
  const silenced = (test.silences ?? []).map((one) => (one.at ?? 0) + (one.for ?? 0));
  const reacted = (test.reactions ?? []).map(({ at }) => at);
  return Math.max(0, ...test.alerts.map(lastOf), ...silenced, ...reacted, ...expected);
}

function checkTimes(
  alerts: readonly Written<SentAlertSource>[],
  untilMs: number,
  report: Report,
): void {
  let deliveries = 0;
  for (const { value, place } of alerts) {
    const { at = 0, for: lasts, every, times, resend } = value;
    if ((every === undefined) !== (times === undefined)) {
      const hint = 'like every: 2m, times: 6 for what fires six times, every two minutes';
      report.error(place, '"every" and "times" need each other', hint);
    } else if (every !== undefined && (lasts === undefined || lasts >= every)) {
      const hint = 'say how long it fires each time: for:, shorter than every:';
      report.error(below(place, 'every'), 'it must resolve before it fires again', hint);
    }
    if (resend !== undefined && resend < 1_000) {
      report.error(below(place, 'resend'), '"resend" must be at least 1s');
      continue;
    }
    const firesFor = lasts ?? Math.max(0, untilMs - at);
    deliveries += (times ?? 1) * (2 + (resend === undefined ? 0 : firesFor / resend));
    if (deliveries > DELIVERIES_MAX) {
      return report.error(place, `a test has at most ${DELIVERIES_MAX} deliveries`);
    }
  }
}

function checkBounds(test: RuleTestSource, untilMs: number, place: Place, report: Report): void {
  const late = (atMs: number | undefined, at: Place): void => {
    if ((atMs ?? 0) > untilMs) report.error(at, 'the test ends before that', 'set its "until"');
  };
  for (const [i, { at }] of test.alerts.entries()) late(at, below(place, 'alerts', i));
  for (const [i, { at }] of (test.reactions ?? []).entries())
    late(at, below(place, 'reactions', i));
}
