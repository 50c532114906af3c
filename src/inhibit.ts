/**
 * An alert begins to inhibit others, or ends: those are looked at. What still gathers is muted before the
 * new one takes its place; what was muted takes its place before the old one is over, so that an incident
 * which goes on with it does not end first.
 *
 * The index says whom it concerns, so the cost is that of the alerts that change.
 */
import { trackFiring, untrack } from './inhibit-index.ts';
import type { Alert } from './model.ts';
import { muteIfMatched, reviewMuted } from './mute.ts';
import { incidentOf } from './state.ts';
import { schedule } from './timers.ts';
import { type Turn, turnWith } from './turn.ts';

/** Inhibited alerts that take their place in one turn; the rest as what is due, in slices. */
const LOOKED_AT_MAX = 500;

export function beginsToInhibit(turn: Turn, alert: Alert): void {
  const { inhibition } = turn.state;
  if (inhibition.rules.length === 0) return;
  trackFiring(inhibition, alert);
  reviewInhibited(turn);
}

/** Returns the alert as it is then: its incident may have become part of another. */
export function endsToInhibit(turn: Turn, alert: Alert): Alert {
  const { inhibition, alerts } = turn.state;
  if (inhibition.rules.length === 0) return alert;
  untrack(inhibition, alert.fingerprint);
  reviewInhibited(turn);
  return alerts.get(alert.fingerprint) ?? alert;
}

/** Draws the consequences of all that changed in the index. */
export function reviewInhibited(turn: Turn): void {
  const { changed, renewed } = turn.state.inhibition;
  if (changed.size === 0 && renewed.size === 0) return;
  // No delivery told of these alerts: what becomes of them follows from another.
  const own = turnWith(turn, { delivery: undefined });
  let looked = 0;
  for (const group of changed) {
    changed.delete(group);
    for (const fingerprint of group.targets) {
      if (!review(own, fingerprint, ++looked > LOOKED_AT_MAX)) group.targets.delete(fingerprint);
    }
  }
  for (const fingerprint of renewed) {
    renewed.delete(fingerprint);
    review(own, fingerprint, false);
  }
  turn.effects = own.effects;
}

/** False when no inhibition matters to it before it fires anew: it was told, or a silence mutes it. */
function review(turn: Turn, fingerprint: string, isLater: boolean): boolean {
  const { state, now } = turn;
  const alert = state.alerts.get(fingerprint);
  if (alert?.status !== 'firing') return true;
  const isGathering = incidentOf(state, alert)?.phase === 'gathering';
  if (alert.muted?.inhibitor === undefined && !isGathering) return false;
  if (isGathering) muteIfMatched(turn, alert);
  else if (isLater) schedule(state.timers, fingerprint, now + 1);
  else reviewMuted(turn, alert);
  return true;
}
