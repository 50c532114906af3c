/**
 * The episodes of an alert: it begins to fire, fires again, goes on, ends.
 */
import { belongsElsewhere } from './correlate/join.ts';
import { rememberNature } from './correlate/outside.ts';
import { rejoin, standAlone, takePlace } from './correlate/place.ts';
import { afterRefire } from './dedupe/flap.ts';
import { learnLateness, nextWordMs } from './dedupe/lateness.ts';
import type { News } from './dedupe/repeat.ts';
import { predecessorOf } from './dedupe/successor.ts';
import { beginsToInhibit, endsToInhibit } from './life/inhibit.ts';
import { settle, settleWithout } from './life/end.ts';
import { beat, heartbeatOf } from './life/heartbeat.ts';
import { subjectOf } from './life/lead.ts';
import { mutedNow, noteMuted } from './life/mute.ts';
import { countEpisode } from './life/storm.ts';
import {
  type Alert,
  type Draft,
  type Flap,
  type Muted,
  PENALTY,
  type ReceivedAlert,
  type Verdict,
} from './model.ts';
import { exactDuration } from './rules/duration.ts';
import type { Subject } from './rules/rules.ts';
import { expiryOf, scheduleAlert } from './life/schedule.ts';
import { closeIncident, incidentOf, putAlert, tallyOf } from './state/state.ts';
import { noteAlert, type Turn } from './state/turn.ts';
import { alertWith } from './state/with.ts';

/** An alert as it would be if nothing were known of it, but for what only a newer version knows. */
export function newAlert(
  turn: Turn,
  fingerprint: string,
  received: ReceivedAlert,
  known?: Alert,
): Draft<Alert> {
  return {
    fingerprint,
    source: received.source,
    labels: received.labels,
    annotations: received.annotations,
    generatorURL: received.generatorURL,
    facts: turn.rules.normalise(received),
    status: 'firing',
    startsAt: received.startsAt,
    endsAt: undefined,
    since: turn.now,
    expiresAt: expiryOf(turn, received),
    resolvedAt: undefined,
    episodes: 1,
    muted: undefined,
    incident: undefined,
    heldUntil: turn.now,
    holdRule: 'built-in',
    holdWhy: undefined,
    awaitsWord: false,
    flap: undefined,
    more: known?.more,
  };
}

export function fires(
  turn: Turn,
  alert: Draft<Alert>,
  known: Alert | undefined,
  hidden: boolean,
): Verdict {
  const subject: Subject = { labels: alert.labels, facts: alert.facts, source: alert.source };
  const heartbeat = heartbeatOf(turn, subject);
  if (heartbeat !== undefined) {
    beat(turn, heartbeat);
    return 'heartbeat';
  }
  const hold = turn.rules.hold(subject);
  alert.holdRule = hold.rule;
  alert.holdWhy = hold.why;
  alert.awaitsWord = false;
  const before = known ?? predecessorOf(turn.state, alert);
  if (before !== undefined) {
    alert.episodes = before.episodes + 1;
    alert.flap = damped(turn, before, subject);
  }
  alert.heldUntil = heldUntil(turn, subject, alert, hold.forMs, before);
  awaitWord(turn, alert);
  // Nobody saw it resolve: it has fired since it was first heard of, for all that is known.
  if (hidden && known !== undefined) alert.heldUntil = Math.min(alert.heldUntil, known.heldUntil);
  beginsToInhibit(turn, alert);
  alert.muted = mutedNow(turn, alert);
  if (alert.muted !== undefined) return muted(turn, alert, alert.muted, known);
  countEpisode(turn);
  rememberNature(turn, alert);
  if (before !== undefined && alert.flap?.flapping === true)
    return flaps(turn, before, alert, hidden);
  if (known !== undefined && belongsStill(turn, known, alert) && !isLongOver(turn, known))
    return refired(turn, known, alert, hidden);
  if (known !== undefined) closeBehind(turn, known);
  return takePlace(turn, alert);
}

/** Sources that remind do so more often, and some of them date each reminder anew. */
const REMINDED_WITHIN_MS = 12 * 60 * 60_000;

/**
 * For a source that says a thing once, and whose resolve was lost: its message would say for days that it goes on,
 * and hide the next failure. If nothing else fires in the incident, and the last start is further back than any
 * reminder comes, the earlier firing ended at the latest when this one began. A source with a time-out would have
 * timed out.
 */
