/**
 * From zod's issues to words for people: what is wrong, where, and what would be right.
 */
import { z } from 'zod';
import { over, SHAPE } from '../../limits.ts';
import { type Report, below } from '../files/report.ts';
import { type Parsed, salvage, toPath, wrongPaths } from './salvage.ts';
import type { Path, Place } from '../files/source-file.ts';
import { didYouMean, nearest } from '../did-you-mean.ts';

/**
 * The value in its shape, with every mistake reported. What is wrong in a place that can be missed is
 * left out and the rest returned, so that the rest is checked too; nothing of it comes into force.
 */
export function parseAt<T>(
  schema: z.ZodType<T>,
  value: unknown,
  place: Place,
  report: Report,
): Parsed<T> {
  const empty = reportEmpty(value, place, report);
  const parsed = schema.safeParse(value);
  if (parsed.success && empty.length === 0) return { kind: 'value', value: parsed.data };
  const issues = parsed.error?.issues ?? [];
  const meant = issues.flatMap(meantPaths);
  for (const issue of issues) {
    const path = toPath(issue.path);
    if (empty.some((one) => samePath(one, path))) continue;
    // What is missing because its name is misspelt is one slip, and is said of the name.
    const isMissing = valueAt(value, path) === undefined;
    if (isMissing && meant.some((one) => samePath(one, path))) continue;
    reportIssue(issue, value, place, report);
  }
  return salvage(schema, value, [...empty, ...issues.flatMap(wrongPaths), ...meant], place);
}

/** Keys that are not there, and for which misspelt ones stand. */
function meantPaths(issue: z.core.$ZodIssue): readonly Path[] {
  if (issue.code !== 'unrecognized_keys') return [];
  return issue.keys.flatMap((key) => {
    const meant = nearest(key, knownKeys(issue));
    return meant === undefined ? [] : [[...toPath(issue.path), meant]];
  });
}

/** schema-parts.ts puts the keys that are known into the message. */
function knownKeys({ message }: z.core.$ZodIssueUnrecognizedKeys): readonly string[] {
  return message.split(' ');
}

const HASH_HINT = "# begins a comment in YAML: write it in quotes, like '#alerts'";

/** A key without a value: often a `#` that was meant as text and began a comment. */
function reportEmpty(value: unknown, place: Place, report: Report): readonly Path[] {
  const found = hasEmpty(value) ? emptyPaths(value, []) : [];
  for (const path of found) {
    const hint = path.at(-1) === 'channel' ? HASH_HINT : 'give it a value, or take the line out';
    report.error(below(place, ...path), `${nameOf(path, place)} is empty`, hint, 'key');
  }
  return found;
}

function hasEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === null;
  return Object.values(value).some(hasEmpty);
}

function emptyPaths(value: unknown, path: Path): readonly Path[] {
  if (value === null) return [path];
  if (typeof value !== 'object') return [];
  if (Array.isArray(value)) return value.flatMap((item, i) => emptyPaths(item, [...path, i]));
  if (isMatchers(path)) return [];
  return Object.entries(value).flatMap(([key, item]) => emptyPaths(item, [...path, key]));
}

/** `match: {severity="critical"}` is a mapping for YAML; that it is no list of texts is said elsewhere. */
function isMatchers(path: Path): boolean {
  const key = path.findLast((step) => typeof step === 'string');
  return key === 'match' || key === 'matchers';
}

function reportIssue(issue: z.core.$ZodIssue, value: unknown, place: Place, report: Report): void {
  const path = toPath(issue.path);
  const at = below(place, ...path);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue);
    const isRoute = known.includes('routes');
    for (const key of issue.keys) {
      const theirs = isRoute ? ALERTMANAGERS.get(key) : MERGE.get(key);
      const hint =
        theirs ??
        didYouMean(key, known) ??
        matcherFor(key, known) ??
        `known here: ${known.join(', ')}`;
      report.error(below(at, key), `unknown key "${key}"`, hint, 'key');
    }
    return;
  }
  const { message, hint } = wordsFor(issue, nameOf(path, place), valueAt(value, path));
  report.error(at, message, hint);
}

