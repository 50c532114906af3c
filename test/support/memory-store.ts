/**
 * The store in memory: the test double for the durable ones, with the same observable behaviour.
 *
 * Everything is kept as JSON text, so a caller that changes what it handed over, or what it got,
 * changes nothing here. To simulate a crash drop the lane and `load` again from the same store; to
 * simulate a bad disk plan the failures with `faults`.
 */
import { AppError } from '../../src/errors.ts';
import type { Effect, Instant } from '../../src/model.ts';
import type {
  ClosedIncident,
  Commit,
  CommitResult,
  HistoryQuery,
  LaneSnapshot,
  Page,
  PastDecision,
  Store,
} from '../../src/store/contract.ts';
import {
  closedAt,
  closedCursor,
  closedMatches,
  type ClosedPlace,
  compareDecisionPlaces,
  decisionCursor,
  decisionMatches,
  type DecisionPlace,
  inTime,
  readClosedCursor,
  readDecisionCursor,
} from '../../src/store/history-order.ts';
import { UNFINISHED, unfinished } from '../../src/store/unfinished.ts';

/** What becomes of one call: it fails before or after it took effect. The caller cannot tell which. */
export type PlannedFault = 'ok' | 'fail-before' | 'fail-after';

export interface MemoryFaults {
  /** Asked once for each `commit`. */
  readonly commit?: () => PlannedFault;
}

export interface MemoryOptions {
  readonly faults?: MemoryFaults;
}

interface KeptDecision {
  readonly place: DecisionPlace;
  readonly service: string | undefined;
  readonly incident: string | undefined;
  readonly json: string;
}

interface Lane {
  version: number;
  wakeAt: Instant | undefined;
  readonly records: Map<string, string>;
  readonly outbox: Map<string, string>;
  /** Oldest first. */
  readonly decisions: KeptDecision[];
  readonly closed: Map<string, string>;
}

export function createMemoryStore(options: MemoryOptions = {}): Store {
  const lanes = new Map<string, Lane>();
  const { faults } = options;

  return {
    async load(name) {
      const lane = laneOf(lanes, name);
      if (lane.records.has(UNFINISHED)) throw unfinished();
      return snapshot(lane);
    },
    async commit(name, change) {
      return withFault(faults?.commit?.(), () => commit(laneOf(lanes, name), change));
    },
    async decisions(query) {
      return decisionsPage(laneOf(lanes, query.lane), query);
    },
    async closedIncidents(query) {
      return closedPage(laneOf(lanes, query.lane), query);
    },
    async closedIncident(name, id) {
      const json = laneOf(lanes, name).closed.get(id);
      return json === undefined ? undefined : parseClosed(json);
    },
    async prune(name, before, limit) {
      return prune(laneOf(lanes, name), before, limit);
    },
    async bytes(name) {
      const { decisions, closed } = laneOf(lanes, name);
      const texts = [...decisions.map(({ json }) => json), ...closed.values()];
      return texts.reduce((sum, json) => sum + json.length, 0);
    },
    async close() {},
  };
}

function withFault<T>(fault: PlannedFault | undefined, act: () => T): T {
  if (fault === 'fail-before') throw plannedFailure();
  const result = act();
  if (fault === 'fail-after') throw plannedFailure();
  return result;
}

function plannedFailure(): AppError {
  return new AppError('store-failed', 'the store failed, as planned by the test', {
    retryable: true,
  });
}

function laneOf(lanes: Map<string, Lane>, name: string): Lane {
  const known = lanes.get(name);
  if (known !== undefined) return known;
  const lane: Lane = {
    version: 0,
    wakeAt: undefined,
    records: new Map(),
    outbox: new Map(),
    decisions: [],
    closed: new Map(),
  };
  lanes.set(name, lane);
  return lane;
}

function snapshot(lane: Lane): LaneSnapshot {
  return {
    version: lane.version,
    records: [...lane.records].map(([key, json]) => ({ key, value: JSON.parse(json) })),
    // Our own data, written by `commit` below.
    outbox: [...lane.outbox.values()].map((json) => JSON.parse(json) as Effect),
    wakeAt: lane.wakeAt,
  };
}

/**
 * What is removed goes first: a key that is both removed and put is there afterwards. All texts are
 * made before anything changes, so that a value that is no JSON leaves the lane as it was.
 */
