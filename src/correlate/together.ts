/**
 * What fails in three places at once that nothing links: no edge of the graph, no service that they share, no host.
 *
 * Three failures that last and have nothing to do with each other hardly ever begin within minutes. What they come from, a
 * network, a node, a provider, is not in the catalog then, and so the catalog does not know whom else it hits.
 */
import { toldAround } from '../group-index.ts';
import type { Alert, Incident, Instant } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { tallyOf } from '../state.ts';
import { serviceOfCheck, servicesOn } from '../tally.ts';
import type { Turn } from '../turn.ts';
import { byTogether } from './evidence.ts';
import { callersOf } from './graph.ts';
import { isInGraph, TOGETHER_MS } from './group.ts';
import type { Match } from './joinable.ts';
import { WEIGHED_MAX } from './root.ts';
import { beganOf, goesByTime, takesTogether } from './standing.ts';

/** Two may be a coincidence; where messages come all the time, three and more. */
const PLACES_MIN = 3;
/** Before that, what is usual is counted for so long. */
const BEFORE_MS = 12 * 60_000;

/** The messages of what began with it, if all of that together fails in three places or more. */
export function togetherWith(
  turn: Turn,
  incident: Incident,
  speaker: Alert,
  rule: CorrelateRule,
): readonly Match[] {
  const { state } = turn;
  if (!goesByTime(turn, incident, speaker, rule)) return [];
  const began = beganOf(incident);
  const others: Incident[] = [];
  for (const id of toldAround(state.byGroup, incident.environment, began, TOGETHER_MS)) {
    const other = state.incidents.get(id);
    if (other === undefined || id === incident.id || others.includes(other)) continue;
    if (other.resolvedAt !== undefined || Math.abs(beganOf(other) - began) > TOGETHER_MS) continue;
    if (takesTogether(turn, other, speaker, rule)) others.push(other);
  }
  if (others.length === 0) return [];
  const places = placesOf(turn, [incident, ...others]);
  if (places < PLACES_MIN + toldBefore(turn, incident, began - TOGETHER_MS)) return [];
  return others.map((other) => {
    const apartMs = Math.abs(beganOf(other) - began);
    const because = byTogether(places, apartMs);
    return { incident: other, evidence: 'time', because, explains: false, hops: 0, apartMs };
  });
}

/** Messages of what began in the minutes before. */
function toldBefore({ state }: Turn, { environment }: Incident, until: Instant): number {
  const told = new Set<string>();
  const half = BEFORE_MS / 2;
  for (const id of toldAround(state.byGroup, environment, until - half, half)) {
    const other = state.incidents.get(id);
    if (other !== undefined && beganOf(other) < until) told.add(id);
  }
  return told.size;
}

/** How many parts what fires in them falls into, of the graph or beyond it; one, if it is too much to look through. */
function placesOf(turn: Turn, incidents: readonly Incident[]): number {
  const { state } = turn;
  const names = new Set<string>();
  const hosts: (readonly string[])[] = [];
  for (const { id } of incidents) {
    const tally = tallyOf(state, id);
    if (tally.services.size > WEIGHED_MAX || tally.hosts.size > WEIGHED_MAX) return 1;
    // What a transaction or a person put together says nothing of what happened elsewhere.
    if ([...tally.transactions.values()].some((alerts) => alerts > 1)) return 1;
    for (const key of tally.checks.keys()) names.add(serviceOfCheck(key));
    for (const host of tally.hosts.keys()) hosts.push([...servicesOn(tally, host).keys(), host]);
  }
  if (names.size > WEIGHED_MAX) return 1;
  let parts: readonly (readonly string[])[] = [];
  for (const name of names) {
    const joined = parts.filter((part) => part.some((other) => isLinked(turn, hosts, name, other)));
    parts = [...parts.filter((part) => !joined.includes(part)), [name, ...joined.flat()]];
  }
  // What the graph does not place may be of either of two failures that it does: one kind alone must suffice.
  const placed = parts.filter(([name = '']) => isInGraph(turn.rules.catalog, name)).length;
  return Math.max(placed, parts.length - placed);
}

/** One reaches the other, they share what both call, or they run on one machine. */
function isLinked(
  { rules: { catalog, hubCallers } }: Turn,
  hosts: readonly (readonly string[])[],
  one: string,
  other: string,
): boolean {
  if (callersOf(catalog, hubCallers, one).has(other)) return true;
  if (callersOf(catalog, hubCallers, other).has(one)) return true;
  if (hosts.some((there) => there.includes(one) && there.includes(other))) return true;
  const dependsOn = catalog.services.get(other)?.dependsOn ?? [];
  return (catalog.services.get(one)?.dependsOn ?? []).some((on) => dependsOn.includes(on));
}