export function overUnseen(
  turn: Turn,
  known: Alert | undefined,
  { startsAt }: ReceivedAlert,
): Alert | undefined {
  if (known === undefined || known.expiresAt !== undefined) return known;
  const incident = incidentOf(turn.state, known);
  if (incident?.toldIn !== 'message') return known;
  if (startsAt - known.startsAt <= Math.max(REMINDED_WITHIN_MS, turn.rules.life.reopenWithinMs))
    return known;
  if (tallyOf(turn.state, incident.id).firing > 1) return known;
  const ended = alertWith(known, { status: 'resolved', endsAt: startsAt, resolvedAt: turn.now });
  putAlert(turn.state, ended);
  settle(
    turn,
    incident,
    ended.facts.service,
    'its alert begins anew: that it was over was never heard',
  );
  return ended;
}

/** An incident in which it stood alone, and that ended untold, goes to the history with it. */
function closeBehind(turn: Turn, known: Alert): void {
  const incident = incidentOf(turn.state, known);
  if (incident?.phase !== 'resolved' || incident.toldAt !== undefined) return;
  if (turn.state.members.get(incident.id)?.size === 1) closeIncident(turn.state, incident.id);
}

/** It had timed out or was said to be over, wrongly as it turns out: the same episode goes on. */
export function wentOn(turn: Turn, known: Alert, received: ReceivedAlert): Verdict {
  const alert: Draft<Alert> = alertWith(known, {
    status: 'firing',
    endsAt: undefined,
    resolvedAt: undefined,
    expiresAt: expiryOf(turn, received),
  });
  const heartbeat = heartbeatOf(turn, subjectOf(alert));
  if (heartbeat !== undefined) {
    beat(turn, heartbeat);
    return 'heartbeat';
  }
  beginsToInhibit(turn, alert);
  alert.muted = mutedNow(turn, alert);
  if (alert.muted !== undefined) return muted(turn, alert, alert.muted, known);
  if (!belongsStill(turn, known, alert)) return takePlace(turn, alert);
  noteAlert(turn, 'refired', alert, 'its source mentions it again after it was over', undefined);
  rejoin(turn, known, alert);
  return 'refired';
}

export function resolved(
  turn: Turn,
  alert: Alert,
  wasKnown: boolean,
  news: Extract<News, { kind: 'resolves' }>,
): Verdict {
  const { startsAt, endsAt } = news;
  if (!wasKnown && heartbeatOf(turn, subjectOf(alert)) !== undefined) return 'heartbeat';
  if (wasKnown) learnLateness(turn, alert.source, endsAt);
  const ended = alertWith(endsToInhibit(turn, alert), {
    status: 'resolved',
    startsAt,
    endsAt,
    expiresAt: undefined,
    resolvedAt: turn.now,
    muted: undefined,
  });
  putAlert(turn.state, ended);
  scheduleAlert(turn, ended);
  const firedFor = `it fired for ${exactDuration(Math.max(0, endsAt - startsAt))}`;
  const because = wasKnown ? firedFor : 'it was never seen firing';
  noteAlert(turn, 'resolved', ended, because, undefined);
  const incident = incidentOf(turn.state, ended);
  if (wasKnown && incident !== undefined) settle(turn, incident, ended.facts.service);
  return 'resolved';
}

/**
 * Its incident is open, or over for so short a time that its message opens again; unless its service has another
 * message by now, or something else that fires explains it (a front end fails with whatever it calls). What ended
 * before anybody was told is over for good.
 */
function belongsStill(turn: Turn, known: Alert, alert: Alert): boolean {
  const incident = incidentOf(turn.state, known);
  if (incident === undefined) return false;
  if (incident.resolvedAt === undefined) return true;
  const forMs = turn.now - incident.resolvedAt;
  if (incident.toldIn !== 'message' || forMs > turn.rules.life.reopenWithinMs) return false;
  const rule = turn.rules.correlate(subjectOf(alert));
  return !belongsElsewhere(turn, alert, rule, incident);
}

/** Its incident may go on for days: what was over for so long there, and fires again, is another failure. */
function isLongOver({ now, rules }: Turn, { resolvedAt }: Alert): boolean {
  return resolvedAt !== undefined && now - resolvedAt > rules.life.reopenWithinMs;
}

