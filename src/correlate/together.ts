/**
 * Failures in three places at once that nothing links: no edge of the graph, no shared service, no host.
 *
 * Three lasting failures that are unrelated hardly ever begin within minutes. Their common cause (a network, a
 * node, a provider) is not in the catalog, so the catalog does not know whom else it hits.
 */
import { toldBetween } from '../state/group-index.ts';
import type { Alert, Incident, Instant } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { tallyOf } from '../state/state.ts';
import { serviceOfCheck, servicesOn, sharesTransaction } from '../state/tally.ts';
import type { Turn } from '../state/turn.ts';
import { byStorm, byTogether, type Match, matchOf } from './evidence.ts';
import { callersOf, isInGraph } from './graph.ts';
import { TOGETHER_MS } from './group.ts';
import { isSameCluster, isToldThere, mayGuess, takesGuess } from './may.ts';
import { beganApart, beganOf } from './onset.ts';
import { WEIGHED_MAX } from './root.ts';

/** Two may be a coincidence; where messages come all the time, three and more. */
const PLACES_MIN = 3;
/** What fails in this many places may go on to spread for so long. */
const SPREADING_MIN = 6;
const SPREADS_MS = 30 * 60_000;
/** Services looked at together: each is compared with each. */
const NAMES_MAX = 2 * WEIGHED_MAX;
/** A larger incident is a failure of its own, and dear to move: time alone is too weak a reason. */
const ALERTS_MAX = 1_000;
/** Before that, what is usual is counted for so long. */
const BEFORE_MS = 12 * 60_000;

/** The messages of what began with it, if all of that together fails in three places or more. */
export function togetherWith(
  turn: Turn,
  incident: Incident,
  speaker: Alert,
  rule: CorrelateRule,
): readonly Match[] {
  const others = begunWith(turn, incident, speaker, rule);
  if (others.length === 0) return [];
  const places = placesOf(turn, [incident, ...others]);
  const before = beganOf(incident) - TOGETHER_MS;
  if (places < PLACES_MIN + toldBefore(turn, incident, before)) return [];
  return others.map((other) => {
    const apartMs = beganApart(incident, other);
    return matchOf('time', other, byTogether(places, apartMs), apartMs);
  });
}

/** The message of what began with it: a storm's message told of both, and both go on after it. */
export function outlastingWith(
  turn: Turn,
  incident: Incident,
  speaker: Alert,
  rule: CorrelateRule,
): Match | undefined {
  const others = begunWith(turn, incident, speaker, rule);
  const [nearest] = others.toSorted(
    (one, other) =>
      beganApart(incident, one) - beganApart(incident, other) || (one.id < other.id ? -1 : 1),
  );
  if (nearest === undefined) return undefined;
  const apartMs = beganApart(incident, nearest);
  return matchOf('time', nearest, byStorm(apartMs), apartMs);
}

/** The messages that the time alone may add it to. */
function begunWith(
  turn: Turn,
  incident: Incident,
  speaker: Alert,
  rule: CorrelateRule,
): readonly Incident[] {
  const { state } = turn;
  if (!mayGuess(turn, incident, speaker, rule)) return [];
  if ((state.members.get(incident.id)?.size ?? 0) > ALERTS_MAX) return [];
  const others = new Set<Incident>();
  const from = beganOf(incident) - TOGETHER_MS - SPREADS_MS;
  const until = incident.startsAt + TOGETHER_MS;
  for (const id of toldBetween(state.byGroup, incident.environment, from, until)) {
    const other = state.incidents.get(id);
    if (other === undefined || id === incident.id || other.resolvedAt !== undefined) continue;
    if (!isNear(turn, incident, other)) continue;
    if (!takesGuess(turn, other) || !isSameCluster(turn, other, speaker)) continue;
    if (isToldThere(turn, other, speaker)) others.add(other);
  }
  return [...others];
}

/** It began with the other, or while that spread from place to place. */
function isNear(turn: Turn, incident: Incident, other: Incident): boolean {
  if (beganApart(incident, other) <= TOGETHER_MS) return true;
  const sinceMs = beganOf(incident) - tallyOf(turn.state, other.id).lastSince;
  const isLater = incident.startsAt > beganOf(other);
  return isLater && sinceMs <= TOGETHER_MS && placesOf(turn, [other]) >= SPREADING_MIN;
}

/** Messages of what began in the minutes before. */
function toldBefore({ state }: Turn, { environment }: Incident, until: Instant): number {
  const told = new Set<string>();
  for (const id of toldBetween(state.byGroup, environment, until - BEFORE_MS, until)) {
    const other = state.incidents.get(id);
    if (other !== undefined && beganOf(other) < until) told.add(id);
  }
  return told.size;
}

/**
 * How many separate parts the failing services make, leaving out those that another one explains. Parts in the
 * graph and parts beyond it are counted apart; the greater number counts.
 */
function placesOf(turn: Turn, incidents: readonly Incident[]): number {
  const { state, rules } = turn;
  const names = new Set<string>();
  const hosts: (readonly string[])[] = [];
  for (const { id, roots } of incidents) {
    if (names.size >= NAMES_MAX) break;
    const tally = tallyOf(state, id);
    // What a transaction put together says nothing of what happened elsewhere.
    if (sharesTransaction(tally)) return 1;
    // Of very many some are enough, and what explains the others is one of them.
    const cause = roots[0]?.service ?? '';
    if (isInGraph(rules.catalog, cause)) names.add(cause);
    let more = WEIGHED_MAX;
    for (const key of tally.checks.keys()) if (more-- > 0) names.add(serviceOfCheck(key));
    if (tally.hosts.size > WEIGHED_MAX) continue;
    for (const host of tally.hosts.keys()) hosts.push([...servicesOn(tally, host).keys(), host]);
  }
  let parts: readonly (readonly string[])[] = [];
  for (const name of names) {
    if (isExplained(turn, names, name)) continue;
    const joined = parts.filter((part) => part.some((other) => isLinked(turn, hosts, name, other)));
    parts = [...parts.filter((part) => !joined.includes(part)), [name, ...joined.flat()]];
  }
  // What the graph does not place may be of either of two failures that it does: one kind alone must suffice.
  const placed = parts.filter(([name = '']) => isInGraph(rules.catalog, name)).length;
  return Math.max(placed, parts.length - placed);
}

/** Another of them reaches it. In a circle one of them has to be the first. */
function isExplained({ rules }: Turn, names: ReadonlySet<string>, name: string): boolean {
  const own = callersOf(rules, name);
  for (const other of names) {
    if (other === name || !callersOf(rules, other).has(name)) continue;
    if (!own.has(other) || other < name) return true;
  }
  return false;
}

/** They share what both call, or run on one machine. */
function isLinked(
  { rules: { catalog } }: Turn,
  hosts: readonly (readonly string[])[],
  one: string,
  other: string,
): boolean {
  if (hosts.some((there) => there.includes(one) && there.includes(other))) return true;
  const dependsOn = catalog.services.get(other)?.dependsOn ?? [];
  return (catalog.services.get(one)?.dependsOn ?? []).some((on) => dependsOn.includes(on));
}
