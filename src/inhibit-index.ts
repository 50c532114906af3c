/**
 * Who inhibits whom: for each inhibit rule, and the values of the labels in which source and target must
 * agree, the alerts that fire on either side.
 *
 * Derived from the alerts and the rules in force: `state.ts` keeps it with each alert that is put, and
 * `useInhibitRules` builds it anew. What begins to inhibit, or ends, is noted in `changed` for
 * `inhibit.ts`, which draws the consequences.
 */
import type { Alert, Draft, Facts, Labels } from './model.ts';
import type { InhibitRule, Subject } from './rules/rules.ts';
import type { Steps } from './timers.ts';

/** Alerts of one rule that agree in its labels, by fingerprint. */
interface Group {
  readonly rule: InhibitRule;
  readonly key: string;
  /** Firing, and matched by the source side only: they inhibit all targets. */
  readonly sources: Set<string>;
  /** Firing, and matched by both sides: they inhibit targets that are no sources. */
  readonly both: Set<string>;
  /** Firing targets that are muted by it, or would be if they were not muted otherwise or told already. */
  readonly targets: Set<string>;
  /** How many alerts are part of it: with the last one it goes. */
  size: number;
  readonly parts: { source?: Part; target?: Part; both?: Part };
}

/** What alerts are to one group: those that are the same to it share this. */
interface Part {
  readonly group: Group;
  readonly isSource: boolean;
  readonly isTarget: boolean;
  /** This one alone: most alerts are part of no other group, and share the list as well. */
  readonly alone: readonly Part[];
}

interface Tracked {
  readonly labels: Labels;
  readonly facts: Facts;
  readonly parts: readonly Part[];
}

export interface InhibitIndex {
  rules: readonly InhibitRule[];
  readonly groups: Map<string, Group>;
  /** Alerts that fire. */
  readonly tracked: Map<string, Tracked>;
  /** Groups that got their first source, or lost one. */
  readonly changed: Set<Group>;
  /** Fingerprints of alerts that say something else of themselves, and may be targets of others now. */
  readonly renewed: Set<string>;
}

export function createInhibitIndex(): InhibitIndex {
  return {
    rules: [],
    groups: new Map(),
    tracked: new Map(),
    changed: new Set(),
    renewed: new Set(),
  };
}

/** Other rules, or an index that is new: built of all alerts. Whoever calls it looks at all of them. */
export function useInhibitRules(...all: Parameters<typeof buildIndex>): void {
  const steps = buildIndex(...all);
  while (steps.next().done !== true);
}

/** The same, step by step. */
export function* buildIndex(
  index: InhibitIndex,
  rules: readonly InhibitRule[],
  alerts: Iterable<Alert>,
): Steps {
  index.rules = rules;
  index.groups.clear();
  index.tracked.clear();
  if (rules.length > 0)
    for (const alert of alerts) {
      trackFiring(index, alert);
      yield;
    }
  index.changed.clear();
  index.renewed.clear();
}

/** Called with each alert that is put. Does nothing unless it begins, ends or says something else. */
export function trackFiring(index: InhibitIndex, alert: Alert): void {
  const { fingerprint, labels, facts, source } = alert;
  if (alert.status !== 'firing') return untrack(index, fingerprint);
  const known = index.tracked.get(fingerprint);
  if (known !== undefined && known.facts === facts && known.labels === labels) return;
  const parts = partsOf(index, { labels, facts, source });
  if (known !== undefined && isSame(known.parts, parts)) {
    // It may be told of anew, as when it fired again: whoever begins to inhibit it looks at it.
    for (const { group, isTarget } of parts) if (isTarget) group.targets.add(fingerprint);
  } else {
    if (known !== undefined) {
      index.renewed.add(fingerprint);
      untrack(index, fingerprint);
    }
    for (const part of parts) enter(index, part, fingerprint);
  }
  index.tracked.set(fingerprint, { labels, facts, parts });
}

/** It fires no more, or is forgotten. */
export function untrack(index: InhibitIndex, fingerprint: string): void {
  const known = index.tracked.get(fingerprint);
  if (known === undefined) return;
  index.tracked.delete(fingerprint);
  for (const part of known.parts) leave(index, part, fingerprint);
}

export interface Inhibitor {
  readonly fingerprint: string;
  readonly facts: Facts;
  readonly rule: InhibitRule;
}

/**
 * The alert that inhibits this one, by the first rule that has one; undefined: none. As in Alertmanager,
 * alerts that match both sides of a rule do not inhibit each other.
 */
export function inhibitorOf({ tracked }: InhibitIndex, fingerprint: string): Inhibitor | undefined {
  for (const { group, isSource, isTarget } of tracked.get(fingerprint)?.parts ?? []) {
    if (!isTarget) continue;
    const source = firstOf(group.sources) ?? (isSource ? undefined : firstOf(group.both));
    const facts = source === undefined ? undefined : tracked.get(source)?.facts;
    if (source === undefined || facts === undefined) continue;
    group.targets.add(fingerprint);
    return { fingerprint: source, facts, rule: group.rule };
  }
  return undefined;
}

function firstOf(names: ReadonlySet<string>): string | undefined {
  return names.size === 0 ? undefined : names.values().next().value;
}

function partsOf({ rules, groups }: InhibitIndex, subject: Subject): readonly Part[] {
  let parts = NONE;
  for (const [i, rule] of rules.entries()) {
    const isSource = rule.isSource(subject);
    const isTarget = rule.isTarget(subject);
    if (!isSource && !isTarget) continue;
    const key = `${i} ${rule.valuesOf(subject)}`;
    const group = groups.get(key) ?? {
      rule,
      key,
      sources: new Set(),
      both: new Set(),
      targets: new Set(),
      size: 0,
      parts: {},
    };
    const part = (group.parts[side(isSource, isTarget)] ??= createPart(group, isSource, isTarget));
    // A list that is pushed to has room for 17, which all alerts would keep.
    parts = parts === NONE ? part.alone : [...parts, part];
  }
  return parts;
}

function side(isSource: boolean, isTarget: boolean): keyof Group['parts'] {
  if (isSource) return isTarget ? 'both' : 'source';
  return 'target';
}

function createPart(group: Group, isSource: boolean, isTarget: boolean): Part {
  const part: Draft<Part> = { group, isSource, isTarget, alone: NONE };
  part.alone = [part];
  return part;
}

const NONE: readonly Part[] = [];

function isSame(one: readonly Part[], other: readonly Part[]): boolean {
  return one.length === other.length && one.every((part, i) => part === other[i]);
}

function enter({ groups, changed }: InhibitIndex, part: Part, fingerprint: string): void {
  const { group, isSource, isTarget } = part;
  if (group.size++ === 0) groups.set(group.key, group);
  if (isTarget) group.targets.add(fingerprint);
  if (!isSource) return;
  const side = isTarget ? group.both : group.sources;
  if (side.size === 0) changed.add(group);
  side.add(fingerprint);
}

function leave({ groups, changed }: InhibitIndex, part: Part, fingerprint: string): void {
  const { group, isSource, isTarget } = part;
  if (--group.size === 0) groups.delete(group.key);
  if (isTarget) group.targets.delete(fingerprint);
  if (!isSource) return;
  const side = isTarget ? group.both : group.sources;
  side.delete(fingerprint);
  if (side.size === 0 || group.targets.size <= NAMED_ANEW_MAX) changed.add(group);
}

/** When one of several sources ends, so many targets at most are said to be inhibited by another from then on. */
const NAMED_ANEW_MAX = 50;