/** It stays where it is alone, or fires already. An incident of others would be kept open by it for hours. */
function flaps(turn: Turn, known: Alert, alert: Draft<Alert>, hidden: boolean): Verdict {
  const incident = incidentOf(turn.state, known);
  const isAlone = incident !== undefined && turn.state.members.get(incident.id)?.size === 1;
  const isSame = known.fingerprint === alert.fingerprint;
  if (isAlone && isSame) return refired(turn, known, alert, hidden);
  standAlone(turn, alert);
  noteFiring(turn, known, alert, hidden);
  if (isSame) settleWithout(turn, known);
  return 'damped';
}

/** A muted alert stands in no incident: it neither tells nor explains anything. */
function muted(turn: Turn, alert: Draft<Alert>, by: Muted, known: Alert | undefined): Verdict {
  alert.incident = undefined;
  putAlert(turn.state, alert);
  scheduleAlert(turn, alert);
  const verdict = noteMuted(turn, alert, by);
  if (known !== undefined) settleWithout(turn, known);
  return verdict;
}

function refired(turn: Turn, known: Alert, alert: Draft<Alert>, hidden: boolean): Verdict {
  alert.incident = known.incident;
  const verdict = noteFiring(turn, known, alert, hidden);
  rejoin(turn, known, alert);
  return verdict;
}

function noteFiring(turn: Turn, known: Alert, alert: Alert, hidden: boolean): 'damped' | 'refired' {
  const verdict = alert.flap?.flapping === true ? 'damped' : 'refired';
  const times = `firing number ${alert.episodes}`;
  const because = hidden ? `${times}; the resolve in between was never seen` : times;
  noteAlert(turn, verdict, alert, because, undefined);
  if (verdict === 'damped' && known.flap?.flapping !== true) {
    const penalty = Math.round(alert.flap?.penalty ?? 0);
    const after = `penalty ${penalty} after ${alert.episodes} firings`;
    noteAlert(turn, 'flapping', alert, after, undefined);
  }
  return verdict;
}

/**
 * When it has outlasted its hold. The time that it has fired already counts, so delays do not add up. What came and
 * went lately, and nobody was told of, is held for longer in proportion to its penalty, until it counts as flapping.
 */
function heldUntil(
  turn: Turn,
  subject: Subject,
  alert: Alert,
  holdMs: number,
  before: Alert | undefined,
): number {
  const { flap } = alert;
  if (flap?.flapping !== true) {
    const isUntold = before !== undefined && !isTold(turn, before);
    const times = isUntold ? (flap?.penalty ?? PENALTY) / PENALTY : 1;
    return outlasting(turn, alert, holdMs * times);
  }
  const sustainedMs = turn.rules.flap(subject)?.sustainedMs ?? 0;
  const firesOn = outlasting(turn, alert, Math.max(holdMs, sustainedMs));
  const isItself = flap.told !== true && before?.fingerprint === alert.fingerprint;
  return isItself && alert.facts.severity === 'critical'
    ? Math.min(firesOn, flappedFor(turn, flap, sustainedMs / 2))
    : firesOn;
}

/**
 * A critical alert that flaps for so long, and of which nobody was told, is told once while it fires: what fails again and
 * again is broken. Of milder ones it would tell whenever one flaps.
 */
function flappedFor({ now }: Turn, { since = now }: Flap, forMs: number): number {
  return Math.max(now, since + forMs);
}

/** When it has fired for so long, by its own clock or ours, whichever is sooner. */
function outlasting({ now }: Turn, { startsAt }: Alert, forMs: number): number {
  return Math.min(now + forMs, Math.max(now, startsAt + forMs));
}

/** A built-in hold is no shorter than a slow source takes to say that it is over. */
function awaitWord(turn: Turn, alert: Draft<Alert>): void {
  if (alert.holdRule !== 'built-in' || alert.heldUntil === turn.now) return;
  const until = turn.now + nextWordMs(turn, alert.source);
  if (until <= alert.heldUntil) return;
  alert.heldUntil = until;
  alert.holdWhy = 'its source says late that something is over';
  alert.awaitsWord = true;
}

function damped(turn: Turn, known: Alert, subject: Subject): Flap | undefined {
  const rule = turn.rules.flap(subject);
  return rule === undefined ? undefined : afterRefire(known, rule, turn.now, isTold(turn, known));
}

function isTold({ state }: Turn, alert: Alert): boolean {
  return incidentOf(state, alert)?.toldIn === 'message';
}
