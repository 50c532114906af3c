/**
 * Which incident an alert belongs to, and what says so.
 *
 * Evidence in order of strength: a shared transaction ID, the service itself or a path of
 * dependencies, a shared host, equal labels where a rule asks for it, and where nobody said what depends
 * on what the mere time. Along dependencies an alert
 * joins as an effect (it depends on the incident's likely root) or as a deeper cause (the root
 * depends on it). A sideways neighbour, something else that a mere symptom also depends on, does not
 * join: that would chain the whole platform into one incident.
 */
import { standsFor } from '../group-index.ts';
import { idsAt, idsOf } from '../id-index.ts';
import type { Alert, Facts, Incident, Instant, Severity } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { tallyOf } from '../state.ts';
import { isMild, type ServiceTally, servicesOn, severityRank, type Tally } from '../tally.ts';
import type { Turn } from '../turn.ts';
import { byHost, byLabels, byPath, byService, byTime, byTransaction } from './evidence.ts';
import { callersOf, type Near, nearby } from './graph.ts';
import { groupOf, isApart, isByTime } from './group.ts';

/** Alerts on one host are one failure only if they come this close together. */
export const HOST_WINDOW_MS = 120_000;

const STRAGGLING_FROM = severityRank('warning');

/** Without a graph, what comes this soon after an incident began is part of it. */
const TOGETHER_MS = 3 * 60_000;

export type Evidence = 'transaction' | 'service' | 'dependency' | 'host' | 'labels' | 'time';

export interface Match {
  readonly incident: Incident;
  readonly evidence: Evidence;
  readonly because: string;
  /** The alert is a deeper cause: incidents that it explains become one with it. */
  readonly explains: boolean;
  readonly hops: number;
  readonly apartMs: number;
}

/**
 * All incidents that the alert belongs to, the best first. More than one: they are to be merged.
 * `proven`: it has outlasted its hold.
 */
export function matchesOf(
  turn: Turn,
  alert: Pick<Alert, 'labels' | 'facts'>,
  rule: CorrelateRule,
  proven = false,
): readonly Match[] {
  const { facts } = alert;
  const own = sameService(turn, facts, rule, proven || !rule.on);
  if (!rule.on) return own === undefined ? [] : [own];
  if (facts.transactions.length > 0) {
    const shared = sharedTransaction(turn, facts, rule);
    if (shared.length > 0) return [...shared, ...explained(turn, facts, rule, shared)];
  }
  // The service itself is the shortest path, and the common case: its neighbours need no asking.
  if (own !== undefined) return [own];
  const [best, ...rest] = dependency(turn, facts, rule).sort(closest);
  if (best !== undefined) return [best, ...rest.filter((match) => best.explains && match.explains)];
  const onHost = sharedHost(turn, facts, rule).sort(closest);
  if (onHost.length > 0) return onHost;
  const group = groupOf(alert, rule, turn.rules.catalog);
  const grouped = group === undefined ? undefined : sharedGroup(turn, facts, group, rule);
  return grouped === undefined ? [] : [grouped];
}

function closest(one: Match, other: Match): number {
  return (
    one.hops - other.hops ||
    one.apartMs - other.apartMs ||
    (one.incident.id < other.incident.id ? -1 : 1)
  );
}

/** Incidents that the alert is a deeper cause of, besides those that it belongs to anyway. */
function explained(
  turn: Turn,
  facts: Facts,
  rule: CorrelateRule,
  found: readonly Match[],
): readonly Match[] {
  const known = new Set(found.map(({ incident }) => incident.id));
  return dependency(turn, facts, rule).filter(
    (match) => match.explains && !known.has(match.incident.id),
  );
}

/**
 * Open or gathering, or over for less than the window, and not older than the rule's span. What ended
 * before anybody was told of it is over for good: nothing new belongs to it.
 */
function isJoinable(incident: Incident, rule: CorrelateRule, now: Instant): boolean {
  if (incident.mergedInto !== undefined || incident.special !== undefined) return false;
  if (incident.resolvedAt !== undefined) {
    if (incident.toldIn !== 'message' || now - incident.resolvedAt > rule.windowMs) return false;
  }
  return now - incident.gatheredAt <= rule.spanMs;
}

/** Also to alerts of other services: no rule keeps it to itself. */
function isOpenTo(incident: Incident, rule: CorrelateRule, now: Instant): boolean {
  return !isApart(incident.group) && isJoinable(incident, rule, now);
}

