/**
 * What is chronic: a warning that fired alone for hours and was told, and nobody did anything about it. When it
 * fires again by itself within a month, it is a line of the digest with the reason, and no message.
 *
 * Learnt when its incident ends, and again when somebody reacts later. What people acted upon stays a message for a
 * month. Anything more than this one check (another check, a neighbour, a worse severity) makes it a message, also
 * after it went to the digest.
 */
import type { Alert, Event, Incident, RouteDecision } from '../model.ts';
import { exactDuration } from '../rules/duration.ts';
import type { Rules } from '../rules/rules.ts';
import { isRequestKey, standing } from '../state/reactions.ts';
import type { Chronic } from '../state/small-records.ts';
import {
  alertsOf,
  dropOldest,
  type LaneState,
  putSmall,
  removeSmall,
  tallyOf,
} from '../state/state.ts';
import { severityRank } from '../state/tally.ts';
import type { Turn } from '../state/turn.ts';
import { subjectOf } from './lead.ts';

/** After that people forgot. */
const REMEMBERED_MS = 30 * 24 * 60 * 60_000;
/** Beyond that the oldest go. */
const KNOWN_MAX = 1_000;
/** An incident of more alerts is no single warning, on however many hosts. */
const ALERTS_MAX = 20;
/** What is worse is told each time. */
const WORST_RANK = severityRank('warning');

/** Somebody reacted, perhaps to what is over. */
export function learnLate(turn: Turn, incident: Incident): void {
  if (incident.phase === 'resolved') learn(turn, incident);
}

type On = Extract<Event, { kind: 'reaction' }>['on'];

/**
 * Somebody reacted to the last message of a chronic alert, whose incident left memory. Returns that incident;
 * undefined: the message was not of one.
 */
export function heed(turn: Turn, on: On): string | undefined {
  for (const chronic of turn.state.chronic.values()) {
    const { told } = chronic;
    if (told === undefined || chronic.firedMs === undefined) continue;
    const isIts =
      'incident' in on
        ? told.incident === on.incident
        : told.message.channel === on.channel && told.message.ts === on.ts;
    if (!isIts) continue;
    const { fingerprint, severity } = chronic;
    keep(turn, { fingerprint, severity, at: turn.now, firedMs: undefined });
    return told.incident;
  }
  return undefined;
}

/** An incident is over. */
export function learn(turn: Turn, incident: Incident): void {
  const { state, now, rules } = turn;
  const alerts = fewOf(state, incident);
  if (alerts.length === 0 || incident.special !== undefined) return;
  if (isActedUpon(incident, rules)) {
    for (const { fingerprint, facts } of alerts)
      keep(turn, { fingerprint, at: now, firedMs: undefined, severity: facts.severity });
    return;
  }
  // Nobody could react to what Slack does not have.
  if (incident.toldIn !== 'message' || incident.message === undefined) return;
  if (severityRank(incident.worstTold) < WORST_RANK || !isOneCheck(state, incident)) return;
  for (const alert of alerts) {
    const { fingerprint, facts } = alert;
    const firedMs = firedFor(alert);
    const rule = rules.chronic(subjectOf(alert));
    const known = knownOf(turn, alert);
    const isHeeded = known !== undefined && known.firedMs === undefined;
    if (rule === undefined || firedMs < rule.firedMs || isHeeded) continue;
    const told = { incident: incident.id, message: incident.message };
    keep(turn, { fingerprint, at: now, firedMs, severity: facts.severity, told });
  }
}

export interface Hushed {
  /** That of the digest. */
  readonly route: RouteDecision;
  readonly because: string;
}

/** The digest's route and reason, if all that outlasted its hold is chronic; what fires besides is a blip so far. */
export function chronicIn(
  turn: Turn,
  incident: Incident,
  route: RouteDecision,
): Hushed | undefined {
  const { state, now, rules } = turn;
  if (severityRank(incident.severity) < WORST_RANK) return undefined;
  let hushed: Hushed | undefined;
  for (const alert of fewOf(state, incident)) {
    if (alert.status !== 'firing' || alert.heldUntil > now) continue;
    const known = knownOf(turn, alert);
    const rule = rules.chronic(subjectOf(alert));
    if (known?.firedMs === undefined || rule === undefined) return undefined;
    if (severityRank(alert.facts.severity) < severityRank(known.severity)) return undefined;
    const { rule: ref, why } = rule;
    hushed ??= {
      route: {
        ...route,
        urgency: 'digest',
        mention: [],
        escalate: undefined,
        rule: ref,
        why,
        isChronic: true,
      },
      because: `it is chronic: the last time, ${exactDuration(now - known.at)} earlier, it fired for ${exactDuration(known.firedMs)} and nobody reacted`,
    };
  }
  return hushed;
}

/** None of an incident that has too many for a single warning. */
function fewOf(state: LaneState, { id }: Incident): readonly Alert[] {
  return tallyOf(state, id).alerts > ALERTS_MAX ? [] : [...alertsOf(state, id)];
}

/** All that ever was in it, as far as it is remembered. */
function isOneCheck(state: LaneState, { id }: Incident): boolean {
  const { services, kinds } = tallyOf(state, id);
  return services.size === 1 && kinds.size === 1;
}

/** Of the last episode: what comes and goes lasts for no longer by being one incident. */
function firedFor({ startsAt, endsAt, since, resolvedAt }: Alert): number {
  return endsAt === undefined ? (resolvedAt ?? since) - since : endsAt - startsAt;
}

/** Somebody took it on, or asked for quiet; that it was not worth an alert is no deed. */
function isActedUpon({ reactions }: Incident, { gestures }: Rules): boolean {
  if (Object.keys(reactions).some(isRequestKey)) return true;
  return standing(reactions).some(({ emoji }) => {
    const gesture = gestures.get(emoji);
    return gesture !== undefined && gesture !== 'not-actionable';
  });
}

function knownOf({ state, now }: Turn, { fingerprint }: Alert): Chronic | undefined {
  const known = state.chronic.get(fingerprint);
  return known === undefined || known.at + REMEMBERED_MS <= now ? undefined : known;
}

function keep({ state, now }: Turn, chronic: Chronic): void {
  putSmall(state, 'chronic', chronic.fingerprint, chronic);
  if (state.chronic.size <= KNOWN_MAX) return;
  for (const { fingerprint, at } of state.chronic.values())
    if (at + REMEMBERED_MS <= now) removeSmall(state, 'chronic', fingerprint);
  dropOldest(state, 'chronic', KNOWN_MAX);
}
