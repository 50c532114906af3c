/**
 * When an incident is told, and where.
 *
 * It gathers unseen until one of its alerts has outlasted its hold, or until the evidence suffices:
 * several things failing at once are an outage, not a blip. Blips come in small cascades too (a
 * service and two of its callers, for some minutes), so the evidence is weighed by severity.
 */
import type { Alert, Incident, Instant, RouteDecision } from '../model.ts';
import { rankRoots } from '../correlate/root.ts';
import { tallyOf } from '../state.ts';
import { change, isQuiet, note, orderReply, type Turn } from '../turn.ts';
import { addToDigest } from './digest.ts';
import { armEscalation } from './escalation.ts';
import { inWords } from './in-words.ts';
import { leadOf, nobody, subjectOfIncident } from './lead.ts';
import { show } from './show.ts';
import { countTelling, joinsStorm } from './storm.ts';

/** Three warnings are a blip that comes with echoes; a critical alert and two warnings are not. */
const WEIGHT_SUFFICES = 4.5;
const CHECKS_MIN = 2;

/** Called whenever an alert fires in an incident that is still unseen. */
export function considerTelling(turn: Turn, incident: Incident, alert: Alert): Incident {
  if (incident.phase !== 'gathering') return incident;
  if (alert.heldUntil <= turn.now)
    return tell(turn, incident, outlasted(alert, turn.now), alert.holdRule);
  const { weight, checks, services } = tallyOf(turn.state, incident.id);
  if (weight < WEIGHT_SUFFICES || checks.size < CHECKS_MIN) return incident;
  const where = services.size === 1 ? alert.facts.service : `${services.size} services`;
  return tell(turn, incident, `${checks.size} checks fail at once on ${where}`, undefined);
}

export function tell(
  turn: Turn,
  incident: Incident,
  because: string,
  rule: string | undefined,
): Incident {
  const roots = rankRoots(turn, incident);
  const lead = leadOf(turn.state, { ...incident, roots });
  const route = turn.rules.route(
    lead === undefined ? nobody(incident) : subjectOfIncident(lead, incident),
    turn.now,
  );
  const told = change(turn, incident, {
    roots,
    route,
    phase: incident.acknowledged.length > 0 ? 'acknowledged' : 'open',
    toldAt: turn.now,
    toldBecause: because,
    worstTold: incident.severity,
  });
  return publish(turn, told, route, because, rule);
}

/** Tells it as a line of the digest, wherever its route would have told it. */
export function list(turn: Turn, incident: Incident, because: string): Incident {
  const lead = leadOf(turn.state, incident);
  const subject = lead === undefined ? nobody(incident) : subjectOfIncident(lead, incident);
  const route = turn.rules.route(subject, turn.now);
  note(turn, 'digested', {
    incident: incident.id,
    service: lead?.facts.service,
    because,
    rule: route.rule,
  });
  addToDigest(turn, incident, route.channel);
  return change(turn, incident, { route, toldIn: 'digest' });
}

/** People were told elsewhere, or not at all, by its route: does the route say otherwise by now? */
export function reconsiderRoute(turn: Turn, incident: Incident): Incident {
  const { toldIn } = incident;
  if (toldIn === 'message' || toldIn === undefined || incident.phase === 'resolved')
    return incident;
  const lead = leadOf(turn.state, incident);
  if (lead === undefined) return incident;
  const route = turn.rules.route(subjectOfIncident(lead, incident), turn.now);
  if (route.urgency !== 'post') return incident;
  if (toldIn === 'storm' && joinsStorm(turn, incident, tierOf(turn, lead.facts.service)))
    return incident;
  return publish(
    turn,
    change(turn, incident, { route, worstTold: incident.severity }),
    route,
    'it is worse now',
    route.rule,
  );
}

function publish(
  turn: Turn,
  incident: Incident,
  route: RouteDecision,
  because: string,
  rule: string | undefined,
): Incident {
  const about = {
    incident: incident.id,
    service: incident.roots[0]?.service,
    because,
    rule: rule ?? route.rule,
    why: route.why,
  };
  switch (route.urgency) {
    case 'drop':
      note(turn, 'dropped', { ...about, rule: route.rule });
      return change(turn, incident, { toldIn: 'nowhere' });
    case 'digest':
      note(turn, 'digested', { ...about, rule: route.rule });
      addToDigest(turn, incident, route.channel);
      return change(turn, incident, { toldIn: 'digest' });
    case 'thread':
      return tellBeside(turn, incident, route);
    case 'post':
      break;
  }
  if (joinsStorm(turn, incident, tierOf(turn, incident.roots[0]?.service))) {
    note(turn, 'stormed', about);
    return change(turn, incident, { toldIn: 'storm' });
  }
  countTelling(turn);
  note(turn, 'told', about);
  return show(turn, armEscalation(turn, change(turn, incident, { toldIn: 'message' })));
}

/** In the thread of the message that stands in the same channel and environment; in the digest if none does. */
function tellBeside(turn: Turn, incident: Incident, route: RouteDecision): Incident {
  const about = {
    incident: incident.id,
    service: incident.roots[0]?.service,
    rule: route.rule,
    why: route.why,
  };
  const neighbour = neighbourOf(turn, incident, route.channel);
  if (neighbour === undefined) {
    note(turn, 'digested', { ...about, because: 'no incident is open that it could stand beside' });
    addToDigest(turn, incident, route.channel);
    return change(turn, incident, { toldIn: 'digest' });
  }
  note(turn, 'told', { ...about, because: `in the thread of ${neighbour.id}` });
  const lead = leadOf(turn.state, incident);
  orderReply(turn, neighbour, {
    kind: 'beside',
    incident: incident.id,
    service: lead?.facts.service ?? '',
    name: lead?.facts.name ?? '',
    severity: incident.severity,
  });
  return change(turn, incident, { toldIn: 'thread' });
}

/** The newest message in the channel that is not over. Few messages are young, so few are looked at. */
function neighbourOf(
  { state, now }: Turn,
  incident: Incident,
  channel: string,
): Incident | undefined {
  let newest: Incident | undefined;
  for (const id of state.open) {
    const other = state.incidents.get(id);
    if (other === undefined || other.toldIn !== 'message' || isQuiet(other, now)) continue;
    if (other.environment !== incident.environment || other.route?.channel !== channel) continue;
    if (newest === undefined || other.gatheredAt > newest.gatheredAt) newest = other;
  }
  return newest;
}

function tierOf(turn: Turn, service: string | undefined): number | undefined {
  return service === undefined ? undefined : turn.rules.catalog.services.get(service)?.tier;
}

function outlasted(alert: Alert, now: Instant): string {
  const { name, service, severity } = alert.facts;
  const what = name === service ? name : `${name} of ${service}`;
  if (alert.heldUntil > alert.since)
    return `${what} still fires after ${inWords(alert.heldUntil - alert.since)}`;
  const firedMs = now - alert.startsAt;
  return firedMs >= 60_000
    ? `${what} has fired for ${inWords(firedMs)} already`
    : `${what} is ${severity} and is not held`;
}