/** Labels that people state as if they were keys. */
const LABELS =
  /^(alertname|service|severity|environment|env|namespace|cluster|job|instance|host|pod|tier|team|owner)$/;

function matcherFor(key: string, known: readonly string[]): string | undefined {
  return known.includes('match') && LABELS.test(key)
    ? `a label is matched like this: match: ['${key}="..."']`
    : undefined;
}

/** What a route of Alertmanager's has and ours does not. */
const ALERTMANAGERS: ReadonlyMap<string, string> = new Map([
  ['receiver', "Alertmanager's receiver is `channel` here"],
  ['group_by', 'take it out: Quell groups by cause; `correlate:` adds labels to group by'],
  ['group_wait', 'take it out: `hold:` says how long an alert must last before it is told'],
  ['group_interval', 'take it out: the message of an incident is kept current by itself'],
  ['repeat_interval', 'take it out: `escalate:` reminds people of what nobody looks at'],
]);

const MERGE: ReadonlyMap<string, string> = new Map([
  ['<<', 'YAML 1.2 has no merge keys: write them out; *name stands for a whole value'],
]);

interface Words {
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Mappings of which people state the first value alone. */
const SHAPES: ReadonlyMap<string, string> = new Map([
  ['"escalate"', 'like this: escalate: { after: 15m, mention: team-lead }'],
]);

function wordsFor(issue: z.core.$ZodIssue, name: string, input: unknown): Words {
  if (input === undefined) return { message: `${name} is missing` };
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_union':
      return {
        message: `${name} must be ${expected(issue)}, not ${describe(input)}`,
        hint: SHAPES.get(name),
      };
    case 'invalid_value': {
      const values = issue.values.map(String);
      const near = typeof input === 'string' ? didYouMean(input, values) : undefined;
      const message = `unknown ${name.replaceAll('"', '')} ${describe(input)}`;
      return { message, hint: near ?? `known: ${values.join(', ')}` };
    }
    case 'too_big':
      return { message: tooBig(name, issue) };
    case 'too_small':
      if (issue.origin === 'string') return { message: `${name} is empty` };
      return { message: `${name} is too small: at least ${issue.minimum}` };
    case 'custom': {
      const hint: unknown = issue.params?.['hint'];
      return { message: issue.message, hint: typeof hint === 'string' ? hint : undefined };
    }
    default:
      return { message: `${name}: ${issue.message}` };
  }
}

const LARGE: Readonly<Record<string, string>> = { string: 'long', array: 'long' };

function expected(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type') return 'a text or a number';
  switch (issue.expected) {
    case 'string':
      return 'a text';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object':
    case 'record':
      return 'a mapping (key: value)';
    case 'int':
      return 'a whole number';
    case 'number':
      return 'a number';
    default:
      return `of type ${issue.expected}`;
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `"${value.length > 40 ? `${value.slice(0, 40)}…` : value}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return 'a mapping';
}

/** What a person would call it: `"for"`, not `hold.3.for`. */
function nameOf(path: Path, place: Place): string {
  const full = [...place.path, ...path];
  const name = full.findLast((step) => typeof step === 'string');
  if (name === undefined) return 'this';
  return typeof full.at(-1) === 'number' ? `an entry of "${name}"` : `"${name}"`;
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) {
    // One value may stand without the brackets of a list.
    if (step === 0 && !Array.isArray(at)) continue;
    if (typeof at !== 'object' || at === null) return undefined;
    // At the border: the step is looked up as an own property only.
    at = Object.hasOwn(at, step) ? (at as Record<string | number, unknown>)[step] : undefined;
  }
  return at;
}

function samePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((step, i) => step === b[i]);
}

function tooBig(name: string, { origin, maximum }: z.core.$ZodIssueTooBig): string {
  const message = `${name} is too ${LARGE[origin] ?? 'large'}: at most ${maximum}`;
  const isList = origin === 'array' && maximum === SHAPE['rules-list'];
  return isList ? over('rules-list', message) : message;
}
