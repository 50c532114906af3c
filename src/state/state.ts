/**
 * What one lane remembers: alerts, incidents and a few small records, with indexes over them.
 *
 * The records are the truth and are what the store keeps; everything else is derived from them, and
 * rebuilt by putting the records back (restore.ts). All changes go through the `put` functions, which
 * keep the indexes right and remember what changed since the last commit. No look-up here walks over
 * open alerts or incidents.
 */
import { type AlikeIndex, createAlikeIndex } from './alike-index.ts';
import { recordOfAlert } from './alert-record.ts';
import { alertsKept } from './closed-view.ts';
import { type GroupIndex, indexGroup } from './group-index.ts';
import { addPlace, addTo, type IdIndex, type PlaceIndex, removePlace } from './id-index.ts';
import { recordOfIncident } from './incident-record.ts';
import { createInhibitIndex, type InhibitIndex, trackFiring, untrack } from './inhibit-index.ts';
import { keyOf, readKey, STORM_KEY } from './keys.ts';
import { NO_BOUNDS, type Room } from '../limits.ts';
import { createLately, type Lately, LATELY_KEY, recordOfLately } from './lately.ts';
import { indexMessages, type MessageIndex, messageKey } from './message-index.ts';
import type { Alert, Incident, Instant, MessageRef, Silence } from '../model.ts';
import {
  type Chronic,
  type CommonName,
  type Digest,
  type Heartbeat,
  isSmallKind,
  type KeptSilence,
  type Lateness,
  type Parting,
  type SilenceTest,
  SMALL,
  type SmallKind,
  type SmallRecords,
  type Storm,
} from './small-records.ts';
import { createPasts, forgetPasts, notePast, type Pasts, takePasts } from './past.ts';
import { dropIndexes, forgetHost, forgetPlaces } from './places.ts';
import type { StateRecord } from '../store/contract.ts';
import { shareTexts } from './texts.ts';
import { addToTally, createTally, removeFromTally, type Tally } from './tally.ts';
import { createTimers, type Timers } from './timers.ts';
import {
  carriesNews,
  createTransactionIndex,
  rememberTransactions,
  type TransactionIndex,
} from './transaction-index.ts';
import { weigh, weightOf, type Weights } from './weight.ts';

export interface LaneState {
  readonly lane: string;
  readonly room: Room;
  /** How often this process loaded the lane again, because a commit may have failed. */
  readonly reloads: number;
  /** What was due before is decided in what was loaded; undefined: nobody said until when. */
  decidedUntil: Instant | undefined;
  readonly alerts: Map<string, Alert>;
  readonly weights: Weights;
  readonly incidents: Map<string, Incident>;
  readonly digests: Map<string, Digest>;
  readonly heartbeats: Map<string, Heartbeat>;
  readonly silences: Map<string, KeptSilence>;
  /** By source. */
  readonly lateness: Map<string, Lateness>;
  /** By partingName: what people split, and is not made one again. */
  readonly partings: Map<string, Parting>;
  /** By fingerprint. */
  readonly chronic: Map<string, Chronic>;
  readonly commonNames: Map<string, CommonName>;
  storm: Storm | undefined;

  /** Fingerprints of resolved alerts, those that have been so for longest first. */
  readonly resolved: Set<string>;
  /** What the silences match, compiled when first asked, with the catalog of that time. */
  readonly silenceTests: WeakMap<Silence, SilenceTest>;
  /** Fingerprints of each incident's alerts. */
  readonly members: Map<string, Set<string>>;
  readonly tallies: Map<string, Tally>;
  readonly pasts: Pasts;
  /** Incidents that were told and are not over. */
  readonly open: Set<string>;
  /** Those of them that a storm's message tells of. */
  readonly stormed: Set<string>;
  /** Incidents in memory with alerts of a service. */
  readonly byService: PlaceIndex;
  /** Host -> incidents in memory with alerts on it. A host may serve several environments. */
  readonly byHost: IdIndex;
  readonly byGroup: GroupIndex;
  readonly byTransaction: TransactionIndex;
  readonly inhibition: InhibitIndex;
  /** `messageKey` of messages and their replies -> incident. */
  readonly byMessage: MessageIndex;
  /** Whoever changes it says so with `markLately`. */
  readonly lately: Lately;
  /** What began lately, by what it says. */
  readonly alikeLately: AlikeIndex;
  readonly timers: Timers;
  /** Labels that did not count when the alerts got their names; undefined: that was before it was loaded. */
  notIdentity: ReadonlySet<string> | undefined;
  /** Source and minute -> fingerprints that fired when the rules changed, of what a mapping makes alerts of. */
  readonly mapped: Map<string, Set<string>>;
  /** What changed since the last commit: fingerprints of alerts, and keys of other records. */
  readonly changedAlerts: Set<string>;
  readonly changed: Set<string>;
  /** Incidents told since then: nobody has read of them. */
  readonly toldNow: Set<string>;
  /** Incidents that left memory since the last commit. */
  readonly closed: {
    readonly incident: Incident;
    readonly tally: Tally;
    readonly members: readonly Alert[];
  }[];
}

