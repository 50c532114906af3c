/**
 * What waits to be written to history, gathered from many commits, so that a service or an incident
 * gets one index row for all of them.
 */
import type { Key } from 'lmdb';
import type { Place } from './history.ts';
import {
  chunkKey,
  closedIndexKeys,
  closedKey,
  NO_VALUE,
  readRow,
  type Rows,
  spanOf,
  type Term,
  termPrefix,
  writeJson,
} from './history-rows.ts';
import type { ClosedText, HistoryTexts } from './history-texts.ts';
import type { ClosedIncident } from '../contract.ts';

/** A row to put, or to remove when it has no value. */
export interface RowChange {
  readonly key: Key;
  readonly value: Buffer | undefined;
}

export interface HistoryBatch {
  /** Decisions and closed incidents in it. */
  readonly size: number;
  /** Where in the journal the last commit of it ends. */
  readonly end: Place | undefined;
  add(lane: string, commit: number, texts: HistoryTexts, end: Place): void;
  /** The changes to make, in an order in which a part of them does no harm. */
  changes(rows: Rows): Generator<RowChange>;
}

interface WaitingChunk {
  readonly key: Key[];
  readonly text: string;
}

/** Places of chunks by span, for one term: at, commit, index, at, ... */
type Spans = Map<number, number[]>;

interface LaneTerms {
  readonly s: Map<string, Spans>;
  readonly i: Map<string, Spans>;
}

export function createHistoryBatch(): HistoryBatch {
  const chunks: WaitingChunk[] = [];
  const closed: { readonly lane: string; readonly text: ClosedText }[] = [];
  const terms = new Map<string, LaneTerms>();
  let size = 0;
  let last: Place | undefined;
  return {
    get size() {
      return size;
    },
    get end() {
      return last;
    },
    add(lane, commit, texts, end) {
      const laneTerms = terms.get(lane) ?? { s: new Map(), i: new Map() };
      terms.set(lane, laneTerms);
      for (const { at, index, text, services, incidents, count } of texts.chunks) {
        chunks.push({ key: chunkKey(lane, { at, commit, index }), text });
        for (const name of services) addPlace(laneTerms.s, name, at, commit, index);
        for (const name of incidents) addPlace(laneTerms.i, name, at, commit, index);
        size += count;
      }
      for (const text of texts.closed) closed.push({ lane, text });
      size += texts.closed.length;
      last = end;
    },
    *changes(rows) {
      for (const { key, text } of chunks) yield { key, value: Buffer.from(text) };
      for (const [lane, { s, i }] of terms) {
        yield* termChanges(lane, 's', s);
        yield* termChanges(lane, 'i', i);
      }
      for (const { lane, text } of closed) yield* closedChanges(rows, lane, text);
    },
  };
}

function addPlace(
  terms: Map<string, Spans>,
  name: string,
  at: number,
  commit: number,
  index: number,
): void {
  let spans = terms.get(name);
  if (spans === undefined) {
    spans = new Map();
    terms.set(name, spans);
  }
  const span = spanOf(at);
  const places = spans.get(span);
  if (places === undefined) spans.set(span, [at, commit, index]);
  else places.push(at, commit, index);
}

function* termChanges(
  lane: string,
  kind: Term[0],
  terms: ReadonlyMap<string, Spans>,
): Generator<RowChange> {
  // In the order of the tree, neighbours share a page.
  for (const name of [...terms.keys()].sort()) {
    const prefix = termPrefix(lane, [kind, name]);
    for (const [span, places] of terms.get(name) ?? []) {
      const [, commit = 0, index = 0] = places;
      yield { key: [...prefix, span, commit, index], value: writeJson(places) };
    }
  }
}

function* closedChanges(
  rows: Rows,
  lane: string,
  { closed, text }: ClosedText,
): Generator<RowChange> {
  const key = closedKey(lane, closed.incident.id);
  const before = readRow<ClosedIncident>(rows, key);
  if (before !== undefined) yield* removeClosed(lane, before);
  yield { key, value: Buffer.from(text) };
  for (const index of closedIndexKeys(lane, closed)) yield { key: index, value: NO_VALUE };
}

export function* removeClosed(lane: string, closed: ClosedIncident): Generator<RowChange> {
  yield { key: closedKey(lane, closed.incident.id), value: undefined };
  for (const index of closedIndexKeys(lane, closed)) yield { key: index, value: undefined };
}
