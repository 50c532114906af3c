/**
 * Silences and maintenance windows: an alert that one of them matches is known, but stands in no
 * incident. When they end and it still fires, it takes its place as if it had just begun.
 */
import { takePlace } from './correlate/place.ts';
import { settle } from './life/end.ts';
import { subjectOf } from './life/lead.ts';
import { mutedNow } from './life/silenced.ts';
import type { Alert } from './model.ts';
import { scheduleAlert } from './schedule.ts';
import { incidentOf, putAlert } from './state.ts';
import { noteAlert, type Turn } from './turn.ts';

/** Looks at one muted alert again: it stays muted, or is not any more. */
export function reviewMuted(turn: Turn, alert: Alert): void {
  if (alert.status !== 'firing' || alert.muted === undefined) return;
  const muted = mutedNow(turn, subjectOf(alert));
  if (muted !== undefined) {
    const still = { ...alert, muted };
    putAlert(turn.state, still);
    return scheduleAlert(turn, still);
  }
  const { by, rule } = alert.muted;
  noteAlert(turn, 'unsilenced', alert, `${by} is over`, { rule });
  // For its incident it begins now: what was muted together belongs together.
  takePlace(turn, { ...alert, muted: undefined, incident: undefined, since: turn.now });
}

/**
 * Other rules are in force, or the lane was loaded: what they mute, and what they no longer mute.
 * What people were told of already stays told: a message does not end because a window begins.
 */
export function reviewMuting(turn: Turn): void {
  for (const alert of turn.state.alerts.values()) {
    if (alert.status !== 'firing') continue;
    if (alert.muted !== undefined) reviewMuted(turn, alert);
    else if (incidentOf(turn.state, alert)?.phase === 'gathering') muteIfMatched(turn, alert);
  }
}

/** True when it is muted from now on. */
export function muteIfMatched(turn: Turn, alert: Alert): boolean {
  const muted = mutedNow(turn, subjectOf(alert));
  if (muted === undefined) return false;
  const incident = incidentOf(turn.state, alert);
  const silenced = { ...alert, muted, incident: undefined };
  putAlert(turn.state, silenced);
  scheduleAlert(turn, silenced);
  noteAlert(turn, 'silenced', alert, muted.by, muted);
  if (incident !== undefined) settle(turn, incident, alert.facts.service);
  return true;
}
