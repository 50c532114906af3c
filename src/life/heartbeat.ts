/**
 * Heartbeats: alerts that always fire, to show that the way from the monitoring to Quell works. When
 * one stays away, Quell itself says so. Of several lanes the default one watches over them all: there one
 * name is one heartbeat, and is expected once.
 */
import type { Incident, Instant, ReceivedAlert, RouteDecision } from '../model.ts';
import { exactDuration } from '../rules/duration.ts';
import type { HeartbeatRule, Subject } from '../rules/rules.ts';
import type { Heartbeat } from '../state/small-records.ts';
import { LANE } from '../split.ts';
import { standsFor } from '../state/group-index.ts';
import { keyOf } from '../state/keys.ts';
import { putSmall } from '../state/state.ts';
import { schedule } from '../state/timers.ts';
import { change, note, type Turn } from '../state/turn.ts';
import { orderReply } from './reply.ts';
import { armEscalation } from './escalation.ts';
import { nobody } from './lead.ts';
import { openIncident } from './open.ts';
import { show, endOwn } from './show.ts';

export function heartbeatOf(
  { rules }: Pick<Turn, 'rules'>,
  subject: Subject,
): HeartbeatRule | undefined {
  return rules.heartbeats.find((rule) => rule.matches(subject));
}

export function beat(turn: Turn, rule: HeartbeatRule): void {
  if (turn.state.lane !== LANE) return;
  const known = turn.state.heartbeats.get(rule.name);
  const missingAt = turn.now + rule.missingAfterMs;
  putSmall(turn.state, 'heartbeat', rule.name, {
    name: rule.name,
    lastSeenAt: turn.now,
    missingAt,
    incident: undefined,
  });
  schedule(turn.state.timers, keyOf('heartbeat', rule.name), missingAt);
  const incident = turn.state.incidents.get(known?.incident ?? '');
  if (incident === undefined) return;
  note(turn, 'source-back', {
    incident: incident.id,
    because: `${rule.name} is heard again`,
    rule: rule.rule,
  });
  endOwn(turn, incident);
}

/** An alert that says nothing. */
const NOTHING: ReceivedAlert = {
  source: 'quell',
  status: 'firing',
  labels: {},
  annotations: {},
  startsAt: 0,
  endsAt: undefined,
  generatorURL: undefined,
};

/** A heartbeat that no rule names any more is missed by nobody. */
function dropUnruled(turn: Turn): void {
  for (const heartbeat of turn.state.heartbeats.values()) {
    const { name, incident } = heartbeat;
    if (incident === undefined || turn.rules.heartbeats.some((rule) => rule.name === name))
      continue;
    // When its rule is back, it is missed anew.
    putSmall(turn.state, 'heartbeat', name, { ...heartbeat, incident: undefined });
    const lost = turn.state.incidents.get(incident);
    if (lost !== undefined && lost.phase !== 'resolved') endOwn(turn, lost);
  }
}

/** After a start or a change of rules: every expected heartbeat has its full time to come. */
export function expectHeartbeats(turn: Turn): void {
  if (turn.state.lane !== LANE) return;
  dropUnruled(turn);
  for (const rule of turn.rules.heartbeats) {
    const known = turn.state.heartbeats.get(rule.name);
    if (known === undefined && !rule.expected) continue;
    const missingAt = turn.now + rule.missingAfterMs;
    const heartbeat: Heartbeat = known ?? {
      name: rule.name,
      lastSeenAt: undefined,
      missingAt,
      incident: undefined,
    };
    putSmall(turn.state, 'heartbeat', rule.name, { ...heartbeat, missingAt });
    schedule(turn.state.timers, keyOf('heartbeat', rule.name), missingAt);
  }
}

export function reviewHeartbeat(turn: Turn, name: string): void {
  const { state, now } = turn;
  const heartbeat = state.heartbeats.get(name);
  const rule = turn.rules.heartbeats.find((one) => one.name === name);
  if (heartbeat === undefined || rule === undefined || heartbeat.incident !== undefined) return;
  if (heartbeat.missingAt > now)
    return schedule(state.timers, keyOf('heartbeat', name), heartbeat.missingAt);
  const startsAt = heartbeat.lastSeenAt ?? now - rule.missingAfterMs;
  const because = `${name} was not heard for ${exactDuration(now - startsAt)}`;
  const before = overLately(turn, name);
  const incident =
    before === undefined
      ? lost(turn, rule, startsAt, because)
      : lostAgain(turn, before, routeOf(turn, rule));
  putSmall(state, 'heartbeat', name, { ...heartbeat, incident: incident.id });
  note(turn, 'source-lost', { incident: incident.id, because, rule: rule.rule, why: rule.why });
  const shown = show(turn, armEscalation(turn, incident));
  if (before === undefined) return;
  const mention = shown.route?.mention ?? [];
  orderReply(turn, shown, { kind: 'refired', times: shown.reopened, service: name, mention });
}

/** Its incident that may be opened again: a heartbeat that comes and goes makes no message each time. */
function overLately({ state, now, rules }: Turn, name: string): Incident | undefined {
  const id = standsFor(state.byGroup, keyOf('heartbeat', name));
  const before = state.incidents.get(id ?? '');
  const isLately = now - (before?.resolvedAt ?? 0) <= rules.life.reopenWithinMs;
  return before?.phase === 'resolved' && isLately ? before : undefined;
}

/** Told where that is told which names no environment. */
function routeOf({ rules }: Turn, rule: HeartbeatRule): RouteDecision {
  const { environment } = rules.normalise(NOTHING);
  const routed = rules.route(nobody({ environment, severity: 'critical' }));
  return { ...routed, channel: rule.channel ?? routed.channel, urgency: 'post' };
}

function lost(turn: Turn, rule: HeartbeatRule, startsAt: Instant, because: string): Incident {
  return openIncident(
    turn.state,
    keyOf('heartbeat', rule.name),
    turn.now,
    { startsAt, facts: nobody({ environment: '', severity: 'critical' }).facts },
    {
      special: 'heartbeat',
      group: keyOf('heartbeat', rule.name),
      phase: 'open',
      toldAt: turn.now,
      toldBecause: because,
      toldIn: 'message',
      route: routeOf(turn, rule),
    },
  );
}

/** Its message stays where it stands; whom the route calls by now is called anew. */
function lostAgain(turn: Turn, before: Incident, { mention, escalate }: RouteDecision): Incident {
  const { route } = before;
  return change(turn, before, {
    phase: 'open',
    resolvedAt: undefined,
    reopened: before.reopened + 1,
    acknowledged: [],
    solved: undefined,
    escalated: 0,
    route: route && { ...route, mention, escalate },
  });
}
