/**
 * Gives a firing alert its place: in the incident where it was, in one that the evidence points to,
 * or in a new one. Then asks whether that incident is worth telling by now.
 */
import { revive } from '../life/end.ts';
import { openIncident } from '../life/open.ts';
import { tellableAt, tellInStorm, waitingUntil } from '../life/storm.ts';
import { type Proof, proofNow, proofOf } from '../life/proof.ts';
import { reconsiderRoute, tell } from '../life/tell.ts';
import { tellMore } from '../life/worse.ts';
import type { Alert, Draft, Incident, Instant, Verdict } from '../model.ts';
import type { CorrelateRule } from '../rules/rules.ts';
import { scheduleAlert } from '../life/schedule.ts';
import { incidentOf, putAlert, survivorOf, tallyOf } from '../state/state.ts';
import { worstFiring } from '../state/tally.ts';
import { change, note, noteAlert, type Turn, turnWith, wakeIncident } from '../state/turn.ts';
import { alertWith } from '../state/with.ts';
import { leadOf, likelyCause, subjectOf } from '../life/lead.ts';
import { groupOf } from './group.ts';
import { effectsOf } from './along.ts';
import type { Match } from './evidence.ts';
import { matchesOf, toldOf } from './join.ts';
import { alikeWith } from './outside.ts';
import { becomeOne, isSenior } from './merge.ts';
import { beganOf, onsetOf } from './onset.ts';
import { rankRoots } from './root.ts';
import {
  besideWide,
  explainedBy,
  keptOut,
  leftBehind,
  toldAtOnce,
  toldOfSilent,
} from './standing.ts';
import { outlastingWith, togetherWith } from './together.ts';

/** A new firing, or one whose incident is forgotten. `isProven`: it has outlasted its hold already. */
export function takePlace(turn: Turn, alert: Draft<Alert>, isProven = false): Verdict {
  const rule = turn.rules.correlate(subjectOf(alert));
  const { matches, barred } = matchesOf(
    turn,
    alert,
    rule,
    isProven ? { from: undefined } : undefined,
  );
  const best = matches[0];
  if (best === undefined) {
    opens(turn, alert, groupOf(alert, rule, turn.rules.catalog));
    noteAlert(turn, 'opened', alert, 'nothing else is open that it belongs to', undefined);
    const own = incidentOf(turn.state, alert);
    if (own !== undefined) consider(turn, becomeOne(turn, own, barred, alert), alert);
    return 'opened';
  }
  const incident = becomeOne(turn, best.incident, matches, alert);
  alert.incident = incident.id;
  const ground = best.evidence;
  noteAlert(turn, 'joined', alert, best.because, { ground, rule: rule.rule, why: rule.why });
  enter(turn, incident, alert);
  return 'joined';
}

/** An alert that fires again where it was before. */
export function rejoin(turn: Turn, known: Alert, alert: Alert): void {
  const incident = survivorOf(turn.state, known.incident);
  if (incident !== undefined)
    return enter(turn, incident, alertWith(alert, { incident: incident.id }));
  putAlert(turn.state, alert);
  scheduleAlert(turn, alert);
}

/** What flaps says little about its surroundings: it stands alone until it lasts. */
export function standAlone(turn: Turn, alert: Draft<Alert>): void {
  opens(turn, alert, undefined);
}

/**
 * It outlasted its hold, so its place is looked for once more: by now another may fit better. Its incident comes
 * along.
 */
export function takeProvenPlace(turn: Turn, incident: Incident, alert: Alert): void {
  const { state } = turn;
  const rule = turn.rules.correlate(subjectOf(alert));
  putAlert(state, alertWith(alert, { incident: undefined }));
  // What lies near it in time is near to when it began, not to now.
  const then = turnWith(turn, { now: alert.since });
  const { matches } = matchesOf(then, alert, rule, { from: incident });
  const place = becomeOne(turn, incident, matches, alert);
  enter(turn, place, alertWith(alert, { incident: place.id }));
}

/** Is it worth telling, now that the alert fires in it? */
function consider(turn: Turn, incident: Incident, alert: Alert): void {
  const until = waitingUntil(turn, incident);
  if (until !== undefined) return wakeIncident(turn, incident.id, until);
  const proof = proofOf(turn, incident, alert);
  if (proof !== undefined) speak(turn, incident, proof);
}

/** Several of its alerts have fired for long enough, or a rush is over that its message waited for. */
export function considerLasting(turn: Turn, incident: Incident): void {
  const proof = proofNow(turn, incident);
  if (proof !== undefined) speak(turn, incident, proof);
}

