/**
 * Who inhibits whom: for each inhibit rule, and the values of the labels in which source and target must
 * agree, the alerts that fire on either side.
 *
 * Derived from the alerts and the rules in force: `state.ts` keeps it with each alert that is put, and
 * `useInhibitRules` builds it anew. Where an alert stands in it follows from what the alert says, and is
 * not kept. What begins to inhibit, or ends, is noted in `changed` for `life/inhibit.ts`, which draws the
 * consequences.
 */
import type { Alert, Facts, Labels } from '../model.ts';
import type { InhibitRule } from '../rules/rules.ts';
import { isBefore } from './past.ts';
import { sorted } from './sorted.ts';
import type { Steps } from './timers.ts';

/** Alerts of one rule that agree in its labels, by fingerprint. Known to the index while there are any. */
interface Group {
  readonly rule: InhibitRule;
  readonly key: string;
  /** Firing, and matched by the source side only: they inhibit all targets. */
  readonly sources: Set<string>;
  /** Firing, and matched by both sides: they inhibit targets that are no sources. */
  readonly both: Set<string>;
  /** Firing targets that are muted by it, or would be if they were not muted otherwise or told already. */
  readonly targets: Set<string>;
}

/** What an alert is to one group. */
interface Part {
  readonly group: Group;
  readonly isSource: boolean;
  readonly isTarget: boolean;
}

interface Found {
  readonly labels: Labels;
  readonly facts: Facts;
  readonly parts: readonly Part[];
}

export interface InhibitIndex {
  rules: readonly InhibitRule[];
  readonly groups: Map<string, Group>;
  /** Alerts that fire and are a source. */
  readonly sources: Map<string, Facts>;
  /** It ends now, and is put as it is then when the consequences are drawn. */
  ending: string | undefined;
  /** Groups that got their first source, or lost one. */
  readonly changed: Set<Group>;
  /**
   * Alerts that now say something else of themselves, and may be targets of others: what they are to each group,
   * before they are put.
   */
  readonly renewed: Map<string, readonly Part[]>;
  /** What was found last: it is asked for several times when an alert begins. */
  found: Found | undefined;
}

