/**
 * Reading history, newest first, a page at a time.
 *
 * A query walks one kind of ordered rows backwards from its cursor and stops as soon as it knows that
 * there is more than a page. It holds no iterator between pages, so a slow reader pins nothing.
 */
import type { Key } from 'lmdb';
import type { Instant } from '../../model.ts';
import type { ClosedIncident, HistoryQuery, Page, PastDecision } from '../contract.ts';
import { type Chunk, spanOf, termOfQuery, withinSpan } from '../history-chunks.ts';
import {
  closedAt,
  closedMatches,
  compareDecisionPlaces,
  cursorAfter,
  decisionCursor,
  decisionMatches,
  type DecisionPlace,
  inTime,
  readClosedCursor,
  readDecisionCursor,
} from '../history-order.ts';
import type { Rows } from './database.ts';
import {
  chunkKey,
  chunkPrefix,
  closedKey,
  closedPrefix,
  keyRest,
  readRow,
  termPrefix,
} from './history-rows.ts';
import { keyPart } from './keys.ts';

export function queryDecisions(rows: Rows, query: HistoryQuery): Page<PastDecision> {
  const cursor = query.cursor === undefined ? undefined : readDecisionCursor(query.cursor);
  const items: PastDecision[] = [];
  let last: DecisionPlace | undefined;
  for (const { place, decision } of decisionsNewestFirst(rows, query, cursor)) {
    if (cursor !== undefined && compareDecisionPlaces(place, cursor) >= 0) continue;
    if (!decisionMatches(decision, query)) continue;
    if (items.length >= query.limit) {
      return { items, next: last === undefined ? undefined : decisionCursor(last) };
    }
    items.push(decision);
    last = place;
  }
  return { items, next: undefined };
}

function* decisionsNewestFirst(
  rows: Rows,
  query: HistoryQuery,
  cursor: DecisionPlace | undefined,
): Generator<{ readonly place: DecisionPlace; readonly decision: PastDecision }> {
  const prefix = chunkPrefix(query.lane);
  for (const key of chunksNewestFirst(rows, query, cursor)) {
    const [at, commit, first] = keyRest(key, prefix).map(Number);
    if (at === undefined || commit === undefined || first === undefined) continue;
    const chunk = readRow<Chunk>(rows, chunkKey(query.lane, { at, commit, index: first }));
    const decisions = chunk?.decisions ?? [];
    for (const [offset, decision] of [...decisions.entries()].reverse()) {
      const place = { at, commit, index: first + offset };
      yield { place, decision: { ...decision, rules: chunk?.rules ?? '' } };
    }
  }
}

/** Chunks that may hold what the query asks for. */
function* chunksNewestFirst(
  rows: Rows,
  query: HistoryQuery,
  cursor: DecisionPlace | undefined,
): Iterable<Key> {
  const prefix = chunkPrefix(query.lane);
  const from = cursor && { at: cursor.at, key: [cursor.at, cursor.commit, cursor.index] };
  const term = termOfQuery(query);
  if (term === undefined) {
    yield* keysNewestFirst(rows, prefix, query, from);
    return;
  }
  const index = termPrefix(query.lane, term);
  const newest = Math.min(query.to ?? Infinity, cursor === undefined ? Infinity : cursor.at + 1);
  const upper = Number.isFinite(newest) ? spanOf(newest) : Infinity;
  const lower = query.from === undefined ? [] : [spanOf(query.from) - 1];
  // Backwards, the end of a range is its lower bound, and not part of it.
  for (const key of rows.getKeys({
    start: [...index, upper],
    end: [...index, ...lower],
    reverse: true,
  })) {
    const span = Number(keyRest(key, index)[0]);
    yield* keysNewestFirst(rows, prefix, withinSpan(query, span), from);
  }
}

export function queryClosed(rows: Rows, query: HistoryQuery): Page<ClosedIncident> {
  const cursor = query.cursor === undefined ? undefined : readClosedCursor(query.cursor);
  const prefix = closedPrefix(query);
  const from = cursor && { at: cursor.at, key: [cursor.at, keyPart(cursor.id)] };
  const items: ClosedIncident[] = [];
  for (const key of keysNewestFirst(rows, prefix, query, from)) {
    const [at, id] = keyRest(key, prefix);
    if (cursor !== undefined && at === cursor.at && id === keyPart(cursor.id)) continue;
    const closed = readRow<ClosedIncident>(rows, [keyPart(query.lane), 'c', String(id)]);
    // An index row of an incident that was closed once more is out of date.
    if (closed === undefined || closedAt(closed.incident) !== at) continue;
    if (!closedMatches(closed, query)) continue;
    const last = items.at(-1);
    if (items.length >= query.limit) return { items, next: last && cursorAfter(last) };
    items.push(closed);
  }
  return { items, next: undefined };
}

export function readClosed(rows: Rows, lane: string, id: string): ClosedIncident | undefined {
  const closed = readRow<ClosedIncident>(rows, closedKey(lane, id));
  return closed?.incident.id === id ? closed : undefined;
}

/** The keys of a prefix in the query's time, backwards, from the cursor's place on (inclusive). */
function keysNewestFirst(
  rows: Rows,
  prefix: readonly string[],
  query: HistoryQuery,
  cursor: { readonly at: Instant; readonly key: readonly Key[] } | undefined,
): Iterable<Key> {
  const to = query.to ?? Infinity;
  const upper = cursor !== undefined && inTime(cursor.at, query) ? cursor.key : [to];
  const lower = query.from === undefined ? [] : [query.from];
  return rows.getKeys({ start: [...prefix, ...upper], end: [...prefix, ...lower], reverse: true });
}