export function createState(lane: string, room = NO_BOUNDS, reloads = 0): LaneState {
  return {
    lane,
    room,
    reloads,
    decidedUntil: undefined,
    alerts: new Map(),
    weights: { all: 0, firing: 0, changed: 0 },
    incidents: new Map(),
    digests: new Map(),
    heartbeats: new Map(),
    silences: new Map(),
    lateness: new Map(),
    partings: new Map(),
    chronic: new Map(),
    commonNames: new Map(),
    silenceTests: new WeakMap(),
    storm: undefined,
    resolved: new Set(),
    members: new Map(),
    tallies: new Map(),
    pasts: createPasts(),
    open: new Set(),
    stormed: new Set(),
    byService: new Map(),
    byHost: new Map(),
    byGroup: new Map(),
    byTransaction: createTransactionIndex(),
    inhibition: createInhibitIndex(),
    byMessage: new Map(),
    lately: createLately(),
    alikeLately: createAlikeIndex(),
    timers: createTimers(),
    notIdentity: undefined,
    mapped: new Map(),
    changedAlerts: new Set(),
    changed: new Set(),
    toldNow: new Set(),
    closed: [],
  };
}

export function incidentOf(state: LaneState, alert: Alert): Incident | undefined {
  return alert.incident === undefined ? undefined : state.incidents.get(alert.incident);
}

/** Its alerts, in the order in which they came. */
export function* alertsOf(
  { alerts, members }: Pick<LaneState, 'alerts' | 'members'>,
  id: string,
): Generator<Alert, void> {
  for (const fingerprint of members.get(id) ?? []) {
    const alert = alerts.get(fingerprint);
    if (alert !== undefined) yield alert;
  }
}

/** The incident of that id; the one it became part of, if it did. */
export function survivorOf(
  { incidents }: Pick<LaneState, 'incidents'>,
  id: string | undefined,
): Incident | undefined {
  let incident = incidents.get(id ?? '');
  // There is no circle: an incident becomes part of another only once.
  while (incident?.mergedInto !== undefined) incident = incidents.get(incident.mergedInto);
  return incident;
}

/** The same, of a message or of a line in its thread. */
export function incidentAt(
  state: Pick<LaneState, 'incidents' | 'byMessage'>,
  on: MessageRef | { readonly incident: string },
): Incident | undefined {
  const id = 'incident' in on ? on.incident : state.byMessage.get(messageKey(on.channel, on.ts));
  return survivorOf(state, id);
}

export function tallyOf(state: LaneState, id: string): Tally {
  return state.tallies.get(id) ?? createTally();
}

export function putAlert(state: LaneState, alert: Alert): void {
  const before = state.alerts.get(alert.fingerprint);
  if (alert.incident !== undefined && carriesNews(before, alert))
    rememberTransactions(state, alert, alert.incident, before);
  notePast(state, before, alert);
  if (before?.incident !== undefined) leave(state, before, before.incident !== alert.incident);
  state.alerts.set(alert.fingerprint, alert);
  weigh(state.weights, before, alert);
  if (state.inhibition.rules.length > 0) trackFiring(state.inhibition, before, alert);
  if (alert.status !== before?.status)
    mark(state.resolved, alert.fingerprint, alert.status === 'resolved');
  if (alert.incident !== undefined) enter(state, alert, alert.incident, before === undefined);
  if (before?.incident !== undefined && hasMoved(before, alert))
    forgetHost(state, before.facts.host, before.incident);
  if (state.changedAlerts.has(alert.fingerprint)) return;
  state.changedAlerts.add(alert.fingerprint);
  state.weights.changed += weightOf(alert);
}

/** Newer texts of a repeated alert: seen by whoever looks, but not worth a write of its own. */
export function refreshAlert(state: LaneState, alert: Alert): void {
  const before = state.alerts.get(alert.fingerprint);
  weigh(state.weights, before, alert);
  if (state.inhibition.rules.length > 0) trackFiring(state.inhibition, before, alert);
  state.alerts.set(alert.fingerprint, alert);
}

export function removeAlert(state: LaneState, fingerprint: string): void {
  const alert = state.alerts.get(fingerprint);
  if (alert === undefined) return;
  if (alert.incident !== undefined) {
    notePast(state, alert, undefined);
    leave(state, alert, true);
    forgetPlaces(state, alert, alert.incident);
  }
  state.alerts.delete(fingerprint);
  weigh(state.weights, alert, undefined);
  state.resolved.delete(fingerprint);
  if (state.inhibition.rules.length > 0) untrack(state.inhibition, alert);
  state.changedAlerts.add(fingerprint);
}

export function putIncident(state: LaneState, incident: Incident): void {
  const before = state.incidents.get(incident.id);
  state.incidents.set(incident.id, incident);
  if (before === undefined && !state.tallies.has(incident.id)) {
    state.tallies.set(incident.id, createTally());
    state.members.set(incident.id, new Set());
  }
  const isOpen = incident.phase === 'open' || incident.phase === 'acknowledged';
  mark(state.open, incident.id, isOpen);
  mark(state.stormed, incident.id, isOpen && incident.toldIn === 'storm');
  indexGroup(state.byGroup, before, incident);
  indexMessages(state.byMessage, before, incident);
  state.changed.add(keyOf('i', incident.id));
}

