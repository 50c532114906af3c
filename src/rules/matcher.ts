/**
 * Matchers in Alertmanager's syntax: `name="value"`, `!=`, `=~`, `!~`, several separated by commas,
 * optional braces around them. Regular expressions are anchored; an absent label is the empty string.
 *
 * They run for every alert: compiled once, nothing is allocated per look-up.
 */
import { SEVERITIES } from '../model.ts';
import { type BadRegex, compileAnchored } from './regex.ts';
import type { Catalog, Subject } from './rules.ts';

export const OPERATORS = ['=', '!=', '=~', '!~'] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Matcher {
  readonly name: string;
  readonly operator: Operator;
  readonly value: string;
  /** Where the value stands in the text that was parsed. */
  readonly valueAt: number;
  readonly end: number;
}

type ParsedMatchers =
  | { readonly kind: 'matchers'; readonly matchers: readonly Matcher[] }
  | BadMatcher;
interface BadMatcher {
  readonly kind: 'refused';
  readonly message: string;
  readonly hint: string | undefined;
  readonly offset: number;
  readonly length: number;
}

const TEXT_MAX = 8_192;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['"', '"'],
  ['\\', '\\'],
]);

/** Reads one string, which may hold several matchers. */
export function parseMatchers(text: string): ParsedMatchers {
  if (text.length > TEXT_MAX) {
    return refused(`a matcher has at most ${TEXT_MAX} characters`, undefined, 0, 1);
  }
  const open = /^\s*\{/.exec(text)?.[0].length ?? 0;
  const close = open > 0 ? /\}\s*$/.exec(text)?.index : text.length;
  if (close === undefined) {
    return refused('the opening { has no closing }', undefined, open - 1, text.length - open + 1);
  }
  const matchers: Matcher[] = [];
  let at = skipSpace(text, open);
  while (at < close) {
    const one = readMatcher(text, at, close);
    if (one.kind === 'refused') return one;
    matchers.push(one.matcher);
    at = skipSpace(text, one.matcher.end);
    if (at >= close) break;
    if (text[at] !== ',') {
      const rest = text.slice(at, close);
      return refused(`expected a comma before "${rest.slice(0, 40)}"`, undefined, at, rest.length);
    }
    at = skipSpace(text, at + 1);
  }
  if (matchers.length === 0 && open === 0) {
    return refused('an empty matcher', 'write it like severity="critical"', 0, text.length);
  }
  return { kind: 'matchers', matchers };
}

type ParsedSelector =
  | {
      readonly kind: 'selector';
      readonly name: string | undefined;
      readonly matchers: readonly Matcher[];
    }
  | BadMatcher;

