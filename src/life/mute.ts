/**
 * Silences, maintenance windows and alerts that inhibit others: an alert that one of them mutes is known,
 * but stands in no incident. When they end and it still fires, it takes its place as if it had just begun.
 */
import { takePlace } from '../correlate/place.ts';
import { settle } from './end.ts';
import { subjectOf } from './lead.ts';
import { mutedNow, stillMuted } from './silenced.ts';
import type { Alert, Muted, RuleRef } from '../model.ts';
import { scheduleAlert } from './schedule.ts';
import { isBefore } from '../state/past.ts';
import { sorted } from '../state/sorted.ts';
import { incidentOf, putAlert } from '../state/state.ts';
import type { Steps } from '../state/timers.ts';
import { noteAlert, type Turn } from '../state/turn.ts';
import { alertWith } from '../state/with.ts';

/** Looks at one muted alert again: it stays muted, or is not any more. */
export function reviewMuted(turn: Turn, alert: Alert): void {
  if (alert.status !== 'firing' || alert.muted === undefined) return;
  const muted = stillMuted(turn, alert, alert.muted);
  if (muted === undefined) return unmute(turn, alert, alert.muted);
  if (isInhibited(muted) !== isInhibited(alert.muted)) noteMuted(turn, alert, muted);
  const isSame = muted.inhibitor === alert.muted.inhibitor && muted.rule === alert.muted.rule;
  // Written again only when it would be looked at without end otherwise.
  if (isSame && isInhibited(muted) && alert.muted.until > turn.now)
    return scheduleAlert(turn, alert);
  const still = alertWith(alert, { muted });
  putAlert(turn.state, still);
  scheduleAlert(turn, still);
}

function unmute(turn: Turn, alert: Alert, { by, rule, inhibitor }: Muted): void {
  const { now } = turn;
  // For its incident it begins now: what was muted together belongs together.
  const again = alertWith(alert, { muted: undefined, incident: undefined, since: now });
  if (inhibitor === undefined) {
    noteAlert(turn, 'unsilenced', alert, `${by} is over`, { rule });
    return void takePlace(turn, again);
  }
  const { inhibition, alerts } = turn.state;
  const fires = inhibitor !== inhibition.ending && alerts.get(inhibitor)?.status === 'firing';
  const because = fires ? `${by} does not inhibit it any more` : `${by} is over`;
  noteAlert(turn, 'uninhibited', alert, because, { rule });
  // What comes with something else ends a little after it: alone, it has to outlast its hold anew.
  const hold = turn.rules.hold(subjectOf(alert));
  const heldUntil = Math.max(alert.heldUntil, now + hold.forMs);
  const isProven = alert.heldUntil <= now;
  const held = { heldUntil, holdRule: hold.rule, holdWhy: hold.why, awaitsWord: false };
  takePlace(turn, alertWith(again, held), isProven);
}

/** How an alert that begins to be muted is spoken of, and the verdict where that is what became of it. */
export function noteMuted(turn: Turn, alert: Alert, muted: Muted): 'silenced' | 'inhibited' {
  const verdict = isInhibited(muted) ? 'inhibited' : 'silenced';
  noteAlert(turn, verdict, alert, muted.by, muted);
  return verdict;
}

function isInhibited({ inhibitor }: Muted): boolean {
  return inhibitor !== undefined;
}

/**
 * Other rules are in force, or the lane was loaded: what they mute, and what they no longer mute.
 * What people were told of already stays told: a message does not end because a window begins.
 */
export function* reviewMuting(turn: Turn): Steps {
  for (const alert of turn.state.alerts.values()) {
    yield;
    if (alert.status !== 'firing' || alert.muted !== undefined) continue;
    if (incidentOf(turn.state, alert)?.phase === 'gathering') muteIfMatched(turn, alert);
  }
  yield* reviewAllMuted(turn, () => true);
}

/**
 * Those that these rules mute, in order of time: the first to take its place begins an incident that the others
 * join.
 */
export function* reviewAllMuted(turn: Turn, isAsked: (rule: RuleRef) => boolean): Steps {
  const { alerts } = turn.state;
  const muted: Alert[] = [];
  for (const alert of alerts.values()) {
    yield;
    if (alert.muted !== undefined && isAsked(alert.muted.rule)) muted.push(alert);
  }
  for (const { fingerprint } of yield* sorted(muted, isBefore)) {
    yield;
    const alert = alerts.get(fingerprint);
    if (alert !== undefined) reviewMuted(turn, alert);
  }
}

/** True when it is muted from now on. */
export function muteIfMatched(turn: Turn, alert: Alert): boolean {
  const muted = mutedNow(turn, alert);
  if (muted === undefined) return false;
  const incident = incidentOf(turn.state, alert);
  const silenced = alertWith(alert, { muted, incident: undefined });
  putAlert(turn.state, silenced);
  scheduleAlert(turn, silenced);
  noteMuted(turn, alert, muted);
  if (incident !== undefined) settle(turn, incident, alert.facts.service);
  return true;
}
