/**
 * May they be one? What forbids it, whatever links them. Two questions cover everything, and a new rule is a line
 * in each: `mayJoin`, for an alert and a match (the next best match takes its turn), and `barBetween`, for two
 * incidents.
 *
 * Whoever looks for links also asks what an incident still takes in (`isJoinable`, `isOpenTo`, `isStraggler`,
 * `gathers`). A link that is only a guess, by time or by what alerts say, has to pass more (`mayGuess`,
 * `takesGuess`, `isSameCluster`, `isToldThere`).
 */
import { causeOf, leadOf, subjectOf, subjectOfIncident } from '../life/lead.ts';
import { isQuiet } from '../life/reply.ts';
import type { Alert, Facts, Incident, Instant, Severity } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { isByTime } from '../state/group-index.ts';
import type { Parting } from '../state/small-records.ts';
import { type LaneState, tallyOf } from '../state/state.ts';
import { isMild, type ServiceTally, severityRank, type Tally } from '../state/tally.ts';
import type { Turn } from '../state/turn.ts';
import type { Match } from './evidence.ts';
import { keepsToItself } from './group.ts';

const STRAGGLING_FROM = severityRank('warning');

/**
 * False when people split the alert's service from the incident's likely cause. A service that is in the incident
 * may stay.
 */
export function mayJoin(
  { state, now }: Turn,
  { facts: { environment, service } }: Pick<Alert, 'facts' | 'labels'>,
  { incident, evidence }: Pick<Match, 'incident' | 'evidence'>,
): boolean {
  if (state.partings.size === 0 || evidence === 'service') return true;
  return partingBetween(state, now, environment, [service, causeOf(state, incident)]) === undefined;
}

/** Why two incidents stay two. `parting`: people said so of others like them, and not yet of these. */
export interface Bar {
  readonly parting: Parting | undefined;
}

/** Undefined: they may be one. */
export function barBetween(turn: Turn, one: Incident, other: Incident): Bar | undefined {
  if (areApart(one, other)) return { parting: undefined };
  const parting = partingOf(turn, one, other);
  return parting && { parting };
}

/** It is known of these two: people split them, or they are too large. */
export function areApart(one: Incident, other: Incident): boolean {
  return isApartFrom(one, other.id) || isApartFrom(other, one.id);
}

function isApartFrom({ apartFrom }: Incident, id: string): boolean {
  return apartFrom?.includes(id) === true;
}

/** People split their likely causes, not long ago. */
export function partingOf(
  { state, now }: Pick<Turn, 'state' | 'now'>,
  one: Incident,
  other: Incident,
): Parting | undefined {
  if (state.partings.size === 0) return undefined;
  return partingBetween(state, now, one.environment, [causeOf(state, one), causeOf(state, other)]);
}

function partingBetween(
  state: LaneState,
  now: Instant,
  environment: string,
  [one, other]: readonly [string | undefined, string | undefined],
): Parting | undefined {
  if (one === undefined || other === undefined) return undefined;
  const parting = state.partings.get(partingName(environment, one, other));
  return parting === undefined || parting.until <= now ? undefined : parting;
}

/** The same whichever of the two is named first. */
export function partingName(environment: string, one: string, other: string): string {
  const [a, b] = one < other ? [one, other] : [other, one];
  return `${environment}\n${a}\n${b}`;
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

/** The same, to what its likely cause breaks: for a span since the last that was heard of that, while it fires. */
export function isOpenToEffects(
  { state, now }: Turn,
  incident: Incident,
  rule: CorrelateRule,
): boolean {
  const cause = tallyOf(state, incident.id).services.get(incident.roots[0]?.service ?? '');
  const isNews = cause !== undefined && cause.firing > 0 && cause.lastSince > incident.gatheredAt;
  return isOpenTo(isNews ? { ...incident, gatheredAt: cause.lastSince } : incident, rule, now);
}

/**
 * Blips also hit what is broken already. A warning that comes when its service has long been in the incident stands
 * by itself until it has lasted.
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

/**
 * May a guess move what the alert speaks for? Not in a storm, which has one message for everything, nor out of a
 * group that a rule makes.
 */
export function mayGuess(
  { state }: Turn,
  { group }: Incident,
  { facts }: Alert,
  rule: CorrelateRule,
): boolean {
  if (!rule.on || state.storm !== undefined || isMild(facts.severity)) return false;
  return group === undefined || isByTime(group);
}

/**
 * May a guess add to this incident? It must go on, or still be able to open again; no rule may say what belongs to
 * it; and nobody may have asked for quiet there, because then nobody would hear of the addition.
 */
export function takesGuess({ state, now, rules }: Turn, incident: Incident): boolean {
  const { id, severity, special, resolvedAt, toldIn, group } = incident;
  if (special !== undefined || isMild(severity) || isQuiet(incident, now)) return false;
  if (toldIn !== undefined && toldIn !== 'message') return false;
  if (group !== undefined && !isByTime(group)) return false;
  if (now - (resolvedAt ?? now) > rules.life.reopenWithinMs) return false;
  // Something is left of it.
  return tallyOf(state, id).hit > 0;
}

/** In one cluster, if they say in which. */
export function isSameCluster({ state }: Turn, incident: Incident, alert: Alert): boolean {
  return (leadOf(state, incident)?.labels['cluster'] ?? '') === (alert.labels['cluster'] ?? '');
}

/** What routes look at. */
type Speaking = Pick<Alert, 'labels' | 'facts' | 'source'>;

/** Those who would be told of the alert read the incident's message, and it calls whom the alert's route calls. */
export function isToldThere(turn: Turn, incident: Incident, alert: Speaking): boolean {
  const { state, rules } = turn;
  const lead = leadOf(state, incident);
  const route = incident.route ?? (lead && rules.route(subjectOfIncident(lead, incident)));
  if (route?.channel !== rules.route(subjectOf(alert)).channel) return false;
  return !callsOthers(turn, incident, alert);
}

/** The alert's route calls somebody whom that message would not call for it. A guess must leave nobody asleep. */
export function callsOthers({ state, rules }: Turn, incident: Incident, alert: Speaking): boolean {
  const { mention, urgency } = rules.route(subjectOf(alert));
  if (urgency !== 'post' || mention.length === 0) return false;
  const isWorse = severityRank(alert.facts.severity) < severityRank(incident.severity);
  const lead = leadOf(state, incident);
  if (lead === undefined) return true;
  const called = rules.route(subjectOfIncident(lead, isWorse ? alert.facts : incident)).mention;
  return mention.some(
    (id) => !called.includes(id) && incident.route?.mention.includes(id) !== true,
  );
}
