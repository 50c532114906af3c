/**
 * Escalation: whom to call when nobody is on it in time. The time runs anew whenever an incident is
 * open without anybody on it.
 */
import type { Incident } from '../model.ts';
import { exactDuration } from '../rules/duration.ts';
import { change, type Turn, wakeIncident, noteIncident } from '../state/turn.ts';
import { isQuiet, orderReply } from './reply.ts';
import { show } from './show.ts';

export function armEscalation(turn: Turn, incident: Incident): Incident {
  const plan = incident.route?.escalate;
  if (plan === undefined || incident.phase !== 'open' || incident.solved !== undefined)
    return incident;
  const escalateAt = turn.now + plan.afterMs;
  wakeIncident(turn, incident.id, escalateAt);
  return change(turn, incident, { escalateAt });
}

export function escalate(turn: Turn, incident: Incident): Incident {
  const due = change(turn, incident, { escalateAt: undefined });
  const plan = incident.route?.escalate;
  if (plan === undefined || incident.phase !== 'open') return due;
  // Its time begins again when the quiet is over.
  if (isQuiet(incident, turn.now)) return due;
  const because = `nobody acknowledged it within ${exactDuration(plan.afterMs)}`;
  noteIncident(turn, 'escalated', incident, because);
  const escalated = show(turn, change(turn, due, { escalated: incident.escalated + 1 }));
  return orderReply(turn, escalated, {
    kind: 'escalated',
    mention: plan.mention,
    afterMs: plan.afterMs,
  });
}
