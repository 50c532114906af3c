/**
 * Two incidents turn out to be one. The survivor is the one that people work on, else the one that they were told
 * of, else the older. The other's message becomes a pointer, and reactions to it count for the survivor. All alerts
 * move in one commit, so an incident of very many stays by itself.
 *
 * Two that are linked but may not be one (may.ts), or are too large, stay apart; that is said once.
 */
import { revive } from '../life/end.ts';
import { causeOf } from '../life/lead.ts';
import { nextRevision, touch } from '../life/show.ts';
import type { Alert, Incident, Instant } from '../model.ts';
import { exactDuration } from '../rules/duration.ts';
import { alertsOf, type LaneState, putAlert } from '../state/state.ts';
import {
  change,
  note,
  orderMessage,
  type Turn,
  wakeIncident,
  noteIncident,
} from '../state/turn.ts';
import { isBefore } from '../state/past.ts';
import { isRequestKey } from '../state/reactions.ts';
import type { Parting } from '../state/small-records.ts';
import { weightOf } from '../state/weight.ts';
import { alertWith } from '../state/with.ts';
import type { Match } from './evidence.ts';
import { barBetween } from './may.ts';
import { beganOf } from './onset.ts';

/** What one decision moves from incident to incident at most, and what that weighs, about. */
const MOVED_MAX = 5_000;
const MOVED_BYTES_MAX = 8 * 1024 * 1024;
/** An incident itself counts as so many alerts. */
const INCIDENT_COUNTS = 10;

/**
 * Merges the incident with each match, as far as they may be one and as many as can be moved at once. `service`: of
 * the alert that is the reason. Returns what became of the incident.
 */
export function becomeOne(
  turn: Turn,
  incident: Incident,
  matches: readonly Match[],
  { facts: { service } }: Alert,
): Incident {
  let place = incident;
  let room = 1;
  // Into the one that survives, so that each of them moves once.
  const seniorFirst = matches.toSorted((one, other) =>
    isSenior(one.incident, other.incident) ? -1 : 1,
  );
  for (const { incident: other, because } of seniorFirst) {
    if (other === incident) continue;
    const bar = barBetween(turn, place, other);
    if (bar?.parting !== undefined) place = keepApart(turn, place, other, bar.parting);
    if (bar !== undefined) continue;
    const share = shareMoved(turn.state, place, other);
    if (share > 1) place = leaveApart(turn, place, other, because);
    else if (share <= room) {
      // What does not fit is linked by the next alert as well.
      room -= share;
      place = mergeIncidents(turn, place, other, { service, because });
    }
  }
  return place;
}

/** How much of what one decision may move these alerts are. More than 1: they cannot be moved. */
export function shareOf({ alerts }: LaneState, fingerprints: ReadonlySet<string>): number {
  const share = (fingerprints.size + INCIDENT_COUNTS) / MOVED_MAX;
  if (share > 1) return share;
  let bytes = 0;
  for (const fingerprint of fingerprints) {
    const alert = alerts.get(fingerprint);
    if (alert !== undefined) bytes += weightOf(alert);
    if (bytes > MOVED_BYTES_MAX) break;
  }
  return Math.max(share, bytes / MOVED_BYTES_MAX);
}

/** The same of what would move if the two became one. */
export function shareMoved(state: LaneState, one: Incident, other: Incident): number {
  return shareOf(state, state.members.get(loserOf(one, other).id) ?? NOBODY);
}

const NOBODY: ReadonlySet<string> = new Set();

/**
 * They would be one, and cannot be. Asked once: from then on they are apart. Returns `one` as it is now.
 * `because`: what links them.
 */
function leaveApart(turn: Turn, one: Incident, other: Incident, because: string): Incident {
  const { state } = turn;
  const loser = loserOf(one, other);
  const stays = state.incidents.get(loser === one ? other.id : one.id) ?? other;
  change(turn, stays, { apartFrom: [...(stays.apartFrom ?? []), loser.id] });
  for (const [own, from] of [
    [one, other],
    [other, one],
  ] as const)
    noteIncident(turn, 'too-large', own, `${from.id}: ${because}; ${whatIsTooMuch(state, loser)}`);
  return state.incidents.get(one.id) ?? one;
}

function whatIsTooMuch(state: LaneState, { id }: Incident): string {
  const count = state.members.get(id)?.size ?? 0;
  const most = `${MOVED_MAX.toLocaleString('en')}, or ${MOVED_BYTES_MAX / 1024 / 1024} MB of them,`;
  return `${id} has ${count.toLocaleString('en')} alerts, and ${most} can be moved at once`;
}