/** Tells it, unless a message that stands says it already: whoever reads that looks after the service. */
function speak(turn: Turn, gathered: Incident, proof: Proof): void {
  const { speaker } = proof;
  const until = tellableAt(turn, gathered);
  if (until !== undefined) return wakeIncident(turn, gathered.id, until);
  const incident = beganBy(turn, gathered, onsetOf(speaker));
  const rule = turn.rules.correlate(subjectOf(speaker));
  const match =
    toldOf(turn, forCause(incident, speaker), rule, incident) ??
    explainedBy(turn, incident, speaker, rule) ??
    toldOfSilent(turn, incident, speaker, rule) ??
    keptOut(turn, incident, speaker, rule) ??
    toldAtOnce(turn, incident, speaker, rule) ??
    besideWide(turn, incident, speaker, rule) ??
    leftBehind(turn, incident, speaker, rule);
  const matches = match === undefined ? linkedByNothing(turn, incident, speaker, rule) : [match];
  const isNews = !matches.some((one) => isKnownIn(turn, one.incident, speaker));
  const place = becomeOne(turn, incident, matches, speaker);
  if (place.phase === 'gathering') tell(turn, place, proof);
  else enter(turn, place, alertWith(speaker, { incident: place.id }), isNews);
}

/** As if it were an alert of the incident's likely cause. */
function forCause(incident: Incident, { labels, facts }: Alert): Pick<Alert, 'facts' | 'labels'> {
  return { labels, facts: { ...facts, service: likelyCause(incident, { facts }) } };
}

/**
 * A storm is over, and this incident, which its message told of, goes on. It joins a message that explains it or
 * began with it. False: it has to be told by itself.
 */
export function joinsAfterStorm(turn: Turn, incident: Incident): boolean {
  const speaker = leadOf(turn.state, incident);
  if (speaker === undefined) return false;
  const rule = turn.rules.correlate(subjectOf(speaker));
  const match =
    toldOf(turn, forCause(incident, speaker), rule, incident) ??
    explainedBy(turn, incident, speaker, rule) ??
    outlastingWith(turn, incident, speaker, rule);
  if (match === undefined || isSenior(incident, match.incident)) return false;
  const place = becomeOne(turn, incident, [match], speaker);
  if (place.id !== match.incident.id) return false;
  enter(turn, place, alertWith(speaker, { incident: place.id }));
  return true;
}

/** What has a cause of which the catalog does not know. */
function linkedByNothing(
  turn: Turn,
  incident: Incident,
  speaker: Alert,
  rule: CorrelateRule,
): readonly Match[] {
  const alike = alikeWith(turn, incident, speaker, rule);
  return alike.length > 0 ? alike : togetherWith(turn, incident, speaker, rule);
}

function isKnownIn({ state }: Turn, { id }: Incident, { facts }: Alert): boolean {
  return (tallyOf(state, id).services.get(facts.service)?.alerts ?? 0) > 0;
}

function opens(turn: Turn, alert: Draft<Alert>, group: string | undefined): void {
  const onset = group === undefined ? alert.startsAt : onsetOf(alert);
  const more = { group, beganAt: onset < alert.startsAt ? onset : undefined };
  const incident = openIncident(turn.state, alert.fingerprint, turn.now, alert, more);
  alert.incident = incident.id;
  putAlert(turn.state, alert);
  scheduleAlert(turn, alert);
}

function enter(
  turn: Turn,
  incident: Incident,
  alert: Alert,
  isNewService = !isKnownIn(turn, incident, alert),
): void {
  const { state } = turn;
  putAlert(state, alert);
  scheduleAlert(turn, alert);
  const revived = revive(turn, state.incidents.get(incident.id) ?? incident, alert);
  const startsAt = Math.min(revived.startsAt, alert.startsAt);
  const severity = worstFiring(tallyOf(state, incident.id)) ?? revived.severity;
  // Most alerts change nothing about their incident: then its record need not be written.
  const isNews = startsAt !== revived.startsAt || severity !== revived.severity;
  const timed = isNews ? change(turn, revived, { startsAt, severity }) : revived;
  const joined = timed.group === undefined ? timed : beganBy(turn, timed, onsetOf(alert));
  const rooted = isNewService ? gatherEffects(turn, reroot(turn, joined), alert) : joined;
  if (rooted.phase === 'gathering') consider(turn, rooted, alert);
  else if (rooted.toldIn === 'message') tellMore(turn, rooted, alert.facts.service, isNewService);
  else if (rooted.toldIn === 'storm' && state.storm !== undefined) tellInStorm(turn, rooted);
  else reconsiderRoute(turn, rooted, alert);
}

/** In a group by time the earliest beginning counts, and more alerts tell it better. */
function beganBy(turn: Turn, incident: Incident, beganAt: Instant): Incident {
  return beganAt < beganOf(incident) ? change(turn, incident, { beganAt }) : incident;
}

/** The likely cause is another service now: incidents whose own cause it explains become one with this one. */
function gatherEffects(turn: Turn, incident: Incident, alert: Alert): Incident {
  const rule = turn.rules.correlate(subjectOf(alert));
  const root = incident.roots[0]?.service;
  if (root === undefined || !rule.on) return incident;
  const matches = effectsOf(turn, incident, root, rule);
  if (matches.length === 0) return incident;
  return reroot(turn, becomeOne(turn, incident, matches, alert));
}

/** Judges anew which service is the likely cause. */
export function reroot(turn: Turn, incident: Incident): Incident {
  const roots = rankRoots(turn, incident);
  const before = incident.roots[0]?.service;
  const after = roots[0]?.service;
  if (before !== undefined && before !== after) {
    note(turn, 'rerooted', {
      incident: incident.id,
      service: after,
      because: `${after} explains more than ${before}`,
    });
  }
  return change(turn, incident, { roots });
}
