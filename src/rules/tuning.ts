/**
 * Hold, flap damping and correlation: ordered lists in which the first entry that matches counts.
 * The user's entries come first, the built-in ones after them.
 */
import { type Predicate, tierOf } from './matcher.ts';
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

/** How long an alert must last by severity; critical alerts of tier-1 services are told at once. */
export const DEFAULT_HOLD_MS = {
  critical: MINUTE,
  high: 2 * MINUTE,
  warning: 2 * MINUTE,
  info: 5 * MINUTE,
  none: 10 * MINUTE,
} as const;

export function holdBy(list: readonly Ruled<HoldRule>[], catalog: Catalog) {
  const atOnce: HoldRule = { forMs: 0, ...BUILT_IN };
  const bySeverity = {
    critical: { forMs: DEFAULT_HOLD_MS.critical, ...BUILT_IN },
    high: { forMs: DEFAULT_HOLD_MS.high, ...BUILT_IN },
    warning: { forMs: DEFAULT_HOLD_MS.warning, ...BUILT_IN },
    info: { forMs: DEFAULT_HOLD_MS.info, ...BUILT_IN },
    none: { forMs: DEFAULT_HOLD_MS.none, ...BUILT_IN },
  } as const;
  return (subject: Subject): HoldRule => {
    for (const entry of list) if (entry.matches(subject)) return entry.rule;
    const { severity } = subject.facts;
    if (severity === 'critical' && tierOf(subject, catalog) === '1') return atOnce;
    return bySeverity[severity];
  };
}

export function firstOf<T>(list: readonly Ruled<T>[], otherwise: T): (subject: Subject) => T {
  if (list.length === 0) return () => otherwise;
  return (subject) => {
    for (const entry of list) if (entry.matches(subject)) return entry.rule;
    return otherwise;
  };
}
