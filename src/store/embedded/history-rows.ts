/**
 * How history lies in LMDB.
 *
 *   [lane, 'd', at, commit, index]            a chunk: decisions of one commit and one instant
 *   [lane, 's', service, span, commit, index] which chunks of a span of time hold decisions of a service
 *   [lane, 'i', incident, span, commit, index]  or of an incident: [at, commit, index, at, ...]
 *   [lane, 'c', id]                           a closed incident
 *   [lane, 't', at, id]                       the same by the instant it was closed
 *   [lane, 'u', service, at, id]              and by service
 *
 * Spans are of fixed length and do not overlap, so whoever walks them backwards, and sorts what one
 * holds, comes upon the chunks in their order. An index row stands for many chunks, because it is the
 * number of rows, in as many places of the tree, that costs. Index rows are only hints: what they lead
 * to may be gone, and is looked at again.
 */
import type { Database, Key } from 'lmdb';
import type { Instant } from '../../model.ts';
import type { ClosedIncident, HistoryQuery } from '../contract.ts';
import { closedAt, type DecisionPlace } from '../history-order.ts';
import { keyPart } from './key-part.ts';

export type Rows = Database<Buffer, Key>;

/** Collects the writes of one batch. They take effect together, after the batch was built. */
export interface RowWriter {
  put(key: Key, value: Buffer): void;
  remove(key: Key): void;
}

/** An index row of a closed incident has a key and no value. */
export const NO_VALUE = Buffer.alloc(0);
const SPAN_MS = 10_000;

export function spanOf(at: Instant): number {
  return Math.floor(at / SPAN_MS);
}

export function chunkKey(lane: string, { at, commit, index }: DecisionPlace): Key[] {
  return [keyPart(lane), 'd', at, commit, index];
}

/** What an index row is about: a service or an incident. */
export type Term = readonly ['s' | 'i', string];

/** The rows of a term. The span follows in the key, then what makes it unique. */
export function termPrefix(lane: string, [kind, name]: Term): string[] {
  return [keyPart(lane), kind, keyPart(name)];
}

/** The term that leads to the fewest chunks for a query, if it names one. */
export function termOf({ service, incident }: HistoryQuery): Term | undefined {
  if (incident !== undefined) return ['i', incident];
  return service === undefined ? undefined : ['s', service];
}

export function closedKey(lane: string, id: string): Key[] {
  return [keyPart(lane), 'c', keyPart(id)];
}

export function closedIndexKeys(lane: string, closed: ClosedIncident): Key[][] {
  const name = keyPart(lane);
  const at = closedAt(closed.incident);
  const id = keyPart(closed.incident.id);
  const services = [...new Set(closed.services)];
  return [[name, 't', at, id], ...services.map((service) => [name, 'u', keyPart(service), at, id])];
}

/** The instant and the id of a closed incident follow in the key. */
export function closedPrefix(query: HistoryQuery): string[] {
  const lane = keyPart(query.lane);
  return query.service === undefined ? [lane, 't'] : [lane, 'u', keyPart(query.service)];
}

/** `T` is what we wrote there ourselves. */
export function readRow<T>(rows: Rows, key: Key): T | undefined {
  const bytes = rows.get(key);
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString()) as T);
}

export function writeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** The part of a key after its prefix. Keys of these rows are arrays. */
export function keyRest(key: Key, prefix: readonly string[]): readonly Key[] {
  return Array.isArray(key) ? key.slice(prefix.length) : [];
}

/** The places in an index row, each as three numbers. */
export function placesIn(numbers: readonly number[]): readonly DecisionPlace[] {
  const places: DecisionPlace[] = [];
  for (let at = 0; at + 2 < numbers.length; at += 3) {
    const [instant = 0, commit = 0, index = 0] = numbers.slice(at, at + 3);
    places.push({ at: instant, commit, index });
  }
  return places;
}
