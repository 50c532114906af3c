/**
 * An alert begins to inhibit others, or ends: its targets are looked at. Targets that still gather are muted before
 * the new alert takes its place. Muted ones take their places before the old alert is over, so that an incident
 * which goes on with them does not end first.
 *
 * The index says whom it concerns, so the cost is that of the alerts that change.
 */
import { trackFiring, untrack } from '../state/inhibit-index.ts';
import type { Alert } from '../model.ts';
import { muteIfMatched, reviewMuted } from './mute.ts';
import { inSlices } from './review.ts';
import { incidentOf } from '../state/state.ts';
import { isBefore } from '../state/past.ts';
import { sorted } from '../state/sorted.ts';
import type { Steps } from '../state/timers.ts';
import type { Turn } from '../state/turn.ts';

/** What fails with the rest of it. */
const KEY = 'inhibit';

export function beginsToInhibit(turn: Turn, alert: Alert): void {
  const { inhibition, alerts } = turn.state;
  if (inhibition.rules.length === 0) return;
  trackFiring(inhibition, alerts.get(alert.fingerprint), alert);
  reviewInhibited(turn);
}

/** Returns the alert as it is then: its incident may have become part of another. */
export function endsToInhibit(turn: Turn, alert: Alert): Alert {
  const { inhibition, alerts } = turn.state;
  if (inhibition.rules.length === 0) return alert;
  untrack(inhibition, alert);
  inhibition.ending = alert.fingerprint;
  reviewInhibited(turn);
  inhibition.ending = undefined;
  return alerts.get(alert.fingerprint) ?? alert;
}

/** Draws the consequences of all that changed in the index. */
export function reviewInhibited(turn: Turn): void {
  const { changed, renewed } = turn.state.inhibition;
  if (changed.size === 0 && renewed.size === 0) return;
  inSlices(turn, KEY, reviewing);
}

function* reviewing(turn: Turn): Steps {
  const { changed, renewed } = turn.state.inhibition;
  for (const group of changed) {
    changed.delete(group);
    const { alerts } = turn.state;
    const targets = [...group.targets].flatMap((target) => alerts.get(target) ?? []);
    for (const { fingerprint } of yield* sorted(targets, isBefore)) {
      if (!review(turn, fingerprint)) group.targets.delete(fingerprint);
      yield;
    }
  }
  for (const fingerprint of renewed.keys()) {
    review(turn, fingerprint);
    renewed.delete(fingerprint);
    yield;
  }
}

/** False when no inhibition matters to it before it fires anew: it was told, or a silence mutes it. */
function review(turn: Turn, fingerprint: string): boolean {
  const { state } = turn;
  const alert = state.alerts.get(fingerprint);
  if (alert?.status !== 'firing') return true;
  const isGathering = incidentOf(state, alert)?.phase === 'gathering';
  if (alert.muted?.inhibitor === undefined && !isGathering) return false;
  if (isGathering) muteIfMatched(turn, alert);
  else reviewMuted(turn, alert);
  return true;
}
