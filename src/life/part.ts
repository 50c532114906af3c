/**
 * People know better: `split payments` makes an incident of its own of a service's alerts, `unsplit` joins them
 * again. Evidence does not undo a split (correlate/may.ts). For a month it also holds for what was split off and
 * the likely cause of what it was split from, when both fail again.
 */
import { partingName } from '../correlate/may.ts';
import { mergeIncidents, shareMoved, shareOf } from '../correlate/merge.ts';
import { onsetOf } from '../correlate/onset.ts';
import { reroot } from '../correlate/place.ts';
import type { Alert, Incident } from '../model.ts';
import { resolveName } from '../rules/catalog.ts';
import { isBefore } from '../state/past.ts';
import type { Parting } from '../state/small-records.ts';
import {
  alertsOf,
  type LaneState,
  putAlert,
  putSmall,
  removeSmall,
  survivorOf,
  tallyOf,
  dropOldest,
} from '../state/state.ts';
import { worstFiring } from '../state/tally.ts';
import { change, note, type Turn, noteIncident } from '../state/turn.ts';
import { orderReply } from './reply.ts';
import { alertWith } from '../state/with.ts';
import { causeOf } from './lead.ts';
import { openIncident } from './open.ts';
import { show } from './show.ts';
import { tellSplit } from './tell.ts';

const DAY_MS = 24 * 60 * 60_000;
/** After that the catalog, or the services, are others. */
const REMEMBERED_MS = 30 * DAY_MS;
/** Beyond that the oldest go. */
const PARTINGS_MAX = 500;

/**
 * `names`: services by their names or aliases, with spaces or commas between. Answers with a line in the thread,
 * also when that would leave one of the two without anything that fires, or names what does not fire here.
 */
export function split(turn: Turn, incident: Incident, user: string, names: string): void {
  const { services, alerts } = firingOf(turn, incident);
  const { canonical } = turn.rules.catalog;
  const asked = new Set(
    names
      .split(/[\s,]+/)
      .filter((name) => name !== '')
      .map((name) => resolveName(canonical, name) ?? name),
  );
  const leaving = alerts.filter(({ facts }) => asked.has(facts.service));
  const [first] = leaving.filter(({ status }) => status === 'firing');
  const stays = [...services].some((name) => !asked.has(name));
  if (first === undefined || !stays || [...asked].some((name) => !services.has(name))) {
    const because = `${user} asked to split off ${names.trim() || 'nothing'}`;
    note(turn, 'ignored', { incident: incident.id, because });
    orderReply(turn, incident, { kind: 'not-split', user, services: [...services].sort() });
    return;
  }
  const leavers = new Set(leaving.map(({ fingerprint }) => fingerprint));
  if (shareOf(turn.state, leavers) > 1) {
    const because = `${user} asked to split off ${leaving.length} alerts, too many to be moved at once`;
    note(turn, 'ignored', { incident: incident.id, because });
    orderReply(turn, incident, { kind: 'not-split', user, services: [], tooLarge: true });
    return;
  }
  const own = moved(turn, incident, leaving, first);
  const rest = alerts.filter(({ facts }) => !asked.has(facts.service));
  const because = `${user} split it off ${incident.id}`;
  note(turn, 'split', { incident: own.id, service: first.facts.service, because });
  const left = judged(turn, apart(turn, incident, own.id), rest);
  const from = causeOf(turn.state, left) ?? '';
  rememberParting(turn, left, asked, { from, user });
  const told = orderReply(turn, left, {
    kind: 'split',
    user,
    services: [...asked].sort(),
    incident: own.id,
    from,
  });
  const named = [...asked].sort().join(', ');
  noteIncident(turn, 'split', told, `${user} split off ${named} as ${own.id}`);
  show(turn, told);
  tellSplit(turn, judged(turn, own, leaving), because);
}

/** Whatever was split from the incident, or what it was split from, becomes one with it again, now and later. */
export function unsplit(turn: Turn, incident: Incident, user: string): void {
  const others = partsOf(turn, incident);
  const services = forgetPartings(turn, incident, others);
  if (others.length === 0) {
    const shown = services.length === 0 ? incident : show(turn, incident);
    return void orderReply(turn, shown, { kind: 'not-unsplit', user, services });
  }
  let one = change(turn, incident, { apartFrom: undefined });
  let room = 1;
  const tooLarge: string[] = [];
  for (const other of others) {
    const share = shareMoved(turn.state, one, other);
    if (share > room) {
      tooLarge.push(other.id);
      continue;
    }
    room -= share;
    const apartFrom = other.apartFrom?.filter(
      (id) => survivorOf(turn.state, id)?.id !== incident.id,
    );
    const free = change(turn, other, {
      apartFrom: apartFrom?.length === 0 ? undefined : apartFrom,
    });
    const link = { service: one.roots[0]?.service ?? '', because: `${user} says so` };
    one = mergeIncidents(turn, one, free, link);
  }
  const shown = show(turn, reroot(turn, one));
  if (tooLarge.length > 0) stayApart(turn, shown, user, tooLarge);
}

