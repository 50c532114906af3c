/**
 * Ordered lists in which the first entry that matches counts: holds, flap damping, correlation. The user's entries
 * come first, the built-in ones after them.
 */
import { BUILT_IN, CRITICAL_HOLD_MS, DEFAULT_HOLD_MS } from './defaults.ts';
import { type Predicate, statedTierOf } from './matcher.ts';
import type { Catalog, HoldRule, Subject } from './rules.ts';

export interface Ruled<T> {
  readonly matches: Predicate;
  readonly rule: T;
}

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
