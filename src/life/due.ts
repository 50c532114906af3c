/**
 * What happens when the clock reaches an instant that a record asked for. A record that is called too
 * early does nothing but say when it is due.
 */
import { nameAnew } from '../dedupe/identity.ts';
import { endsToInhibit } from './inhibit.ts';
import { forget, scheduleForgetting, settle } from './end.ts';
import { sendDigest } from './digest.ts';
import { beat, heartbeatOf, reviewHeartbeat } from './heartbeat.ts';
import { subjectOf } from './lead.ts';
import { escalate } from './escalation.ts';
import { verifySolved } from './react.ts';
import { knowsSource, lostSourceDue } from './lost-source.ts';
import { isWorse, reviewStorm, scheduleStorm, tellableAt } from './storm.ts';
import { show } from './show.ts';
import { endQuiet, expectSilence, reviewQuietLeftOver, silenceDue } from './silences.ts';
import { list, reconsiderRoute, tellAfterStorm } from './tell.ts';
import { considerLasting, joinsAfterStorm, takeProvenPlace } from '../correlate/place.ts';
import type { Alert, Flap, Incident, Instant } from '../model.ts';
import { muteIfMatched, reviewMuted } from './mute.ts';
import { inSlices } from './review.ts';
import { calmOf, forgottenAt, scheduleAlert, scheduleIncident } from './schedule.ts';
import { keyOf, readKey, STORM_KEY } from '../state/keys.ts';
import { incidentOf, putAlert, refreshAlert, removeAlert, tallyOf } from '../state/state.ts';
import { sorted } from '../state/sorted.ts';
import { DueFailed, schedule, type Steps } from '../state/timers.ts';
import { change, noteAlert, type Turn, wakeIncident } from '../state/turn.ts';
import { orderReply } from './reply.ts';
import { alertWith } from '../state/with.ts';

/** Incidents that get a message of their own when a storm is over. */
const OUTLASTING_TOLD = 10;
/** After a start, sources get this long to mention their alerts again. */
const START_GRACE_MS = 5 * 60_000;

/** What each kind of key is due for. */
const DUE: Readonly<Record<string, (turn: Turn, name: string) => void>> = {
  alert: alertDue,
  missed: missedDue,
  i: incidentDue,
  digest: sendDigest,
  heartbeat: reviewHeartbeat,
  silence: silenceDue,
  source: lostSourceDue,
  name: nameAnew,
  storm: stormDue,
};

/** Throws DueFailed. */
export function runDue(turn: Turn, key: string): void {
  const { kind, name } = readKey(key);
  try {
    DUE[kind]?.(turn, name);
  } catch (error) {
    throw new DueFailed(key, error);
  }
}

function stormDue(turn: Turn): void {
  if (reviewStorm(turn)) inSlices(turn, STORM_KEY, tellOutlasting);
}

/** The rate fell; that does not mean that all is well. The worst are told, the rest are listed. */
function* tellOutlasting(turn: Turn): Steps {
  const { state } = turn;
  const stormed = [...state.stormed].flatMap((id) => state.incidents.get(id) ?? []);
  let told = 0;
  for (const { id } of yield* sorted(stormed, isWorse)) {
    yield;
    const incident = state.incidents.get(id);
    if (incident === undefined) continue;
    const joining = change(turn, incident, { toldIn: undefined });
    if (tallyOf(state, id).firing === 0 || joinsAfterStorm(turn, joining)) continue;
    const left = state.incidents.get(id) ?? joining;
    if (told++ < OUTLASTING_TOLD) tellAfterStorm(turn, left);
    else list(turn, left, 'it outlasted the storm');
  }
}

