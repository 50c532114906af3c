/** Where an incident that is worth telling (proof.ts) is told: by its route, as chronic, or by a storm's message. */
import { type Alert, BESIDE, type Incident, type RouteDecision } from '../model.ts';
import { rankRoots } from '../correlate/root.ts';
import { change, note, type Turn, noteIncident } from '../state/turn.ts';
import { isQuiet, orderReply } from './reply.ts';
import { incidentWith } from '../state/with.ts';
import { chronicIn, type Hushed } from './chronic.ts';
import { addToDigest } from './digest.ts';
import { armEscalation } from './escalation.ts';
import { countTelling, joinsStorm, tellInStorm } from './storm.ts';
import { leadOf, nobody, subjectOf, subjectOfIncident } from './lead.ts';
import { failsSeverally, type Proof, proofBy, provenBy } from './proof.ts';
import { show } from './show.ts';

/** People are told of it now. */
export function tell(turn: Turn, incident: Incident, proof: Proof): Incident {
  const roots = rankRoots(turn, incident);
  const routed = routeOf(turn, incidentWith(incident, { roots }), proof);
  const heard = proof.isAsked === true ? ({ ...routed, urgency: 'post' } as const) : routed;
  const chronic = proof.isAsked === true ? undefined : hushedOf(turn, incident, routed);
  const { route, because } = chronic ?? { route: heard, because: proof.because };
  turn.state.toldNow.add(incident.id);
  const told = change(turn, incident, {
    roots,
    route,
    phase: incident.acknowledged.length > 0 ? 'acknowledged' : 'open',
    toldAt: turn.now,
    toldBecause: because,
    worstTold: incident.severity,
  });
  return publish(turn, told, route, { ...proof, because });
}

/** It outlasted a storm, which told of it so far. */
export function tellAfterStorm(turn: Turn, incident: Incident): void {
  const lead = leadOf(turn.state, incident);
  if (lead === undefined) return;
  const because = 'it outlasted the storm';
  tell(turn, incident, proofBy(because, lead, incident));
}

/** Somebody made an incident of it: whoever asked wants to see its message now. */
export function tellSplit(turn: Turn, incident: Incident, because: string): Incident {
  const lead = leadOf(turn.state, incident);
  if (lead === undefined) return incident;
  return tell(turn, incident, { ...proofBy(because, lead, incident), isAsked: true });
}

/** People were told elsewhere, or not at all, by its route: does the route say otherwise by now? */
export function reconsiderRoute(turn: Turn, incident: Incident, alert: Alert): void {
  const { toldIn } = incident;
  const isStormed = toldIn === 'storm';
  if (toldIn === undefined || toldIn === 'message') return;
  if (isStormed && turn.state.storm !== undefined) return;
  if (incident.phase === 'resolved') return;
  const proof = provenBy(turn, incident, alert);
  const route = proof === undefined ? undefined : routeOf(turn, incident, proof);
  if (route?.urgency !== 'post' || hushedOf(turn, incident, route) !== undefined) return;
  const worse = change(turn, incident, { route, worstTold: incident.severity });
  const because = isStormed ? 'it fires again after the storm' : 'it is worse now';
  publish(turn, worse, route, { because, rule: route.rule, why: route.why });
}

const LOUDNESS: Readonly<Record<RouteDecision['urgency'], number>> = {
  post: 3,
  thread: 2,
  digest: 1,
  drop: 0,
};

/** As its likely cause says; but a cause of little importance does not hush a victim of more. */
function routeOf(turn: Turn, incident: Incident, { speaker, severity }: Proof): RouteDecision {
  const lead = leadOf(turn.state, incident) ?? speaker;
  const several = failsSeverally(turn, incident);
  const route = turn.rules.route(subjectOfIncident(lead, { severity }, several));
  if (route.urgency === 'post' || lead === speaker) return route;
  const other = turn.rules.route(subjectOf(speaker));
  return LOUDNESS[other.urgency] > LOUDNESS[route.urgency] ? other : route;
}

/** What its route would make a message of, but is chronic: see chronic.ts. */
function hushedOf(turn: Turn, incident: Incident, route: RouteDecision): Hushed | undefined {
  if (route.urgency !== 'post' || turn.state.chronic.size === 0) return undefined;
  return failsSeverally(turn, incident) ? undefined : chronicIn(turn, incident, route);
}

/** Tells it as a line of the digest, wherever its route would have told it. */
export function list(turn: Turn, incident: Incident, because: string): Incident {
  const lead = leadOf(turn.state, incident);
  const subject = lead === undefined ? nobody(incident) : subjectOfIncident(lead, incident);
  const route = turn.rules.route(subject);
  const { service } = lead?.facts ?? {};
  note(turn, 'digested', { incident: incident.id, service, because, rule: route.rule });
  return toDigest(turn, change(turn, incident, { route }), route.channel);
}

/** `why`: what its line says besides. */
function toDigest(turn: Turn, incident: Incident, channel: string, why?: string): Incident {
  addToDigest(turn, incident, channel, why);
  return change(turn, incident, { toldIn: 'digest' });
}

type Telling = Pick<Proof, 'because' | 'rule' | 'why' | 'ground' | 'isAsked'>;

/** What is told says why it is told now; what is not, which route says so. */
function publish(
  turn: Turn,
  incident: Incident,
  route: RouteDecision,
  { because, rule, why, ground, isAsked }: Telling,
): Incident {
  const about = { incident: incident.id, service: incident.roots[0]?.service, because };
  const byRoute = { ...about, rule: route.rule, why: route.why };
  switch (route.urgency) {
    case 'drop':
      note(turn, 'dropped', byRoute);
      return change(turn, incident, { toldIn: 'nowhere' });
    case 'digest':
      note(turn, route.isChronic === true ? 'chronic' : 'digested', byRoute);
      return toDigest(turn, incident, route.channel, route.isChronic ? because : undefined);
    case 'thread':
      return tellBeside(turn, incident, route);
    case 'post':
      break;
  }
  if (isAsked !== true && joinsStorm(turn, incident)) {
    note(turn, 'stormed', { ...about, rule, why });
    return tellInStorm(turn, change(turn, incident, { toldIn: 'storm' }));
  }
  countTelling(turn, incident);
  note(turn, 'told', { ...about, ground, rule, why });
  return show(turn, armEscalation(turn, change(turn, incident, { toldIn: 'message' })));
}

/** In the thread of the message that stands in the same channel and environment; in the digest if none does. */
function tellBeside(turn: Turn, incident: Incident, route: RouteDecision): Incident {
  const { channel, rule, why } = route;
  const neighbour = neighbourOf(turn, incident, channel);
  if (neighbour === undefined) {
    const because = 'no incident is open that it could stand beside';
    noteIncident(turn, 'digested', incident, because, { rule, why });
    return toDigest(turn, incident, channel);
  }
  noteIncident(turn, 'told', incident, `${BESIDE}${neighbour.id}`, { rule, why });
  const lead = leadOf(turn.state, incident);
  orderReply(turn, neighbour, {
    kind: 'beside',
    incident: incident.id,
    service: lead?.facts.service ?? '',
    name: lead?.facts.name ?? '',
    severity: incident.severity,
    mention: undefined,
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
    if (newest === undefined || isNewer(other, newest)) newest = other;
  }
  return newest;
}

function isNewer(one: Incident, other: Incident): boolean {
  const laterMs = one.gatheredAt - other.gatheredAt;
  return laterMs > 0 || (laterMs === 0 && one.id < other.id);
}
