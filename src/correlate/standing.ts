/**
 * Before a second message is posted: does one that stands explain it already?
 *
 * Alerts that come minutes after a failure was told begin incidents of their own, because most of them are blips
 * beside it. Those that last are its late effects, if its likely cause explains all that fires, or shares with it a
 * service that says nothing.
 *
 * Where the graph does not place one of two likely causes, what lasts and began together is taken for one failure,
 * wherever it is: two unrelated failures hardly ever begin together.
 */
import { toldBetween } from '../state/group-index.ts';
import { idsAt } from '../state/id-index.ts';
import { leadOf, likelyCause } from '../life/lead.ts';
import { WEIGHT_SUFFICES } from '../life/proof.ts';
import type { Alert, Incident } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { tallyOf } from '../state/state.ts';
import { servicesOn } from '../state/tally.ts';
import type { Turn } from '../state/turn.ts';
import { isQuiet } from '../life/reply.ts';
import { isAllStarved } from './along.ts';
import { byFront, byPath, byService, byTime, isNearer, type Match, matchOf } from './evidence.ts';
import { callersOf, isInGraph, nearby, pathTo } from './graph.ts';
import { TOGETHER_MS } from './group.ts';
import { CALLERS_MIN, callersAt } from './hidden.ts';
import {
  callsOthers,
  isOpenTo,
  isOpenToEffects,
  isSameCluster,
  isToldThere,
  mayGuess,
  takesGuess,
} from './may.ts';
import { beganApart, beganFrom, beganOf } from './onset.ts';
import { isStrangeSite } from './peers.ts';
import { placedRoot, WEIGHED_MAX } from './root.ts';

/** An outage in so many places still spreads, and news of it may come for so long. */
const PLACES_MIN = 4;
/** A site that is probed from outside fails of what fails behind it, more often than by itself. */
const PLACES_BEHIND_MIN = 2;
const SPREADS_MS = 15 * 60_000;
/** With alerts of so many services an outage is no matter of one of them. */
const WIDE_MIN = 8;

