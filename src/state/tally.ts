/**
 * Running counts over the alerts of one incident, so that no question about an incident walks over
 * its alerts. Derived from the alerts; changed only by state.ts.
 */
import { type Alert, type Instant, PENALTY, SEVERITIES, type Severity } from '../model.ts';
import { saysTooFewCome } from './starved.ts';

export interface ServiceTally {
  alerts: number;
  firing: number;
  /** When the first and the last of its alerts were first heard of. */
  firstSince: Instant;
  lastSince: Instant;
  /** How many of its alerts say that too little comes in. */
  starved: number;
  /** The alert that speaks for the service: the worst that fires, then the earliest. */
  lead: string;
  leadRank: number;
  leadFires: boolean;
  /** The weights of its alerts added up, whether they fire or not: how much says that it is hit. */
  weight: number;
  /** A machine: its first alert is of the host itself, and not of a site that is probed by its URL. */
  readonly isMachine: boolean;
  /** When the last of those that ended did, and how long the longest of them had fired. */
  clearedAt: Instant | undefined;
  lastedMs: number;
  /** The same by their source's clock. */
  endsAt: Instant | undefined;
}

export interface Check {
  firing: number;
  readonly weight: number;
  /** Of the alert that it began with. */
  readonly since: Instant;
}

/** Information: no evidence of anything. */
export function isMild(severity: Severity): boolean {
  return WEIGHTS[severity] === 0;
}

export interface Tally {
  alerts: number;
  firing: number;
  flapping: number;
  /** When the last of its alerts was first heard of. */
  lastSince: Instant;
  /** When the last of those that ended did, by their source's clock. */
  lastEndsAt: Instant | undefined;
  /** Firing alerts by severity, worst first. */
  readonly severities: number[];
  readonly services: Map<string, ServiceTally>;
  /** How many services have an alert in it; those whose alerts all left do not count. */
  hit: number;
  readonly kinds: Map<string, number>;
  /** What fires steadily, by service and kind: a check that fails on two hosts counts once. */
  readonly checks: Map<string, Check>;
  /** The weights of those added up: how much speaks for an outage, and against a blip. */
  weight: number;
  /** Alerts of each service on each host; the service alone stands for a single alert, as most hosts have. */
  readonly hosts: Map<string, string | Map<string, number>>;
  /** How many of them have alerts of CROWD services or more. */
  crowded: number;
  readonly transactions: Map<string, number>;
}

export function createTally(): Tally {
  return {
    alerts: 0,
    firing: 0,
    flapping: 0,
    lastSince: 0,
    lastEndsAt: undefined,
    severities: SEVERITIES.map(() => 0),
    services: new Map(),
    hit: 0,
    kinds: new Map(),
    checks: new Map(),
    weight: 0,
    hosts: new Map(),
    crowded: 0,
    transactions: new Map(),
  };
}

export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

/** The worst severity that fires; undefined when nothing does. */
export function worstFiring(tally: Tally): Severity | undefined {
  return SEVERITIES[tally.severities.findIndex((count) => count > 0)];
}

/** The weight of a critical alert that is taken at its word. */
export const GRAVE = 3;

/** What a firing alert weighs as evidence. Information does not become urgent by being repeated. */
const WEIGHTS: Readonly<Record<Severity, number>> = {
  critical: GRAVE,
  high: 1.5,
  warning: 1,
  info: 0,
  none: 0,
};

/** A critical alert that its rule lets wait for longer is not taken at its word. */
const TAKEN_AT_WORD_MS = 4 * 60_000;

function weightOf({ facts, flap, since, heldUntil, awaitsWord }: Alert): number {
  // Nor is it a doubt that it is held for longer because it came and went.
  const times = Math.max(1, (flap?.penalty ?? PENALTY) / PENALTY);
  const isDoubted = !awaitsWord && heldUntil - since > TAKEN_AT_WORD_MS * times;
  return WEIGHTS[isDoubted && facts.severity === 'critical' ? 'high' : facts.severity];
}

