/**
 * Before a second message is posted: does one that stands explain it already?
 *
 * Alerts that come when a failure has been told for some minutes begin apart, for most of them are blips beside
 * it. When they last, so that people are to be told, they are its late effects, if its likely cause explains
 * all that fires.
 *
 * Where nobody said what one of two likely causes depends on, what lasts and began at the same moment as what people were
 * told of is taken for the same failure, wherever it is: two that have nothing to do with each other hardly ever begin together.
 */
import { isByTime, toldAround } from '../state/group-index.ts';
import { idsAt } from '../state/id-index.ts';
import { leadOf, likelyCause, subjectOf, subjectOfIncident } from '../life/lead.ts';
import { WEIGHT_SUFFICES } from '../life/tell.ts';
import type { Alert, Incident, Instant } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { tallyOf } from '../state/state.ts';
import { isMild, servicesOn, severityRank } from '../state/tally.ts';
import type { Turn } from '../state/turn.ts';
import { isQuiet } from '../life/reply.ts';
import { byPath, byTime } from './evidence.ts';
import { callersOf, nearby, pathTo } from './graph.ts';
import { isInGraph, TOGETHER_MS } from './group.ts';
import { isOpenTo, type Match, matchByTime } from './joinable.ts';
import { WEIGHED_MAX } from './root.ts';

/** The message that explains the incident, looked for around the service of its worst alert; the nearest in time. */
export function explainedBy(
  turn: Turn,
  incident: Incident,
  { facts: { service } }: Alert,
  rule: CorrelateRule,
): Match | undefined {
  const { state, rules } = turn;
  const firing = firingIn(turn, incident);
  if (!rule.on || firing.length > WEIGHED_MAX) return undefined;
  let best: Match | undefined;
  for (const near of nearby(rules.catalog, rules.hubCallers, service, rule.maxHops)) {
    for (const id of idsAt(state.byService, incident.environment, near.service)) {
      const match = explains(turn, id, incident, { service, firing, rule });
      if (match !== undefined && (best === undefined || match.apartMs < best.apartMs)) best = match;
    }
  }
  return best;
}

function explains(
  turn: Turn,
  id: string,
  incident: Incident,
  {
    service,
    firing,
    rule,
  }: { readonly service: string; readonly firing: readonly string[]; readonly rule: CorrelateRule },
): Match | undefined {
  const other = turn.state.incidents.get(id);
  if (other === undefined || id === incident.id || !isOpenTo(other, rule, turn.now))
    return undefined;
  const root = other.roots[0]?.service;
  if (other.toldIn !== 'message' || other.resolvedAt !== undefined || root === undefined)
    return undefined;
  const apartMs = Math.abs(incident.gatheredAt - tallyOf(turn.state, id).lastSince);
  if (apartMs > rule.windowMs) return undefined;
  const callers = callersOf(turn.rules.catalog, turn.rules.hubCallers, root);
  if (!callers.has(service) || firing.some((name) => name !== root && !callers.has(name)))
    return undefined;
  const path = pathTo(callers, root, service);
  const because = byPath(path, apartMs);
  const hops = path.length - 1;
  return { incident: other, evidence: 'dependency', because, explains: false, hops, apartMs };
}

function firingIn({ state }: Turn, { id }: Incident): readonly string[] {
  const names: string[] = [];
  for (const [name, { firing }] of tallyOf(state, id).services) if (firing > 0) names.push(name);
  return names;
}

/** The message of what began at the same moment, where the time is all there is to go by; the nearest. */
export function toldAtOnce(
  turn: Turn,
  incident: Incident,
  alert: Alert,
  rule: CorrelateRule,
): Match | undefined {
  const { state } = turn;
  if (!goesByTime(turn, incident, alert, rule)) return undefined;
  const began = beganOf(incident);
  const cause = likelyCause(incident, alert);
  const isCausePlaced = isPlaced(turn, incident, cause);
  let best: Incident | undefined;
  let apartMs = TOGETHER_MS;
  for (const id of toldAround(state.byGroup, incident.environment, began, TOGETHER_MS)) {
    const other = state.incidents.get(id);
    if (other === undefined || id === incident.id || !takesMore(turn, other)) continue;
    const otherMs = Math.abs(beganOf(other) - began);
    if (otherMs > apartMs) continue;
    if (!mayBeOne(turn, { incident, isCausePlaced }, other, alert)) continue;
    best = other;
    apartMs = otherMs;
  }
  if (best === undefined) return undefined;
  const unplaced = isCausePlaced ? best.roots[0]?.service : cause;
  const because = byTime(apartMs, unplaced ?? cause);
  return matchByTime(best, because, apartMs);
}

