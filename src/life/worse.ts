/**
 * People were told of an incident, and now it is more severe, has another likely cause, or fires again. Its
 * message stays where it stands; whom its route calls by now hears of it in the thread, and has as long to
 * answer as the route says. Without this, whoever is to be woken by what is critical would sleep
 * through what began as a warning.
 */
import type { Incident, RouteDecision } from '../model.ts';
import { change, note, type Turn } from '../turn.ts';
import { armEscalation } from './escalation.ts';
import { leadOf, subjectOfIncident } from './lead.ts';

export interface Called {
  readonly incident: Incident;
  /** Slack ids. */
  readonly mention: readonly string[];
}

/** Calls those whom its route did not call before. `because`: what is worse. */
export function callMore(turn: Turn, incident: Incident, because: string): Called {
  const { route } = incident;
  const now = routeNow(turn, incident);
  if (route === undefined || now?.urgency !== 'post') return { incident, mention: [] };
  const known = [...route.mention, ...(incident.escalated > 0 ? mentionOf(route.escalate) : [])];
  const mention = now.mention.filter((id) => !known.includes(id));
  const escalate = now.escalate ?? route.escalate;
  const isOtherPlan = !isSamePlan(escalate, route.escalate);
  if (mention.length === 0 && !isOtherPlan) return { incident, mention };
  const called = mention.length === 0 ? '' : `; ${mention.join(', ')} called`;
  note(turn, 'worsened', {
    incident: incident.id,
    service: incident.roots[0]?.service,
    because: `${because}${called}`,
    rule: now.rule,
    why: now.why,
  });
  const all = [...known, ...mention];
  const changed = change(turn, incident, { route: { ...route, mention: all, escalate } });
  return { incident: isOtherPlan ? armEscalation(turn, changed) : changed, mention };
}

/** It was over and fires again: whom its route calls by now is called anew, and nobody else. */
export function callAgain(turn: Turn, incident: Incident): Called {
  const now = routeNow(turn, incident);
  if (incident.route === undefined || now === undefined) return { incident, mention: [] };
  const isLoud = now.urgency === 'post';
  const mention = isLoud ? now.mention : [];
  const escalate = isLoud ? now.escalate : undefined;
  const route = { ...incident.route, mention, escalate };
  return { incident: change(turn, incident, { route }), mention };
}

/** Undefined: Quell's own, such as a storm. */
function routeNow(turn: Turn, incident: Incident): RouteDecision | undefined {
  const lead = incident.special === undefined ? leadOf(turn.state, incident) : undefined;
  return lead && turn.rules.route(subjectOfIncident(lead, incident), turn.now);
}

function isSamePlan(one: RouteDecision['escalate'], other: RouteDecision['escalate']): boolean {
  return one?.afterMs === other?.afterMs && mentionOf(one).join() === mentionOf(other).join();
}

function mentionOf(plan: RouteDecision['escalate']): readonly string[] {
  return plan?.mention ?? [];
}