/** Forgets an incident and its alerts; it is handed to the store as closed. */
export function closeIncident(state: LaneState, id: string): void {
  const incident = state.incidents.get(id);
  if (incident === undefined) return;
  const members = [...alertsOf(state, id)];
  state.closed.push({ incident, tally: tallyOf(state, id), members });
  dropIndexes(state, incident);
  forgetPasts(state.pasts, id);
  state.open.delete(id);
  state.stormed.delete(id);
  for (const alert of members) {
    removePlace(state.byService, alert.facts.environment, alert.facts.service, id);
    removeAlert(state, alert.fingerprint);
  }
  // They go to the history with the next commit.
  for (const alert of alertsKept(incident, members)) state.weights.changed += weightOf(alert);
  state.incidents.delete(id);
  state.changed.add(keyOf('i', id));
}

export function putSmall<K extends SmallKind>(
  state: LaneState,
  kind: K,
  name: string,
  record: SmallRecords[K],
): void {
  smallOf(state, kind).set(name, record);
  state.changed.add(keyOf(kind, name));
}

export function removeSmall(state: LaneState, kind: SmallKind, name: string): void {
  smallOf(state, kind).delete(name);
  state.changed.add(keyOf(kind, name));
}

/** Beyond so many the oldest go; by their instants, for a restart puts them in another order. */
export function dropOldest(
  state: LaneState,
  kind: 'chronic' | 'common' | 'parting',
  most: number,
): void {
  const all: ReadonlyMap<string, { readonly at: Instant }> = smallOf(state, kind);
  if (all.size <= most) return;
  const inOrder = [...all].sort(([a, one], [b, other]) => one.at - other.at || (a < b ? -1 : 1));
  for (const [name] of inOrder.slice(0, all.size - most)) removeSmall(state, kind, name);
}

function smallOf<K extends SmallKind>(state: LaneState, kind: K): Map<string, SmallRecords[K]> {
  // The compiler forgets of which kind it is.
  return state[SMALL[kind]] as unknown as Map<string, SmallRecords[K]>;
}

export function putStorm(state: LaneState, storm: Storm | undefined): void {
  state.storm = storm;
  state.changed.add(STORM_KEY);
}

export function markLately({ changed }: LaneState): void {
  changed.add(LATELY_KEY);
}

/** Takes the records that changed since the last commit; an undefined value is a record that is gone. */
export function takeChanges(state: LaneState): readonly StateRecord[] {
  const changes: StateRecord[] = [];
  for (const fingerprint of state.changedAlerts) {
    const alert = state.alerts.get(fingerprint);
    changes.push({
      key: fingerprint,
      value: alert === undefined ? undefined : recordOfAlert(alert),
    });
  }
  for (const key of state.changed) changes.push({ key, value: recordOf(state, key) });
  changes.push(...takePasts(state));
  nothingChanged(state);
  return changes;
}

/** What is in memory is what the store has. */
export function nothingChanged(state: LaneState): void {
  state.changedAlerts.clear();
  state.changed.clear();
  state.toldNow.clear();
  state.weights.changed = 0;
}

function recordOf(state: LaneState, key: string): unknown {
  const { kind, name } = readKey(key);
  if (isSmallKind(kind)) return smallOf(state, kind).get(name);
  if (kind === STORM_KEY) return state.storm;
  if (key === LATELY_KEY) return recordOfLately(state.lately);
  const incident = state.incidents.get(name);
  return incident && recordOfIncident(incident);
}

function enter(state: LaneState, alert: Alert, id: string, isNew: boolean): void {
  let tally = state.tallies.get(id);
  if (tally === undefined) state.tallies.set(id, (tally = createTally()));
  addToTally(tally, alert);
  const kin = isNew
    ? state.alerts.get(tally.services.get(alert.facts.service)?.lead ?? '')
    : undefined;
  if (kin !== undefined && kin !== alert) shareTexts(alert, kin);
  const members = state.members.get(id);
  if (members === undefined) state.members.set(id, new Set([alert.fingerprint]));
  else members.add(alert.fingerprint);
  const { facts } = alert;
  addPlace(state.byService, facts.environment, facts.service, id);
  if (facts.host !== undefined) addTo(state.byHost, facts.host, id);
}

function hasMoved(before: Alert, after: Alert): boolean {
  return before.incident !== after.incident || before.facts.host !== after.facts.host;
}

function leave(state: LaneState, alert: Alert, forGood: boolean): void {
  const id = alert.incident;
  const tally = id === undefined ? undefined : state.tallies.get(id);
  if (id === undefined || tally === undefined) return;
  removeFromTally(tally, alert);
  if (!forGood) return;
  state.members.get(id)?.delete(alert.fingerprint);
}

function mark(set: Set<string>, id: string, isIn: boolean): void {
  if (isIn) set.add(id);
  else set.delete(id);
}