/**
 * The graph says of two of its services whether they have to do with each other, and labels do of two clusters. Where it
 * places one of them only, those who would have been told of the other are to read of it, too.
 */
function mayBeOne(
  turn: Turn,
  { incident, isCausePlaced }: { readonly incident: Incident; readonly isCausePlaced: boolean },
  other: Incident,
  alert: Alert,
): boolean {
  // More than so many services are a storm.
  if (tallyOf(turn.state, other.id).hit > WEIGHED_MAX) return false;
  const isOtherPlaced = isPlaced(turn, other, other.roots[0]?.service);
  if (isCausePlaced && isOtherPlaced) return false;
  if (isCausePlaced !== isOtherPlaced) {
    if (!isToldThere(turn, other, alert)) return false;
    if (isOutage(turn, isCausePlaced ? other : incident)) return false;
  }
  return isNear(turn, other, alert) && !callsOthers(turn, other, alert);
}

/** A single service that fails in so many ways that it would be told by itself, at once: no echo of something else. */
function isOutage({ state }: Turn, { id }: Incident): boolean {
  const { hit, checks, weight } = tallyOf(state, id);
  return hit === 1 && checks.size > 1 && weight >= WEIGHT_SUFFICES;
}

/** Somebody said of its cause what it depends on, or what depends on it; of a host, that of what fails on it. */
function isPlaced(
  { rules: { catalog }, state }: Turn,
  { id }: Incident,
  cause: string | undefined,
): boolean {
  if (cause === undefined) return false;
  if (isInGraph(catalog, cause)) return true;
  for (const service of servicesOn(tallyOf(state, id), cause).keys())
    if (isInGraph(catalog, service)) return true;
  return false;
}

export function beganOf({ beganAt, startsAt }: Incident): Instant {
  return beganAt ?? startsAt;
}

/** A storm has a message for all of it; what a rule groups belongs to what that says. */
export function goesByTime(
  { state }: Turn,
  { group }: Incident,
  { facts }: Alert,
  rule: CorrelateRule,
): boolean {
  if (!rule.on || state.storm !== undefined) return false;
  if (group !== undefined && !isByTime(group)) return false;
  return !isMild(facts.severity);
}

/** In the same cluster, if they say in which. */
function isNear({ state }: Turn, incident: Incident, alert: Alert): boolean {
  return (leadOf(state, incident)?.labels['cluster'] ?? '') === (alert.labels['cluster'] ?? '');
}

/**
 * It goes on, or would open again. Where people asked for quiet nobody would hear
 * of it, and they did not ask it of this: the time alone is not enough.
 */
function takesMore({ state, now, rules }: Turn, incident: Incident): boolean {
  const { id, severity, special, resolvedAt } = incident;
  if (special !== undefined || isMild(severity) || isQuiet(incident, now)) return false;
  if (now - (resolvedAt ?? now) > rules.life.reopenWithinMs) return false;
  // Something is left of it.
  return tallyOf(state, id).hit > 0;
}

/** What the time alone may add `alert` to: it goes on, in the same cluster, and those who would be told of the alert read of it. */
export function takesTogether(turn: Turn, other: Incident, alert: Alert): boolean {
  if (!takesMore(turn, other) || !isToldThere(turn, other, alert)) return false;
  return isNear(turn, other, alert) && !callsOthers(turn, other, alert);
}

function isToldThere({ rules, now }: Turn, { route }: Incident, alert: Alert): boolean {
  return route?.channel === rules.route(subjectOf(alert), now).channel;
}

/** Its route calls somebody whom that message would not call for it: nobody is left asleep for a guess. */
function callsOthers({ state, rules, now }: Turn, incident: Incident, alert: Alert): boolean {
  const { mention, urgency } = rules.route(subjectOf(alert), now);
  if (urgency !== 'post' || mention.length === 0) return false;
  const isWorse = severityRank(alert.facts.severity) < severityRank(incident.severity);
  const lead = leadOf(state, incident);
  if (lead === undefined) return true;
  const called = rules.route(
    subjectOfIncident(lead, isWorse ? alert.facts : incident),
    now,
  ).mention;
  return mention.some(
    (id) => !called.includes(id) && incident.route?.mention.includes(id) !== true,
  );
}
