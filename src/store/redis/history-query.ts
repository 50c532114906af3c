/**
 * Reading history, newest first, a page at a time: ranges of rows, read backwards from the cursor's
 * place in steps, until it is known that there is more than a page.
 */
import type { ClosedIncident, HistoryQuery, Page, PastDecision } from '../contract.ts';
import { spanOf, termOfQuery, withinSpan } from '../history-chunks.ts';
import {
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
import type { Connection } from './connection.ts';
import { readClosed } from './history.ts';
import {
  AFTER_ALL,
  atText,
  closedIdOf,
  closedPrefix,
  placeText,
  readChunkRow,
  spanOfRow,
  termRow,
  termText,
} from './history-rows.ts';
import { fieldOf } from './keys.ts';

/** Rows read at a time. */
const STEP = 64;

export async function queryDecisions(
  connection: Connection,
  keys: { readonly history: string; readonly index: string },
  query: HistoryQuery,
): Promise<Page<PastDecision>> {
  const cursor = query.cursor === undefined ? undefined : readDecisionCursor(query.cursor);
  const items: PastDecision[] = [];
  let last: DecisionPlace | undefined;
  for await (const row of chunksNewestFirst(connection, keys, query, cursor)) {
    const { place: first, chunk } = readChunkRow(row);
    for (const [offset, decision] of [...chunk.decisions.entries()].reverse()) {
      const place = { ...first, index: first.index + offset };
      if (cursor !== undefined && compareDecisionPlaces(place, cursor) >= 0) continue;
      if (!decisionMatches(decision, query)) continue;
      if (items.length >= query.limit) return { items, next: last && decisionCursor(last) };
      items.push({ ...decision, rules: chunk.rules });
      last = place;
    }
  }
  return { items, next: undefined };
}

/** Chunks that may hold what the query asks for. */
async function* chunksNewestFirst(
  connection: Connection,
  keys: { readonly history: string; readonly index: string },
  query: HistoryQuery,
  cursor: DecisionPlace | undefined,
): AsyncIterable<string> {
  const term = termOfQuery(query);
  if (term === undefined) {
    yield* chunksWithin(connection, keys.history, query, cursor);
    return;
  }
  const newest = Math.min(query.to ?? Infinity, cursor === undefined ? Infinity : cursor.at + 1);
  const all = termText(term);
  const upper = Number.isFinite(newest) ? termRow(term, spanOf(newest) + 1) : all + AFTER_ALL;
  const lower = query.from === undefined ? all : termRow(term, spanOf(query.from));
  for await (const row of rowsNewestFirst(connection, keys.index, upper, lower)) {
    const within = withinSpan(query, spanOfRow(row));
    yield* chunksWithin(connection, keys.history, within, cursor);
  }
}

function chunksWithin(
  connection: Connection,
  history: string,
  query: HistoryQuery,
  cursor: DecisionPlace | undefined,
): AsyncIterable<string> {
  const upper =
    cursor !== undefined && inTime(cursor.at, query)
      ? placeText(cursor) + AFTER_ALL
      : atText(query.to ?? Infinity);
  return rowsNewestFirst(connection, history, upper, atText(query.from ?? 0));
}

/** Rows from `upper`, exclusive, down to `lower`, inclusive. */
async function* rowsNewestFirst(
  { client }: Connection,
  key: string,
  upper: string,
  lower: string,
): AsyncIterable<string> {
  for (let from = upper; ; ) {
    const rows = await client.zrevrangebylex(key, `(${from}`, `[${lower}`, 'LIMIT', 0, STEP);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < STEP) return;
    from = last;
  }
}

export async function queryClosed(
  connection: Connection,
  keys: { readonly index: string; readonly closed: string },
  query: HistoryQuery,
): Promise<Page<ClosedIncident>> {
  const cursor = query.cursor === undefined ? undefined : readClosedCursor(query.cursor);
  const prefix = closedPrefix(query);
  const upper =
    cursor !== undefined && inTime(cursor.at, query)
      ? prefix + atText(cursor.at) + JSON.stringify(cursor.id)
      : prefix + atText(query.to ?? Infinity);
  const lower = prefix + atText(query.from ?? 0);
  const items: ClosedIncident[] = [];
  for await (const row of rowsNewestFirst(connection, keys.index, upper, lower)) {
    const field = fieldOf(closedIdOf(row, prefix));
    const [closed] = readClosed(await connection.client.hget(keys.closed, field));
    if (closed === undefined || !closedMatches(closed, query)) continue;
    const last = items.at(-1);
    if (items.length >= query.limit) return { items, next: last && cursorAfter(last) };
    items.push(closed);
  }
  return { items, next: undefined };
}
