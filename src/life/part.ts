/**
 * People know better: `split payments` makes an incident of its own of a service's alerts, `unsplit` makes
 * them one again. Evidence does not undo a split: what people told apart stays apart.
 */
import { mergeIncidents } from '../correlate/merge.ts';
import { reroot } from '../correlate/place.ts';
import type { Alert, Incident } from '../model.ts';
import { resolveName } from '../rules/catalog.ts';
import { putAlert, tallyOf } from '../state.ts';
import { worstFiring } from '../tally.ts';
import { change, note, orderReply, type Turn } from '../turn.ts';
import { openIncident } from './open.ts';
import { show } from './show.ts';
import { tellSplit } from './tell.ts';

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
  const own = moved(turn, incident, leaving, first);
  const because = `${user} split it off ${incident.id}`;
  note(turn, 'split', { incident: own.id, service: first.facts.service, because });
  const told = orderReply(turn, judged(turn, apart(turn, incident, own.id)), {
    kind: 'split',
    user,
    services: [...asked].sort(),
    incident: own.id,
  });
  note(turn, 'split', {
    incident: incident.id,
    service: told.roots[0]?.service,
    because: `${user} split off ${[...asked].sort().join(', ')} as ${own.id}`,
  });
  show(turn, told);
  tellSplit(turn, judged(turn, own), because);
}

/** Whatever was split from the incident, or what it was split from, becomes one with it again. */
export function unsplit(turn: Turn, incident: Incident, user: string): void {
  const { state } = turn;
  const others = (incident.apartFrom ?? []).flatMap((id) => state.incidents.get(id) ?? []);
  let one = change(turn, incident, { apartFrom: undefined });
  if (others.length === 0)
    return void orderReply(turn, one, { kind: 'not-unsplit', user, services: [] });
  for (const other of others) {
    const { id } = one;
    const left = other.apartFrom?.filter((name) => name !== id) ?? [];
    const free = change(turn, other, { apartFrom: left.length === 0 ? undefined : left });
    if (free.mergedInto !== undefined) continue;
    const link = { service: one.roots[0]?.service ?? '', because: `${user} says so` };
    one = mergeIncidents(turn, one, free, link);
  }
  show(turn, judged(turn, one));
}

function firingOf({ state }: Turn, { id }: Incident) {
  const services = new Set<string>();
  const alerts: Alert[] = [];
  for (const fingerprint of state.members.get(id) ?? []) {
    const alert = state.alerts.get(fingerprint);
    if (alert === undefined) continue;
    alerts.push(alert);
    if (alert.status === 'firing') services.add(alert.facts.service);
  }
  return { services, alerts };
}

function moved(turn: Turn, from: Incident, alerts: readonly Alert[], first: Alert): Incident {
  const { state, now } = turn;
  const own = openIncident(state, first.fingerprint, now, first, { apartFrom: [from.id] });
  for (const alert of alerts) putAlert(state, { ...alert, incident: own.id });
  const startsAt = Math.min(...alerts.map((alert) => alert.startsAt));
  return change(turn, own, { startsAt });
}

function apart(turn: Turn, incident: Incident, from: string): Incident {
  return change(turn, incident, { apartFrom: [...(incident.apartFrom ?? []), from] });
}

/** Its cause and its severity, by what is left in it. */
function judged(turn: Turn, incident: Incident): Incident {
  const severity = worstFiring(tallyOf(turn.state, incident.id)) ?? incident.severity;
  return reroot(turn, change(turn, incident, { severity }));
}
