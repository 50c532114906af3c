/**
 * Which service (or host) most likely caused an incident. A service explains itself and the services that depend on
 * it. The order: who explains most services; where nobody explains another, a failing machine, then the most
 * alerts, because what is broken shows in more ways than what merely feels it; then the first to fail, then the
 * worst. The first candidates are kept with their reasons, for people to judge.
 */
import type { Incident, Instant, RootCandidate } from '../model.ts';
import { topOf } from '../state/sorted.ts';
import { alertsOf, tallyOf } from '../state/state.ts';
import type { ServiceTally, Tally } from '../state/tally.ts';
import type { Moment } from '../state/turn.ts';
import { type Callers, callersOf, isInGraph, pathTo } from './graph.ts';
import { hiddenCause } from './hidden.ts';
import { isStrangeSite, peersOf } from './peers.ts';

/** Candidates that people are shown. */
const SHOWN = 3;
/** Services weighed against each other, most alerts first: beyond that it is a storm, not a cascade. */
export const WEIGHED_MAX = 40;

/** Checks looked through for the first that goes on. */
const CHECKS_MAX = 4 * WEIGHED_MAX;
/** Alerts looked through for what they name, all or none: some of them would depend on who loaded them when. */
const ALERTS_MAX = 1_000;
const NOBODY: ReadonlySet<string> = new Set();
/** Without names nobody in a cluster calls anybody, and no catalog says so. */
const NAME_SERVICES: ReadonlySet<string> = new Set(['coredns', 'kube-dns', 'node-local-dns']);

/** A failure reaches its callers within this, and is noticed. */
const CASCADE_MS = 5 * 60_000;
/** Transients last less. */
const PASSING_MS = 5 * 60_000;
/** A cause may clear a little before its effects do. */
const CLEARED_MS = 2 * 60_000;
/** More than one warning. */
const SOLID_WEIGHT = 1.5;

/** A service with alerts in the incident. */
type Hit = readonly [string, ServiceTally];

interface Weighed {
  readonly service: string;
  readonly standing: number;
  readonly explained: number;
  readonly alerts: number;
  readonly tally: ServiceTally;
  readonly paths: readonly string[];
  /** Services that get too few requests because of it. */
  readonly starves: number;
  /** Services whose alerts name it as whom they call. */
  readonly named: ReadonlySet<string>;
}

export function rankRoots(moment: Moment, incident: Incident): readonly RootCandidate[] {
  const tally = tallyOf(moment.state, incident.id);
  const services = mostHit(tally);
  const outbreakAt = beganToFire(tally) - CASCADE_MS;
  const starving = starvingAmong(moment, services);
  const starved = new Set([...starving.values()].flat());
  const naming = namingSites(moment, incident, services);
  const scene = { services, outbreakAt, starving, starved, naming };
  const weighed = services.map((hit) => weigh(moment, incident, hit, scene));
  weighed.sort(better);
  const earliest = services.reduce(
    (min, [, own]) => Math.min(min, own.firstSince),
    Number.POSITIVE_INFINITY,
  );
  const candidates = weighed.slice(0, SHOWN).map((one) => candidate(one, tally, earliest));
  const explained = weighed[0]?.explained ?? 0;
  const first = hiddenCause(moment, incident, services, { starved, explained });
  return first === undefined ? candidates : [first, ...candidates].slice(0, SHOWN);
}

/** When the first of what fires steadily began to; never, if nothing does, or far too much to look through. */
function beganToFire({ checks }: Tally): Instant {
  let first = Number.POSITIVE_INFINITY;
  if (checks.size <= CHECKS_MAX)
    for (const { since } of checks.values()) first = Math.min(first, since);
  return first === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : first;
}

/** Those with most alerts; of as many, those that came first. Few are in no order. */
function mostHit({ services }: Tally): readonly Hit[] {
  const hit = [...services].filter(([, { alerts }]) => alerts > 0);
  return services.size > WEIGHED_MAX ? topOf(hit, WEIGHED_MAX, isHitMore) : hit;
}

function isHitMore(
  [one, { alerts, firstSince }]: Hit,
  [other, { alerts: otherAlerts, firstSince: otherSince }]: Hit,
): boolean {
  return (alerts - otherAlerts || otherSince - firstSince || (one < other ? 1 : -1)) > 0;
}

/** What every candidate is weighed against. */
interface Scene {
  readonly services: readonly Hit[];
  readonly outbreakAt: Instant;
  readonly starving: ReadonlyMap<string, readonly string[]>;
  /** All that something starves. */
  readonly starved: ReadonlySet<string>;
  readonly naming: ReadonlyMap<string, ReadonlySet<string>>;
}

function weigh(
  moment: Moment,
  incident: Incident,
  [service, own]: Hit,
  { services, outbreakAt, starving, starved: allStarved, naming }: Scene,
): Weighed {
  const named = naming.get(service) ?? NOBODY;
  const callers = callersOf(moment.rules, service);
  let explained = 1;
  let alerts = own.alerts;
  let longest: readonly string[] = [];
  const below = starving.get(service) ?? [];
  const starved = new Set(below);
  const reaches = reachOf(moment, service, callers, named);
  for (const [name, tally] of services) {
    if (name === service || !reaches(name)) continue;
    for (const hungry of starving.get(name) ?? []) starved.add(hungry);
    explained++;
    alerts += tally.alerts;
    const path = callers.has(name) ? pathTo(callers, service, name) : [];
    if (path.length > longest.length) longest = path;
  }
  for (const [name, tally] of services)
    if (name !== service && starved.has(name) && !reaches(name)) alerts += tally.alerts;
  const isStarved = allStarved.has(service);
  const standing = standingOf(own, incident, { outbreakAt, isStarved, now: moment.now });
  const starves = below.length;
  return { service, standing, explained, alerts, tally: own, paths: longest, starves, named };
}