/** The lane was loaded: nothing is scheduled yet, and no source could reach us meanwhile. */
export function* scheduleEverything(turn: Turn): Steps {
  const { state, now } = turn;
  const { resolveTimeoutMs } = turn.rules.life;
  const graceMs = Math.max(
    START_GRACE_MS,
    Number.isFinite(resolveTimeoutMs) ? resolveTimeoutMs : 0,
  );
  for (const alert of state.alerts.values()) {
    const graced = withGrace(alert, now + graceMs);
    if (graced !== alert) refreshAlert(state, graced);
    if (!isKept(graced, now)) scheduleAlert(turn, graced);
    if (mayBeLouder(turn, graced)) schedule(state.timers, keyOf('missed', graced.fingerprint), now);
    yield;
  }
  for (const incident of state.incidents.values()) {
    yield;
    scheduleIncident(turn, incident);
    scheduleForgetting(turn, incident);
    endLeftOver(turn, reviewQuietLeftOver(turn, incident));
  }
  for (const { channel, dueAt } of state.digests.values())
    if (dueAt !== undefined) schedule(state.timers, keyOf('digest', channel), dueAt);
  for (const heartbeat of state.heartbeats.values())
    schedule(state.timers, keyOf('heartbeat', heartbeat.name), heartbeat.missingAt);
  for (const { silence } of state.silences.values()) expectSilence(turn, silence);
  if (state.storm !== undefined) scheduleStorm(turn, state.storm.roughAt + turn.rules.storm.calmMs);
  // It ended, and the process did before all were told.
  else yield* tellOutlasting(turn);
}

function withGrace(alert: Alert, until: Instant): Alert {
  const { expiresAt, status } = alert;
  const isLonger = status !== 'firing' || expiresAt === undefined || expiresAt >= until;
  return isLonger ? alert : alertWith(alert, { expiresAt: until });
}

/** It was to be forgotten already, and spoke for its service then: it stays as long as its incident does. */
function isKept(alert: Alert, now: Instant): boolean {
  if (alert.status === 'firing' || alert.flap?.flapping === true) return false;
  return alert.incident !== undefined && forgottenAt(alert) <= now;
}

/** It joined an incident that was told quietly, and its hold elapsed while no process was there to ask its route. */
function mayBeLouder({ state, now }: Turn, alert: Alert): boolean {
  const { toldIn, toldAt = now } = incidentOf(state, alert) ?? {};
  if (alert.status !== 'firing' || toldIn === undefined || toldIn === 'message') return false;
  const since = Math.max(toldAt, state.decidedUntil ?? toldAt);
  return alert.heldUntil > toldAt && alert.heldUntil >= since && alert.heldUntil <= now;
}

/** An open incident without anything that could end it. No version should leave one; some did. */
function endLeftOver(turn: Turn, incident: Incident): void {
  if (incident.special !== undefined || !turn.state.open.has(incident.id)) return;
  const { firing, flapping } = tallyOf(turn.state, incident.id);
  if (firing + flapping === 0) settle(turn, incident, incident.roots[0]?.service ?? '');
}

function alertDue(turn: Turn, fingerprint: string): void {
  const alert = turn.state.alerts.get(fingerprint);
  if (alert === undefined) return;
  if (alert.status === 'firing') firingDue(turn, alert);
  else resolvedDue(turn, alert);
}

function firingDue(turn: Turn, alert: Alert): void {
  const { now } = turn;
  if (isDue(alert.expiresAt, now)) return expire(turn, alert, whyOver(turn, alert));
  if (alert.muted !== undefined) {
    const isToReview = alert.muted.inhibitor !== undefined || isDue(alert.muted.until, now);
    if (isToReview) reviewMuted(turn, alert);
    else scheduleAlert(turn, alert);
    return;
  }
  const incident = incidentOf(turn.state, alert);
  if (!isDue(alert.heldUntil, now) || incident === undefined) return scheduleAlert(turn, alert);
  // A window may have begun while it was held.
  if (incident.phase === 'gathering' && muteIfMatched(turn, alert)) return;
  const until = tellableAt(turn, incident);
  if (until !== undefined) return schedule(turn.state.timers, alert.fingerprint, until);
  if (alert.flap?.flapping === true) return sustained(turn, incident, alert, alert.flap);
  if (incident.phase === 'gathering') return takeProvenPlace(turn, incident, alert);
  // Only when its hold ends: that it was to expire by now, had its source not mentioned it again, is no news.
  if (alert.heldUntil === now) reconsiderRoute(turn, incident, alert);
  scheduleAlert(turn, alert);
}

/** Its hold ended while nobody was there. */
function missedDue(turn: Turn, fingerprint: string): void {
  const alert = turn.state.alerts.get(fingerprint);
  const incident = alert && incidentOf(turn.state, alert);
  if (alert?.status !== 'firing' || incident === undefined) return;
  if (alert.muted === undefined && alert.flap?.flapping !== true)
    reconsiderRoute(turn, incident, alert);
}

