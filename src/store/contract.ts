/**
 * What the durable state must do, whatever it is made of.
 *
 * Truth is what `commit` wrote: state, decisions, outbox and the next wake-up of a lane, all or
 * nothing. A webhook may be answered 2xx as soon as the commit that decided it has resolved. One
 * contract suite (test/contract/) runs against every implementation.
 */
import type { Decision, Effect, Incident, Instant } from '../model.ts';

/** A state record. Keys are opaque to the store; values are JSON. */
export interface StateRecord {
  readonly key: string;
  readonly value: unknown;
}

export interface Commit {
  /** The version `load` or the last commit returned. Another one in the store: the commit is stale. */
  readonly version: number;
  readonly put: readonly StateRecord[];
  readonly remove: readonly string[];
  readonly decisions: readonly Decision[];
  /** Version of the rules that made the decisions. */
  readonly rules: string;
  /** Resolved incidents that leave the lane's memory; they stay readable until retention ends. */
  readonly closed: readonly ClosedIncident[];
  readonly effects: readonly Effect[];
  /** Ids of effects that are done. */
  readonly effectsDone: readonly string[];
  readonly wakeAt: Instant | undefined;
  /** Jobs of the inbox that it decided: see SharedStore. Always empty where there is one process. */
  readonly jobs: readonly string[];
}

export interface ClosedIncident {
  readonly incident: Incident;
  readonly services: readonly string[];
  /** What the read API shows of it: JSON. */
  readonly view: unknown;
}

export type CommitResult =
  | { readonly kind: 'committed'; readonly version: number }
  | { readonly kind: 'stale' };

export interface LaneSnapshot {
  readonly version: number;
  readonly records: Iterable<StateRecord>;
  readonly outbox: readonly Effect[];
  readonly wakeAt: Instant | undefined;
}

/** A decision as history keeps it. */
export interface PastDecision extends Decision {
  readonly rules: string;
}

/** Newest first. `from` inclusive, `to` exclusive; `cursor` is what the page before returned as `next`. */
export interface Wanted {
  readonly from?: Instant | undefined;
  readonly to?: Instant | undefined;
  readonly service?: string | undefined;
  readonly incident?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface HistoryQuery extends Wanted {
  readonly lane: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

export interface Store {
  /** Rejects with an AppError while somebody copies into it: see unfinished.ts. */
  load(lane: string): Promise<LaneSnapshot>;
  /** Resolves when everything in it is on disk. Rejects when it cannot tell; the lane then reloads. */
  commit(lane: string, commit: Commit): Promise<CommitResult>;
  decisions(query: HistoryQuery): Promise<Page<PastDecision>>;
  /** By the instant it was resolved. */
  closedIncidents(query: HistoryQuery): Promise<Page<ClosedIncident>>;
  closedIncident(lane: string, id: string): Promise<ClosedIncident | undefined>;
  /** Forgets decisions and closed incidents before an instant, at most `limit` of each. Returns how many went. */
  prune(lane: string, before: Instant, limit: number): Promise<number>;
  /** About how many bytes history takes where it is kept: in an embedded store so many at the least. */
  bytes(lane: string): Promise<number>;
  close(): Promise<void>;
}

/** What a store keeps of the past, of all lanes together. */
export interface History {
  decisions(wanted: Wanted): Promise<Page<PastDecision>>;
  closedIncidents(wanted: Wanted): Promise<Page<ClosedIncident>>;
  closedIncident(id: string): Promise<ClosedIncident | undefined>;
}

/** A store that several processes share, one of which writes to a lane at a time. */
export interface SharedStore extends Store {
  /** What changed in a lane since a version of it; since version 0: all of it. */
  changes(lane: string, since: number): Promise<LaneChanges>;
  /** The outbox of a lane and its next wake-up, and the version that they are of. */
  outbox(lane: string): Promise<Omit<LaneSnapshot, 'records'>>;
  /** True when a commit has decided this job, of late: it must not be decided again. */
  decided(lane: string, job: string): Promise<boolean>;
}

export interface LaneChanges {
  /** The version that the records have now; the one that was asked for: nothing changed. */
  readonly version: number;
  /** What changed cannot be told any more: `put` is all there is. */
  readonly whole: boolean;
  /** Key -> the record's JSON: whoever follows need not look into it at once. */
  readonly put: ReadonlyMap<string, string>;
  /** Keys of records that are gone. */
  readonly remove: readonly string[];
}