function sharedTransaction(turn: Turn, facts: Facts, rule: CorrelateRule): Match[] {
  const { state, now } = turn;
  const { ttlMs, alertsMax, servicesMax } = turn.rules.transactions;
  const matches = new Map<string, Match>();
  for (const id of facts.transactions) {
    const use = state.byTransaction.get(id);
    if (use === undefined) continue;
    if (now - use.lastAt > ttlMs) {
      // Whoever carries it next begins to count anew.
      state.byTransaction.delete(id);
      continue;
    }
    if (use.alerts >= alertsMax || use.services.size >= servicesMax) continue;
    for (const name of use.incidents) {
      const incident = state.incidents.get(name);
      if (incident === undefined || matches.has(name)) continue;
      if (incident.environment !== facts.environment) continue;
      if (!isOpenTo(incident, { ...rule, spanMs: ttlMs, windowMs: rule.windowMs }, now)) continue;
      const because = byTransaction(id, [...use.services].slice(0, 3));
      matches.set(name, {
        incident,
        evidence: 'transaction',
        because,
        explains: true,
        hops: 0,
        apartMs: now - use.lastAt,
      });
    }
  }
  return [...matches.values()].sort(closest);
}

/** The incident that the service had its last alert in, of those that the alert may join. */
function sameService(
  turn: Turn,
  facts: Facts,
  rule: CorrelateRule,
  proven: boolean,
): Match | undefined {
  const { state, now } = turn;
  let best: Incident | undefined;
  let lastSince = 0;
  for (const id of idsAt(state.byService, facts.environment, facts.service)) {
    const incident = state.incidents.get(id);
    if (incident === undefined || !isJoinable(incident, rule, now)) continue;
    const tally = placeIn(turn, incident, facts, rule, proven);
    if (tally === undefined || (best !== undefined && tally.lastSince < lastSince)) continue;
    if (best !== undefined && tally.lastSince === lastSince && best.id < id) continue;
    best = incident;
    lastSince = tally.lastSince;
  }
  if (best === undefined) return undefined;
  return {
    incident: best,
    evidence: 'service',
    because: byService(facts.service),
    explains: false,
    hops: 0,
    apartMs: now - lastSince,
  };
}

/** What the incident knows of the alert's service; undefined when the alert does not belong there. */
function placeIn(
  turn: Turn,
  incident: Incident,
  facts: Facts,
  rule: CorrelateRule,
  proven: boolean,
): ServiceTally | undefined {
  const whole = tallyOf(turn.state, incident.id);
  const tally = whole.services.get(facts.service);
  if (tally === undefined || !isFresh(incident, tally, rule, turn.now)) return undefined;
  if (!proven && isStraggler(facts, tally, rule, turn.now)) return undefined;
  if (incident.resolvedAt === undefined && !gathers(incident, whole, facts.severity))
    return undefined;
  return isElsewhere(incident, whole, facts) ? undefined : tally;
}

/** A service counts while it fires, and where people were told of it for a window after its last new alert. */
function isFresh(
  incident: Incident,
  tally: ServiceTally,
  rule: CorrelateRule,
  now: Instant,
): boolean {
  if (tally.firing > 0) return true;
  return incident.toldIn === 'message' && now - tally.lastSince <= rule.windowMs;
}

/**
 * Blips hit what is broken as well: a mild alert that comes when the service has long been in the
 * incident stands by itself until it has lasted.
 */
function isStraggler(
  { severity }: Facts,
  tally: ServiceTally,
  rule: CorrelateRule,
  now: Instant,
): boolean {
  return severityRank(severity) >= STRAGGLING_FROM && now - tally.lastSince > rule.windowMs;
}

/** It fails on another host than the one that the incident is about. */
function isElsewhere(incident: Incident, whole: Tally, { host }: Facts): boolean {
  const root = incident.roots[0]?.service ?? '';
  return host !== undefined && host !== root && whole.hosts.has(root) && !whole.services.has(root);
}

/** What flaps gathers nothing, and information that nobody was called for only information. */
function gathers(incident: Incident, tally: Tally, severity: Severity): boolean {
  if (incident.toldIn === 'message' || isMild(severity)) return tally.checks.size > 0;
  return tally.weight > 0;
}

function dependency(turn: Turn, facts: Facts, rule: CorrelateRule): Match[] {
  const { state, now, rules } = turn;
  const best = new Map<string, Match>();
  for (const near of nearby(rules.catalog, rules.hubCallers, facts.service, rule.maxHops)) {
    for (const id of idsAt(state.byService, facts.environment, near.service)) {
      const incident = state.incidents.get(id);
      if (incident === undefined || best.has(id) || !isOpenTo(incident, rule, now)) continue;
      const match = alongPath(turn, facts, rule, near, incident);
      if (match !== undefined) best.set(incident.id, match);
    }
  }
  return [...best.values()];
}

