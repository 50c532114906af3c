/**
 * `match:` lists of entries, compiled, with every mistake at its place.
 */
import type { Entry } from './collect.ts';
import {
  type Matcher,
  type Predicate,
  allOf,
  compileMatcher,
  impossibleSeverity,
  parseMatchers,
  quotedValue,
} from '../matcher.ts';
import { SEVERITIES } from '../../model.ts';
import { ENVIRONMENT_MAP } from '../environment.ts';
import { type Condition, boundsOf, conditionOf, contradiction } from './reach.ts';
import { type Report, below } from '../files/report.ts';
import type { Catalog } from '../rules.ts';
import type { Place } from '../files/source-file.ts';
import { didYouMean, nearest } from '../did-you-mean.ts';

export interface Matching {
  readonly match?: readonly string[] | undefined;
  /** Alertmanager's name for it. */
  readonly matchers?: readonly string[] | undefined;
}

interface CompiledMatch {
  readonly test: Predicate;
  readonly conditions: readonly Condition[];
}

export interface MatchContext {
  readonly catalog: Catalog;
  readonly report: Report;
  /** What the rules make of an environment's name. */
  readonly environment: (raw: string) => string;
  /** Owners and capabilities that are known. */
  readonly named: Readonly<Record<'owner' | 'capability', ReadonlySet<string>>>;
  /** True when it cannot be said that there is no such name: what defines it may be broken. */
  readonly unsure: (name: string) => boolean;
}

export function compileMatch(entry: Entry<Matching>, context: MatchContext): CompiledMatch {
  const { match, matchers } = entry.value;
  return compileLists(entry.place, { match, matchers }, context);
}

/** Lists of matchers by the keys that they stand under: all of all of them must hold. */
export function compileLists(
  place: Place,
  lists: Readonly<Record<string, readonly string[] | undefined>>,
  context: MatchContext,
): CompiledMatch {
  const stated = Object.entries(lists).flatMap(([key, texts]) =>
    texts === undefined ? [] : [{ texts, at: below(place, key) }],
  );
  const read = stated.flatMap(({ texts, at }) => readAll(texts, at, context));
  const conditions = read.map(({ condition }) => condition);
  warnOfContradiction(conditions, stated[0]?.at ?? place, context);
  return { test: allOf(read.map(({ test }) => test)), conditions };
}

/** Where an entry says what it matches. */
export function matchPlace({ value, place }: Entry<Matching>): Place {
  return below(place, value.match === undefined ? 'matchers' : 'match');
}

function warnOfContradiction(
  conditions: readonly Condition[],
  place: Place,
  { report }: MatchContext,
): void {
  // What is impossible by itself is said of the matcher.
  if (conditions.length < 2 || conditions.some(({ matcher }) => impossibleSeverity(matcher)))
    return;
  const name = contradiction(boundsOf(conditions));
  if (name === undefined) return;
  const hint = 'all matchers of one entry must hold: write two entries, or a=~"x|y"';
  report.warning(place, `nothing matches this: the matchers on ${name} exclude each other`, hint);
}

interface Read {
  readonly condition: Condition;
  readonly test: Predicate;
}

/** Stands for a matcher with a mistake: nothing is known of what it matches, so nothing is like it. */
function unread({ source, path }: Place): Read {
  const value = JSON.stringify([source.name, path]);
  const matcher: Matcher = { name: '', operator: '!~', value, valueAt: 0, end: 0 };
  return { condition: conditionOf(matcher, () => false), test: () => false };
}

function readAll(texts: readonly string[], list: Place, context: MatchContext): readonly Read[] {
  return texts.flatMap((text, i) => readText(text, below(list, i), context));
}

function readText(text: string, place: Place, context: MatchContext): readonly Read[] {
  const parsed = parseMatchers(text);
  if (parsed.kind === 'refused') {
    context.report.errorWithin(place, text, parsed);
    return [unread(place)];
  }
  return parsed.matchers.flatMap((matcher) => {
    const compiled = compileMatcher(matcher, context.catalog);
    if (compiled.kind === 'refused') {
      const offset = matcher.valueAt + compiled.offset;
      context.report.errorWithin(place, text, { ...compiled, offset });
      return [unread(place)];
    }
    warnOfSlip(matcher, text, place, context);
    return [{ condition: conditionOf(matcher, compiled.holds), test: compiled.test }];
  });
}

/** Names that mean something here: labels that are spelt almost as they are hardly exist. */
const FACTS = ['alertname', 'service', 'environment', 'severity', 'tier', 'owner', 'capability'];

/** A slip in a name or an operator is a matcher of something that no alert has, and silent by itself. */
function warnOfSlip(matcher: Matcher, text: string, place: Place, context: MatchContext): void {
  const { name, operator, value, valueAt } = matcher;
  if (value.startsWith('=') && text[valueAt - 1] !== '"') {
    const meant = `${name}${operator}${quotedValue(value.replace(/^=+\s*/, ''))}`;
    const message = `this compares with "${value}", which begins with =`;
    const hint = `write ${meant}, or put the value in double quotes if it is meant`;
    return context.report.warning(place, message, hint);
  }
  const meant = FACTS.includes(name) ? undefined : nearest(name, FACTS);
  if (meant === undefined) return warnOfImpossible(matcher, place, context);
  const hint = `did you mean "${meant}"? A label that is called so is compared as it is`;
  context.report.warning(place, `"${name}" is almost "${meant}", and is not`, hint);
}

/** Severity and environment are normalised before anything matches, which is easily forgotten. */
function warnOfImpossible(matcher: Matcher, place: Place, context: MatchContext): void {
  const { name, value } = matcher;
  if (impossibleSeverity(matcher)) {
    const message = `no alert has the severity "${value}"`;
    context.report.warning(place, message, `severity is one of ${SEVERITIES.join(', ')}`);
  }
  const literal = matcher.operator === '=' || matcher.operator === '!=';
  if (!literal || value === '') return;
  if (name === 'service') warnOfUnknownService(value, place, context);
  if (name === 'owner' || name === 'capability') warnOfAlmost(name, value, place, context);
  if (name !== 'environment') return;
  const normal = context.environment(value);
  if (normal === value) return;
  const known = ENVIRONMENT_MAP.has(value.toLowerCase()) ? ' unless you map it otherwise' : '';
  const message = `the environment "${value}" is normalised to "${normal}"${known}`;
  context.report.warning(place, message, `write "${normal}"`);
}

/** Labels of alerts may name others, so only what is almost a known one is likely a slip. */
function warnOfAlmost(
  name: 'owner' | 'capability',
  value: string,
  place: Place,
  { named, report, unsure }: MatchContext,
): void {
  const meant = named[name].has(value) || unsure(value) ? undefined : nearest(value, named[name]);
  if (meant === undefined) return;
  report.warning(place, `no service has the ${name} "${value}"`, `did you mean "${meant}"?`);
}

/** Alerts of services that the catalog does not know are legal; a rule for one is likely a slip. */
function warnOfUnknownService(value: string, place: Place, context: MatchContext): void {
  const { services, canonical } = context.catalog;
  if (services.size === 0 || services.has(value) || context.unsure(value)) return;
  const proper = canonical.get(value.toLowerCase());
  if (proper !== undefined) {
    const message = `the service "${value}" is called "${proper}" before anything matches`;
    context.report.warning(place, message, `write "${proper}"`);
    return;
  }
  const hint =
    didYouMean(value, services.keys()) ?? 'define it under services:, if only by its name';
  context.report.warning(place, `unknown service "${value}"`, hint);
}
