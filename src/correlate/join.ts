/**
 * Which incident an alert belongs to, and what says so.
 *
 * Evidence in order of strength: a shared transaction ID, the service itself or a path of
 * dependencies, a shared host, equal labels where a rule asks for it, and where nobody said what depends
 * on what the mere time.
 */
import { isByTime, standsFor } from '../state/group-index.ts';
import { idsAt, idsOf, removePlace } from '../state/id-index.ts';
import type { Alert, Facts, Incident, Instant } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { tallyOf } from '../state/state.ts';
import { saysTooFewCome } from '../state/starved.ts';
import { isMild, type ServiceTally, servicesOn, type Tally } from '../state/tally.ts';
import { unlinkTransaction } from '../state/transaction-index.ts';
import type { Turn } from '../state/turn.ts';
import { dependency, isAllStarved } from './along.ts';
import { isCommonTransaction } from './common.ts';
import {
  byHost,
  byLabels,
  byService,
  byTime,
  byTransaction,
  type Match,
  matchOf,
} from './evidence.ts';
import { groupOf, keepsToItself, TOGETHER_MS } from './group.ts';
import { beganApart, onsetOf } from './onset.ts';
import {
  areApart,
  gathers,
  isJoinable,
  isOpenTo,
  isStraggler,
  isToldThere,
  mayJoin,
} from './may.ts';
import { WEIGHED_MAX } from './root.ts';

/** Alerts of kube-prometheus about a single run of a job: each run is another alert. */
const OF_RUNS: ReadonlySet<string> = new Set([
  'KubeJobFailed',
  'KubeJobCompletion',
  'KubeJobNotCompleted',
]);

/** An Alertmanager of default settings says so up to five minutes later. */
const SAID_LATER_MAX_MS = 6 * 60_000;

type Sought = Pick<Alert, 'labels' | 'facts' | 'source' | 'startsAt'>;

/** `barred`: what something links it to as well, and it may not join. */
interface Found {
  readonly matches: readonly Match[];
  readonly barred: readonly Match[];
}

/**
 * All incidents that the alert belongs to, and may join, the best first. More than one: they are to be merged.
 * `proven`: it has outlasted its hold, so that another place may be its own than where it stands, `from`.
 */
export function matchesOf(
  turn: Turn,
  alert: Sought,
  rule: CorrelateRule,
  proven?: { readonly from: Incident | undefined },
): Found {
  const { facts } = alert;
  const isProven = proven !== undefined;
  const barred: Match[] = [];
  const own = sameService(turn, alert, rule, isProven || !rule.on, proven?.from);
  if (!rule.on) return { matches: own === undefined ? [] : [own], barred };
  if (facts.transactions.length > 0) {
    const shared = allowed(turn, alert, sharedTransaction(turn, facts, rule), barred);
    if (shared.length > 0) return { matches: shared, barred };
  }
  // The service itself is the shortest path, and the common case: its neighbours need no asking.
  if (own !== undefined) {
    const there = allowed(turn, alert, failingHost(turn, facts, rule, own.incident), barred);
    return { matches: [own, ...there], barred };
  }
  const along = allowed(turn, alert, dependency(turn, facts, rule, isProven), barred);
  const [best, ...rest] = along.toSorted(closest);
  if (best !== undefined) {
    const more = rest.filter((match) => best.explains && match.explains);
    return { matches: [best, ...more], barred };
  }
  const onHost = allowed(turn, alert, sharedHost(turn, facts, rule), barred);
  if (onHost.length > 0) return { matches: onHost.toSorted(closest), barred };
  const group = groupOf(alert, rule, turn.rules.catalog);
  const match = group === undefined ? undefined : sharedGroup(turn, alert, group, rule, isProven);
  const matches = match === undefined ? [] : allowed(turn, alert, [match], barred);
  return { matches, barred };
}

/** Those that it may join; the others go to `barred`. */
function allowed(
  turn: Turn,
  alert: Sought,
  found: readonly Match[],
  barred: Match[],
): readonly Match[] {
  return found.filter((match) => mayJoin(turn, alert, match) || barred.push(match) === 0);
}

/**
 * The incident it was part of, `past`, is over, and by now its service has another message, or something that fires
 * explains it or starves it. An explanation counts even if nobody was told of it yet: a cause is known before it is
 * told, and waits for just such evidence. What people told apart does not count.
 */