/** Incidents whose likely root depends on `root`, and has come to fire lately. */
export function effectsOf(
  turn: Turn,
  incident: Incident,
  root: string,
  rule: CorrelateRule,
): readonly Match[] {
  const { state, now, rules } = turn;
  const matches = new Map<string, Match>();
  for (const near of nearby(rules.catalog, rules.hubCallers, root, rule.maxHops)) {
    if (near.side !== 'effect') continue;
    for (const id of idsAt(state.byService, incident.environment, near.service)) {
      const other = state.incidents.get(id);
      if (other === undefined || id === incident.id || matches.has(id)) continue;
      if (other.resolvedAt !== undefined || !isOpenTo(other, rule, now)) continue;
      if ((other.roots[0]?.service ?? near.service) !== near.service) continue;
      const match = alongPath(
        turn,
        { service: root, severity: incident.severity },
        rule,
        near,
        other,
      );
      if (match !== undefined) matches.set(id, match);
    }
  }
  return [...matches.values()];
}

function alongPath(
  turn: Turn,
  { service, severity }: Pick<Facts, 'service' | 'severity'>,
  rule: CorrelateRule,
  near: Near,
  incident: Incident,
): Match | undefined {
  const tally = tallyOf(turn.state, incident.id);
  const there = tally.services.get(near.service);
  if (there === undefined || there.firing === 0) return undefined;
  if (!gathers(incident, tally, severity)) return undefined;
  if (turn.now - there.lastSince > rule.windowMs) return undefined;
  const between = near.path.slice(1, -1);
  if (between.filter((name) => !tally.services.has(name)).length > rule.silent) return undefined;
  const root = incident.roots[0]?.service ?? near.service;
  const standing = standsTo(turn, service, root, near);
  if (standing === 'sideways') return undefined;
  const apartMs = turn.now - there.lastSince;
  const because = byPath(near.path, apartMs);
  return {
    incident,
    evidence: 'dependency',
    because,
    explains: standing === 'cause',
    hops: near.hops,
    apartMs,
  };
}

/** How a service stands to the incident's root: reached by its failure, able to explain it, or neither. */
function standsTo(
  turn: Turn,
  service: string,
  root: string,
  near: Near,
): 'effect' | 'cause' | 'sideways' {
  const { catalog, hubCallers } = turn.rules;
  if (service === root || callersOf(catalog, hubCallers, root).has(service)) return 'effect';
  if (callersOf(catalog, hubCallers, service).has(root)) return 'cause';
  // The root may be a host: then being the effect of a member is enough.
  return !catalog.services.has(root) && near.side === 'cause' ? 'effect' : 'sideways';
}

function sharedHost(turn: Turn, facts: Facts, rule: CorrelateRule): Match[] {
  const { state, now } = turn;
  const { host } = facts;
  if (host === undefined) return [];
  const matches: Match[] = [];
  for (const id of idsOf(state.byHost, host)) {
    const incident = state.incidents.get(id);
    if (incident === undefined || !isOpenTo(incident, rule, now)) continue;
    const tally = tallyOf(state, incident.id);
    const apartMs = now - tally.lastSince;
    if (apartMs > HOST_WINDOW_MS || !gathers(incident, tally, facts.severity)) continue;
    if (!isAboutHost(incident, tally, host)) continue;
    const because = byHost(host, apartMs);
    matches.push({ incident, evidence: 'host', because, explains: false, hops: 0, apartMs });
  }
  return matches;
}

/**
 * With several services a host, one alert on it proves nothing: nearly all that is hit must run on it.
 * Of a single service every alert must be there, and once people were told of that, it is about it.
 */
function isAboutHost(incident: Incident, tally: Tally, host: string): boolean {
  const there = servicesOn(tally, host);
  if (tally.hit > 1) return there.size >= tally.hit - 1;
  if (incident.toldIn === 'message') return false;
  let alerts = 0;
  for (const count of there.values()) alerts += count;
  return alerts === tally.alerts;
}

function sharedGroup(
  turn: Turn,
  facts: Facts,
  group: string,
  rule: CorrelateRule,
): Match | undefined {
  const { state, now } = turn;
  const incident = state.incidents.get(standsFor(state.byGroup, group) ?? '');
  if (incident === undefined || !isJoinable(incident, rule, now)) return undefined;
  const tally = tallyOf(state, incident.id);
  const apartMs = now - tally.lastSince;
  const match = { incident, explains: false, hops: 0, apartMs } as const;
  if (!isByTime(group)) {
    if (apartMs > rule.windowMs) return undefined;
    const because = byLabels(rule.by, group.split('\n').slice(2));
    return { ...match, evidence: 'labels', because };
  }
  const afterMs = now - incident.gatheredAt;
  if (afterMs > TOGETHER_MS || isMild(facts.severity)) return undefined;
  if (!gathers(incident, tally, facts.severity)) return undefined;
  const because = byTime(afterMs, facts.service);
  return { ...match, evidence: 'time', because };
}
