/**
 * When an incident is told, and where.
 *
 * It gathers unseen until one of its alerts has outlasted its hold, or until the evidence suffices:
 * several things failing at once are an outage, not a blip. Blips come in small cascades too (a
 * service and two of its callers, for some minutes), so the evidence is weighed by severity.
 */
import type { Alert, Incident, Instant, RouteDecision, Severity } from '../model.ts';
import { linkedWeight } from '../correlate/linked.ts';
import { rankRoots } from '../correlate/root.ts';
import { latenessOf } from '../dedupe/lateness.ts';
import { tallyOf } from '../state/state.ts';
import { change, note, type Turn, wakeIncident } from '../state/turn.ts';
import { isQuiet, orderReply } from './reply.ts';
import { incidentWith } from '../state/with.ts';
import { chronicIn, type Hushed } from './chronic.ts';
import { addToDigest } from './digest.ts';
import { armEscalation } from './escalation.ts';
import { inWords } from './in-words.ts';
import {
  failsInSeveralWays,
  GRAVE,
  serviceOfCheck,
  severityRank,
  type Tally,
} from '../state/tally.ts';
import { tellInStorm } from './in-storm.ts';
import { leadOf, nobody, subjectOf, subjectOfIncident } from './lead.ts';
import { show } from './show.ts';
import { countTelling, joinsStorm } from './storm.ts';

/** Four warnings may still be a blip that comes with echoes. */
export const WEIGHT_SUFFICES = 4.5;
/** A critical alert and a warning of one service are none; beside a neighbour's warning it may be. */
const SERVICE_SUFFICES = 4;
const CHECKS_MIN = 2;
/** What fails tells of itself within this; blips that have nothing to do with each other add up more slowly. */
const AT_ONCE_MS = 75_000;
/** Too much for blips, however slowly it came. */
const WEIGHT_SURE = 6;
/** Longer than what usually passes by itself. */
const LASTING_MS = 4 * 60_000;

/** Why an incident is worth telling, and the alert that must be heard. */
export interface Proof {
  readonly because: string;
  /** The hold that it outlasted; undefined where other evidence sufficed. */
  readonly rule: string | undefined;
  readonly why: string | undefined;
  readonly speaker: Alert;
  /** The worst that is proven: what merely stands beside an alert that lasts is not. */
  readonly severity: Severity;
  /** Somebody wants a message of it, whatever its route says. */
  readonly isAsked?: boolean;
}

/**
 * Is an unseen incident worth telling, now that the alert fires in it or has outlasted its hold? Else it is
 * asked again when that may change.
 */
export function proofOf(turn: Turn, incident: Incident, alert: Alert): Proof | undefined {
  return provenBy(turn, incident, alert) ?? lastingProof(turn, incident);
}

/** The same when time has passed and nothing else happened. */
export function proofNow(turn: Turn, incident: Incident): Proof | undefined {
  if (incident.phase !== 'gathering') return undefined;
  const tally = tallyOf(turn.state, incident.id);
  const speaker = isEnough(turn, tally) ? worstOf(turn, tally, undefined) : undefined;
  if (speaker === undefined) return lastingProof(turn, incident);
  return proofBy(atOnce(tally, speaker), speaker, incident);
}

/** Several things that fail at the same time need not last as long as one that fails alone. */
function lastingProof(turn: Turn, incident: Incident): Proof | undefined {
  const { now, state } = turn;
  const tally = tallyOf(state, incident.id);
  const { checks } = tally;
  if (incident.phase !== 'gathering') return undefined;
  // Two have to last: what passes by proves nothing of what goes on.
  let first = Number.POSITIVE_INFINITY;
  let second = Number.POSITIVE_INFINITY;
  for (const check of checks.values()) {
    if (check.weight === 0) continue;
    if (check.since < first) {
      second = first;
      first = check.since;
    } else if (check.since < second) second = check.since;
  }
  if (!Number.isFinite(second)) return undefined;
  const speaker = worstOf(turn, tally, undefined);
  if (speaker === undefined) return undefined;
  // What is over already, and not yet said to be, looks as if it lasted.
  const at = second + LASTING_MS + latenessOf(turn, speaker.source);
  if (at > now) {
    wakeIncident(turn, incident.id, Math.min(at, sufficesAt(turn, tally) ?? at));
    return undefined;
  }
  const because = `${checks.size} checks still fail after ${inWords(now - second)}`;
  return proofBy(because, speaker, incident);
}