export function belongsElsewhere(
  turn: Turn,
  alert: Alert,
  rule: CorrelateRule,
  past: Incident,
): boolean {
  if (!rule.on) return false;
  const { facts } = alert;
  const own = toldOf(turn, alert, rule, past);
  const isStarved = saysTooFewCome(facts.name);
  const explaining = dependency(turn, facts, rule, false).filter(
    ({ explains, incident }) =>
      isStarved || !explains || isAllStarved(tallyOf(turn.state, incident.id)),
  );
  return [...(own === undefined ? [] : [own]), ...explaining].some(
    (match) => !areApart(match.incident, past) && mayJoin(turn, alert, match),
  );
}

/** The message that stands for a service, besides the one that `from` would get. */
export function toldOf(
  turn: Turn,
  alert: Pick<Alert, 'facts' | 'labels'>,
  rule: CorrelateRule,
  from: Incident,
): Match | undefined {
  const match = sameService(turn, alert, rule, true, from);
  const isOpen = match?.incident.toldIn === 'message' && match.incident.resolvedAt === undefined;
  return isOpen ? match : undefined;
}

function closest(one: Match, other: Match): number {
  return (
    one.hops - other.hops ||
    one.apartMs - other.apartMs ||
    (one.incident.id < other.incident.id ? -1 : 1)
  );
}

function sharedTransaction(turn: Turn, facts: Facts, rule: CorrelateRule): Match[] {
  const { state, now } = turn;
  const { ttlMs } = turn.rules.transactions;
  const matches = new Map<string, Match>();
  for (const id of facts.transactions) {
    const use = state.byTransaction.uses.get(id);
    if (use === undefined) continue;
    if (now - use.lastAt > ttlMs) {
      unlinkTransaction(state.byTransaction, use);
      continue;
    }
    if (isCommonTransaction(turn, id, use)) continue;
    for (const name of use.incidents) {
      const incident = state.incidents.get(name);
      if (incident === undefined || matches.has(name)) continue;
      if (incident.environment !== facts.environment) continue;
      if (!isOpenTo(incident, { ...rule, spanMs: ttlMs }, now)) continue;
      const because = byTransaction(id, servicesWith(turn, use.services, name));
      matches.set(name, {
        incident,
        evidence: 'transaction',
        because,
        explains: true,
        hops: 0,
        apartMs: now - use.lastAt,
      });
    }
  }
  return [...matches.values()].sort(closest);
}

/** Some of those that carry it, in this incident. */
function servicesWith(
  { state }: Turn,
  services: ReadonlySet<string>,
  incident: string,
): readonly string[] {
  const there = tallyOf(state, incident).services;
  return [...services]
    .filter((name) => there.has(name))
    .sort()
    .slice(0, 3);
}

/** The incident that the service had its last alert in, of those that the alert may join. */
function sameService(
  turn: Turn,
  alert: Pick<Alert, 'facts' | 'labels'>,
  rule: CorrelateRule,
  proven: boolean,
  from: Incident | undefined,
): Match | undefined {
  const { state, now } = turn;
  const { facts } = alert;
  let best: Incident | undefined;
  let lastSince = 0;
  for (const id of idsAt(state.byService, facts.environment, facts.service)) {
    const incident = state.incidents.get(id);
    // Its last alert of another environment than its own left before it did.
    if (incident === undefined) removePlace(state.byService, facts.environment, facts.service, id);
    if (incident === undefined || incident === from) continue;
    if (!takesOwn(turn, incident, facts, rule)) continue;
    const tally = placeIn(turn, incident, facts, rule, proven);
    if (tally === undefined || (best !== undefined && tally.lastSince < lastSince)) continue;
    if (best !== undefined && tally.lastSince === lastSince && best.id < id) continue;
    if (!mayJoin(turn, alert, { incident, evidence: 'service' })) continue;
    best = incident;
    lastSince = tally.lastSince;
  }
  if (best === undefined) return undefined;
  return matchOf('service', best, byService(facts.service), now - lastSince);
}

/** A job fails again whose last run failed, and is still there to see: one message, however old. */
function takesOwn(
  { state, now }: Turn,
  incident: Incident,
  { service, name }: Facts,
  rule: CorrelateRule,
): boolean {
  if (isJoinable(incident, rule, now)) return true;
  const { id, toldIn, special, mergedInto, resolvedAt } = incident;
  if (!OF_RUNS.has(name) || toldIn !== 'message' || special !== undefined) return false;
  if (mergedInto !== undefined || resolvedAt !== undefined) return false;
  return tallyOf(state, id).checks.has(`${service}\n${name}`);
}

/** What the incident knows of the alert's service; undefined when the alert does not belong there. */
function placeIn(
  turn: Turn,
  incident: Incident,
  facts: Facts,
  rule: CorrelateRule,
  proven: boolean,
): ServiceTally | undefined {
  const whole = tallyOf(turn.state, incident.id);
  const tally = whole.services.get(facts.service);
  // Alerts that left took their service along.
  if (tally === undefined || tally.alerts === 0 || !isFresh(incident, tally, rule, turn.now))
    return undefined;
  if (!proven && isStraggler(facts, tally, rule, turn.now)) return undefined;
  const isShut = incident.resolvedAt === undefined && !gathers(incident, whole, facts.severity);
  return isShut ? undefined : tally;
}