/** It flapped, and now fires on, or has flapped for so long: that is a state, and people are told of states. */
function sustained(turn: Turn, incident: Incident, alert: Alert, flap: Flap): void {
  const steady = alertWith(alert, { flap: calmed(flap) });
  const firesOn = 'it no longer flaps: it fires on';
  const because =
    alert.heldUntil > alert.since ? firesOn : 'it has flapped for so long that it is told';
  noteAlert(turn, 'calmed', alert, because, undefined);
  if (incident.toldIn !== 'message') return takeProvenPlace(turn, incident, steady);
  putAlert(turn.state, steady);
  scheduleAlert(turn, steady);
  orderReply(turn, show(turn, incident), {
    kind: 'refired',
    times: alert.episodes,
    service: alert.facts.service,
    mention: incident.phase === 'open' ? incident.route?.mention : undefined,
  });
}

function calmed(flap: Flap): Flap {
  return { penalty: flap.penalty, at: flap.at, flapping: false, since: undefined };
}

/** Other rules are in force: an alert that they call a heartbeat is no alert any more, and has just been heard. */
export function* recogniseHeartbeats(turn: Turn): Steps {
  if (turn.rules.heartbeats.length === 0) return;
  for (const alert of turn.state.alerts.values()) {
    yield;
    if (alert.status !== 'firing') continue;
    const rule = heartbeatOf(turn, subjectOf(alert));
    if (rule === undefined) continue;
    beat(turn, rule);
    expire(turn, alert, `it is the heartbeat ${rule.name} by the rules in force`);
  }
}

function whyOver({ rules }: Turn, { source }: Alert): string {
  return knowsSource(rules, source)
    ? 'its source no longer mentions it'
    : `the rules have no mapping "${source}" any more, so nothing that it sends is read`;
}

function expire(turn: Turn, alert: Alert, because: string): void {
  const expired = alertWith(endsToInhibit(turn, alert), {
    status: 'resolved',
    endsAt: undefined,
    resolvedAt: turn.now,
    expiresAt: undefined,
    muted: undefined,
  });
  putAlert(turn.state, expired);
  scheduleAlert(turn, expired);
  noteAlert(turn, 'expired', expired, because, undefined);
  const incident = incidentOf(turn.state, expired);
  if (incident !== undefined) settle(turn, incident, expired.facts.service);
}

function resolvedDue(turn: Turn, alert: Alert): void {
  if (alert.flap?.flapping === true) {
    if (!isDue(calmOf(turn, alert), turn.now)) return scheduleAlert(turn, alert);
    const calm = alertWith(alert, { flap: calmed(alert.flap) });
    putAlert(turn.state, calm);
    noteAlert(turn, 'calmed', alert, 'it did not fire again for a while', undefined);
    scheduleAlert(turn, calm);
    const incident = incidentOf(turn.state, calm);
    if (incident !== undefined) settle(turn, incident, calm.facts.service);
    return;
  }
  if (!isDue(forgottenAt(alert), turn.now)) return scheduleAlert(turn, alert);
  // The alert that speaks for its service stays as long as the incident does.
  const tally = alert.incident === undefined ? undefined : tallyOf(turn.state, alert.incident);
  if (tally?.services.get(alert.facts.service)?.lead === alert.fingerprint) return;
  removeAlert(turn.state, alert.fingerprint);
}

function incidentDue(turn: Turn, id: string): void {
  const { now, state } = turn;
  const incident = state.incidents.get(id);
  if (incident === undefined) return;
  if (incident.phase === 'resolved') return resolvedIncidentDue(turn, incident);
  if (incident.phase === 'gathering') return considerLasting(turn, incident);
  let present: Incident = incident;
  if (isDue(present.verifyAt, now)) present = verifySolved(turn, present);
  if (isDue(present.escalateAt, now)) present = escalate(turn, present);
  if (isDue(present.snoozed?.until, now)) present = endQuiet(turn, present);
  if (isDue(present.refreshAt, now)) present = show(turn, present);
  if (present.phase !== 'resolved') scheduleIncident(turn, present);
}

/** Only its message may still have to show what people did. */
function resolvedIncidentDue(turn: Turn, incident: Incident): void {
  if (forget(turn, incident)) return;
  if (isDue(incident.refreshAt, turn.now)) show(turn, incident);
  else if (incident.refreshAt !== undefined) wakeIncident(turn, incident.id, incident.refreshAt);
}

function isDue(at: Instant | undefined, now: Instant): boolean {
  return at !== undefined && at <= now;
}
