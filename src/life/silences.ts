/**
 * The silences that people set: begun, changed, ended. An alert that one matches stands in no incident
 * while it lasts, and is told when it ends and the alert still fires.
 *
 * What people were told of stays told: its message says that it is quiet, and until when.
 */
import type { Incident, Instant, Silence } from '../model.ts';
import { exactDuration } from '../rules/duration.ts';
import {
  isInForce,
  longestInForce,
  muteIfMatched,
  reviewAllMuted,
  silenceRef,
  testOf,
} from './mute.ts';
import { inSlices } from './review.ts';
import type { KeptSilence } from '../state/small-records.ts';
import { keyOf } from '../state/keys.ts';
import { alertsOf, putSmall, removeSmall, tallyOf } from '../state/state.ts';
import { schedule, type Steps } from '../state/timers.ts';
import { change, note, type Turn, wakeIncident, noteIncident } from '../state/turn.ts';
import { armEscalation } from './escalation.ts';
import { subjectOf } from './lead.ts';
import { show } from './show.ts';
import { callMore, say } from './worse.ts';

/** As long as Alertmanager shows silences that are over. */
const REMEMBERED_MS = 5 * 24 * 60 * 60_000;

/** Silences in memory: beyond that the oldest that is over is forgotten. */
const REMEMBERED_MAX = 5_000;

/** Returns how many of the alerts that fire now it matches. */
export function setSilence(turn: Turn, silence: Silence): number {
  const { state, now } = turn;
  const before = state.silences.get(silence.id);
  putSmall(state, 'silence', silence.id, { silence, updatedAt: now, over: false });
  makeRoom(turn);
  scheduleSilence(turn, silence, now);
  const { matched, firing } = countMatches(turn, silence);
  const lasts = exactDuration(silence.endsAt - Math.max(now, silence.startsAt));
  note(turn, 'silence-set', {
    because: `${silence.createdBy} for ${lasts}: ${matchersInWords(silence).join(', ')}; it matches ${matched} of ${firing} alerts that fire now`,
    rule: silenceRef(silence.id),
    why: silence.comment,
  });
  inSlices(turn, keyOf('silence', silence.id), function* (own) {
    if (before !== undefined) yield* reviewMutedBy(own, silence.id);
    yield* begin(own, silence);
    if (before !== undefined) yield* reviewQuiet(own, silence.id);
  });
  return matched;
}

/** It ends now. Nothing happens when it is unknown or over. */
export function endSilence(turn: Turn, id: string, by: string): boolean {
  const { state, now } = turn;
  const kept = state.silences.get(id);
  if (kept === undefined || kept.silence.endsAt <= now) return false;
  const silence = { ...kept.silence, endsAt: now, startsAt: Math.min(kept.silence.startsAt, now) };
  over(turn, { silence, updatedAt: now, over: true }, `${by} ended it`);
  inSlices(turn, keyOf('silence', id), function* (own) {
    yield* reviewQuiet(own, id);
    yield* reviewMutedBy(own, id);
  });
  return true;
}

/** Called when it begins, when it ends, when it may be forgotten, and at a start. */
export function silenceDue(turn: Turn, id: string): void {
  const { state, now } = turn;
  const kept = state.silences.get(id);
  if (kept === undefined) return;
  const { silence } = kept;
  if (now >= silence.endsAt + REMEMBERED_MS) return removeSmall(state, 'silence', id);
  if (now >= silence.endsAt && !kept.over) {
    over(
      turn,
      { ...kept, over: true },
      `it lasted ${exactDuration(silence.endsAt - silence.startsAt)}`,
    );
  }
  scheduleSilence(turn, silence, now);
  inSlices(turn, keyOf('silence', id), (own) => begin(own, silence));
}

/**
 * After a start. If it began or ended while no process was there to see it, that is due now; else what it keeps
 * quiet is known.
 */
export function expectSilence(turn: Turn, silence: Silence): void {
  const { state, now } = turn;
  const isKnown = silence.startsAt < (state.decidedUntil ?? 0) && silence.endsAt > now;
  if (isKnown) scheduleSilence(turn, silence, now);
  else schedule(state.timers, keyOf('silence', silence.id), now);
}

function scheduleSilence(turn: Turn, silence: Silence, now: Instant): void {
  const { startsAt, endsAt, id } = silence;
  const next = [startsAt, endsAt, endsAt + REMEMBERED_MS].find((at) => at > now) ?? now + 1;
  schedule(turn.state.timers, keyOf('silence', id), next);
}

/** `service="payments"`, as people write them. */
export function matchersInWords({ matchers }: Pick<Silence, 'matchers'>): readonly string[] {
  return matchers.map(
    ({ name, value, isRegex, isEqual }) =>
      `${name}${isEqual ? '=' : '!'}${isRegex ? '~' : isEqual ? '' : '='}"${value}"`,
  );
}

/** Looks at every alert: silences are set by people, now and then. */
export function countMatches(
  turn: Pick<Turn, 'state' | 'rules'>,
  silence: Silence,
): { readonly matched: number; readonly firing: number } {
  const { state } = turn;
  const matches = testOf(turn, silence);
  let matched = 0;
  let firing = 0;
  for (const alert of state.alerts.values()) {
    if (alert.status !== 'firing') continue;
    firing++;
    if (matches(subjectOf(alert))) matched++;
  }
  return { matched, firing };
}

