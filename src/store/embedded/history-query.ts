/**
 * Reading history, newest first, a page at a time.
 *
 * A query walks one kind of ordered rows backwards from its cursor and stops as soon as it knows that
 * there is more than a page. It holds no iterator between pages, so a slow reader pins nothing.
 */
import type { Key } from 'lmdb';
import type { Instant } from '../../model.ts';
import type { ClosedIncident, HistoryQuery, Page, PastDecision } from '../contract.ts';
import {
  closedAt,
  closedCursor,
  closedMatches,
  compareDecisionPlaces,
  decisionCursor,
  type DecisionPlace,
  inTime,
  readClosedCursor,
  readDecisionCursor,
} from '../history-order.ts';
import {
  chunkKey,
  closedKey,
  closedPrefix,
  keyRest,
  placesIn,
  readRow,
  type Rows,
  spanOf,
  termOf,
  termPrefix,
} from './history-rows.ts';
import type { Chunk } from './history-texts.ts';
import { keyPart } from './key-part.ts';

export function queryDecisions(rows: Rows, query: HistoryQuery): Page<PastDecision> {
  const cursor = query.cursor === undefined ? undefined : readDecisionCursor(query.cursor);
  const items: PastDecision[] = [];
  let last: DecisionPlace | undefined;
  for (const { place, decision } of decisionsNewestFirst(rows, query, cursor)) {
    if (cursor !== undefined && compareDecisionPlaces(place, cursor) >= 0) continue;
    if (query.service !== undefined && decision.service !== query.service) continue;
    if (query.incident !== undefined && decision.incident !== query.incident) continue;
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
  const term = termOf(query);
  const chunks =
    term === undefined
      ? chunksByTime(rows, query, cursor)
      : chunksByTerm(rows, termPrefix(query.lane, term), query, cursor);
  for (const { at, commit, index } of chunks) {
    if (!inTime(at, query)) continue;
    const chunk = readRow<Chunk>(rows, chunkKey(query.lane, { at, commit, index }));
    if (chunk === undefined) continue;
    const first = index + (chunk.pruned ?? 0);
    for (const [offset, decision] of [...chunk.decisions.entries()].reverse()) {
      const place = { at, commit, index: first + offset };
      yield { place, decision: { ...decision, rules: chunk.rules } };
    }
  }
}

function* chunksByTime(
  rows: Rows,
  query: HistoryQuery,
  cursor: DecisionPlace | undefined,
): Generator<DecisionPlace> {
  const prefix = [keyPart(query.lane), 'd'];
  const from = cursor && { at: cursor.at, key: [cursor.at, cursor.commit, cursor.index] };
  for (const key of keysNewestFirst(rows, prefix, query, from)) {
    const [at = 0, commit = 0, index = 0] = keyRest(key, prefix).map(Number);
    yield { at, commit, index };
  }
}

/** Span after span; within one the places stand in rows of their own time of writing. */
function* chunksByTerm(
  rows: Rows,
  prefix: readonly string[],
  query: HistoryQuery,
  cursor: DecisionPlace | undefined,
): Generator<DecisionPlace> {
  const upper = Math.min(cursor?.at ?? Infinity, query.to ?? Infinity);
  const lower = query.from === undefined ? [] : [spanOf(query.from)];
  let span: number | undefined;
  let places: DecisionPlace[] = [];
  for (const { key, value } of rows.getRange({
    start: [...prefix, spanOf(upper), Infinity],
    end: [...prefix, ...lower],
    reverse: true,
  })) {
    const [rowSpan] = keyRest(key, prefix);
    if (rowSpan !== span) {
      yield* newestFirst(places);
      places = [];
      span = Number(rowSpan);
    }
    places.push(...placesIn(JSON.parse(value.toString()) as number[]));
  }
  yield* newestFirst(places);
}

/** In order and each once: after a crash the same may have been listed twice. */
function newestFirst(places: readonly DecisionPlace[]): readonly DecisionPlace[] {
  const sorted = places.toSorted((a, b) => compareDecisionPlaces(b, a));
  return sorted.filter((place, index) => {
    const before = sorted[index - 1];
    return before === undefined || compareDecisionPlaces(place, before) !== 0;
  });
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

function cursorAfter({ incident }: ClosedIncident): string {
  return closedCursor({ at: closedAt(incident), id: incident.id });
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