/** Matchers, or the name of an alert, or both: `HighLoad{service="checkout"}`. */
export function parseSelector(text: string): ParsedSelector {
  const [, name, braces] = /^\s*([^\s={}!~"'`,][^={}!~"'`,]*?)\s*(\{.*)?$/s.exec(text) ?? [];
  if (name === undefined) {
    const parsed = parseMatchers(text);
    return parsed.kind === 'refused' ? parsed : { ...parsed, kind: 'selector', name };
  }
  // Blanks in place of the name, so that places within the text stay what they are.
  const rest = braces ?? '{}';
  const before = braces === undefined ? '' : ' '.repeat(text.length - braces.length);
  const parsed = parseMatchers(before + rest);
  return parsed.kind === 'refused' ? parsed : { ...parsed, kind: 'selector', name };
}

type Read<T> = T | BadMatcher;

function readMatcher(
  text: string,
  start: number,
  close: number,
): Read<{ readonly kind: 'matcher'; readonly matcher: Matcher }> {
  const name = text[start] === '"' ? readQuoted(text, start, close) : readName(text, start, close);
  if (name.kind === 'refused') return name;
  const operatorAt = skipSpace(text, name.end);
  const operator = readOperator(text.slice(operatorAt, Math.min(operatorAt + 2, close)));
  if (operator === undefined) return noOperator(text, start, operatorAt, close);
  const valueAt = skipSpace(text, operatorAt + operator.length);
  const value =
    text[valueAt] === '"' ? readQuoted(text, valueAt, close) : readBare(text, valueAt, close);
  if (value.kind === 'refused') return value;
  const matcher = {
    name: name.text,
    operator,
    value: value.text,
    valueAt: text[valueAt] === '"' ? valueAt + 1 : valueAt,
    end: value.end,
  };
  return { kind: 'matcher', matcher };
}

function readOperator(two: string): Operator | undefined {
  if (two === '=~' || two === '!~' || two === '!=') return two;
  return two.startsWith('=') ? '=' : undefined;
}

function noOperator(text: string, start: number, at: number, close: number): BadMatcher {
  const rest = text.slice(start, close);
  const hint = /^[^\s:]+:/.test(rest)
    ? `write it like ${rest.slice(0, rest.indexOf(':'))}="value"`
    : 'the operators are = != =~ !~, as in severity="critical"';
  const found = at >= close ? 'the end' : `"${text.slice(at, at + 10)}"`;
  return refused(`expected an operator, found ${found}`, hint, start, Math.max(1, close - start));
}

interface Token {
  readonly kind: 'token';
  readonly text: string;
  readonly end: number;
}

function readName(text: string, start: number, close: number): Read<Token> {
  let end = start;
  while (end < close && !/[\s=!~,{}"'`]/.test(text[end] ?? '')) end += 1;
  if (end > start) return { kind: 'token', text: text.slice(start, end), end };
  const hint = 'a label name with other characters than letters, digits and _ stands in "quotes"';
  return refused('expected a label name', hint, start, Math.max(1, close - start));
}

/** An unquoted value reaches to the next comma, without the blanks around it. */
function readBare(text: string, start: number, close: number): Read<Token> {
  const comma = text.indexOf(',', start);
  const stop = comma < 0 || comma > close ? close : comma;
  const value = text.slice(start, stop).trimEnd();
  const odd = /["'`{}]/.exec(value);
  if (odd === null) return { kind: 'token', text: value, end: start + value.length };
  const hint =
    odd[0] === "'" || odd[0] === '`'
      ? 'values stand in double quotes'
      : 'put the value in double quotes, and \\ before a " in it';
  return refused(`${odd[0]} in a value without quotes`, hint, start + odd.index, 1);
}

/** As in Alertmanager, a \ before anything but n, t, r, " and \ stands for itself. */
function readQuoted(text: string, start: number, close: number): Read<Token> {
  let value = '';
  let at = start + 1;
  while (at < close) {
    const char = text[at] ?? '';
    if (char === '"') return { kind: 'token', text: value, end: at + 1 };
    const escaped = char === '\\' ? ESCAPES.get(text[at + 1] ?? '') : undefined;
    value += escaped ?? char;
    at += escaped === undefined ? 1 : 2;
  }
  return refused('the opening " has no closing "', undefined, start, Math.max(1, close - start));
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text[at] ?? '')) at += 1;
  return at;
}

function refused(
  message: string,
  hint: string | undefined,
  offset: number,
  length: number,
): BadMatcher {
  return { kind: 'refused', message, hint, offset, length };
}

// ---------------------------------------------------------------------------------------------

export type Predicate = (subject: Subject) => boolean;

type CompiledMatcher =
  | {
      readonly kind: 'predicate';
      readonly test: Predicate;
      /** The same for a value of the matcher's name. */
      readonly holds: (value: string) => boolean;
    }
  | BadRegex;

export function compileMatcher(matcher: Matcher, catalog: Catalog): CompiledMatcher {
  const read = field(matcher.name, catalog);
  const { value } = matcher;
  switch (matcher.operator) {
    case '=':
      return {
        kind: 'predicate',
        test: (subject) => read(subject) === value,
        holds: (one) => one === value,
      };
    case '!=':
      return {
        kind: 'predicate',
        test: (subject) => read(subject) !== value,
        holds: (one) => one !== value,
      };
    case '=~':
    case '!~': {
      const regex = compileAnchored(value);
      if (regex.kind === 'refused') return regex;
      const { test } = regex;
      return matcher.operator === '=~'
        ? { kind: 'predicate', test: (subject) => test(read(subject)), holds: test }
        : {
            kind: 'predicate',
            test: (subject) => !test(read(subject)),
            holds: (one) => !test(one),
          };
    }
  }
}

/** True when all are; true for none at all. */
export function allOf(tests: readonly Predicate[]): Predicate {
  const [first, second] = tests;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  if (tests.length === 2) return (subject) => first(subject) && second(subject);
  return (subject) => {
    for (const test of tests) if (!test(subject)) return false;
    return true;
  };
}

/** How a matcher reads one name: facts stand over labels, absent is the empty string. */
export function field(name: string, catalog: Catalog): (subject: Subject) => string {
  const { services } = catalog;
  switch (name) {
    case 'alertname':
      return (subject) => subject.facts.name;
    case 'service':
      return (subject) => subject.facts.service;
    case 'environment':
      return (subject) => subject.facts.environment;
    case 'severity':
      return (subject) => subject.facts.severity;
    case 'host':
      return (subject) => subject.facts.host ?? label(subject, 'host');
    case 'tier':
      return (subject) => tierOf(subject, catalog);
    case 'owner':
      return (subject) => ownerOf(subject, catalog);
    case 'capability':
      return (subject) =>
        services.get(subject.facts.service)?.capability ?? label(subject, 'capability');
    case 'source':
      return (subject) => label(subject, 'source') || subject.source;
    default:
      return (subject) => label(subject, name);
  }
}

/** Who owns it by the catalog, else by its labels `owner` or `team`. */
export function ownerOf(subject: Subject, catalog: Catalog): string {
  const owner = catalog.services.get(subject.facts.service)?.owner;
  return owner ?? (label(subject, 'owner') || label(subject, 'team'));
}

/** The catalog's tier, else a label `tier`, else 2. */
export function tierOf(subject: Subject, catalog: Catalog): string {
  return statedTierOf(subject, catalog) ?? '2';
}

/** The same; undefined where nobody said how important the service is. */
export function statedTierOf(subject: Subject, catalog: Catalog): string | undefined {
  const tier = catalog.services.get(subject.facts.service)?.tier;
  return tier === undefined ? label(subject, 'tier') || undefined : String(tier);
}

/** JSON objects inherit: a label named `constructor` that is not there must read as absent. */
function label(subject: Subject, name: string): string {
  const value: unknown = subject.labels[name];
  return typeof value === 'string' ? value : '';
}

/** A severity that no alert can have, because severities are normalised first. */
export function impossibleSeverity(matcher: Matcher): boolean {
  if (matcher.name !== 'severity' || matcher.value === '') return false;
  if (matcher.operator === '=' || matcher.operator === '!=') {
    return !SEVERITIES.some((severity) => severity === matcher.value);
  }
  const regex = compileAnchored(matcher.value);
  return regex.kind === 'regex' && !SEVERITIES.some((severity) => regex.test(severity));
}

/** A value as it stands in a matcher. */
export function quotedValue(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