/** A service counts while it fires, and where people were told of it for a window after its last new alert. */
function isFresh(
  incident: Incident,
  tally: ServiceTally,
  rule: CorrelateRule,
  now: Instant,
): boolean {
  if (tally.firing > 0) return true;
  return incident.toldIn === 'message' && now - tally.lastSince <= rule.windowMs;
}

/** Its service failed alone so far, and now also on a host where others fail: it is one with them. */
function failingHost(
  turn: Turn,
  facts: Facts,
  rule: CorrelateRule,
  own: Incident,
): readonly Match[] {
  const { host } = facts;
  if (host === undefined || own.toldIn === 'message' || keepsToItself(own.group)) return [];
  return sharedHost(turn, facts, rule).filter(
    ({ incident }) =>
      incident !== own && servicesOn(tallyOf(turn.state, incident.id), host).size > 1,
  );
}

function sharedHost(turn: Turn, facts: Facts, rule: CorrelateRule): Match[] {
  const { state, now } = turn;
  const { host } = facts;
  if (host === undefined) return [];
  const matches: Match[] = [];
  for (const id of idsOf(state.byHost, host)) {
    const incident = state.incidents.get(id);
    if (incident === undefined || !isOpenTo(incident, rule, now)) continue;
    const tally = tallyOf(state, incident.id);
    const apartMs = now - tally.lastSince;
    if (apartMs > rule.windowMs || !gathers(incident, tally, facts.severity)) continue;
    if (!isAboutHost(tally, host)) continue;
    matches.push(matchOf('host', incident, byHost(host, apartMs), apartMs));
  }
  return matches;
}

/**
 * A host carries several services, so one alert on it proves nothing. Either the host itself fails, or all services
 * hit but one at most have alerts there and nowhere else. If only one service is hit, all of its alerts must be
 * there.
 */
function isAboutHost(tally: Tally, host: string): boolean {
  const there = servicesOn(tally, host);
  if (there.has(host)) return true;
  if (tally.hit > 1) return isOnlyOn(tally, host, Math.max(2, tally.hit - 1));
  let alerts = 0;
  for (const count of there.values()) alerts += count;
  return alerts === tally.alerts;
}

/** At least so many services have alerts on this host and on no other. False for an incident on very many hosts. */
function isOnlyOn(tally: Tally, host: string, services: number): boolean {
  const { hosts } = tally;
  if (hosts.size > WEIGHED_MAX) return false;
  const there = new Set(servicesOn(tally, host).keys());
  for (const other of hosts.keys()) {
    if (there.size < services) return false;
    if (other === host) continue;
    for (const service of servicesOn(tally, other).keys()) there.delete(service);
  }
  return there.size >= services;
}

function sharedGroup(
  turn: Turn,
  alert: Sought,
  group: string,
  rule: CorrelateRule,
  proven: boolean,
): Match | undefined {
  const { state, now } = turn;
  const { facts } = alert;
  const incident = state.incidents.get(standsFor(state.byGroup, group) ?? '');
  if (incident === undefined || !isJoinable(incident, rule, now)) return undefined;
  const tally = tallyOf(state, incident.id);
  const apartMs = now - tally.lastSince;
  if (!isByTime(group)) {
    if (apartMs > rule.windowMs) return undefined;
    const because = byLabels(rule.by, group.split('\n').slice(2));
    return matchOf('labels', incident, because, apartMs);
  }
  const beganMs = togetherMs(turn, alert, incident);
  if (beganMs > (proven ? rule.windowMs : TOGETHER_MS) || isMild(facts.severity)) return undefined;
  if (!gathers(incident, tally, facts.severity) || !isToldThere(turn, incident, alert))
    return undefined;
  return matchOf('time', incident, byTime(beganMs, facts.service), apartMs);
}

/**
 * How far apart they began: by the sources' clocks or by when they were heard of, whichever is less. An alert that
 * has fired for longer than any source takes to say so comes to a new listener with all others: only its beginning
 * counts.
 */
function togetherMs({ now }: Turn, alert: Sought, incident: Incident): number {
  const { startsAt } = alert;
  const begunMs = beganApart({ beganAt: onsetOf(alert), startsAt }, incident);
  const heardMs = Math.abs(now - incident.gatheredAt);
  return now - alert.startsAt > SAID_LATER_MAX_MS ? begunMs : Math.min(heardMs, begunMs);
}
