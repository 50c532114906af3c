/**
 * A likely cause without an alert of its own in the incident: the machine that the failing services run on, a
 * silent service that they call, or something outside the catalog that they name.
 */
import type { Incident, Instant, RootCandidate } from '../model.ts';
import { idsAt } from '../state/id-index.ts';
import { type LaneState, tallyOf } from '../state/state.ts';
import { CROWD, type ServiceTally, type Tally } from '../state/tally.ts';
import type { Moment } from '../state/turn.ts';
import { callersOf } from './graph.ts';
import { TOGETHER_MS } from './group.ts';
import { peersOf } from './peers.ts';

/** Direct callers that fail. */
export const CALLERS_MIN = 3;
/** Services that are asked whether they name the same from outside. */
const PEERS_ASKED_MAX = 8;

type Hit = readonly (readonly [string, ServiceTally])[];

/**
 * `services`: those with alerts. `starved`: of those, the ones that get too few requests because of others.
 * `explained`: how many of them the best candidate explains, itself included.
 */
export function hiddenCause(
  moment: Moment,
  incident: Incident,
  services: Hit,
  { starved, explained }: { readonly starved: ReadonlySet<string>; readonly explained: number },
): RootCandidate | undefined {
  const tally = tallyOf(moment.state, incident.id);
  const fed = services.filter(([name]) => !starved.has(name));
  return (
    hostCandidate(tally, explained) ??
    silentCandidate(moment, incident, fed, explained) ??
    outsideCandidate(moment, tally, services, explained)
  );
}

/** A host on which most of the hit services run explains them when no service does. */
function hostCandidate(tally: Tally, explained: number): RootCandidate | undefined {
  if (tally.crowded === 0) return undefined;
  const [host, services] = crowdedHost(tally);
  if (host === undefined || services.size <= explained) return undefined;
  const explains = [...services.values()].reduce((sum, alerts) => sum + alerts, 0);
  const since = [...services.keys()].reduce(
    (min, name) => Math.min(min, tally.services.get(name)?.firstSince ?? min),
    Number.POSITIVE_INFINITY,
  );
  return {
    service: host,
    explains,
    of: tally.alerts,
    since,
    reasons: [`${services.size} services on host ${host} alert`],
  };
}

/** With most services, and of as many the first by name; undefined: none has so many that it counts. */
function crowdedHost({ hosts }: Tally): readonly [string | undefined, ReadonlyMap<string, number>] {
  let most: readonly [string | undefined, ReadonlyMap<string, number>] = [undefined, new Map()];
  for (const [host, services] of hosts) {
    if (typeof services === 'string' || services.size < CROWD) continue;
    const [first = host, { size }] = most;
    if (services.size > size || (services.size === size && host < first)) most = [host, services];
  }
  return most;
}

/**
 * A silent service that several of them call: a database without a check of its own, or whose check is late, or
 * silenced. Two services that share something fail together by chance too often, so three are asked for. Nearly
 * everything shares a hub, so a hub is never the answer.
 */
function silentCandidate(
  moment: Moment,
  incident: Incident,
  services: Hit,
  most: number,
): RootCandidate | undefined {
  const tally = tallyOf(moment.state, incident.id);
  const silent = silentCause(moment, incident, tally, services);
  if (silent === undefined || silent.explained.length <= most) return undefined;
  const { service, explained, callers } = silent;
  return {
    service,
    explains: explained.reduce((sum, [, { alerts }]) => sum + alerts, 0),
    of: tally.alerts,
    since: Math.min(...explained.map(([, { firstSince }]) => firstSince)),
    reasons: [`${callers} services that call it alert, and it has no alert here`],
  };
}

/** A name from outside the catalog that most of them say: two at least, where none explains another. */
function outsideCandidate(
  { state, rules }: Moment,
  tally: Tally,
  services: Hit,
  explained: number,
): RootCandidate | undefined {
  if (services.length < 2 || services.length > PEERS_ASKED_MAX || explained !== 1) return undefined;
  const naming = new Map<string, ServiceTally[]>();
  for (const [, own] of services) {
    const lead = state.alerts.get(own.lead);
    if (lead === undefined) continue;
    for (const peer of peersOf(lead, rules.catalog)) {
      if (tally.hosts.has(peer) || state.commonNames.has(peer)) continue;
      naming.set(peer, [...(naming.get(peer) ?? []), own]);
    }
  }
  const [first] = [...naming].toSorted(
    ([a, one], [b, other]) => other.length - one.length || (a < b ? -1 : 1),
  );
  if (first === undefined || first[1].length < 2 || first[1].length <= services.length / 2)
    return undefined;
  const [service, who] = first;
  return {
    service,
    explains: who.reduce((sum, { alerts }) => sum + alerts, 0),
    of: tally.alerts,
    since: Math.min(...who.map(({ firstSince }) => firstSince)),
    reasons: [`${who.length} services that share nothing in the catalog name it`],
  };
}

interface SilentCause {
  readonly service: string;
  /** Those that alert and call it, directly or not. */
  readonly explained: Hit;
  readonly callers: number;
}

/**
 * The service without an alert that most of the incident's services share; of several the one with the fewest other
 * callers.
 */
function silentCause(
  moment: Moment,
  { environment }: Incident,
  tally: Tally,
  services: Hit,
): SilentCause | undefined {
  if (services.length < CALLERS_MIN) return undefined;
  let best: SilentCause | undefined;
  for (const [service, began] of sharedBy(moment, services)) {
    if (!areTogether(began) || callersAt(moment, service).length > moment.rules.hubCallers)
      continue;
    if ((tally.services.get(service)?.alerts ?? 0) > 0) continue;
    // It speaks elsewhere: people split the two, for instance.
    if (firesIn(moment.state, environment, service)) continue;
    const reached = callersOf(moment.rules, service);
    const explained = services.filter(([name]) => reached.has(name));
    const found = { service, explained, callers: began.length };
    if (best === undefined || isBetter(moment, found, best)) best = found;
  }
  return best;
}

/** What services call, and when each of them began to fail. */
function sharedBy({ rules }: Moment, services: Hit): ReadonlyMap<string, readonly Instant[]> {
  const shared = new Map<string, Instant[]>();
  for (const [name, { firstSince }] of services) {
    for (const on of rules.catalog.services.get(name)?.dependsOn ?? []) {
      const began = shared.get(on);
      if (began === undefined) shared.set(on, [firstSince]);
      else began.push(firstSince);
    }
  }
  return shared;
}

/** Enough of them began to fail at once. */
function areTogether(began: readonly Instant[]): boolean {
  const inOrder = began.toSorted((one, other) => one - other);
  return inOrder.some(
    (at, index) => (inOrder[index + CALLERS_MIN - 1] ?? Infinity) - at <= TOGETHER_MS,
  );
}

function isBetter(moment: Moment, one: SilentCause, other: SilentCause): boolean {
  const more = one.explained.length - other.explained.length;
  const fewer = callersAt(moment, other.service).length - callersAt(moment, one.service).length;
  return (more || fewer || (one.service < other.service ? 1 : -1)) > 0;
}

export function callersAt({ rules }: Moment, service: string): readonly string[] {
  return rules.catalog.callers.get(service) ?? [];
}

function firesIn(state: LaneState, environment: string, service: string): boolean {
  for (const id of idsAt(state.byService, environment, service))
    if ((tallyOf(state, id).services.get(service)?.firing ?? 0) > 0) return true;
  return false;
}