/** What fails with a service: its callers; with what others name, these and their callers; with names everybody. */
function reachOf(
  { rules }: Moment,
  cause: string,
  callers: Callers,
  named: ReadonlySet<string>,
): (service: string) => boolean {
  if (NAME_SERVICES.has(cause)) return () => true;
  if (named.size === 0) return (service) => callers.has(service);
  const above = [callers, named, ...[...named].map((name) => callersOf(rules, name))];
  return (service) => above.some((its) => its.has(service));
}

/**
 * What merely passed by did not cause what goes on, however much depends on it. 0: its alerts were short and are
 * over, or were over long before the rest began (as when a message opens again). 1: a single warning that came when
 * the cascade was complete, or what only gets too few requests: who starves it is asked first. 2: all else.
 */
function standingOf(
  { firing, clearedAt, lastedMs, firstSince, weight }: ServiceTally,
  incident: Incident,
  {
    outbreakAt,
    isStarved,
    now,
  }: { readonly outbreakAt: Instant; readonly isStarved: boolean; readonly now: Instant },
): number {
  if (firing === 0 && clearedAt !== undefined) {
    if (clearedAt < outbreakAt) return 0;
    if (lastedMs < PASSING_MS && now - clearedAt > CLEARED_MS) return 0;
  }
  const isLate = firstSince - incident.gatheredAt >= CASCADE_MS;
  return isStarved || (isLate && weight < SOLID_WEIGHT) ? 1 : 2;
}

function better(one: Weighed, other: Weighed): number {
  return (
    other.standing - one.standing ||
    other.explained - one.explained ||
    (one.explained === 1 ? failingMachine(other) - failingMachine(one) : 0) ||
    (one.explained === 1 ? other.alerts - one.alerts : 0) ||
    one.tally.firstSince - other.tally.firstSince ||
    one.tally.leadRank - other.tally.leadRank ||
    (one.service < other.service ? -1 : 1)
  );
}

/** Services run on machines, and nobody says on which: one that fails in more ways than a single warning. */
function failingMachine({ tally: { isMachine, weight } }: Weighed): 0 | 1 {
  return isMachine && weight >= SOLID_WEIGHT ? 1 : 0;
}

/** The first candidate whose callers the graph knows: of a probe, or a machine, it says nothing. */
export function placedRoot(
  { rules: { catalog } }: Moment,
  { roots }: Incident,
): string | undefined {
  return roots.find(({ service }) => isInGraph(catalog, service))?.service;
}

function candidate(one: Weighed, tally: Tally, earliest: number): RootCandidate {
  const reasons: string[] = [];
  if (tally.services.size > 1 && one.tally.firstSince === earliest)
    reasons.push('it alerted first');
  if (tally.services.size > 1 && failingMachine(one) === 1)
    reasons.push('the machine itself fails');
  if (one.paths.length > 1) reasons.push(one.paths.join(' -> '));
  if (NAME_SERVICES.has(one.service) && one.explained > 1)
    reasons.push('all others find each other by it');
  const [namer] = [...one.named].sort();
  if (namer !== undefined)
    reasons.push(one.named.size === 1 ? `${namer} names it` : `${one.named.size} services name it`);
  if (one.starves > 0) reasons.push(`${one.starves} services behind it get too few requests`);
  if (one.tally.firing === 0) reasons.push('its own alerts have cleared');
  return {
    service: one.service,
    explains: one.alerts,
    of: tally.alerts,
    since: one.tally.firstSince,
    reasons,
  };
}

/** A failing site that no service of the catalog has, and the services whose alerts here name it as whom they call. */
function namingSites(
  { state, rules }: Moment,
  { id }: Incident,
  services: readonly Hit[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const naming = new Map<string, Set<string>>();
  for (const [service, { lead }] of services)
    if (isStrangeSite(state.alerts.get(lead))) naming.set(service, new Set());
  const alerts = state.members.get(id)?.size ?? 0;
  if (naming.size === 0 || alerts > ALERTS_MAX) return naming;
  for (const alert of alertsOf(state, id)) {
    for (const peer of peersOf(alert, rules.catalog)) naming.get(peer)?.add(alert.facts.service);
  }
  return naming;
}

/**
 * Which services starve which others. When several services that one caller uses say only that too few requests
 * come (state/starved.ts), the caller asks for less, because it fails or is starved itself: they are its effects,
 * although it depends on them.
 *
 * A single one may just as well be dead, with callers that fail for want of it, so one alone proves nothing. Nor
 * does a second one that is starved only through the first. A failing site that no service of the catalog has keeps
 * requests from all of them.
 */
function starvingAmong(
  moment: Moment,
  services: readonly Hit[],
): ReadonlyMap<string, readonly string[]> {
  const callers = new Map<string, Callers>();
  for (const [name, { alerts, starved }] of services)
    if (starved === alerts) callers.set(name, callersOf(moment.rules, name));
  const found = new Map<string, readonly string[]>();
  if (callers.size === 0) return found;
  for (const [caller, { lead }] of services) {
    if (isStrangeSite(moment.state.alerts.get(lead))) found.set(caller, [...callers.keys()]);
    const below = [...callers.keys()].filter((name) => callers.get(name)?.has(caller));
    if (countFirst(below, callers) === 2) found.set(caller, below);
  }
  return found;
}

/** How many of them none of the others calls; counts to two. */
function countFirst(below: readonly string[], callers: ReadonlyMap<string, Callers>): number {
  let first = 0;
  for (const name of below) {
    if (below.some((other) => callers.get(name)?.has(other))) continue;
    if (++first === 2) break;
  }
  return first;
}
