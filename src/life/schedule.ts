/**
 * When each record has to be looked at again. The instants stand in the records themselves, so the
 * timers need no storing: they are rebuilt from the state when a lane is loaded.
 */
import { calmAt } from '../dedupe/flap.ts';
import { subjectOf } from './lead.ts';
import type { Alert, Incident, Instant, ReceivedAlert } from '../model.ts';
import { incidentOf } from '../state/state.ts';
import { schedule } from '../state/timers.ts';
import { type Turn, wakeIncident } from '../state/turn.ts';

/** A resolved alert that stands in no incident is remembered this long, to recognise late deliveries. */
const STRAY_MEMORY_MS = 60 * 60_000;
/** A resolved alert of an incident that goes on for long is remembered this long. */
const MEMBER_MEMORY_MS = 6 * 60 * 60_000;

export function scheduleAlert(turn: Turn, alert: Alert): void {
  const at = alert.status === 'firing' ? firingDue(turn, alert) : resolvedDue(turn, alert);
  // Never at this very instant: whatever was due by now has had its turn.
  if (at !== undefined) schedule(turn.state.timers, alert.fingerprint, Math.max(at, turn.now + 1));
}

/** When a firing alert is taken as resolved, unless its source mentions it again. Undefined: never. */
export function expiryOf(turn: Turn, received: ReceivedAlert): Instant | undefined {
  if (received.endsAt !== undefined) return Math.max(received.endsAt, turn.now);
  const { resolveTimeoutMs } = turn.rules.life;
  return Number.isFinite(resolveTimeoutMs) ? turn.now + resolveTimeoutMs : undefined;
}

export function forgottenAt(alert: Alert): Instant {
  const keepMs = alert.incident === undefined ? STRAY_MEMORY_MS : MEMBER_MEMORY_MS;
  return (alert.resolvedAt ?? alert.since) + keepMs;
}

/** A flapping one is remembered until it is calm, however long that takes: its incident may wait for it. */
function resolvedDue(turn: Turn, alert: Alert): Instant {
  return alert.flap?.flapping === true ? calmOf(turn, alert) : forgottenAt(alert);
}

function firingDue(turn: Turn, alert: Alert): Instant | undefined {
  const { expiresAt, muted, heldUntil, flap } = alert;
  let at = expiresAt ?? Number.POSITIVE_INFINITY;
  if (muted !== undefined) return Math.min(at, muted.until);
  // A hold may have elapsed while nobody was there to see it.
  const isAwaited = flap?.flapping === true || incidentOf(turn.state, alert)?.phase === 'gathering';
  if (heldUntil > turn.now || isAwaited) at = Math.min(at, heldUntil);
  return Number.isFinite(at) ? at : undefined;
}

/** When a flapping alert may be calm. Damping may have been switched off meanwhile: then it is by definition. */
export function calmOf(turn: Turn, alert: Alert): Instant {
  const rule = turn.rules.flap(subjectOf(alert));
  if (rule === undefined || alert.flap === undefined) return turn.now;
  return calmAt(alert.flap, Math.max(alert.since, alert.resolvedAt ?? 0), rule);
}

export function scheduleIncident(turn: Turn, incident: Incident): void {
  if (incident.phase === 'gathering') return wakeIncident(turn, incident.id, turn.now);
  const { refreshAt, verifyAt, escalateAt, snoozed, resolvedAt } = incident;
  const going = [verifyAt, escalateAt, snoozed?.until];
  const instants = resolvedAt === undefined ? [refreshAt, ...going] : [refreshAt];
  for (const at of instants) if (at !== undefined) wakeIncident(turn, incident.id, at);
}
