/**
 * What an incident takes in at all, whatever links an alert to it.
 */
import type { Facts, Incident, Instant, Severity } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { isMild, type ServiceTally, severityRank, type Tally } from '../state/tally.ts';
import { keepsToItself } from './group.ts';

const STRAGGLING_FROM = severityRank('warning');

type Evidence = 'transaction' | 'service' | 'dependency' | 'host' | 'labels' | 'time';

export interface Match {
  readonly incident: Incident;
  readonly evidence: Evidence;
  readonly because: string;
  /** The alert is a deeper cause: incidents that it explains become one with it. */
  readonly explains: boolean;
  readonly hops: number;
  readonly apartMs: number;
}

/** By the time alone, or what else says that two began with each other: which of them caused the other nobody knows. */
export function matchByTime(incident: Incident, because: string, apartMs: number): Match {
  return { incident, evidence: 'time', because, explains: false, hops: 0, apartMs };
}

/**
 * Open or gathering, or over for less than the window, and not older than the rule's span. What ended
 * before anybody was told of it is over for good: nothing new belongs to it.
 */
export function isJoinable(incident: Incident, rule: CorrelateRule, now: Instant): boolean {
  if (incident.mergedInto !== undefined || incident.special !== undefined) return false;
  if (incident.resolvedAt !== undefined) {
    if (incident.toldIn !== 'message' || now - incident.resolvedAt > rule.windowMs) return false;
  }
  return now - incident.gatheredAt <= rule.spanMs;
}

/** Also to alerts of other services: no rule keeps it to itself. */
export function isOpenTo(incident: Incident, rule: CorrelateRule, now: Instant): boolean {
  return !keepsToItself(incident.group) && isJoinable(incident, rule, now);
}

/**
 * Blips hit what is broken, and what is beside it, as well: a warning that comes when the service has long
 * been in the incident stands by itself until it has lasted.
 */
export function isStraggler(
  { severity }: Pick<Facts, 'severity'>,
  tally: ServiceTally,
  rule: CorrelateRule,
  now: Instant,
): boolean {
  return severityRank(severity) >= STRAGGLING_FROM && now - tally.firstSince > rule.windowMs;
}

/**
 * What flaps gathers nothing. Information joins information only: it explains no failure, and would keep its
 * message open for days; and what nobody was called for gathers nothing worse.
 */
export function gathers(incident: Incident, tally: Tally, severity: Severity): boolean {
  if (isMild(severity)) return tally.checks.size > 0 && tally.weight === 0;
  return incident.toldIn === 'message' ? tally.checks.size > 0 : tally.weight > 0;
}
