/**
 * Writing history to LMDB: what a commit adds, and what retention takes away.
 *
 * These functions only put and remove rows, inside the batch that makes them one. Doing the same again
 * changes nothing: after a crash the journal's last commits are written once more.
 */
import type { Instant } from '../../model.ts';
import type { ClosedIncident } from '../contract.ts';
import { closedAt, type DecisionPlace } from '../history-order.ts';
import {
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
import {
  type Chunk,
  type ChunkText,
  chunkText,
  type ClosedText,
  type HistoryTexts,
} from './history-texts.ts';
import { keyPart } from './key-part.ts';

export function writeHistory(
  rows: Rows,
  batch: RowWriter,
  lane: string,
  commit: number,
  history: HistoryTexts,
): void {
  for (const chunk of history.chunks) {
    putChunk(batch, lane, { at: chunk.at, commit, index: chunk.index }, chunk);
  }
  for (const closed of history.closed) putClosed(rows, batch, lane, closed);
}

function putChunk(batch: RowWriter, lane: string, place: DecisionPlace, chunk: ChunkText): void {
  batch.put(chunkKey(lane, place), Buffer.from(chunk.text));
  for (const key of chunkIndexKeys(lane, place, chunk)) batch.put(key, NO_VALUE);
}

function removeChunk(batch: RowWriter, lane: string, place: DecisionPlace, chunk: ChunkText): void {
  batch.remove(chunkKey(lane, place));
  for (const key of chunkIndexKeys(lane, place, chunk)) batch.remove(key);
}

function putClosed(rows: Rows, batch: RowWriter, lane: string, { closed, text }: ClosedText): void {
  const key = closedKey(lane, closed.incident.id);
  const before = readRow<ClosedIncident>(rows, key);
  if (before !== undefined) removeClosed(batch, lane, before);
  batch.put(key, Buffer.from(text));
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
    removeChunk(batch, lane, place, chunkText(index, chunk));
    const rest = chunk.decisions.slice(count);
    if (rest.length > 0) {
      const shorter = chunkText(index + count, { ...chunk, decisions: rest });
      putChunk(batch, lane, { ...place, index: index + count }, shorter);
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