function stayApart(turn: Turn, incident: Incident, user: string, others: readonly string[]): void {
  const because = `${user} asked to make it one with ${others.join(', ')}: too many alerts would have to move at once`;
  note(turn, 'ignored', { incident: incident.id, because });
  const apart = change(turn, incident, { apartFrom: [...(incident.apartFrom ?? []), ...others] });
  orderReply(turn, apart, { kind: 'not-unsplit', user, services: [], tooLarge: true });
}

/** What people told apart from it, as it is now: some became part of others since. */
function partsOf(turn: Turn, { id, apartFrom }: Incident): readonly Incident[] {
  const parts = new Map<string, Incident>();
  for (const name of apartFrom ?? []) {
    const part = survivorOf(turn.state, name);
    if (part !== undefined && part.id !== id) parts.set(part.id, part);
  }
  return [...parts.values()];
}

function firingOf({ state }: Turn, { id }: Incident) {
  const services = new Set<string>();
  const alerts = [...alertsOf(state, id)].sort((one, other) => (isBefore(one, other) ? -1 : 1));
  for (const { status, facts } of alerts) if (status === 'firing') services.add(facts.service);
  return { services, alerts };
}

function moved(turn: Turn, from: Incident, alerts: readonly Alert[], first: Alert): Incident {
  const { state, now } = turn;
  const own = openIncident(state, first.fingerprint, now, first, { apartFrom: [from.id] });
  for (const alert of alerts) putAlert(state, alertWith(alert, { incident: own.id }));
  return own;
}

function apart(turn: Turn, incident: Incident, from: string): Incident {
  return change(turn, incident, { apartFrom: [...(incident.apartFrom ?? []), from] });
}

/** Its beginning, its cause and its severity, by the alerts that are in it now. */
function judged(turn: Turn, incident: Incident, alerts: readonly Alert[]): Incident {
  const severity = worstFiring(tallyOf(turn.state, incident.id)) ?? incident.severity;
  let startsAt = Number.POSITIVE_INFINITY;
  let onset = Number.POSITIVE_INFINITY;
  for (const alert of alerts) {
    if (alert.status !== 'firing') continue;
    startsAt = Math.min(startsAt, alert.startsAt);
    onset = Math.min(onset, onsetOf(alert));
  }
  const beganAt = incident.group === undefined || onset === startsAt ? undefined : onset;
  return reroot(turn, change(turn, incident, { severity, startsAt, beganAt }));
}

/** `user` split these services off an incident; `from` is the likely cause of what is left of it. */
function rememberParting(
  { state, now }: Turn,
  { environment }: Incident,
  services: Iterable<string>,
  { from, user }: { readonly from: string; readonly user: string },
): void {
  for (const service of services) {
    const name = partingName(environment, service, from);
    const parting: Parting = {
      environment,
      services: [service, from],
      by: user,
      at: now,
      until: now + REMEMBERED_MS,
    };
    putSmall(state, 'parting', name, parting);
  }
  for (const [name, { until }] of state.partings)
    if (until <= now) removeSmall(state, 'parting', name);
  dropOldest(state, 'parting', PARTINGS_MAX);
}

/**
 * Forgets what was said of a service of `incident` and one of `others`; without others of its likely cause and any.
 * Returns what that is no longer kept apart from.
 */
function forgetPartings(
  { state, now }: Turn,
  incident: Incident,
  others: readonly Incident[],
): readonly string[] {
  const isAlone = others.length === 0;
  const own = new Set(isAlone ? [causeOf(state, incident)] : servicesOf(state, incident));
  const there = new Set(others.flatMap((other) => [...servicesOf(state, other)]));
  const isOther = (name: string): boolean => isAlone || there.has(name);
  const forgotten = new Set<string>();
  for (const [name, { environment, services, until }] of state.partings) {
    if (environment !== incident.environment) continue;
    const [one, other] = services;
    const isIt = (own.has(one) && isOther(other)) || (own.has(other) && isOther(one));
    if (!isIt) continue;
    removeSmall(state, 'parting', name);
    if (until > now) forgotten.add(own.has(one) ? other : one);
  }
  return [...forgotten].sort();
}

function servicesOf(state: LaneState, { id }: Incident): Iterable<string | undefined> {
  return tallyOf(state, id).services.keys();
}