/** By what no rule states. */
function proofBy(because: string, speaker: Alert, { severity }: Incident): Proof {
  return { because, rule: undefined, why: undefined, speaker, severity };
}

/** People were told elsewhere, or not at all, by its route: does the route say otherwise by now? */
export function reconsiderRoute(turn: Turn, incident: Incident, alert: Alert): void {
  const { toldIn } = incident;
  const isStormed = toldIn === 'storm';
  if (toldIn === undefined || toldIn === 'message') return;
  if (isStormed && turn.state.storm !== undefined) return;
  if (incident.phase === 'resolved') return;
  const proof = provenBy(turn, incident, alert);
  const route = proof === undefined ? undefined : routeOf(turn, incident, proof);
  if (route?.urgency !== 'post' || hushedOf(turn, incident, route) !== undefined) return;
  const worse = change(turn, incident, { route, worstTold: incident.severity });
  const because = isStormed ? 'it fires again after the storm' : 'it is worse now';
  publish(turn, worse, route, { because, rule: route.rule, why: route.why });
}

function provenBy(turn: Turn, incident: Incident, alert: Alert): Proof | undefined {
  const tally = tallyOf(turn.state, incident.id);
  const lasts = alert.heldUntil <= turn.now && alert.flap?.flapping !== true;
  if (isEnough(turn, tally)) {
    const because = lasts ? outlasted(alert, turn.now) : atOnce(tally, alert);
    const worst = proofBy(because, worstOf(turn, tally, alert), incident);
    return lasts ? { ...worst, rule: alert.holdRule, why: alert.holdWhy } : worst;
  }
  if (!lasts) return undefined;
  const because = outlasted(alert, turn.now);
  const { holdRule, holdWhy, facts } = alert;
  return { because, rule: holdRule, why: holdWhy, speaker: alert, severity: facts.severity };
}

function atOnce({ checks, hit }: Tally, { facts }: Alert): string {
  return `${checks.size} checks fail at once on ${hit === 1 ? facts.service : `${hit} services`}`;
}

/** When the checks are evidence enough, if they go on until then; undefined: they are too few. */
function sufficesAt(turn: Turn, tally: Tally): Instant | undefined {
  if (!suffices(turn, tally)) return undefined;
  const { checks, weight } = tally;
  if (weight >= WEIGHT_SURE || hasGraveService(tally)) return turn.now;
  let latelyWeight = 0;
  for (const { since, weight: own } of checks.values())
    if (turn.now - since <= AT_ONCE_MS) latelyWeight += own;
  if (latelyWeight >= WEIGHT_SUFFICES) return turn.now;
  // It added up slowly: what was enough is still there.
  let lasting = 0;
  for (const { since, weight: own } of [...checks.values()].toSorted((a, b) => a.since - b.since)) {
    lasting += own;
    if (lasting >= WEIGHT_SUFFICES) return since + AT_ONCE_MS;
  }
  return undefined;
}

function isEnough(turn: Turn, tally: Tally): boolean {
  const at = sufficesAt(turn, tally);
  return at !== undefined && at <= turn.now;
}

function suffices(turn: Turn, tally: Tally): boolean {
  const { checks, weight } = tally;
  if (checks.size < CHECKS_MIN || weight < SERVICE_SUFFICES) return false;
  if (weight >= WEIGHT_SUFFICES && linkedWeight(turn, tally) >= WEIGHT_SUFFICES) return true;
  return hasGraveService(tally);
}

/** A critical alert, and something else of its service. */
function hasGraveService(tally: Tally): boolean {
  for (const [key, check] of tally.checks)
    if (check.weight >= GRAVE && weightOn(tally, serviceOfCheck(key)) >= SERVICE_SUFFICES)
      return true;
  return false;
}

