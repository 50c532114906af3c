/**
 * From zod's issues to words for people: what is wrong, where, and what would be right.
 */
import { z } from 'zod';
import { type Report, below } from './report.ts';
import type { Path, Place } from './source-file.ts';
import { didYouMean } from './suggest.ts';

/** True when the value has the shape; what is wrong with it was reported otherwise. */
export function parseAt<T>(
  schema: z.ZodType<T>,
  value: unknown,
  place: Place,
  report: Report,
): { readonly kind: 'value'; readonly value: T } | { readonly kind: 'refused' } {
  const empty = reportEmpty(value, place, report);
  const parsed = schema.safeParse(value);
  if (parsed.success && empty.length === 0) return { kind: 'value', value: parsed.data };
  for (const issue of parsed.error?.issues ?? []) {
    const path = toPath(issue.path);
    if (!empty.some((one) => samePath(one, path))) reportIssue(issue, value, place, report);
  }
  return { kind: 'refused' };
}

/** A key without a value: often a `#` that was meant as text and began a comment. */
function reportEmpty(value: unknown, place: Place, report: Report): readonly Path[] {
  const found = emptyPaths(value, []);
  for (const path of found) {
    const at = below(place, ...path);
    const hint = /(channel|owner)$/.test(String(path.at(-1)))
      ? "# begins a comment in YAML: write it in quotes, like '#alerts'"
      : 'give it a value, or take the line out';
    report.error(at, `${nameOf(path, place)} is empty`, hint, 'key');
  }
  return found;
}

function emptyPaths(value: unknown, path: Path): readonly Path[] {
  if (value === null) return [path];
  if (typeof value !== 'object') return [];
  if (Array.isArray(value)) return value.flatMap((item, i) => emptyPaths(item, [...path, i]));
  return Object.entries(value).flatMap(([key, item]) => emptyPaths(item, [...path, key]));
}

function reportIssue(issue: z.core.$ZodIssue, value: unknown, place: Place, report: Report): void {
  const path = toPath(issue.path);
  const at = below(place, ...path);
  const name = nameOf(path, place);
  const input = valueAt(value, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      for (const key of issue.keys) {
        // schema.ts puts the keys that are known into the message.
        const known = issue.message.split(' ');
        const hint = didYouMean(key, known) ?? `known here: ${known.join(', ')}`;
        report.error(below(at, key), `unknown key "${key}"`, hint, 'key');
      }
      return;
    case 'invalid_type':
    case 'invalid_union':
      if (input === undefined) {
        report.error(at, `${name} is missing`, undefined);
        return;
      }
      report.error(at, `${name} must be ${expected(issue)}, not ${describe(input)}`);
      return;
    case 'invalid_value': {
      const values = issue.values.map(String);
      const hint = didYouMean(String(input), values) ?? `known: ${values.join(', ')}`;
      report.error(at, `unknown ${name} ${describe(input)}`, hint);
      return;
    }
    case 'too_big':
      report.error(at, `${name} is too ${sized(issue.origin, 'large')}: at most ${issue.maximum}`);
      return;
    case 'too_small':
      if (issue.origin === 'string') report.error(at, `${name} is empty`);
      else
        report.error(
          at,
          `${name} is too ${sized(issue.origin, 'small')}: at least ${issue.minimum}`,
        );
      return;
    case 'custom': {
      const hint: unknown = issue.params?.['hint'];
      report.error(at, issue.message, typeof hint === 'string' ? hint : undefined);
      return;
    }
    default:
      report.error(at, `${name}: ${issue.message}`);
  }
}

function sized(origin: string, word: 'large' | 'small'): string {
  if (origin === 'array') return word === 'large' ? 'long' : 'short';
  if (origin === 'string') return word === 'large' ? 'long' : 'short';
  return word;
}

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
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return `"${value.length > 40 ? `${value.slice(0, 40)}…` : value}"`;
  return String(value);
}

/** The key that a person would call it by: `hold`'s `for`, not `0`. */
function nameOf(path: Path, place: Place): string {
  const full = [...place.path, ...path];
  const name = full.findLast((step) => typeof step === 'string');
  return name === undefined ? 'this' : `"${name}"`;
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return step === 0 ? at : undefined;
    // At the border: the step is looked up as an own property only.
    at = Object.hasOwn(at, step) ? (at as Record<string | number, unknown>)[step] : undefined;
  }
  return at;
}

function toPath(path: readonly PropertyKey[]): Path {
  return path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}

function samePath(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((step, i) => step === b[i]);
}
