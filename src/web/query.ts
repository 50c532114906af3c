/**
 * The query of a list: ?state= ?service= ?environment= ?severity= ?match= ?incident= ?from= ?to= ?limit= ?cursor=
 *
 * Read strictly: a filter that is not understood would show something else than was asked for.
 */
import { AppError } from '../errors.ts';
import { readLooseTime } from '../ingest/loose.ts';
import { type Instant, SEVERITIES } from '../model.ts';
import { resolveName } from '../rules/catalog.ts';
import { factOrLabel } from '../rules/selector.ts';
import { didYouMean } from '../rules/did-you-mean.ts';
import { type Matcher, parseSelector, type Predicate } from '../rules/matcher.ts';
import type { Catalog, Subject } from '../rules/rules.ts';
import type { Place } from './newest.ts';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

export interface ListQuery {
  /** Undefined: any. */
  readonly states: ReadonlySet<string> | undefined;
  readonly service: string | undefined;
  readonly environment: string | undefined;
  readonly severity: string | undefined;
  readonly incident: string | undefined;
  readonly matches: readonly Predicate[];
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** What was asked for cannot be answered: 400 with what would be right. */
export function badQuery(message: string): AppError {
  return new AppError('bad-query', message, { retryable: false });
}

export const FILTERS = ['service', 'environment', 'severity', 'match'] as const;
export const SPAN = ['from', 'to', 'limit'] as const;

interface QueryOptions {
  /** Parameters that this answer knows. */
  readonly names: readonly string[];
  /** Values of `state`. */
  readonly states: readonly string[];
  readonly catalog: Catalog;
}

export function readParameters(url: string, names: readonly string[]): URLSearchParams {
  const parameters = new URL(url, 'http://quell.invalid').searchParams;
  for (const name of parameters.keys()) {
    if (names.includes(name)) continue;
    const hint = didYouMean(name, names) ?? `known are ${names.join(', ')}`;
    throw badQuery(`unknown parameter "${name.slice(0, 80)}": ${hint}`);
  }
  return parameters;
}

export function readQuery(url: string, { names, states, catalog }: QueryOptions): ListQuery {
  const parameters = readParameters(url, names);
  const text = (name: string): string | undefined => parameters.get(name) || undefined;
  return {
    states: readStates(text('state'), states),
    service: readService(text('service'), catalog),
    environment: text('environment'),
    severity: readSeverity(text('severity')),
    incident: text('incident'),
    matches: parameters.getAll('match').flatMap((match) => readMatch(match, catalog)),
    ...readSpan(text('from'), text('to')),
    limit: readLimit(text('limit')),
    cursor: text('cursor'),
  };
}

function readStates(text: string | undefined, known: readonly string[]): ListQuery['states'] {
  if (text === undefined) return undefined;
  const states = text.split(',').map((state) => state.trim());
  for (const state of states) {
    if (known.includes(state)) continue;
    throw badQuery(`state: "${state}" is none of ${known.join(', ')}`);
  }
  return new Set(states);
}

/** An alias means its service. */
export function readService(name: string | undefined, { canonical }: Catalog): string | undefined {
  return name === undefined ? undefined : (resolveName(canonical, name) ?? name);
}

function readSeverity(text: string | undefined): string | undefined {
  if (text === undefined || SEVERITIES.some((severity) => severity === text)) return text;
  throw badQuery(`severity: "${text.slice(0, 80)}" is none of ${SEVERITIES.join(', ')}`);
}

export function readSpan(
  from: string | undefined,
  to: string | undefined,
): { readonly from: Instant | undefined; readonly to: Instant | undefined } {
  const span = { from: readInstant('from', from), to: readInstant('to', to) };
  if (span.from !== undefined && span.to !== undefined && span.from > span.to)
    throw badQuery('from: it is later than to');
  return span;
}

export function readInstant(name: string, text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined;
  const at = readLooseTime(text);
  if (typeof at === 'number') return at;
  throw badQuery(`${name}: expected a time like 2026-01-31T09:30:00Z, got "${text}"`);
}

export function readLimit(text: string | undefined): number {
  if (text === undefined) return LIMIT_DEFAULT;
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw badQuery(`limit: expected a number from 1 to ${LIMIT_MAX}, got "${text}"`);
}

/** Alertmanager's matchers, also with the name before the braces: `HighLoad{service="checkout"}`. */
export function readMatch(text: string, catalog: Catalog): readonly Predicate[] {
  const parsed = parseSelector(text);
  if (parsed.kind === 'refused') throw badQuery(`match: ${parsed.message}`);
  const { name } = parsed;
  const predicates = parsed.matchers.map((matcher) => compiled(matcher, catalog));
  if (name === undefined) return predicates;
  const named = ({ facts, labels }: Subject) => facts.name === name || labels['alertname'] === name;
  return [named, ...predicates];
}

function compiled(matcher: Matcher, catalog: Catalog): Predicate {
  const made = factOrLabel(matcher, catalog);
  if (made.kind === 'predicate') return made.test;
  throw badQuery(`match: ${made.message}`);
}

/** Opaque to readers: `kind` tells which list it belongs to. */
export function writeCursor(kind: string, place: Place): string {
  return Buffer.from(JSON.stringify([kind, place.at, place.id])).toString('base64url');
}

/** Undefined when the cursor is of another kind. */
export function readCursor(kind: string, cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined;
  const parts = decode(cursor);
  if (!Array.isArray(parts)) throw badCursor();
  const [itsKind, at, id]: readonly unknown[] = parts;
  if (itsKind !== kind) return undefined;
  if (typeof at !== 'number' || typeof id !== 'string') throw badCursor();
  return { at, id };
}

export function badCursor(): AppError {
  return badQuery('cursor: take it from "next" of the page before, or leave it out');
}

function decode(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw badCursor();
    throw error;
  }
}
