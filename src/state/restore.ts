/**
 * The state of a lane, made of the records that a store keeps of it: all of them, or those that another
 * process changed.
 */
import { type AlertRecord, alertOfRecord } from './alert-record.ts';
import { incidentOfRecord } from './incident-record.ts';
import { readKey, STORM_KEY } from './keys.ts';
import type { Alert, Incident } from '../model.ts';
import { LATELY_KEY, useLately } from './lately.ts';
import { isBefore, removePast, restorePast } from './past.ts';
import { isSmallKind, type SmallRecords, type Storm } from './small-records.ts';
import {
  closeIncident,
  type LaneState,
  nothingChanged,
  putAlert,
  putIncident,
  putSmall,
  putStorm,
  removeAlert,
  removeSmall,
} from './state.ts';
import type { StateRecord } from '../store/contract.ts';
import { sorted } from './sorted.ts';
import type { Steps } from './timers.ts';

/**
 * Puts stored records back; afterwards nothing counts as changed. Records are our own and trusted. In
 * whatever order a store has them, they leave the same state.
 */
export function restore(state: LaneState, records: Iterable<StateRecord>): void {
  ended(restoring(state, records));
}

/** The same, step by step. Only when it is over the state is one. */
export function* restoring(state: LaneState, records: Iterable<StateRecord>): Steps {
  const pasts = yield* restoreAllBut(state, records);
  // In the order in which they came the alerts tell what they tell.
  state.pasts.changed.clear();
  yield* restorePasts(state, pasts);
}

/** All but pasts, which it returns: they count alerts. */
function* restoreAllBut(
  state: LaneState,
  records: Iterable<StateRecord>,
): Generator<void, readonly StateRecord[]> {
  const alerts: Alert[] = [];
  const incidents: Incident[] = [];
  const pasts: StateRecord[] = [];
  const others: StateRecord[] = [];
  for (const record of records) {
    const { kind } = readKey(record.key);
    if (kind === 'i') incidents.push(incidentOfRecord(record.value as Record<string, unknown>));
    else if (kind === 'alert') alerts.push(alertOfRecord(record.value as AlertRecord));
    else if (kind === 'past') pasts.push(record);
    else others.push(record);
    yield;
  }
  others.sort((one, other) => (one.key < other.key ? -1 : 1));
  for (const { key, value } of others) restoreSmall(state, key, value);
  for (const incident of yield* sorted(incidents, gathersBefore)) {
    putIncident(state, incident);
    yield;
  }
  for (const alert of yield* sorted(alerts, isBefore)) {
    putAlert(state, alert);
    yield;
  }
  nothingChanged(state);
  return pasts;
}

function* restorePasts(state: LaneState, pasts: readonly StateRecord[]): Steps {
  for (const { value } of yield* sorted(pasts, (one, other) => one.key < other.key)) {
    restorePast(state, value);
    yield;
  }
}

function gathersBefore(one: Incident, other: Incident): boolean {
  return (
    one.gatheredAt < other.gatheredAt || (one.gatheredAt === other.gatheredAt && one.id < other.id)
  );
}

/** Kinds that only a newer version knows are left alone. */
function restoreSmall(state: LaneState, key: string, value: unknown): void {
  const { kind, name } = readKey(key);
  if (isSmallKind(kind)) putSmall(state, kind, name, value as SmallRecords[typeof kind]);
  else if (kind === STORM_KEY) putStorm(state, value as Storm);
  else if (key === LATELY_KEY) useLately(state.lately, value);
}

/**
 * Takes over what another process changed. What is gone goes first: an incident that ended takes the
 * alerts along that it had here. When all is taken over `deriveAnew` makes of it what a load would.
 */
export function follow(
  state: LaneState,
  put: Iterable<StateRecord>,
  remove: readonly string[],
): void {
  for (const key of remove) removeRecord(state, key);
  // The store has them already.
  state.closed.length = 0;
  const pasts = ended(restoreAllBut(state, put));
  ended(restorePasts(state, pasts));
}

function ended<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

function removeRecord(state: LaneState, key: string): void {
  const { kind, name } = readKey(key);
  if (kind === 'i') closeIncident(state, name);
  else if (kind === 'alert') removeAlert(state, name);
  else if (kind === 'past') removePast(state, name);
  else if (kind === STORM_KEY) putStorm(state, undefined);
  else if (isSmallKind(kind)) removeSmall(state, kind, name);
}