export function createInhibitIndex(): InhibitIndex {
  return {
    rules: [],
    groups: new Map(),
    sources: new Map(),
    ending: undefined,
    changed: new Set(),
    renewed: new Map(),
    found: undefined,
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
  index.sources.clear();
  index.found = undefined;
  const firing: Alert[] = [];
  if (rules.length > 0)
    for (const alert of alerts) {
      if (alert.status === 'firing') firing.push(alert);
      yield;
    }
  for (const alert of yield* sorted(firing, isBefore)) {
    trackFiring(index, undefined, alert);
    yield;
  }
  index.changed.clear();
  index.renewed.clear();
}

/**
 * An alert is put in place of what it was, or is about to be: to hear of it twice does nothing more. Nor does it do
 * anything unless the alert begins, ends or says something else.
 */
export function trackFiring(index: InhibitIndex, before: Alert | undefined, after: Alert): void {
  if (after.status !== 'firing') return before === undefined ? undefined : untrack(index, before);
  const was = before?.status === 'firing' ? before : undefined;
  if (was?.facts === after.facts && was.labels === after.labels) return;
  const old = was === undefined ? NONE : partsOf(index, was);
  const parts = partsOf(index, after);
  const left = old.filter((part) => !has(parts, part) && leave(index, part, after.fingerprint));
  // Also where it stays: it may be told of anew, and whoever begins to inhibit it looks at it.
  const taken = parts.filter((part) => enter(index, part, after) && !has(old, part));
  if (was !== undefined && left.length + taken.length > 0)
    index.renewed.set(after.fingerprint, parts);
}

/** It fires no more, or is forgotten. */
export function untrack(index: InhibitIndex, alert: Alert): void {
  if (alert.status !== 'firing') return;
  for (const part of partsOf(index, alert)) leave(index, part, alert.fingerprint);
}

export interface Inhibitor {
  readonly fingerprint: string;
  readonly facts: Facts;
  readonly rule: InhibitRule;
}

/**
 * The alert that inhibits this one, by the first rule that has one; undefined: none. As in Alertmanager, alerts
 * that match both sides of a rule do not inhibit each other. Of several `known` is preferred.
 */
export function inhibitorOf(
  index: InhibitIndex,
  alert: Alert,
  known?: string,
): Inhibitor | undefined {
  const parts = index.renewed.get(alert.fingerprint) ?? partsOf(index, alert);
  for (const { group, isSource, isTarget } of parts) {
    if (!isTarget) continue;
    const isKnown =
      known !== undefined && (group.sources.has(known) || (!isSource && group.both.has(known)));
    const first = firstOf(group.sources) ?? (isSource ? undefined : firstOf(group.both));
    const source = isKnown ? known : first;
    const facts = source === undefined ? undefined : index.sources.get(source);
    if (source === undefined || facts === undefined) continue;
    group.targets.add(alert.fingerprint);
    return { fingerprint: source, facts, rule: group.rule };
  }
  return undefined;
}

function firstOf(names: ReadonlySet<string>): string | undefined {
  return names.size === 0 ? undefined : names.values().next().value;
}

function partsOf(index: InhibitIndex, alert: Alert): readonly Part[] {
  const { rules, groups, found } = index;
  const { labels, facts, source } = alert;
  if (found?.facts === facts && found.labels === labels) return found.parts;
  const subject = { labels, facts, source };
  const parts: Part[] = [];
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i];
    const isSource = rule?.isSource(subject) === true;
    const isTarget = rule?.isTarget(subject) === true;
    if (rule === undefined || !(isSource || isTarget)) continue;
    const key = `${i} ${rule.valuesOf(subject)}`;
    parts.push({ group: groups.get(key) ?? createGroup(rule, key), isSource, isTarget });
  }
  index.found = { labels, facts, parts };
  return parts;
}

const NONE: readonly Part[] = [];

function createGroup(rule: InhibitRule, key: string): Group {
  return { rule, key, sources: new Set(), both: new Set(), targets: new Set() };
}

function isEmpty({ sources, both, targets }: Group): boolean {
  return sources.size === 0 && both.size === 0 && targets.size === 0;
}

function has(parts: readonly Part[], { group, isSource, isTarget }: Part): boolean {
  return parts.some(
    (part) =>
      part.group.key === group.key && part.isSource === isSource && part.isTarget === isTarget,
  );
}

/** False when it was there. */
function enter(
  { groups, sources, changed }: InhibitIndex,
  { group, isSource, isTarget }: Part,
  { fingerprint, facts }: Alert,
): boolean {
  if (isEmpty(group)) groups.set(group.key, group);
  const targets = group.targets.size;
  if (isTarget) group.targets.add(fingerprint);
  const isNew = group.targets.size > targets;
  if (!isSource) return isNew;
  sources.set(fingerprint, facts);
  const side = isTarget ? group.both : group.sources;
  if (side.has(fingerprint)) return isNew;
  if (side.size === 0) changed.add(group);
  side.add(fingerprint);
  return true;
}

/** False when it was not there. */
function leave(
  { groups, sources, changed }: InhibitIndex,
  { group, isTarget }: Part,
  fingerprint: string,
): boolean {
  const wasTarget = isTarget && group.targets.delete(fingerprint);
  const side = isTarget ? group.both : group.sources;
  const wasSource = side.delete(fingerprint);
  if (isEmpty(group)) groups.delete(group.key);
  if (!wasSource) return wasTarget;
  sources.delete(fingerprint);
  if (side.size === 0 || group.targets.size <= NAMED_ANEW_MAX) changed.add(group);
  return true;
}

/** When one of several sources ends, so many targets at most are said to be inhibited by another from then on. */
const NAMED_ANEW_MAX = 50;
