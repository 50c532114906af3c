/**
 * Writing history: what a commit adds, and what retention takes away.
 *
 * These functions only put and remove rows. They are called inside the batch that makes them one with
 * whatever belongs to them, after everything that can fail was done.
 */
import type { Decision, Instant } from '../../model.ts';
import type { ClosedIncident } from '../contract.ts';
import { closedAt, type DecisionPlace } from '../history-order.ts';
import {
  type Chunk,
  chunkIndexKeys,
  chunkKey,
  closedIndexKeys,
  closedKey,
  keyRest,
  NO_VALUE,
  readRow,
  type Rows,
  type RowWriter,
} from './history-rows.ts';
import { keyPart } from './keys.ts';

/** What one commit adds. */
export interface HistoryEntry {
  readonly commit: number;
  readonly rules: string;
  readonly decisions: readonly Decision[];
  readonly closed: readonly ClosedIncident[];
}

/** Keeps small what a query for one service reads beside what it returns. */
const CHUNK_MAX = 64;

export function writeHistory(
  rows: Rows,
  batch: RowWriter,
  lane: string,
  entry: HistoryEntry,
): void {
  let first = 0;
  while (first < entry.decisions.length) {
    const end = endOfChunk(entry.decisions, first);
    const decisions = entry.decisions.slice(first, end);
    const place = { at: decisions[0]?.at ?? 0, commit: entry.commit, index: first };
    putChunk(batch, lane, place, { rules: entry.rules, decisions });
    first = end;
  }
  for (const closed of entry.closed) putClosed(rows, batch, lane, closed);
}

function endOfChunk(decisions: readonly Decision[], first: number): number {
  let end = first + 1;
  const max = Math.min(decisions.length, first + CHUNK_MAX);
  while (end < max && decisions[end]?.at === decisions[first]?.at) end += 1;
  return end;
}

function putChunk(batch: RowWriter, lane: string, place: DecisionPlace, chunk: Chunk): void {
  batch.put(chunkKey(lane, place), Buffer.from(JSON.stringify(chunk)));
  for (const key of chunkIndexKeys(lane, place, chunk)) batch.put(key, NO_VALUE);
}

function removeChunk(batch: RowWriter, lane: string, place: DecisionPlace, chunk: Chunk): void {
  batch.remove(chunkKey(lane, place));
  for (const key of chunkIndexKeys(lane, place, chunk)) batch.remove(key);
}

function putClosed(rows: Rows, batch: RowWriter, lane: string, closed: ClosedIncident): void {
  const key = closedKey(lane, closed.incident.id);
  const before = readRow<ClosedIncident>(rows, key);
  if (before !== undefined) removeClosed(batch, lane, before);
  batch.put(key, Buffer.from(JSON.stringify(closed)));
  for (const index of closedIndexKeys(lane, closed)) batch.put(index, NO_VALUE);
}

function removeClosed(batch: RowWriter, lane: string, closed: ClosedIncident): void {
  batch.remove(closedKey(lane, closed.incident.id));
  for (const index of closedIndexKeys(lane, closed)) batch.remove(index);
}

/** Removes the oldest decisions before an instant, at most `limit`. Returns how many went. */
export function pruneDecisions(
  rows: Rows,
  batch: RowWriter,
  lane: string,
  before: Instant,
  limit: number,
): number {
  let gone = 0;
  const prefix = [keyPart(lane), 'd'];
  for (const key of rows.getKeys({ start: prefix, end: [...prefix, before] })) {
    if (gone >= limit) break;
    const [at, commit, index] = keyRest(key, prefix).map(Number);
    const chunk = readRow<Chunk>(rows, key);
    if (at === undefined || commit === undefined || index === undefined || !chunk) continue;
    const place = { at, commit, index };
    const count = Math.min(limit - gone, chunk.decisions.length);
    removeChunk(batch, lane, place, chunk);
    const rest = chunk.decisions.slice(count);
    if (rest.length > 0) {
      putChunk(batch, lane, { ...place, index: index + count }, { ...chunk, decisions: rest });
    }
    gone += count;
  }
  return gone;
}

/** Removes the closed incidents that are oldest before an instant, at most `limit`. Returns how many went. */
export function pruneClosed(
  rows: Rows,
  batch: RowWriter,
  lane: string,
  before: Instant,
  limit: number,
): number {
  let gone = 0;
  const prefix = [keyPart(lane), 't'];
  for (const key of rows.getKeys({ start: prefix, end: [...prefix, before] })) {
    if (gone >= limit) break;
    const [at, id] = keyRest(key, prefix);
    const closed = readRow<ClosedIncident>(rows, [keyPart(lane), 'c', String(id)]);
    batch.remove(key);
    if (closed === undefined || closedAt(closed.incident) !== at) continue;
    removeClosed(batch, lane, closed);
    gone += 1;
  }
  return gone;
}
