/**
 * The birth of an incident: unseen, gathering evidence.
 */
import { hash } from 'node:crypto';
import type { Alert, Incident, Instant } from '../model.ts';
import { LANE } from '../split.ts';
import { type LaneState, putIncident } from '../state/state.ts';

/** Crockford's base 32: nothing that is mistaken for something else when read out at night. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Eight characters, derived from what began it, when and in which lane: the same input gives the same id. */
function mintId(state: LaneState, seed: string, now: Instant): string {
  const place = state.lane === LANE ? '' : ` ${state.lane}`;
  for (let salt = 0; ; salt++) {
    // One character for each byte: to make a buffer takes longer than to hash.
    const digest = hash('sha1', `${seed} ${now} ${salt}${place}`, 'binary');
    let id = '';
    for (let index = 0; index < 8; index++) id += DIGITS[digest.charCodeAt(index) % 32];
    if (!state.incidents.has(id)) return id;
  }
}

export function openIncident(
  state: LaneState,
  seed: string,
  now: Instant,
  about: Pick<Alert, 'startsAt' | 'facts'>,
  more: Partial<Incident> = {},
): Incident {
  const fresh: Incident = {
    id: mintId(state, seed, now),
    environment: about.facts.environment,
    phase: 'gathering',
    gatheredAt: now,
    startsAt: about.startsAt,
    beganAt: undefined,
    toldAt: undefined,
    toldBecause: undefined,
    resolvedAt: undefined,
    severity: about.facts.severity,
    worstTold: 'none',
    roots: [],
    route: undefined,
    revision: 0,
    message: undefined,
    sentRevision: undefined,
    updated: undefined,
    replies: [],
    acknowledged: [],
    solved: undefined,
    verifyAt: undefined,
    snoozed: undefined,
    notActionable: [],
    escalateAt: undefined,
    escalated: 0,
    reopened: 0,
    refreshAt: undefined,
    refreshedAt: undefined,
    repliedAt: {},
    reactions: {},
    mergedInto: undefined,
    apartFrom: undefined,
    special: undefined,
    toldIn: undefined,
    group: undefined,
    standsFor: 0,
    more: undefined,
  };
  const incident = Object.assign(fresh, more);
  putIncident(state, incident);
  return incident;
}