/** The nearest message in time that explains the incident, looked for around the service of its worst alert. */
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
  for (const near of nearby(rules, service, rule.maxHops)) {
    for (const id of idsAt(state.byService, incident.environment, near.service)) {
      const match = explains(turn, id, incident, { service, firing, rule });
      if (match !== undefined && isNearer(match, best)) best = match;
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
  if (other === undefined || id === incident.id || !isOpenToEffects(turn, other, rule))
    return undefined;
  const root = placedRoot(turn, other);
  if (other.toldIn !== 'message' || other.resolvedAt !== undefined || root === undefined)
    return undefined;
  const apartMs = Math.abs(incident.gatheredAt - tallyOf(turn.state, id).lastSince);
  // What is broken goes on to break what depends on it, for as long as it is.
  if (apartMs > rule.windowMs && !stillBreaks(turn, other, root)) return undefined;
  const callers = callersOf(turn.rules, root);
  if (!callers.has(service) || firing.some((name) => name !== root && !callers.has(name)))
    return undefined;
  const path = pathTo(callers, root, service);
  const because = byPath(path, apartMs);
  const hops = path.length - 1;
  return matchOf('dependency', other, because, apartMs, hops);
}

/**
 * The message of a failure of the same services, lately: what comes when they have recovered there (an error budget
 * that burns, a replica that lags behind) is what that left, more often than another failure. Nothing critical: it
 * would be heard of late.
 */
export function leftBehind(
  turn: Turn,
  incident: Incident,
  alert: Alert,
  rule: CorrelateRule,
): Match | undefined {
  const { state, now } = turn;
  if (!mayGuess(turn, incident, alert, rule) || incident.severity === 'critical') return undefined;
  const firing = firingIn(turn, incident);
  if (firing.length > WEIGHED_MAX) return undefined;
  const { service, environment } = alert.facts;
  let best: Match | undefined;
  for (const id of idsAt(state.byService, environment, service)) {
    const other = state.incidents.get(id);
    if (other === undefined || id === incident.id || !isMessageFor(turn, other, alert)) continue;
    const { services } = tallyOf(state, id);
    const apartMs = now - (services.get(service)?.lastSince ?? 0);
    if (apartMs > rule.spanMs || firing.some((name) => !services.has(name))) continue;
    const match = matchOf('service', other, byService(service), apartMs);
    if (isNearer(match, best)) best = match;
  }
  return best;
}

/** A message that those read who would be told of the alert, and that a guess may add to. */
function isMessageFor(turn: Turn, incident: Incident, alert: Alert): boolean {
  if (incident.toldIn !== 'message' || !takesGuess(turn, incident)) return false;
  return isToldThere(turn, incident, alert);
}

/** It fires, and nobody asked for quiet there: somebody has to hear of what is new. */
function stillBreaks({ state, now }: Turn, incident: Incident, root: string): boolean {
  const { firing = 0 } = tallyOf(state, incident.id).services.get(root) ?? {};
  return firing > 0 && !isQuiet(incident, now);
}

function firingIn({ state }: Turn, { id }: Incident): readonly string[] {
  const names: string[] = [];
  for (const [name, { firing }] of tallyOf(state, id).services) if (firing > 0) names.push(name);
  return names;
}

/**
 * The message of what fails all over the platform, and still spreads: what begins next to something that fails there
 * is part of it, whether it calls that or is called by it. The nearest in time.
 */
export function besideWide(
  turn: Turn,
  incident: Incident,
  alert: Alert,
  rule: CorrelateRule,
): Match | undefined {
  const { state, rules } = turn;
  if (!mayGuess(turn, incident, alert, rule)) return undefined;
  let best: Match | undefined;
  for (const near of nearby(rules, alert.facts.service, Math.min(rule.maxHops, 1))) {
    for (const id of idsAt(state.byService, incident.environment, near.service)) {
      const other = state.incidents.get(id);
      if (other === undefined || id === incident.id || !isWideOutage(turn, other, rule)) continue;
      const { lastSince, services } = tallyOf(state, id);
      const apartMs = beganFrom(incident, lastSince);
      if (apartMs > SPREADS_MS || (services.get(near.service)?.firing ?? 0) === 0) continue;
      if (callsOthers(turn, other, alert)) continue;
      const match = matchOf('dependency', other, byPath(near.path, apartMs), apartMs, near.hops);
      if (isNearer(match, best)) best = match;
    }
  }
  return best;
}

/** People were told of it, and it has alerts of so many services that it is no matter of one of them. */
function isWideOutage(turn: Turn, incident: Incident, rule: CorrelateRule): boolean {
  if (incident.toldIn !== 'message' || incident.resolvedAt !== undefined) return false;
  if (!isOpenTo(incident, rule, turn.now) || !takesGuess(turn, incident)) return false;
  return tallyOf(turn.state, incident.id).hit >= WIDE_MIN;
}

/** The message of others that began to fail with it, and share with it a service that says nothing; the nearest. */
export function toldOfSilent(
  turn: Turn,
  incident: Incident,
  speaker: Alert,
  rule: CorrelateRule,
): Match | undefined {
  if (!rule.on || rule.maxHops < 2 || rule.silent < 1) return undefined;
  const cause = likelyCause(incident, speaker);
  let best: Match | undefined;
  for (const service of turn.rules.catalog.services.get(cause)?.dependsOn ?? []) {
    const match = toldAmongCallers(turn, incident, { cause, service, rule });
    if (match !== undefined && isNearer(match, best)) best = match;
  }
  return best;
}

function toldAmongCallers(
  turn: Turn,
  incident: Incident,
  {
    cause,
    service,
    rule,
  }: { readonly cause: string; readonly service: string; readonly rule: CorrelateRule },
): Match | undefined {
  const callers = callersAt(turn, service);
  if (callers.length < CALLERS_MIN || callers.length > turn.rules.hubCallers) return undefined;
  const failing = callers.flatMap((caller) => [...failuresOf(turn, incident, caller)]);
  if (new Set(failing.map(({ caller }) => caller)).size < CALLERS_MIN) return undefined;
  let best: Failure | undefined;
  for (const failure of failing) {
    if (best !== undefined && failure.apartMs > best.apartMs) continue;
    if (best?.apartMs === failure.apartMs && best.of.id <= failure.of.id) continue;
    if (failure.of.id !== incident.id && isAbout(turn, failure.of, service, rule)) best = failure;
  }
  if (best === undefined) return undefined;
  const { of, apartMs } = best;
  const because = byPath([cause, service], apartMs);
  return matchOf('dependency', of, because, apartMs, 2);
}

interface Failure {
  readonly caller: string;
  readonly of: Incident;
  readonly apartMs: number;
}

/** Where a service fires that began to about when the incident did. */
function* failuresOf({ state }: Turn, incident: Incident, caller: string): Iterable<Failure> {
  for (const id of idsAt(state.byService, incident.environment, caller)) {
    const of = state.incidents.get(id);
    const there = tallyOf(state, id).services.get(caller);
    if (of === undefined || there === undefined || there.firing === 0) continue;
    const apartMs = Math.abs(there.firstSince - incident.gatheredAt);
    if (apartMs <= TOGETHER_MS) yield { caller, of, apartMs };
  }
}

/** People were told of it, and the silent service would explain its likely cause. */
function isAbout(turn: Turn, other: Incident, service: string, rule: CorrelateRule): boolean {
  const root = other.roots[0]?.service;
  if (root === undefined || other.toldIn !== 'message') return false;
  if (!isOpenTo(other, rule, turn.now)) return false;
  return root === service || callersOf(turn.rules, service).has(root);
}

/** Too few requests come, and a site that is probed from outside fails: nobody gets in. The message of the site; the nearest in time. */
export function keptOut(
  turn: Turn,
  incident: Incident,
  alert: Alert,
  rule: CorrelateRule,
): Match | undefined {
  const { state } = turn;
  if (!mayGuess(turn, incident, alert, rule)) return undefined;
  if (!isAllStarved(tallyOf(state, incident.id))) return undefined;
  let best: Match | undefined;
  const from = beganOf(incident) - SPREADS_MS;
  for (const id of toldBetween(state.byGroup, incident.environment, from, incident.startsAt)) {
    const other = state.incidents.get(id);
    if (other === undefined || id === incident.id || !takesGuess(turn, other)) continue;
    const site = leadOf(state, other);
    if (site?.status !== 'firing' || !isStrangeSite(site) || !isToldThere(turn, other, alert))
      continue;
    const apartMs = beganApart(incident, other);
    const match = matchOf('time', other, byFront(site.facts.service, apartMs), apartMs);
    if (isNearer(match, best)) best = match;
  }
  return best;
}

/** The message of what began at the same moment, where the time is all there is to go by; the nearest. */
export function toldAtOnce(
  turn: Turn,
  incident: Incident,
  alert: Alert,
  rule: CorrelateRule,
): Match | undefined {
  const { state } = turn;
  if (!mayGuess(turn, incident, alert, rule)) return undefined;
  const cause = likelyCause(incident, alert);
  const isCausePlaced = isPlaced(turn, incident, cause);
  let best: Incident | undefined;
  const placesMin = placesToSpread(alert);
  let apartMs = TOGETHER_MS;
  const from = beganOf(incident) - TOGETHER_MS - SPREADS_MS;
  const until = incident.startsAt + TOGETHER_MS;
  for (const id of toldBetween(state.byGroup, incident.environment, from, until)) {
    const other = state.incidents.get(id);
    if (other === undefined || id === incident.id || !takesGuess(turn, other)) continue;
    const otherMs = apartFrom(turn, other, incident, { isCausePlaced, placesMin });
    if (otherMs > apartMs) continue;
    // More than so many services are a storm.
    if (tallyOf(state, id).hit > WEIGHED_MAX || !isSameCluster(turn, other, alert)) continue;
    if (!graphLeavesOpen(turn, { incident, isCausePlaced }, other, alert)) continue;
    best = other;
    apartMs = otherMs;
  }
  if (best === undefined) return undefined;
  const unplaced = isCausePlaced ? best.roots[0]?.service : cause;
  const because = byTime(apartMs, unplaced ?? cause);
  return matchOf('time', best, because, apartMs);
}

function placesToSpread(alert: Alert): number {
  return isStrangeSite(alert) ? PLACES_BEHIND_MIN : PLACES_MIN;
}

/**
 * Apart in when they began. What no graph places may also follow the last news of an outage that still spreads over
 * several places.
 */
function apartFrom(
  { state }: Turn,
  other: Incident,
  incident: Incident,
  { isCausePlaced, placesMin }: { readonly isCausePlaced: boolean; readonly placesMin: number },
): number {
  const beganMs = beganApart(incident, other);
  const { hit, checks, lastSince } = tallyOf(state, other.id);
  const isWide = hit >= placesMin && checks.size >= placesMin;
  if (isCausePlaced || !isWide || beganOf(other) > incident.startsAt) return beganMs;
  return Math.min(beganMs, beganFrom(incident, lastSince));
}

/**
 * Two services of the graph: the graph decides. Only one of them in the graph: those who would be told of the other
 * must read this message, too.
 */
function graphLeavesOpen(
  turn: Turn,
  { incident, isCausePlaced }: { readonly incident: Incident; readonly isCausePlaced: boolean },
  other: Incident,
  alert: Alert,
): boolean {
  const isOtherPlaced = isPlaced(turn, other, other.roots[0]?.service);
  if (isCausePlaced && isOtherPlaced) return false;
  if (isCausePlaced !== isOtherPlaced && isOutage(turn, isCausePlaced ? other : incident))
    return false;
  return isToldThere(turn, other, alert);
}

/**
 * One service that fails in so many ways that it would be told at once by itself: no echo of something else. A
 * machine that fails is what others are an echo of.
 */
function isOutage({ state }: Turn, { id }: Incident): boolean {
  const { hit, checks, weight, services } = tallyOf(state, id);
  if (hit !== 1 || checks.size === 1 || weight < WEIGHT_SUFFICES) return false;
  return ![...services.values()].some(({ isMachine }) => isMachine);
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
