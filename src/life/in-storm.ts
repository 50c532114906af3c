/**
 * Incidents that a storm's message stands for. The message goes on counting them. A critical one of a tier 1
 * service is not lost in the count: it is named in the thread once, and whoever answers for it is called.
 */
import { BESIDE, type Incident } from '../model.ts';
import { change, note, type Turn } from '../state/turn.ts';
import { orderReply } from './reply.ts';
import { leadOf, subjectOfIncident } from './lead.ts';
import { touch } from './show.ts';

/** Under which it is remembered that the incident was named: no reply is of this kind. */
const NAMED = 'in-storm';

/** It has just become part of the storm, or changed in it. */
export function tellInStorm(turn: Turn, incident: Incident): Incident {
  const { state, rules, now } = turn;
  const storm = state.incidents.get(state.storm?.incident ?? '');
  if (storm === undefined || storm.phase === 'resolved') return incident;
  const parent = touch(turn, storm);
  if (incident.severity !== 'critical' || incident.repliedAt[NAMED] !== undefined) return incident;
  const lead = leadOf(state, incident);
  if (lead === undefined || rules.catalog.services.get(lead.facts.service)?.tier !== 1)
    return incident;
  const route = rules.route(subjectOfIncident(lead, incident));
  if (route.urgency !== 'post') return incident;
  const { service, name } = lead.facts;
  const because = `${BESIDE}${parent.id}`;
  note(turn, 'told', { incident: incident.id, service, because, rule: route.rule, why: route.why });
  nameIn(turn, parent, { incident, service, name, callable: route.mention });
  return change(turn, incident, { repliedAt: { ...incident.repliedAt, [NAMED]: now } });
}

interface Named {
  readonly incident: Incident;
  readonly service: string;
  readonly name: string;
  readonly callable: readonly string[];
}

function nameIn(turn: Turn, storm: Incident, { incident, callable, ...about }: Named): void {
  const called = storm.route?.mention ?? [];
  const mention = callable.filter((id) => !called.includes(id));
  const route = storm.route && { ...storm.route, mention: [...called, ...mention] };
  const { id, severity } = incident;
  const line = { kind: 'beside', incident: id, severity, ...about, mention } as const;
  orderReply(turn, change(turn, storm, { route }), line);
}