/** They would be one by evidence, and are two because people said so. Returns `one` as it is now. */
function keepApart(turn: Turn, one: Incident, other: Incident, parting: Parting): Incident {
  const because = partingInWords(parting, turn.now);
  for (const [own, from] of [
    [one, other],
    [other, one],
  ] as const) {
    const known = turn.state.incidents.get(own.id) ?? own;
    touch(turn, change(turn, known, { apartFrom: [...(known.apartFrom ?? []), from.id] }));
    note(turn, 'kept-apart', {
      incident: own.id,
      service: causeOf(turn.state, own),
      because: `${from.id}: ${because}`,
    });
  }
  return turn.state.incidents.get(one.id) ?? one;
}

function partingInWords({ services: [what, from], by, at, until }: Parting, now: Instant): string {
  const counts = `which counts for another ${exactDuration(until - now)}`;
  return `${by} split ${what} from ${from} ${exactDuration(now - at)} ago, ${counts}`;
}

/** `link`: the service whose alert made them one, and why. A survivor that was over opens again if something fires. */
export function mergeIncidents(
  turn: Turn,
  one: Incident,
  other: Incident,
  link: { readonly service: string; readonly because: string },
): Incident {
  const loser = loserOf(one, other);
  const survivor = loser === one ? other : one;
  const { state, now } = turn;
  // The order decides who speaks: that in which a load finds them.
  for (const alert of [...alertsOf(state, loser.id)].sort((a, b) => (isBefore(a, b) ? -1 : 1)))
    putAlert(state, alertWith(alert, { incident: survivor.id }));
  const gone = change(turn, loser, {
    phase: 'resolved',
    resolvedAt: now,
    mergedInto: survivor.id,
    revision: nextRevision(turn, loser),
    refreshAt: undefined,
    verifyAt: undefined,
    escalateAt: undefined,
  });
  note(turn, 'merged', {
    incident: loser.id,
    service: link.service,
    because: `became part of ${survivor.id}: ${link.because}`,
  });
  if (gone.toldIn === 'message') orderMessage(turn, gone);
  wakeIncident(turn, gone.id, now + turn.rules.life.reopenWithinMs);
  const merged = change(turn, survivor, inherit(survivor, loser));
  const fires = merged.phase === 'resolved' ? firingIn(state, merged) : undefined;
  if (fires === undefined) return merged;
  // Who was on what is over is asked anew; who is on the other stays on it.
  return change(turn, revive(turn, merged, fires), { acknowledged: loser.acknowledged });
}

/** The first that does. */
function firingIn(state: LaneState, { id }: Incident): Alert | undefined {
  let first: Alert | undefined;
  for (const alert of alertsOf(state, id))
    if (alert.status === 'firing' && (first === undefined || isBefore(alert, first))) first = alert;
  return first;
}

function loserOf(one: Incident, other: Incident): Incident {
  return isSenior(one, other) ? other : one;
}

/** Which of two survives. */
export function isSenior(one: Incident, other: Incident): boolean {
  if (one.acknowledged.length > 0 !== other.acknowledged.length > 0)
    return one.acknowledged.length > 0;
  if ((one.toldIn === 'message') !== (other.toldIn === 'message')) return one.toldIn === 'message';
  if ((one.toldAt === undefined) !== (other.toldAt === undefined)) return one.toldAt !== undefined;
  return (
    one.gatheredAt < other.gatheredAt || (one.gatheredAt === other.gatheredAt && one.id < other.id)
  );
}

/** What was asked for of the loser, so that it is not done again when Slack says it again. */
function withRequestsOf(loser: Incident, own: Incident['reactions']): Incident['reactions'] {
  const newer = Object.entries(loser.reactions).filter(
    ([key, { orderedAt }]) => isRequestKey(key) && orderedAt > (own[key]?.orderedAt ?? 0),
  );
  return newer.length === 0 ? own : { ...own, ...Object.fromEntries(newer) };
}

function allApart(one: Incident, other: Incident): Incident['apartFrom'] {
  if (other.apartFrom === undefined) return one.apartFrom;
  return [...new Set([...(one.apartFrom ?? []), ...other.apartFrom])];
}

/** Of both: undefined unless it was earlier than what any of their alerts says. */
function beganBy(one: Incident, other: Incident): Instant | undefined {
  const beganAt = Math.min(beganOf(one), beganOf(other));
  return beganAt < Math.min(one.startsAt, other.startsAt) ? beganAt : undefined;
}

function inherit(survivor: Incident, loser: Incident): Partial<Incident> {
  return {
    startsAt: Math.min(survivor.startsAt, loser.startsAt),
    gatheredAt: Math.min(survivor.gatheredAt, loser.gatheredAt),
    beganAt: beganBy(survivor, loser),
    acknowledged: [
      ...survivor.acknowledged,
      ...loser.acknowledged.filter(
        (mark) => !survivor.acknowledged.some((own) => own.user === mark.user),
      ),
    ],
    apartFrom: allApart(survivor, loser),
    reactions: withRequestsOf(loser, survivor.reactions),
  };
}
