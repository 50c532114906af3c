/**
 * Two incidents turn out to be one. The one that people already work on survives, else the one that
 * they were told of, else the older. The other's message becomes a pointer, and reactions to it count
 * for the survivor.
 */
import { armEscalation } from '../life/escalation.ts';
import { isRequestKey } from '../life/people.ts';
import { nextRevision } from '../life/show.ts';
import type { Incident, Instant } from '../model.ts';
import { putAlert, tallyOf } from '../state.ts';
import { change, note, orderMessage, type Turn, wakeIncident } from '../turn.ts';
import { alertWith } from '../with.ts';

/** `link`: the service whose alert made one of them, and how. */
export function mergeIncidents(
  turn: Turn,
  one: Incident,
  other: Incident,
  link: { readonly service: string; readonly because: string },
): Incident {
  const [survivor, loser] = isSenior(one, other) ? [one, other] : [other, one];
  const { state, now } = turn;
  for (const fingerprint of state.members.get(loser.id) ?? []) {
    const alert = state.alerts.get(fingerprint);
    if (alert !== undefined) putAlert(state, alertWith(alert, { incident: survivor.id }));
  }
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
  const merged = change(turn, survivor, inherit(turn, survivor, loser));
  const isBack = survivor.phase === 'resolved' && merged.phase !== 'resolved';
  // Somebody may have to be called: it is not over after all.
  return isBack ? armEscalation(turn, merged) : merged;
}

function isSenior(one: Incident, other: Incident): boolean {
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
  const beganAt = Math.min(one.beganAt ?? one.startsAt, other.beganAt ?? other.startsAt);
  return beganAt < Math.min(one.startsAt, other.startsAt) ? beganAt : undefined;
}

function inherit(turn: Turn, survivor: Incident, loser: Incident): Partial<Incident> {
  const firing = tallyOf(turn.state, survivor.id).firing > 0;
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
    notActionable: survivor.notActionable,
    apartFrom: allApart(survivor, loser),
    reactions: withRequestsOf(loser, survivor.reactions),
    ...(firing && survivor.phase === 'resolved'
      ? {
          phase: survivor.toldAt === undefined ? ('gathering' as const) : ('open' as const),
          resolvedAt: undefined,
          solved: undefined,
          verifyAt: undefined,
        }
      : {}),
  };
}
