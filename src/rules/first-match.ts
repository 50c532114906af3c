/**
 * Hold, flap damping and correlation: ordered lists in which the first entry that matches counts.
 * The user's entries come first, the built-in ones after them.
 */
import { type Predicate, statedTierOf } from './matcher.ts';
import type { Catalog, CorrelateRule, FlapRule, HoldRule, Subject } from './rules.ts';

const BUILT_IN = { rule: 'built-in', why: undefined } as const;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export interface Ruled<T> {
  readonly matches: Predicate;
  readonly rule: T;
}

export const DEFAULT_FLAP: FlapRule = {
  halfLifeMs: 60 * MINUTE,
  suppress: 2_500,
  reuse: 1_000,
  quietMs: 10 * MINUTE,
  maxSuppressMs: 240 * MINUTE,
  sustainedMs: 20 * MINUTE,
  ...BUILT_IN,
};

export const DEFAULT_CORRELATE: CorrelateRule = {
  on: true,
  windowMs: 5 * MINUTE,
  spanMs: 60 * MINUTE,
  maxHops: 2,
  silent: 1,
  by: [],
  ...BUILT_IN,
};

/**
 * How long an alert that stands alone must last. Together with others it is told earlier (the weight
 * in life/tell.ts), so these may be long enough for what usually passes by itself in 1 to 4 minutes,
 * plus the interval at which its source says so. A critical one waits for two such intervals of a minute:
 * before the first has passed, nobody can hear of an end.
 */
export const DEFAULT_HOLD_MS = {
  critical: 150 * SECOND,
  high: 5 * MINUTE,
  warning: 8 * MINUTE,
  info: 15 * MINUTE,
  none: 15 * MINUTE,
} as const;

/**
 * Critical alerts by tier, where somebody stated it: what wakes people is not held, what never does is held for
 * longest. What may wait for a moment waits until most of what passes by itself has passed, unless something else fails, too.
 */
const CRITICAL_HOLD_MS: Readonly<Record<string, number>> = {
  '1': 0,
  '2': 4 * MINUTE,
  '3': 5 * MINUTE,
};

export function holdBy(list: readonly Ruled<HoldRule>[], catalog: Catalog) {
  const held = (forMs: number): HoldRule => ({ forMs, ...BUILT_IN });
  const bySeverity = {
    critical: held(DEFAULT_HOLD_MS.critical),
    high: held(DEFAULT_HOLD_MS.high),
    warning: held(DEFAULT_HOLD_MS.warning),
    info: held(DEFAULT_HOLD_MS.info),
    none: held(DEFAULT_HOLD_MS.none),
  } as const;
  const criticalByTier = new Map(
    Object.entries(CRITICAL_HOLD_MS).map(([tier, ms]) => [tier, held(ms)]),
  );
  return (subject: Subject): HoldRule => {
    for (const entry of list) if (entry.matches(subject)) return entry.rule;
    const { severity } = subject.facts;
    const tier = severity === 'critical' ? statedTierOf(subject, catalog) : undefined;
    return criticalByTier.get(tier ?? '') ?? bySeverity[severity];
  };
}

export function firstOf<T>(list: readonly Ruled<T>[], otherwise: T): (subject: Subject) => T {
  if (list.length === 0) return () => otherwise;
  return (subject) => {
    for (const entry of list) if (entry.matches(subject)) return entry.rule;
    return otherwise;
  };
}
