/**
 * What is left of an entry without its mistakes, so that the rest of it is checked too and everything is
 * said at once. Nothing of it comes into force: a folder with a mistake is refused as a whole.
 */
import type { z } from 'zod';
import { below } from '../files/report.ts';
import type { Path, Place } from '../files/source-file.ts';

export type Parsed<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'refused' };

const ROUNDS_MAX = 6;

/** Takes out what is wrong, and then what is incomplete without it, until the rest has the shape. */
export function salvage<T>(
  schema: z.ZodType<T>,
  value: unknown,
  wrong: readonly Path[],
  place: Place,
): Parsed<T> {
  let rest = value;
  let out = wrong;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    if (out.some((path) => path.length === 0 || TELLING.has(lastKey(path)))) break;
    rest = without(rest, out, place);
    const parsed = schema.safeParse(rest);
    if (parsed.success) return { kind: 'value', value: parsed.data };
    out = parsed.error.issues.flatMap(wrongPaths).map((path) => path.slice(0, -1));
  }
  return { kind: 'refused' };
}

/** Keys that an entry must not lose: it would mean something else, and be refused for that. */
const TELLING: ReadonlySet<string> = new Set([
  'every',
  'during',
  'intervals',
  'time_intervals',
  'times',
]);

/** In place of what is wrong where without it the rest would be wrong too: values of which nothing is said. */
const STAND_INS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['for', '0s'],
  ['start_time', '00:00'],
  ['startTime', '00:00'],
  ['end_time', '24:00'],
  ['endTime', '24:00'],
  ['startsAt', '2000-01-01T00:00:00Z'],
  ['endsAt', '9999-01-01T00:00:00Z'],
  ['suppress', 1_000_000],
  ['reuse', 1],
]);
const MATCHERS: ReadonlySet<string> = new Set([
  'match',
  'matchers',
  'sourceMatchers',
  'source_matchers',
  'targetMatchers',
  'target_matchers',
]);

/** For matchers one like no other, so that nobody says that another entry takes the same alerts. */
function standIn(key: string, place: Place): unknown {
  if (!MATCHERS.has(key)) return STAND_INS.get(key);
  return [`unread=${JSON.stringify([place.source.name, ...place.path].join(' '))}`];
}

function lastKey(path: Path): string {
  const key = path.findLast((step) => typeof step === 'string');
  return typeof key === 'string' ? key : '';
}

/** Where an issue says that something is wrong. */
export function wrongPaths(issue: z.core.$ZodIssue): readonly Path[] {
  const path = toPath(issue.path);
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
}

export function toPath(path: readonly PropertyKey[]): Path {
  return path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}

/** A copy without what is wrong, or with what stands for it; a list with a wrong item goes as a whole. */
function without(value: unknown, wrong: readonly Path[], place: Place): unknown {
  if (wrong.length === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    return value.map((item, i) => without(item, stepsBelow(wrong, i), below(place, i)));
  }
  // One value may stand without the brackets of a list.
  const paths = wrong.map((path) => (path[0] === 0 ? path.slice(1) : path));
  const keys = new Set([...Object.keys(value), ...paths.flatMap(onlyKey)]);
  const kept = [...keys].flatMap((key) => {
    const steps = stepsBelow(paths, key);
    const at = below(place, key);
    const isWrong = steps.some((path) => path.every(isIndex));
    // At the border: the key is looked up as an own property only.
    const item: unknown = Object.hasOwn(value, key)
      ? (value as Record<string, unknown>)[key]
      : undefined;
    const rest = isWrong ? standIn(key, at) : without(item, steps, at);
    return rest === undefined ? [] : [[key, rest] as const];
  });
  return Object.fromEntries(kept);
}

/** The key of a path that ends here, also when it is not there. */
function onlyKey(path: Path): readonly string[] {
  const [key] = path;
  return path.length === 1 && typeof key === 'string' ? [key] : [];
}

function stepsBelow(paths: readonly Path[], step: string | number): readonly Path[] {
  return paths.filter((path) => path[0] === step).map((path) => path.slice(1));
}

function isIndex(step: string | number): boolean {
  return typeof step === 'number';
}
