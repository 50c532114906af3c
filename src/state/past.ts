/**
 * What a tally knows of the past that today's alerts do not tell: when a service that fires again first failed in
 * its incident, which alert speaks for it, since when a check fails whose first alert is over.
 *
 * Kept as one small record for a service of an incident, only where it would be lost otherwise, so that whoever
 * loads the lane has the very tally that was there. For incidents of few alerts that is found out exactly; for
 * larger ones a record is written for each service whose change could matter.
 */
import { hash } from 'node:crypto';
import type { Alert, Incident } from '../model.ts';
import type { StateRecord } from '../store/contract.ts';
import { addPlace, type PlaceIndex } from './id-index.ts';
import { keyOf } from './keys.ts';
import { findLast } from './places.ts';
import { sorted } from './sorted.ts';
import {
  addToTally,
  type Check,
  checkKey,
  createService,
  createTally,
  type ServiceTally,
  type Tally,
} from './tally.ts';
import type { Steps } from './timers.ts';

/** Incident -> services. */
type Services = Map<string, Set<string>>;

export interface Pasts {
  /** Those that have a record. */
  readonly kept: Services;
  /** Those that may need another one, or none, since the last commit; where another process decides, to be derived anew. */
  readonly changed: Services;
}

export function createPasts(): Pasts {
  return { kept: new Map(), changed: new Map() };
}

/** What of a lane's state it reads and changes. */
interface Known {
  readonly alerts: ReadonlyMap<string, Alert>;
  readonly incidents: ReadonlyMap<string, Incident>;
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
  readonly tallies: Map<string, Tally>;
  readonly byService: PlaceIndex;
  readonly pasts: Pasts;
}

/** Of an incident with more it is not found out whether its alerts tell the same as its tally. */
const COMPARED_MAX = 16;

/** The order in which alerts make a tally again. */
export function isBefore(one: Alert, other: Alert): boolean {
  return (
    one.since < other.since || (one.since === other.since && one.fingerprint < other.fingerprint)
  );
}

/** An alert takes the place of what was known of it, or is forgotten; called before the tally knows. */
export function notePast(
  { tallies, pasts }: Pick<Known, 'tallies' | 'pasts'>,
  before: Alert | undefined,
  after: Alert | undefined,
): void {
  if (before?.incident === undefined) {
    if (after !== undefined && tellsMore(tallies, pasts, after)) noteService(pasts, after);
    return;
  }
  if (after !== undefined && countsTheSame(before, after)) return;
  if (tallies.has(before.incident)) noteService(pasts, before);
  if (after !== undefined) noteService(pasts, after);
}

function noteService({ changed }: Pasts, { incident, facts }: Alert): void {
  if (incident !== undefined) add(changed, incident, facts.service);
}

/** False for an alert newer than all of its service: a load would make the same tally of it. */
function tellsMore(
  tallies: ReadonlyMap<string, Tally>,
  { kept }: Pasts,
  { incident = '', facts: { service }, since }: Alert,
): boolean {
  const own = tallies.get(incident)?.services.get(service);
  if (own === undefined) return false;
  return since <= own.lastSince || own.alerts === 0 || kept.get(incident)?.has(service) === true;
}

function countsTheSame(before: Alert, after: Alert): boolean {
  return (
    before.incident === after.incident &&
    before.status === after.status &&
    before.since === after.since &&
    before.facts === after.facts &&
    before.endsAt === after.endsAt &&
    before.resolvedAt === after.resolvedAt &&
    before.heldUntil === after.heldUntil &&
    before.flap?.flapping === after.flap?.flapping
  );
}

/** It is over and forgotten, with its past. */
export function forgetPasts({ kept, changed }: Pasts, incident: string): void {
  const services = kept.get(incident);
  if (services === undefined) changed.delete(incident);
  else changed.set(incident, new Set(services));
}

/** Records that are others since the last commit; an undefined value is a record that is gone. */
export function takePasts(state: Known): readonly StateRecord[] {
  const records: StateRecord[] = [];
  const { kept, changed } = state.pasts;
  for (const [incident, services] of changed) {
    const derived = derivedOf(state, incident);
    for (const service of services) {
      const value = pastOf(state, incident, service, derived);
      if (value !== undefined) add(kept, incident, service);
      else if (!drop(kept, incident, service)) continue;
      records.push({ key: pastKey(incident, service), value });
    }
  }
  changed.clear();
  return records;
}

/** Names of services can be of any length. */
function pastKey(incident: string, service: string): string {
  return keyOf('past', `${incident}/${hash('sha1', service).slice(0, 16)}`);
}

/** The tally that a load would make of the alerts alone; undefined: there are too many to find out. */
function derivedOf(
  { alerts, members }: Pick<Known, 'alerts' | 'members'>,
  incident: string,
): Tally | undefined {
  const names = members.get(incident);
  if (names === undefined || names.size > COMPARED_MAX) return undefined;
  const all = [...names].flatMap((name) => alerts.get(name) ?? []);
  const tally = createTally();
  for (const alert of all.sort((one, other) => (isBefore(one, other) ? -1 : 1)))
    addToTally(tally, alert);
  return tally;
}

/** Its values in a fixed order, which is the format. Undefined: the alerts tell all of it. */
function pastOf(
  { tallies }: Known,
  incident: string,
  service: string,
  derived: Tally | undefined,
): readonly unknown[] | undefined {
  const tally = tallies.get(incident);
  const own = tally?.services.get(service);
  if (tally === undefined || own === undefined) return undefined;
  const told = valuesOf(tally, service, own);
  const other = derived?.services.get(service);
  const isTold =
    derived !== undefined &&
    other !== undefined &&
    JSON.stringify(valuesOf(derived, service, other)) === JSON.stringify(told);
  return isTold ? undefined : [incident, service, ...told];
}

