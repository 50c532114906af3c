/**
 * What retention takes away: the rows to change for it. Exact, so that nothing is left behind that no
 * later run would find: with a chunk goes its mention in the index.
 */
import type { Key } from 'lmdb';
import type { Instant } from '../../model.ts';
import type { ClosedIncident } from '../contract.ts';
import { closedAt, type DecisionPlace } from '../history-order.ts';
import { removeClosed, type RowChange } from './history-batch.ts';
import {
  chunkKey,
  keyRest,
  placesIn,
  type Rows,
  spanOf,
  type Term,
  termPrefix,
  writeJson,
} from './history-rows.ts';
import { readRow } from './history-rows.ts';
import { type Chunk, termsOf } from './history-texts.ts';
import { keyPart } from './key-part.ts';

export interface Pruned {
  readonly count: number;
  readonly changes: readonly RowChange[];
}

/** A chunk that is no more to be found under a term. */
interface Unlisted {
  readonly term: Term;
  readonly span: number;
  readonly places: Set<string>;
}

/** Takes the oldest decisions before an instant, at most `limit`. */
export function pruneDecisions(rows: Rows, lane: string, before: Instant, limit: number): Pruned {
  const changes: RowChange[] = [];
  const unlisted = new Map<string, Unlisted>();
  const prefix = [keyPart(lane), 'd'];
  let count = 0;
  for (const key of rows.getKeys({ start: prefix, end: [...prefix, before] })) {
    if (count >= limit) break;
    const [at, commit, index] = keyRest(key, prefix).map(Number);
    const chunk = readRow<Chunk>(rows, key);
    if (at === undefined || commit === undefined || index === undefined || !chunk) continue;
    const gone = Math.min(limit - count, chunk.decisions.length);
    const rest = chunk.decisions.slice(gone);
    const pruned = (chunk.pruned ?? 0) + gone;
    const value = rest.length === 0 ? undefined : writeJson({ ...chunk, decisions: rest, pruned });
    changes.push({ key: chunkKey(lane, { at, commit, index }), value });
    for (const term of termsOnlyIn(chunk.decisions, rest)) {
      unlist(unlisted, term, { at, commit, index });
    }
    count += gone;
  }
  for (const one of unlisted.values()) changes.push(...unlistChanges(rows, lane, one));
  return { count, changes };
}

function termsOnlyIn(all: Chunk['decisions'], rest: Chunk['decisions']): readonly Term[] {
  const before = termsOf(all);
  const after = termsOf(rest);
  return [
    ...[...before.services].filter((name) => !after.services.has(name)).map(serviceTerm),
    ...[...before.incidents].filter((name) => !after.incidents.has(name)).map(incidentTerm),
  ];
}

function serviceTerm(name: string): Term {
  return ['s', name];
}

function incidentTerm(name: string): Term {
  return ['i', name];
}

function unlist(unlisted: Map<string, Unlisted>, term: Term, place: DecisionPlace): void {
  const span = spanOf(place.at);
  const id = JSON.stringify([term, span]);
  const known = unlisted.get(id) ?? { term, span, places: new Set() };
  unlisted.set(id, known);
  known.places.add(placeId(place));
}

function placeId({ at, commit, index }: DecisionPlace): string {
  return `${at} ${commit} ${index}`;
}

function unlistChanges(
  rows: Rows,
  lane: string,
  { term, span, places }: Unlisted,
): readonly RowChange[] {
  const changes: RowChange[] = [];
  const prefix: Key[] = [...termPrefix(lane, term), span];
  for (const { key, value } of rows.getRange({ start: prefix, end: [...prefix, Infinity] })) {
    const listed = placesIn(JSON.parse(value.toString()) as number[]);
    const left = listed.filter((place) => !places.has(placeId(place)));
    if (left.length === listed.length) continue;
    const numbers = left.flatMap(({ at, commit, index }) => [at, commit, index]);
    changes.push({ key, value: left.length === 0 ? undefined : writeJson(numbers) });
  }
  return changes;
}

/** Takes the closed incidents that are oldest before an instant, at most `limit`. */
export function pruneClosed(rows: Rows, lane: string, before: Instant, limit: number): Pruned {
  const changes: RowChange[] = [];
  const prefix = [keyPart(lane), 't'];
  let count = 0;
  for (const key of rows.getKeys({ start: prefix, end: [...prefix, before] })) {
    if (count >= limit) break;
    const [at, id] = keyRest(key, prefix);
    const closed = readRow<ClosedIncident>(rows, [keyPart(lane), 'c', String(id)]);
    changes.push({ key, value: undefined });
    // A row of an incident that was closed once more, later.
    if (closed === undefined || closedAt(closed.incident) !== at) continue;
    changes.push(...removeClosed(lane, closed));
    count += 1;
  }
  return { count, changes };
}