function commit(lane: Lane, change: Commit): CommitResult {
  if (change.version !== lane.version) return { kind: 'stale' };
  const records = change.put.map(({ key, value }) => [key, JSON.stringify(value)] as const);
  const effects = change.effects.map((effect) => [effect.id, JSON.stringify(effect)] as const);
  const closed = change.closed.map((one) => [one.incident.id, JSON.stringify(one)] as const);
  const decisions = keptDecisions(change);
  lane.version += 1;
  lane.wakeAt = change.wakeAt;
  for (const key of change.remove) lane.records.delete(key);
  for (const [key, json] of records) lane.records.set(key, json);
  for (const id of change.effectsDone) lane.outbox.delete(id);
  for (const [id, json] of effects) {
    lane.outbox.delete(id);
    lane.outbox.set(id, json);
  }
  for (const [id, json] of closed) lane.closed.set(id, json);
  for (const decision of decisions) addInOrder(lane.decisions, decision);
  return { kind: 'committed', version: lane.version };
}

function keptDecisions(change: Commit): readonly KeptDecision[] {
  return change.decisions.map((decision, index) => ({
    place: { at: decision.at, commit: change.version, index },
    service: decision.service,
    incident: decision.incident,
    json: JSON.stringify({ ...decision, rules: change.rules } satisfies PastDecision),
  }));
}

/** Decisions come nearly in order: look for the place from the newest end. */
function addInOrder(decisions: KeptDecision[], added: KeptDecision): void {
  const after = decisions.findLastIndex(
    ({ place }) => compareDecisionPlaces(place, added.place) <= 0,
  );
  if (after === decisions.length - 1) decisions.push(added);
  else decisions.splice(after + 1, 0, added);
}

function decisionsPage(lane: Lane, query: HistoryQuery): Page<PastDecision> {
  const older = query.cursor === undefined ? undefined : readDecisionCursor(query.cursor);
  const found = lane.decisions.toReversed().filter((kept) => {
    if (older !== undefined && compareDecisionPlaces(kept.place, older) >= 0) return false;
    return decisionMatches(kept, query) && inTime(kept.place.at, query);
  });
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  const more = found.length > page.length && last !== undefined;
  return {
    items: page.map(({ json }) => JSON.parse(json) as PastDecision),
    next: more ? decisionCursor(last.place) : undefined,
  };
}

function closedPage(lane: Lane, query: HistoryQuery): Page<ClosedIncident> {
  const older = query.cursor === undefined ? undefined : readClosedCursor(query.cursor);
  const found = closedNewestFirst(lane).filter((closed) => {
    if (older !== undefined && compareClosed(placeOf(closed), older) >= 0) return false;
    return closedMatches(closed, query) && inTime(closedAt(closed.incident), query);
  });
  const page = found.slice(0, query.limit);
  const last = page.at(-1);
  const more = found.length > page.length && last !== undefined;
  return { items: page, next: more ? closedCursor(placeOf(last)) : undefined };
}

function closedNewestFirst(lane: Lane): ClosedIncident[] {
  const all = [...lane.closed.values()].map(parseClosed);
  return all.sort((a, b) => compareClosed(placeOf(b), placeOf(a)));
}

function parseClosed(json: string): ClosedIncident {
  // Our own data, written by `commit`.
  return JSON.parse(json) as ClosedIncident;
}

function placeOf(closed: ClosedIncident): ClosedPlace {
  return { at: closedAt(closed.incident), id: closed.incident.id };
}

function compareClosed(a: ClosedPlace, b: ClosedPlace): number {
  if (a.at !== b.at) return a.at - b.at;
  return a.id < b.id ? -1 : Number(a.id > b.id);
}

function prune(lane: Lane, before: Instant, limit: number): number {
  const old = lane.decisions.findIndex((kept) => kept.place.at >= before);
  const decisions = Math.min(limit, old === -1 ? lane.decisions.length : old);
  lane.decisions.splice(0, decisions);
  const closed = closedNewestFirst(lane)
    .reverse()
    .filter(({ incident }) => closedAt(incident) < before)
    .slice(0, limit);
  for (const { incident } of closed) lane.closed.delete(incident.id);
  return decisions + closed.length;
}