function weightOn({ checks }: Tally, service: string): number {
  let sum = 0;
  for (const [key, { weight }] of checks) if (serviceOfCheck(key) === service) sum += weight;
  return sum;
}

/** Services looked through for the worst alert: beyond that it is a storm. */
const LOOKED_THROUGH_MAX = 100;

/** The worst of what fires, of the most important service. */
function worstOf(turn: Turn, tally: Tally, alert: Alert): Alert;
function worstOf(turn: Turn, tally: Tally, alert: undefined): Alert | undefined;
function worstOf(turn: Turn, tally: Tally, alert: Alert | undefined): Alert | undefined {
  let worst = alert;
  let looked = 0;
  for (const { lead, leadFires } of tally.services.values()) {
    if (++looked > LOOKED_THROUGH_MAX) break;
    const other = leadFires ? turn.state.alerts.get(lead) : undefined;
    if (other === undefined) continue;
    if (worst === undefined || badness(turn, other) < badness(turn, worst)) worst = other;
  }
  return worst;
}

function badness(turn: Turn, { facts }: Alert): number {
  return severityRank(facts.severity) * 10 + (tierOf(turn, facts.service) ?? 2);
}

export function tell(turn: Turn, incident: Incident, proof: Proof): Incident {
  const roots = rankRoots(turn, incident);
  const routed = routeOf(turn, incidentWith(incident, { roots }), proof);
  const heard = proof.isAsked === true ? ({ ...routed, urgency: 'post' } as const) : routed;
  const chronic = proof.isAsked === true ? undefined : hushedOf(turn, incident, routed);
  const { route, because } = chronic ?? { route: heard, because: proof.because };
  turn.state.toldNow.add(incident.id);
  const told = change(turn, incident, {
    roots,
    route,
    phase: incident.acknowledged.length > 0 ? 'acknowledged' : 'open',
    toldAt: turn.now,
    toldBecause: because,
    worstTold: incident.severity,
  });
  return publish(turn, told, route, { ...proof, because, isChronic: chronic !== undefined });
}

/** It outlasted a storm, which told of it so far. */
export function tellAfterStorm(turn: Turn, incident: Incident): void {
  const lead = leadOf(turn.state, incident);
  if (lead === undefined) return;
  const because = 'it outlasted the storm';
  tell(turn, incident, proofBy(because, lead, incident));
}

/** Somebody made an incident of it: whoever asked wants to see its message now. */
export function tellSplit(turn: Turn, incident: Incident, because: string): Incident {
  const lead = leadOf(turn.state, incident);
  if (lead === undefined) return incident;
  return tell(turn, incident, { ...proofBy(because, lead, incident), isAsked: true });
}

const LOUDNESS: Readonly<Record<RouteDecision['urgency'], number>> = {
  post: 3,
  thread: 2,
  digest: 1,
  drop: 0,
};

/** As its likely cause says; but a cause of little importance does not hush a victim of more. */
function routeOf(turn: Turn, incident: Incident, { speaker, severity }: Proof): RouteDecision {
  const lead = leadOf(turn.state, incident) ?? speaker;
  const several = failsSeverally(turn, incident);
  const route = turn.rules.route(subjectOfIncident(lead, { severity }, several), turn.now);
  if (route.urgency === 'post' || lead === speaker) return route;
  const other = turn.rules.route(subjectOf(speaker), turn.now);
  return LOUDNESS[other.urgency] > LOUDNESS[route.urgency] ? other : route;
}

/** Beyond what one alert proves that outlasted its hold. */
function failsSeverally(turn: Turn, { id }: Incident): boolean {
  const tally = tallyOf(turn.state, id);
  return suffices(turn, tally) || failsInSeveralWays(tally, turn.now - LASTING_MS);
}

/** What its route would make a message of, but is chronic: see chronic.ts. */
function hushedOf(turn: Turn, incident: Incident, route: RouteDecision): Hushed | undefined {
  if (route.urgency !== 'post' || turn.state.chronic.size === 0) return undefined;
  return failsSeverally(turn, incident) ? undefined : chronicIn(turn, incident, route);
}

