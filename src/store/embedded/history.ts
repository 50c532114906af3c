/**
 * Writing history: what a commit adds, and what retention takes away.
 *
 * These functions only put and remove rows. They are called inside the batch that makes them one with
 * whatever belongs to them, after everything that can fail was done.
 */
import type { Key } from 'lmdb';
import type { Decision, Instant } from '../../model.ts';
import type { ClosedIncident, Commit } from '../contract.ts';
import {
  type Chunk,
  chunksOf,
  type Indexed,
  newTerms,
  spanBounds,
  spanOf,
  type Term,
  termsOf,
} from '../history-chunks.ts';
import { closedAt, type DecisionPlace } from '../history-order.ts';
import type { Rows, RowWriter } from './database.ts';
import {
  chunkKey,
  chunkPrefix,
  closedIndexKeys,
  closedKey,
  keyRest,
  NO_VALUE,
  readRow,
  termKey,
} from './history-rows.ts';
import { keyPart } from './keys.ts';

export function writeHistory(
  rows: Rows,
  batch: RowWriter,
  lane: string,
  indexed: Indexed,
  commit: Commit,
): void {
  for (const { place, chunk } of chunksOf(commit)) {
    putChunk(batch, lane, place, chunk);
    const span = spanOf(place.at);
    for (const term of newTerms(indexed, span, chunk.decisions))
      batch.put(termKey(lane, term, span), NO_VALUE);
  }
  for (const closed of commit.closed) putClosed(rows, batch, lane, closed);
}

function putChunk(batch: RowWriter, lane: string, place: DecisionPlace, chunk: Chunk): void {
  batch.put(chunkKey(lane, place), JSON.stringify(chunk));
}

function putClosed(rows: Rows, batch: RowWriter, lane: string, closed: ClosedIncident): void {
  const key = closedKey(lane, closed.incident.id);
  const before = readRow<ClosedIncident>(rows, key);
  if (before !== undefined) removeClosed(batch, lane, before);
  batch.put(key, JSON.stringify(closed));
  for (const index of closedIndexKeys(lane, closed)) batch.put(index, NO_VALUE);
}

function removeClosed(batch: RowWriter, lane: string, closed: ClosedIncident): void {
  batch.remove(closedKey(lane, closed.incident.id));
  for (const index of closedIndexKeys(lane, closed)) batch.remove(index);
}

/** What is pruned of one span. */
interface PrunedSpan {
  /** Terms of what goes, by their name. */
  readonly gone: Map<string, Term>;
  /** Chunks that go, and what is left of one that goes in part. */
  readonly chunks: Set<string>;
  readonly left: Decision[];
}

/** Removes the oldest decisions before an instant, at most `limit`. Returns how many went. */
export function pruneDecisions(
  rows: Rows,
  batch: RowWriter,
  lane: string,
  before: Instant,
  limit: number,
): number {
  let count = 0;
  const prefix = chunkPrefix(lane);
  const spans = new Map<number, PrunedSpan>();
  for (const key of rows.getKeys({ start: prefix, end: [...prefix, before] })) {
    if (count >= limit) break;
    const [at, commit, index] = keyRest(key, prefix).map(Number);
    const chunk = readRow<Chunk>(rows, key);
    if (at === undefined || commit === undefined || index === undefined || !chunk) continue;
    const place = { at, commit, index };
    const goes = Math.min(limit - count, chunk.decisions.length);
    const rest = chunk.decisions.slice(goes);
    batch.remove(chunkKey(lane, place));
    if (rest.length > 0) {
      putChunk(batch, lane, { ...place, index: index + goes }, { ...chunk, decisions: rest });
    }
    noteSpan(spans, spanOf(at), key, chunk.decisions, rest);
    count += goes;
  }
  for (const [span, pruned] of spans) pruneIndex(rows, batch, lane, span, pruned);
  return count;
}

function noteSpan(
  spans: Map<number, PrunedSpan>,
  span: number,
  key: Key,
  decisions: readonly Decision[],
  rest: readonly Decision[],
): void {
  const noted: PrunedSpan = spans.get(span) ?? { gone: new Map(), chunks: new Set(), left: [] };
  spans.set(span, noted);
  for (const [name, term] of termsOf(decisions)) noted.gone.set(name, term);
  noted.chunks.add(String(key));
  noted.left.push(...rest);
}

/** An index row goes when nothing that is left in its span has its term. */
function pruneIndex(
  rows: Rows,
  batch: RowWriter,
  lane: string,
  span: number,
  { gone, chunks, left }: PrunedSpan,
): void {
  const prefix = chunkPrefix(lane);
  const { from, to } = spanBounds(span);
  for (const name of termsOf(left).keys()) gone.delete(name);
  for (const { key, value } of rows.getRange({ start: [...prefix, from], end: [...prefix, to] })) {
    if (chunks.has(String(key))) continue;
    // Our own data, written by putChunk.
    const { decisions } = JSON.parse(value.toString()) as Chunk;
    for (const name of termsOf(decisions).keys()) gone.delete(name);
  }
  for (const term of gone.values()) batch.remove(termKey(lane, term, span));
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
