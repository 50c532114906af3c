/**
 * What the store remembers of a lane while it runs: not the records, but where in the journal the
 * newest of each stands. The same functions apply an entry when it was written and when it is read.
 */
import type { Effect, Instant } from '../../model.ts';

export interface LaneMemory {
  readonly name: string;
  version: number;
  /** The version after a commit that is being written; else the same as `version`. */
  staged: number;
  /** The highest sequence number so far. */
  seq: number;
  wakeAt: Instant | undefined;
  /** Key of a record -> position of its newest line. */
  readonly records: Map<string, number>;
  /** Sequence number -> position of its item. */
  readonly inbox: Map<number, number>;
  /** Id -> JSON, the longest waiting first. */
  readonly outbox: Map<string, string>;
  /** All that was ever written, for the average. */
  readonly lines: Written;
  readonly items: Written;
}

interface Written {
  count: number;
  bytes: number;
}

/** What a commit changes in the memory of its lane. */
export interface Committed {
  /** After the commit. */
  readonly version: number;
  readonly wakeAt: Instant | undefined;
  readonly decided: readonly number[];
  readonly remove: readonly string[];
  readonly effectsDone: readonly string[];
}

export function createLaneMemory(name: string): LaneMemory {
  return {
    name,
    version: 0,
    staged: 0,
    seq: 0,
    wakeAt: undefined,
    records: new Map(),
    inbox: new Map(),
    outbox: new Map(),
    lines: { count: 0, bytes: 0 },
    items: { count: 0, bytes: 0 },
  };
}

export function laneOf(lanes: Map<string, LaneMemory>, name: string): LaneMemory {
  const known = lanes.get(name);
  if (known !== undefined) return known;
  const lane = createLaneMemory(name);
  lanes.set(name, lane);
  return lane;
}

export function applyAccepted(lane: LaneMemory, seq: number, position: number): void {
  lane.inbox.set(seq, position);
  lane.seq = Math.max(lane.seq, seq);
}

/** Before the records and effects that the commit puts: what is removed goes first. */
export function applyCommitted(lane: LaneMemory, committed: Committed): void {
  lane.version = committed.version;
  lane.staged = committed.version;
  lane.wakeAt = committed.wakeAt;
  for (const seq of committed.decided) lane.inbox.delete(seq);
  for (const key of committed.remove) lane.records.delete(key);
  for (const id of committed.effectsDone) lane.outbox.delete(id);
}

/** A later effect with the same id takes the place of the earlier one, at the end. */
export function applyEffect(lane: LaneMemory, id: Effect['id'], text: string): void {
  lane.outbox.delete(id);
  lane.outbox.set(id, text);
}

export function countWritten(written: Written, count: number, bytes: number): void {
  written.count += count;
  written.bytes += bytes;
}

/** About how many bytes of the journal the lane needs: as many lines and items, of average size. */
export function aliveBytes({ records, inbox, lines, items }: LaneMemory): number {
  return records.size * average(lines) + inbox.size * average(items);
}

function average({ count, bytes }: Written): number {
  return count === 0 ? 0 : bytes / count;
}
