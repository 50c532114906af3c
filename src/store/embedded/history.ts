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
  chunkKey,
  chunkPrefix,
  closedIndexKeys,
  closedKey,
  keyRest,
  NO_VALUE,
  readRow,
  type Rows,
  type RowWriter,
  spanBounds,
  spanOf,
  type Term,
  termKey,
  termsOf,
} from './history-rows.ts';
import { keyPart } from './keys.ts';

/** What one commit adds. */
export interface HistoryEntry {
  readonly commit: number;
  readonly rules: string;
  readonly decisions: readonly Decision[];
  readonly closed: readonly ClosedIncident[];
}

/** Index rows that are written already: the newest span is the one that is written to. */
export interface Indexed {
  span: number;
  readonly terms: Set<string>;
}

/** Keeps small what a query reads beside what it returns. */
const CHUNK_MAX = 256;

export function writeHistory(
  rows: Rows,
  batch: RowWriter,
  lane: string,
  indexed: Indexed,
  entry: HistoryEntry,
): void {
  let first = 0;
  while (first < entry.decisions.length) {
    const end = endOfChunk(entry.decisions, first);
    const decisions = entry.decisions.slice(first, end);
    const place = { at: decisions[0]?.at ?? 0, commit: entry.commit, index: first };
    putChunk(batch, lane, place, { rules: entry.rules, decisions });
    putIndex(batch, lane, indexed, place.at, decisions);
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
}

function putIndex(
  batch: RowWriter,
  lane: string,
  indexed: Indexed,
  at: Instant,
  decisions: readonly Decision[],
): void {
  const span = spanOf(at);
  if (span !== indexed.span) {
    indexed.span = span;
    indexed.terms.clear();
  }
  for (const [name, term] of termsOf(decisions)) {
    if (indexed.terms.has(name)) continue;
    indexed.terms.add(name);
    batch.put(termKey(lane, term, span), NO_VALUE);
  }
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
  const prefix = chunkPrefix(lane);
  const spans = new Map<
    number,
    { readonly removed: Map<string, Term>; readonly chunks: Set<string> }
  >();
  for (const key of rows.getKeys({ start: prefix, end: [...prefix, before] })) {
    if (gone >= limit) break;
    const [at, commit, index] = keyRest(key, prefix).map(Number);
    const chunk = readRow<Chunk>(rows, key);
    if (at === undefined || commit === undefined || index === undefined || !chunk) continue;
    const place = { at, commit, index };
    const count = Math.min(limit - gone, chunk.decisions.length);
    batch.remove(chunkKey(lane, place));
    gone += count;
    const rest = chunk.decisions.slice(count);
    if (rest.length > 0) {
      putChunk(batch, lane, { ...place, index: index + count }, { ...chunk, decisions: rest });
      break;
    }
    const span = spans.get(spanOf(at)) ?? { removed: new Map(), chunks: new Set() };
    spans.set(spanOf(at), span);
    for (const [name, term] of termsOf(chunk.decisions)) span.removed.set(name, term);
    span.chunks.add(String(key));
  }
  for (const [span, { removed, chunks }] of spans)
    pruneIndex(rows, batch, lane, span, removed, chunks);
  return gone;
}

/** An index row goes when no chunk that is left in its span has its term. */
function pruneIndex(
  rows: Rows,
  batch: RowWriter,
  lane: string,
  span: number,
  removed: Map<string, Term>,
  chunks: ReadonlySet<string>,
): void {
  const prefix = chunkPrefix(lane);
  const { from, to } = spanBounds(span);
  for (const { key, value } of rows.getRange({ start: [...prefix, from], end: [...prefix, to] })) {
    if (chunks.has(String(key))) continue;
    // Our own data, written by putChunk.
    const { decisions } = JSON.parse(value.toString()) as Chunk;
    for (const name of termsOf(decisions).keys()) removed.delete(name);
  }
  for (const term of removed.values()) batch.remove(termKey(lane, term, span));
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