/** More than one check has failed since `since`, information aside. */
export function failsInSeveralWays({ checks }: Tally, since: Instant): boolean {
  let failing = 0;
  for (const check of checks.values())
    if (check.weight > 0 && check.since <= since && ++failing > 1) return true;
  return false;
}

/** Of what a service fails with by this name. */
export function checkKey(service: string, name: string): string {
  return `${service}\n${name}`;
}

/** From the key of a check. */
export function serviceOfCheck(key: string): string {
  return key.slice(0, key.lastIndexOf('\n'));
}

function weigh(tally: Tally, alert: Alert, by: 1 | -1): void {
  if (alert.status !== 'firing' || alert.flap?.flapping === true) return;
  const key = checkKey(alert.facts.service, alert.facts.name);
  const known = tally.checks.get(key);
  const check = known ?? { firing: 0, weight: weightOf(alert), since: alert.since };
  if (check.firing === 0) {
    tally.checks.set(key, check);
    tally.weight += check.weight;
  }
  check.firing += by;
  if (check.firing > 0) return;
  tally.checks.delete(key);
  tally.weight -= check.weight;
}

export function addToTally(tally: Tally, alert: Alert): void {
  const { facts } = alert;
  const firing = alert.status === 'firing' ? 1 : 0;
  const rank = severityRank(facts.severity);
  tally.alerts++;
  tally.firing += firing;
  tally.severities[rank] = (tally.severities[rank] ?? 0) + firing;
  if (alert.flap?.flapping === true) tally.flapping++;
  if (alert.since > tally.lastSince) tally.lastSince = alert.since;
  if (alert.endsAt !== undefined) tally.lastEndsAt = Math.max(alert.endsAt, tally.lastEndsAt ?? 0);
  weigh(tally, alert, 1);
  if ((tally.services.get(facts.service)?.alerts ?? 0) === 0) tally.hit++;
  addService(tally.services, alert, firing, rank);
  count(tally.kinds, facts.name, 1);
  if (facts.host !== undefined) addHost(tally, facts.host, facts.service);
  for (const id of facts.transactions) count(tally.transactions, id, 1);
}

/** Takes the counts of an alert back. Firsts, lasts and leads stay: they tell what has been. */
export function removeFromTally(tally: Tally, alert: Alert): void {
  const { facts } = alert;
  const firing = alert.status === 'firing' ? 1 : 0;
  const rank = severityRank(facts.severity);
  tally.alerts--;
  tally.firing -= firing;
  tally.severities[rank] = (tally.severities[rank] ?? 0) - firing;
  if (alert.flap?.flapping === true) tally.flapping--;
  weigh(tally, alert, -1);
  const service = tally.services.get(facts.service);
  if (service !== undefined) {
    if (--service.alerts === 0) tally.hit--;
    service.firing -= firing;
    service.weight -= WEIGHTS[facts.severity];
    service.starved -= saysTooFewCome(facts.name) ? 1 : 0;
  }
  count(tally.kinds, facts.name, -1);
  if (facts.host !== undefined) removeHost(tally, facts.host, facts.service);
  for (const id of facts.transactions) count(tally.transactions, id, -1);
}

function addService(
  services: Map<string, ServiceTally>,
  alert: Alert,
  firing: number,
  rank: number,
): void {
  const name = alert.facts.service;
  const starved = saysTooFewCome(alert.facts.name) ? 1 : 0;
  const present = services.get(name);
  if (present === undefined) {
    services.set(name, {
      alerts: 1,
      firing,
      firstSince: alert.since,
      lastSince: alert.since,
      starved,
      lead: alert.fingerprint,
      leadRank: rank,
      leadFires: firing > 0,
      weight: WEIGHTS[alert.facts.severity],
      isMachine: isOfMachine(alert),
      clearedAt: alert.resolvedAt,
      lastedMs: lastedMs(alert),
      endsAt: alert.endsAt,
    });
    return;
  }
  present.alerts++;
  present.firing += firing;
  present.weight += WEIGHTS[alert.facts.severity];
  present.starved += starved;
  present.lastedMs = Math.max(present.lastedMs, lastedMs(alert));
  if (alert.resolvedAt !== undefined)
    present.clearedAt = Math.max(alert.resolvedAt, present.clearedAt ?? 0);
  if (alert.endsAt !== undefined) present.endsAt = Math.max(alert.endsAt, present.endsAt ?? 0);
  if (alert.since < present.firstSince) present.firstSince = alert.since;
  if (alert.since > present.lastSince) present.lastSince = alert.since;
  const isLead = present.lead === alert.fingerprint;
  const isWorse = !present.leadFires || rank < present.leadRank;
  if (!isLead && (firing === 0 || !isWorse)) return;
  present.lead = alert.fingerprint;
  present.leadRank = rank;
  present.leadFires = firing > 0;
}