function makeRoom({ state }: Turn): void {
  if (state.silences.size <= REMEMBERED_MAX) return;
  for (const [id, kept] of state.silences) if (kept.over) return removeSmall(state, 'silence', id);
}

function over(turn: Turn, kept: KeptSilence, because: string): void {
  const { id, comment } = kept.silence;
  putSmall(turn.state, 'silence', id, kept);
  scheduleSilence(turn, kept.silence, turn.now);
  note(turn, 'silence-over', { because, rule: silenceRef(id), why: comment });
}

function* begin(turn: Turn, silence: Silence): Steps {
  const { state, now } = turn;
  if (!isInForce(silence, now)) return;
  const matches = testOf(turn, silence);
  for (const alert of state.alerts.values()) {
    yield;
    if (alert.status !== 'firing' || alert.muted !== undefined) continue;
    const isUnseen = state.incidents.get(alert.incident ?? '')?.phase === 'gathering';
    if (isUnseen && matches(subjectOf(alert))) muteIfMatched(turn, alert);
  }
  for (const id of state.open) {
    yield;
    const incident = state.incidents.get(id);
    if (incident !== undefined && isCovered(turn, incident, silence))
      quieten(turn, incident, silence);
  }
}

/** All that still fires of it is silenced. */
export function isCovered(turn: Turn, incident: Incident, silence: Silence): boolean {
  const { state } = turn;
  const matches = testOf(turn, silence);
  let firing = 0;
  for (const alert of alertsOf(state, incident.id)) {
    if (alert.status !== 'firing') continue;
    if (!matches(subjectOf(alert))) return false;
    firing++;
  }
  return firing > 0;
}

function quieten(turn: Turn, incident: Incident, silence: Silence): Incident {
  if ((incident.snoozed?.until ?? 0) >= silence.endsAt) return incident;
  wakeIncident(turn, incident.id, silence.endsAt);
  const { id, createdBy, endsAt, comment } = silence;
  const because = `all that fires of it is silenced by ${createdBy}`;
  noteIncident(turn, 'snoozed', incident, because, { rule: silenceRef(id), why: comment });
  const snoozed = { by: createdBy, at: turn.now, until: endsAt, silence: id };
  return show(turn, change(turn, incident, { snoozed }));
}

/** What it kept quiet is looked at again. */
function* reviewQuiet(turn: Turn, id: string): Steps {
  const { state } = turn;
  for (const open of state.open) {
    yield;
    const incident = state.incidents.get(open);
    if (incident?.snoozed?.silence === id) endQuiet(turn, incident);
  }
}

/** The process ended before all were looked at that a silence kept quiet, which was changed, or ended. */
export function reviewQuietLeftOver(turn: Turn, incident: Incident): Incident {
  const { silence: id, at } = incident.snoozed ?? {};
  // What is over has nobody to be told of it.
  if (id === undefined || at === undefined || incident.phase === 'resolved') return incident;
  const kept = turn.state.silences.get(id);
  return kept === undefined || kept.updatedAt > at ? endQuiet(turn, incident) : incident;
}

/** Its quiet is over, unless a silence goes on with it. Whoever looked away is told what still fires. */
export function endQuiet(turn: Turn, incident: Incident): Incident {
  const loud = change(turn, incident, { snoozed: undefined });
  if (incident.snoozed?.silence === undefined) return endSnooze(turn, loud, incident.snoozed?.by);
  const next = longestInForce(turn, (silence) => isCovered(turn, loud, silence));
  if (next !== undefined) return quieten(turn, loud, next);
  const shown = show(turn, armEscalation(turn, loud));
  const { firing } = tallyOf(turn.state, shown.id);
  if (firing === 0) return shown;
  const because = `${count(firing)} of it when the silence was over`;
  noteIncident(turn, 'unsilenced', shown, because);
  // Whoever asked for it was answered.
  if (shown.repliedAt['unsilenced'] === turn.now) return shown;
  return remind(turn, shown, firing, undefined);
}

/** Whoever asked for quiet is reminded of what still fires, unless somebody is on it. */
function endSnooze(turn: Turn, incident: Incident, user: string | undefined): Incident {
  const shown = show(turn, armEscalation(turn, incident));
  const { firing } = tallyOf(turn.state, shown.id);
  if (firing === 0 || shown.phase !== 'open' || shown.solved !== undefined) return shown;
  return remind(turn, shown, firing, user);
}

/** Also whom its route calls by now, and did not when the quiet began. */
function remind(
  turn: Turn,
  incident: Incident,
  firing: number,
  user: string | undefined,
): Incident {
  const news = { kind: 'silence-over', firing, user } as const;
  return say(turn, callMore(turn, incident, 'the quiet is over', news), news);
}

function count(firing: number): string {
  return firing === 1 ? '1 alert fires' : `${firing} alerts fire`;
}

function* reviewMutedBy(turn: Turn, id: string): Steps {
  yield* reviewAllMuted(turn, (rule) => rule === silenceRef(id));
}
