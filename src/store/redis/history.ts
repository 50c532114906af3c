/**
 * Writing history: the commands for what a commit adds, and what retention takes away.
 */
import type { Decision, Instant } from '../../model.ts';
import type { ClosedIncident, Commit } from '../contract.ts';
import type { Connection } from './connection.ts';
import {
  atText,
  type Chunk,
  chunkRow,
  closedIdOf,
  closedRows,
  incidentTerm,
  readChunkRow,
  serviceTerm,
  spanBounds,
  spanOf,
  termRow,
  termsOf,
} from './history-rows.ts';
import { fieldOf } from './keys.ts';
import { type Command, inParts } from './scripts.ts';

/** Index rows that are written already: the newest span is the one that is written to. */
export interface Indexed {
  span: number;
  readonly services: Set<string>;
  readonly incidents: Set<string>;
}

export function nothingIndexed(): Indexed {
  return { span: Number.NaN, services: new Set(), incidents: new Set() };
}

/** Keeps small what a query reads beside what it returns. */
const CHUNK_MAX = 256;

/** `before`: the incidents of the commit as they were closed earlier, if they were. */
export function addHistory(
  { version, rules, decisions, closed }: Commit,
  indexed: Indexed,
  before: readonly ClosedIncident[],
): readonly Command[] {
  const chunks: string[] = [];
  const index: string[] = [];
  for (let first = 0; first < decisions.length; ) {
    const end = endOfChunk(decisions, first);
    const part = decisions.slice(first, end);
    const at = part[0]?.at ?? 0;
    chunks.push(chunkRow({ at, commit: version, index: first }, { rules, decisions: part }));
    index.push(...newTermRows(indexed, at, part));
    first = end;
  }
  // Of two with one id the later counts, and the earlier must leave no rows.
  const last = new Map(closed.map((one) => [one.incident.id, one]));
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

function endOfChunk(decisions: readonly Decision[], first: number): number {
  let end = first + 1;
  const max = Math.min(decisions.length, first + CHUNK_MAX);
  while (end < max && decisions[end]?.at === decisions[first]?.at) end += 1;
  return end;
}

function newTermRows(
  indexed: Indexed,
  at: Instant,
  decisions: readonly Decision[],
): readonly string[] {
  const span = spanOf(at);
  if (span !== indexed.span) {
    indexed.span = span;
    indexed.services.clear();
    indexed.incidents.clear();
  }
  // The names themselves are looked up: nearly all are known, and a term costs more than that.
  const rows: string[] = [];
  for (const { service, incident } of decisions) {
    if (service !== undefined && isNew(indexed.services, service))
      rows.push(termRow(serviceTerm(service), span));
    if (incident !== undefined && isNew(indexed.incidents, incident))
      rows.push(termRow(incidentTerm(incident), span));
  }
  return rows;
}

function isNew(names: Set<string>, name: string): boolean {
  if (names.has(name)) return false;
  names.add(name);
  return true;
}

function scored(rows: readonly string[]): readonly string[] {
  return rows.flatMap((row) => ['0', row]);
}

/** What retention takes away in one step. */
export interface Pruned {
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
  const spans = new Map<number, Set<string>>();
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
    const terms = spans.get(spanOf(place.at)) ?? new Set();
    for (const term of termsOf(chunk.decisions)) terms.add(term);
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
      for (const term of termsOf(chunk.decisions)) terms.delete(term);
    }
    for (const term of terms) index.push(termRow(term, span));
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