function valuesOf(tally: Tally, service: string, own: ServiceTally): readonly unknown[] {
  const checks: unknown[] = [];
  for (const name of tally.kinds.keys()) {
    const check = tally.checks.get(checkKey(service, name));
    if (check !== undefined) checks.push(name, check.since, check.weight);
  }
  return [
    own.alerts,
    own.firing,
    own.firstSince,
    own.lastSince,
    own.lead,
    own.leadRank,
    own.leadFires,
    own.isMachine,
    own.clearedAt,
    own.lastedMs,
    own.endsAt,
    checks,
  ];
}

/**
 * Takes a record of the store, after all alerts. If it counts other alerts than there are, an earlier version,
 * which does not know such records, decided since: then the alerts are all there is to go by.
 */
export function restorePast(state: Known, record: unknown): void {
  // What pastOf put there; JSON made null of what was undefined.
  const [incident, service, ...told] = record as [string, string, ...unknown[]];
  const { tallies, incidents, byService, pasts } = state;
  add(pasts.kept, incident, service);
  const environment = incidents.get(incident)?.environment;
  const tally = tallies.get(incident);
  const known = tally?.services.get(service) ?? createService();
  const isOfNow = known.alerts === told[0] && known.firing === told[1];
  if (environment === undefined || tally === undefined || !isOfNow)
    return add(pasts.changed, incident, service);
  drop(pasts.changed, incident, service);
  if (known.alerts === 0) addPlace(byService, environment, service, incident);
  const own = serviceOf(known, told);
  tally.services.set(service, own);
  tally.lastSince = Math.max(tally.lastSince, own.lastSince);
  if (own.endsAt !== undefined) tally.lastEndsAt = Math.max(tally.lastEndsAt ?? 0, own.endsAt);
  findLast(tally);
  restoreChecks(tally, service, told[CHECKS] as readonly unknown[]);
}

/** Where the checks stand among the values. */
const CHECKS = 11;

function serviceOf(known: ServiceTally, told: readonly unknown[]): ServiceTally {
  const at = <T>(index: number): T => (told[index] ?? undefined) as T;
  return {
    alerts: known.alerts,
    firing: known.firing,
    firstSince: at(2),
    lastSince: at(3),
    starved: known.starved,
    lead: at(4),
    leadRank: at(5),
    leadFires: at(6),
    weight: known.weight,
    isMachine: at(7),
    clearedAt: at(8),
    lastedMs: at(9),
    endsAt: at(10),
  };
}

function restoreChecks(tally: Tally, service: string, values: readonly unknown[]): void {
  for (let index = 0; index < values.length; index += 3) {
    const key = checkKey(service, values[index] as string);
    const known = tally.checks.get(key);
    if (known === undefined) continue;
    putCheck(tally, key, {
      firing: known.firing,
      since: values[index + 1] as number,
      weight: values[index + 2] as number,
    });
  }
}

function putCheck(tally: Tally, key: string, check: Check): void {
  tally.weight += check.weight - (tally.checks.get(key)?.weight ?? 0);
  tally.checks.set(key, check);
}

/** Another process found that the alerts tell all of it again; `name` as in its key. */
export function removePast({ pasts }: Pick<Known, 'pasts'>, name: string): void {
  const [incident = ''] = name.split('/', 1);
  for (const service of pasts.kept.get(incident) ?? []) {
    if (pastKey(incident, service) !== keyOf('past', name)) continue;
    drop(pasts.kept, incident, service);
    add(pasts.changed, incident, service);
  }
}

/**
 * Of what another process decided, alerts come in another order than it heard of them, and not all of their changes.
 * What has no record of its past becomes what a load would make of its alerts. Nothing may change between the steps.
 */
export function* deriveAnew(state: Known): Steps {
  const { kept, changed } = state.pasts;
  for (const [incident, services] of changed) {
    const known = kept.get(incident);
    const names = new Set([...services].filter((name) => known?.has(name) !== true));
    if (names.size > 0) yield* deriveServices(state, incident, names);
    // Whoever leads next writes the others again.
    if (names.size === services.size) changed.delete(incident);
    else for (const name of names) services.delete(name);
  }
}

function* deriveServices(
  { alerts, members, tallies }: Known,
  incident: string,
  names: ReadonlySet<string>,
): Steps {
  const tally = tallies.get(incident);
  if (tally === undefined) return;
  const all: Alert[] = [];
  for (const member of members.get(incident) ?? []) {
    const alert = alerts.get(member);
    if (alert !== undefined && names.has(alert.facts.service)) all.push(alert);
    yield;
  }
  const derived = createTally();
  for (const alert of yield* sorted(all, isBefore)) {
    addToTally(derived, alert);
    yield;
  }
  for (const name of names) {
    const own = derived.services.get(name);
    if (own === undefined) tally.services.delete(name);
    else tally.services.set(name, own);
  }
  findLast(tally);
  for (const [key, check] of derived.checks) putCheck(tally, key, check);
}

function add(all: Services, incident: string, service: string): void {
  const services = all.get(incident);
  if (services === undefined) all.set(incident, new Set([service]));
  else services.add(service);
}

/** False when it was not there. */
function drop(all: Services, incident: string, service: string): boolean {
  const services = all.get(incident);
  if (services?.delete(service) !== true) return false;
  if (services.size === 0) all.delete(incident);
  return true;
}
