/**
 * Writing history: the commands for what a commit adds, and what retention takes away.
 */
import type { Instant } from '../../model.ts';
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
import type { Connection } from './connection.ts';
import { atText, chunkRow, closedIdOf, closedRows, readChunkRow, termRow } from './history-rows.ts';
import { fieldOf } from './keys.ts';
import { type Command, inParts } from './scripts.ts';

/** `before`: the incidents of the commit as they were closed earlier, if they were. */
export function addHistory(
  commit: Commit,
  indexed: Indexed,
  before: readonly ClosedIncident[],
): readonly Command[] {
  const chunks: string[] = [];
  const index: string[] = [];
  for (const { place, chunk } of chunksOf(commit)) {
    chunks.push(chunkRow(place, chunk));
    const span = spanOf(place.at);
    for (const term of newTerms(indexed, span, chunk.decisions)) index.push(termRow(term, span));
  }
  // Of two with one id the later counts, and the earlier must leave no rows.
  const last = new Map(commit.closed.map((one) => [one.incident.id, one]));
  index.push(...[...last.values()].flatMap(closedRows));
  return [
    ...inParts('ZREM', 'index', before.flatMap(closedRows)),
    ...inParts('ZADD', 'history', scored(chunks)),
    ...inParts('ZADD', 'index', scored(index)),
    ...inParts('HSET', 'closed', [...last].flatMap(closedField)),
  ];
}

function closedField([id, closed]: readonly [string, ClosedIncident]): readonly string[] {
  return [fieldOf(id), JSON.stringify(closed)];
}

function scored(rows: readonly string[]): readonly string[] {
  return rows.flatMap((row) => ['0', row]);
}

/** What retention takes away in one step. */
interface Pruned {
  readonly commands: readonly Command[];
  readonly gone: number;
}

/** The oldest decisions before an instant, at most `limit`. */
export async function pruneDecisions(
  { client }: Connection,
  history: string,
  before: Instant,
  limit: number,
): Promise<Pruned> {
  const remove: string[] = [];
  const rest: string[] = [];
  const spans = new Map<number, Map<string, Term>>();
  let gone = 0;
  const rows = await client.zrangebylex(history, '-', `(${atText(before)}`, 'LIMIT', 0, limit);
  for (const row of rows) {
    if (gone >= limit) break;
    const { place, chunk } = readChunkRow(row);
    const goes = Math.min(limit - gone, chunk.decisions.length);
    remove.push(row);
    const left: Chunk = { ...chunk, decisions: chunk.decisions.slice(goes) };
    if (left.decisions.length > 0)
      rest.push(chunkRow({ ...place, index: place.index + goes }, left));
    const terms = spans.get(spanOf(place.at)) ?? new Map<string, Term>();
    for (const [name, term] of termsOf(chunk.decisions)) terms.set(name, term);
    spans.set(spanOf(place.at), terms);
    gone += goes;
  }
  const index: string[] = [];
  for (const [span, terms] of spans) {
    // An index row goes when nothing that is left in its span has its term.
    const { from, to } = spanBounds(span);
    const there = await client.zrangebylex(history, `[${atText(from)}`, `(${atText(to)}`);
    const removed = new Set(remove);
    for (const row of [...there.filter((one) => !removed.has(one)), ...rest]) {
      const { place, chunk } = readChunkRow(row);
      if (spanOf(place.at) !== span) continue;
      for (const name of termsOf(chunk.decisions).keys()) terms.delete(name);
    }
    for (const term of terms.values()) index.push(termRow(term, span));
  }
  const commands = [
    ...inParts('ZREM', 'history', remove),
    ...inParts('ZADD', 'history', scored(rest)),
    ...inParts('ZREM', 'index', index),
  ];
  return { commands, gone };
}

/** The closed incidents that are oldest before an instant, at most `limit`. */
export async function pruneClosed(
  { client }: Connection,
  keys: { readonly index: string; readonly closed: string },
  before: Instant,
  limit: number,
): Promise<Pruned> {
  const upper = `(t${atText(before)}`;
  const rows = await client.zrangebylex(keys.index, '[t', upper, 'LIMIT', 0, limit);
  if (rows.length === 0) return { commands: [], gone: 0 };
  const fields = rows.map((row) => fieldOf(closedIdOf(row, 't')));
  const closed = (await client.hmget(keys.closed, ...fields)).flatMap(readClosed);
  const commands = [
    ...inParts('HDEL', 'closed', fields),
    ...inParts('ZREM', 'index', [...rows, ...closed.flatMap(closedRows)]),
  ];
  return { commands, gone: closed.length };
}

/** Our own data, written by `addHistory`; nothing when it is not there. */
export function readClosed(json: string | null): readonly ClosedIncident[] {
  return json === null ? [] : [JSON.parse(json) as ClosedIncident];
}