/** One that has no alert, and had some: whoever makes it says what is known of those. */
export function createService(): ServiceTally {
  return {
    alerts: 0,
    firing: 0,
    firstSince: 0,
    lastSince: 0,
    starved: 0,
    lead: '',
    leadRank: 0,
    leadFires: false,
    weight: 0,
    isMachine: false,
    clearedAt: undefined,
    lastedMs: 0,
    endsAt: undefined,
  };
}

/** Which of two services failed first in an incident; not by the order in which a load finds them. */
function cameBefore(
  [one, { firstSince }]: readonly [string, ServiceTally],
  [other, { firstSince: otherSince }]: readonly [string, ServiceTally],
): boolean {
  return firstSince < otherSince || (firstSince === otherSince && one < other);
}

/** Those that have, or had, an alert in it, the first to fail first. */
export function inOrder(
  services: Iterable<readonly [string, ServiceTally]>,
): readonly (readonly [string, ServiceTally])[] {
  return [...services].sort((one, other) => (cameBefore(one, other) ? -1 : 1));
}

/** The first to fail of those that have an alert in it. */
export function firstService({ services }: Tally): string | undefined {
  let first: readonly [string, ServiceTally] | undefined;
  for (const one of services)
    if (one[1].alerts > 0 && (first === undefined || cameBefore(one, first))) first = one;
  return first?.[0];
}

function isOfMachine({ facts, labels }: Alert): boolean {
  return facts.service === facts.host && labels['instance']?.includes('://') !== true;
}

/** A host is a better explanation than any service from so many services on. */
export const CROWD = 3;

function addHost(tally: Tally, host: string, service: string): void {
  const present = tally.hosts.get(host);
  if (present === undefined) {
    tally.hosts.set(host, service);
    return;
  }
  const services = typeof present === 'string' ? new Map([[present, 1]]) : present;
  tally.hosts.set(host, services);
  countOnHost(tally, services, service, 1);
}

function countOnHost(
  tally: Tally,
  services: Map<string, number>,
  service: string,
  by: 1 | -1,
): void {
  if (services.size >= CROWD) tally.crowded--;
  count(services, service, by);
  if (services.size >= CROWD) tally.crowded++;
}

/** Whoever takes the last one off it forgets the host (places.ts). */
function removeHost(tally: Tally, host: string, service: string): void {
  const present = tally.hosts.get(host);
  if (present === service) tally.hosts.set(host, new Map());
  else if (present !== undefined && typeof present !== 'string')
    countOnHost(tally, present, service, -1);
}

/** Services with alerts on a host, and how many. */
export function servicesOn(tally: Tally, host: string): ReadonlyMap<string, number> {
  const present = tally.hosts.get(host) ?? NOTHING;
  return typeof present === 'string' ? new Map([[present, 1]]) : present;
}

const NOTHING: ReadonlyMap<string, number> = new Map();

function lastedMs({ resolvedAt, since }: Alert): number {
  return resolvedAt === undefined ? 0 : resolvedAt - since;
}

function count(counts: Map<string, number>, name: string, by: number): void {
  const now = (counts.get(name) ?? 0) + by;
  if (now > 0) counts.set(name, now);
  else counts.delete(name);
}

export function sharesTransaction({ transactions }: Tally): boolean {
  for (const alerts of transactions.values()) if (alerts > 1) return true;
  return false;
}