/** Tells it as a line of the digest, wherever its route would have told it. */
export function list(turn: Turn, incident: Incident, because: string): Incident {
  const lead = leadOf(turn.state, incident);
  const subject = lead === undefined ? nobody(incident) : subjectOfIncident(lead, incident);
  const route = turn.rules.route(subject, turn.now);
  note(turn, 'digested', {
    incident: incident.id,
    service: lead?.facts.service,
    because,
    rule: route.rule,
  });
  addToDigest(turn, incident, route.channel);
  return change(turn, incident, { route, toldIn: 'digest' });
}

type Telling = Pick<Proof, 'because' | 'rule' | 'why' | 'isAsked'> & {
  readonly isChronic?: boolean;
};

/** What is told says why it is told now; what is not, which route says so. */
function publish(
  turn: Turn,
  incident: Incident,
  route: RouteDecision,
  { because, rule, why, isAsked, isChronic = false }: Telling,
): Incident {
  const about = { incident: incident.id, service: incident.roots[0]?.service, because };
  const byRoute = { ...about, rule: route.rule, why: route.why };
  switch (route.urgency) {
    case 'drop':
      note(turn, 'dropped', byRoute);
      return change(turn, incident, { toldIn: 'nowhere' });
    case 'digest':
      note(turn, isChronic ? 'chronic' : 'digested', byRoute);
      addToDigest(turn, incident, route.channel, isChronic ? because : undefined);
      return change(turn, incident, { toldIn: 'digest' });
    case 'thread':
      return tellBeside(turn, incident, route);
    case 'post':
      break;
  }
  if (isAsked !== true && joinsStorm(turn, incident)) {
    note(turn, 'stormed', { ...about, rule, why });
    return tellInStorm(turn, change(turn, incident, { toldIn: 'storm' }));
  }
  countTelling(turn, incident);
  note(turn, 'told', { ...about, rule, why });
  return show(turn, armEscalation(turn, change(turn, incident, { toldIn: 'message' })));
}

/** In the thread of the message that stands in the same channel and environment; in the digest if none does. */
function tellBeside(turn: Turn, incident: Incident, route: RouteDecision): Incident {
  const about = {
    incident: incident.id,
    service: incident.roots[0]?.service,
    rule: route.rule,
    why: route.why,
  };
  const neighbour = neighbourOf(turn, incident, route.channel);
  if (neighbour === undefined) {
    note(turn, 'digested', { ...about, because: 'no incident is open that it could stand beside' });
    addToDigest(turn, incident, route.channel);
    return change(turn, incident, { toldIn: 'digest' });
  }
  note(turn, 'told', { ...about, because: `in the thread of ${neighbour.id}` });
  const lead = leadOf(turn.state, incident);
  orderReply(turn, neighbour, {
    kind: 'beside',
    incident: incident.id,
    service: lead?.facts.service ?? '',
    name: lead?.facts.name ?? '',
    severity: incident.severity,
    mention: undefined,
  });
  return change(turn, incident, { toldIn: 'thread' });
}

/** The newest message in the channel that is not over. Few messages are young, so few are looked at. */
function neighbourOf(
  { state, now }: Turn,
  incident: Incident,
  channel: string,
): Incident | undefined {
  let newest: Incident | undefined;
  for (const id of state.open) {
    const other = state.incidents.get(id);
    if (other === undefined || other.toldIn !== 'message' || isQuiet(other, now)) continue;
    if (other.environment !== incident.environment || other.route?.channel !== channel) continue;
    if (newest === undefined || other.gatheredAt > newest.gatheredAt) newest = other;
  }
  return newest;
}

function tierOf(turn: Turn, service: string | undefined): number | undefined {
  return service === undefined ? undefined : turn.rules.catalog.services.get(service)?.tier;
}

function outlasted(alert: Alert, now: Instant): string {
  const { name, service, severity } = alert.facts;
  const what = name === service ? name : `${name} of ${service}`;
  if (alert.heldUntil > alert.since)
    return `${what} still fires after ${inWords(alert.heldUntil - alert.since)}`;
  const firedMs = now - alert.startsAt;
  return firedMs >= 60_000
    ? `${what} has fired for ${inWords(firedMs)} already`
    : `${what} is ${severity} and is not held`;
}
