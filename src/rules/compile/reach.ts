/**
 * What matchers can match at all, as far as that is certain: contradictions, matchers that hold for
 * everything, and routes whose alerts others take before them. Used to warn, never to decide.
 *
 * A name has known values when a matcher lists them (`=`, or `=~` with nothing but words) or when they
 * are a closed set (severity). A name without is thought to have any value.
 */
import { SEVERITIES } from '../../model.ts';
import type { Matcher } from '../matcher.ts';
import { wordsOf } from '../regex.ts';

/** A matcher, and whether it holds for a value of its name. */
export interface Condition {
  readonly matcher: Matcher;
  /** Same key, same meaning. */
  readonly key: string;
  readonly holds: (value: string) => boolean;
}

/** Facts that every alert has. */
const NEVER_EMPTY: ReadonlySet<string> = new Set([
  'alertname',
  'service',
  'environment',
  'severity',
  'tier',
  'source',
]);
/** What holds for all of these holds for anything. */
const PROBES = ['a', 'Zz-9_:/ü.', '0', ' ', 'x'.repeat(300)];

export function conditionOf(matcher: Matcher, holds: (value: string) => boolean): Condition {
  const { name, operator, value } = matcher;
  return { matcher, key: JSON.stringify([name, operator, value]), holds };
}

/** What all of some conditions leave possible. */
interface Bounds {
  readonly conditions: readonly Condition[];
  readonly keys: ReadonlySet<string>;
  /** Values that a name can still have; undefined: any. */
  readonly values: (name: string) => readonly string[] | undefined;
}

export function boundsOf(conditions: readonly Condition[]): Bounds {
  const byName = new Map<string, readonly string[] | undefined>();
  return {
    conditions,
    keys: new Set(conditions.map(({ key }) => key)),
    values(name) {
      if (!byName.has(name)) byName.set(name, valuesOf(name, conditions));
      return byName.get(name);
    },
  };
}

function valuesOf(name: string, all: readonly Condition[]): readonly string[] | undefined {
  const own = all.filter(({ matcher }) => matcher.name === name);
  const listed = own.map(({ matcher }) => listedBy(matcher)).find((list) => list !== undefined);
  const known = name === 'severity' ? SEVERITIES : listed;
  return known?.filter(
    (value) => own.every(({ holds }) => holds(value)) && (value !== '' || !NEVER_EMPTY.has(name)),
  );
}

function listedBy({ operator, value }: Matcher): readonly string[] | undefined {
  if (operator === '=') return [value];
  return operator === '=~' ? wordsOf(value) : undefined;
}

/** The name whose conditions exclude each other: then nothing can match. */
export function contradiction({ conditions, values }: Bounds): string | undefined {
  return conditions.find(({ matcher }) => values(matcher.name)?.length === 0)?.matcher.name;
}

/** True when nothing can fail to match. */
export function matchesAll(conditions: readonly Condition[]): boolean {
  return conditions.every(holdsAlways);
}

function holdsAlways({ matcher, holds }: Condition): boolean {
  const { name, operator, value } = matcher;
  const isNamed = NEVER_EMPTY.has(name);
  if (name === 'severity') return SEVERITIES.every(holds);
  if (operator === '=') return false;
  // That no alert has what they exclude cannot be known, unless it is nothing.
  if (operator !== '=~') return value === '' && isNamed;
  return PROBES.every(holds) && (isNamed || holds(''));
}

/** True when whatever is within the bounds matches the condition too. */
function implied(condition: Condition, bounds: Bounds): boolean {
  if (bounds.keys.has(condition.key)) return true;
  const values = bounds.values(condition.matcher.name);
  return values === undefined ? holdsAlways(condition) : values.every(condition.holds);
}

/** True when whatever some conditions match the others match too. */
export function impliesAll(
  conditions: readonly Condition[],
  others: readonly Condition[],
): boolean {
  const bounds = boundsOf(conditions);
  return others.every((condition) => implied(condition, bounds));
}

/** Entries of an ordered list in which the first that matches counts. */
interface Order<T> {
  readonly add: (entry: T, conditions: readonly Condition[]) => void;
  /** Those that together take all that is within the bounds; undefined when something is left over. */
  readonly takers: (bounds: Bounds) => readonly T[] | undefined;
}

interface Added<T> {
  readonly entry: T;
  readonly index: number;
  /** Conditions on severity stand apart: several entries may share its five values. */
  readonly severity: readonly Condition[];
  readonly others: readonly Condition[];
}

/** Entries are found by one `=` of theirs, so that a list of thousands is not compared all with all. */
export function createOrder<T>(): Order<T> {
  const general: Added<T>[] = [];
  const byEqual = new Map<string, Added<T>[]>();
  let count = 0;
  return {
    add(entry, conditions) {
      const severity = conditions.filter(isOnSeverity);
      const others = conditions.filter((one) => !isOnSeverity(one));
      const lists = others
        .filter(({ matcher }) => matcher.operator === '=')
        .map(({ key }) => byEqual.get(key) ?? byEqual.set(key, []).get(key) ?? []);
      const [shortest] = lists.sort((one, other) => one.length - other.length);
      (shortest ?? general).push({ entry, index: count++, severity, others });
    },
    takers(bounds) {
      const names = new Set(bounds.conditions.map(({ matcher }) => matcher.name));
      const near = [...names].flatMap((name) => {
        const values = bounds.values(name) ?? [];
        const [only = ''] = values;
        return values.length === 1 ? (byEqual.get(JSON.stringify([name, '=', only])) ?? []) : [];
      });
      return takersAmong(
        [...near, ...general].sort((a, b) => a.index - b.index),
        bounds,
      );
    },
  };
}

function isOnSeverity({ matcher }: Condition): boolean {
  return matcher.name === 'severity';
}

function takersAmong<T>(before: readonly Added<T>[], bounds: Bounds): readonly T[] | undefined {
  const left = new Set(bounds.values('severity'));
  const found: T[] = [];
  for (const { entry, others, severity } of before) {
    if (!others.every((condition) => implied(condition, bounds))) continue;
    const taken = [...left].filter((value) => severity.every(({ holds }) => holds(value)));
    if (taken.length === 0) continue;
    found.push(entry);
    for (const value of taken) left.delete(value);
    if (left.size === 0) return found;
  }
  return undefined;
}
