/**
 * Whether an incident is worth telling.
 *
 * It gathers unseen until one of its alerts has outlasted its hold, or until the evidence suffices:
 * several things failing at once are an outage, not a blip. Blips come in small cascades too (a
 * service and two of its callers, for some minutes), so the evidence is weighed by severity.
 */
import { nearby } from '../correlate/graph.ts';
import { WEIGHED_MAX } from '../correlate/root.ts';
import { latenessOf } from '../dedupe/lateness.ts';
import type { Alert, Incident, Instant, Severity } from '../model.ts';
import { exactDuration } from '../rules/duration.ts';
import { isBefore } from '../state/past.ts';
import { tallyOf } from '../state/state.ts';
import {
  failsInSeveralWays,
  GRAVE,
  serviceOfCheck,
  severityRank,
  sharesTransaction,
  type Tally,
} from '../state/tally.ts';
import { type Turn, wakeIncident } from '../state/turn.ts';

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
const UNLINKED_SHARE = 0.5;

/** Why an incident is worth telling, and the alert that must be heard. */
export interface Proof {
  readonly because: string;
  /** The hold that it outlasted; undefined where other evidence sufficed. */
  readonly rule: string | undefined;
  readonly why: string | undefined;
  readonly ground?: 'hold';
  readonly speaker: Alert;
  /** The worst that is proven: what merely stands beside an alert that lasts is not. */
  readonly severity: Severity;
  /** Somebody wants a message of it, whatever its route says. */
  readonly isAsked?: boolean;
}

/**
 * Is an unseen incident worth telling, now that the alert fires in it or has outlasted its hold? If not yet, it is
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
  const because = `${checks.size} checks still fail after ${exactDuration(now - second)}`;
  return proofBy(because, speaker, incident);
}

/** The same of any incident: what the alert proves by itself, and all that fires in it. */
export function provenBy(turn: Turn, incident: Incident, alert: Alert): Proof | undefined {
  const tally = tallyOf(turn.state, incident.id);
  const lasts = alert.heldUntil <= turn.now && alert.flap?.flapping !== true;
  if (isEnough(turn, tally)) {
    const because = lasts ? outlasted(alert, turn.now) : atOnce(tally, alert);
    const worst = proofBy(because, worstOf(turn, tally, alert), incident);
    return lasts ? { ...worst, ...byHold(alert) } : worst;
  }
  if (!lasts) return undefined;
  const because = outlasted(alert, turn.now);
  return { because, ...byHold(alert), speaker: alert, severity: alert.facts.severity };
}

function byHold({ holdRule, holdWhy }: Alert): Pick<Proof, 'rule' | 'why' | 'ground'> {
  return { rule: holdRule, why: holdWhy, ground: 'hold' };
}

/** By what no rule states. */
export function proofBy(because: string, speaker: Alert, { severity }: Incident): Proof {
  return { because, rule: undefined, why: undefined, speaker, severity };
}

function atOnce({ checks, hit }: Tally, { facts }: Alert): string {
  return `${checks.size} checks fail at once on ${hit === 1 ? facts.service : `${hit} services`}`;
}

function outlasted(alert: Alert, now: Instant): string {
  const { name, service, severity } = alert.facts;
  const what = name === service ? name : `${name} of ${service}`;
  if (alert.heldUntil > alert.since)
    return `${what} ${again(alert)}still fires after ${exactDuration(alert.heldUntil - alert.since)}`;
  const firedMs = now - alert.startsAt;
  return firedMs >= 60_000
    ? `${what} has fired for ${exactDuration(firedMs)} already`
    : `${what} is ${severity}${again(alert) === '' ? ' and ' : `, ${again(alert)}`}is not held`;
}

/** Beyond what one alert proves that outlasted its hold. */
export function failsSeverally(turn: Turn, { id }: Incident): boolean {
  const tally = tallyOf(turn.state, id);
  return suffices(turn, tally) || failsInSeveralWays(tally, turn.now - LASTING_MS);
}

function isEnough(turn: Turn, tally: Tally): boolean {
  const at = sufficesAt(turn, tally);
  return at !== undefined && at <= turn.now;
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

/**
 * What the alerts of an incident prove together: the weight of the heaviest group that hangs together, and half of
 * the rest.
 *
 * Over a silent service, or by time alone, so much is within reach that something there always passes by. So only
 * directly linked services count in full: one calls the other, or they share a transaction.
 */
function linkedWeight(turn: Turn, tally: Tally): number {
  const weights = new Map<string, number>();
  for (const [key, { weight }] of tally.checks) {
    const service = serviceOfCheck(key);
    weights.set(service, (weights.get(service) ?? 0) + weight);
  }
  // So many services are no coincidence, and a transaction joins nothing by chance.
  if (weights.size === 1 || weights.size > WEIGHED_MAX || sharesTransaction(tally))
    return tally.weight;
  let heaviest = 0;
  const left = new Set(weights.keys());
  for (const service of weights.keys()) {
    if (!left.delete(service)) continue;
    heaviest = Math.max(heaviest, weightFrom(turn, service, left, weights));
  }
  return heaviest + (tally.weight - heaviest) * UNLINKED_SHARE;
}

/** The weight of a service and of all in `left` that it is linked to, one by one; takes them out. */
function weightFrom(
  { rules }: Turn,
  service: string,
  left: Set<string>,
  weights: ReadonlyMap<string, number>,
): number {
  let weight = 0;
  const reached = [service];
  for (let at = reached.pop(); at !== undefined; at = reached.pop()) {
    weight += weights.get(at) ?? 0;
    for (const near of nearby(rules, at, 1))
      if (left.delete(near.service)) reached.push(near.service);
  }
  return weight;
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
    const more = worst === undefined ? -1 : badness(turn, other) - badness(turn, worst);
    // Of those that are as bad it is the one that is asked about, or the first.
    const isFirst = worst !== undefined && worst !== alert && isBefore(other, worst);
    if (more < 0 || (more === 0 && isFirst)) worst = other;
  }
  return worst;
}

function badness(turn: Turn, { facts }: Alert): number {
  return (
    severityRank(facts.severity) * 10 + (turn.rules.catalog.services.get(facts.service)?.tier ?? 2)
  );
}

/**
 * If the end before this start was never heard, it is the last of several firings, and has not lasted for as long
 * as it is known.
 */
function again({ episodes, flap }: Alert): string {
  if (episodes < 2 || flap === undefined) return '';
  return `fired ${episodes === 2 ? 'twice' : `${episodes} times`} lately and `;
}
