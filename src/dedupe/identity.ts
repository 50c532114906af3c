/**
 * Who an alert is under other rules. Which labels count is a matter of rules (`replica:`,
 * `transaction:`), and what labels there are is one too where a mapping makes them (`ingest:`). An alert
 * that fires goes on under its new name, so that its source can still end it.
 */
import { settle } from '../life/end.ts';
import type { Alert, Labels, ReceivedAlert } from '../model.ts';
import { scheduleAlert } from '../schedule.ts';
import { incidentOf, type LaneState, putAlert, removeAlert } from '../state.ts';
import type { Turn } from '../turn.ts';
import { fingerprintOf } from './fingerprint.ts';
import { REPLICA_SKEW_MS } from './repeat.ts';

/** Other rules are in force, or the lane was loaded, perhaps with others than before. */
export function reviewIdentity(turn: Turn): void {
  const { state, rules } = turn;
  for (const alert of state.alerts.values()) {
    const fingerprint = fingerprintOf(alert.source, alert.labels, rules.notIdentity);
    if (fingerprint !== alert.fingerprint) rename(turn, alert, fingerprint);
  }
  state.mapped.clear();
  if (rules.mappings.size === 0) return;
  for (const { source, status, fingerprint } of state.alerts.values()) {
    if (status !== 'firing' || !rules.mappings.has(source)) continue;
    state.mapped.set(source, (state.mapped.get(source) ?? new Set()).add(fingerprint));
  }
}

/**
 * The alert that this one is, known from before the rules changed by labels that its mapping does not
 * make any more, or not yet; renamed. Undefined: it is a new one.
 */
export function knownBefore(
  turn: Turn,
  fingerprint: string,
  received: ReceivedAlert,
): Alert | undefined {
  const { state } = turn;
  const { source, labels, startsAt, undated } = received;
  for (const name of state.mapped.get(source) ?? []) {
    const alert = state.alerts.get(name);
    if (alert === undefined) continue;
    const isThen = undated === true || Math.abs(alert.startsAt - startsAt) <= REPLICA_SKEW_MS;
    if (!isThen || !isMappedOtherwise(alert.labels, labels)) continue;
    state.mapped.get(source)?.delete(name);
    return rename(turn, { ...alert, labels }, fingerprint);
  }
  return undefined;
}

/** It is mentioned by the name it has: nothing about it is other than before. */
export function isMentioned({ mapped }: LaneState, { source, fingerprint }: Alert): void {
  mapped.get(source)?.delete(fingerprint);
}

/** One mapping makes the same names of all alerts. What both have must say the same. */
function isMappedOtherwise(one: Labels, other: Labels): boolean {
  const names = Object.keys(one);
  const shared = names.filter((name) => Object.hasOwn(other, name));
  if (shared.length === 0 || shared.length === Math.max(names.length, Object.keys(other).length))
    return false;
  return shared.every((name) => one[name] === other[name]);
}

/** Two that are one now, as of two replicas: what fires goes on, else what came last. */
function rename(turn: Turn, alert: Alert, fingerprint: string): Alert {
  const { state } = turn;
  const twin = state.alerts.get(fingerprint);
  removeAlert(state, alert.fingerprint);
  const [kept, gone] = twin === undefined || outweighs(alert, twin) ? [alert, twin] : [twin, alert];
  if (gone === twin && gone !== undefined) removeAlert(state, fingerprint);
  const renamed = { ...kept, fingerprint };
  putAlert(state, renamed);
  scheduleAlert(turn, renamed);
  const left = gone === undefined ? undefined : incidentOf(state, gone);
  if (gone !== undefined && left !== undefined && left.phase !== 'resolved')
    settle(turn, left, gone.facts.service);
  return renamed;
}

function outweighs(one: Alert, other: Alert): boolean {
  if (one.status !== other.status) return one.status === 'firing';
  return one.startsAt > other.startsAt;
}
