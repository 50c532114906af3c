/**
 * How history lies in LMDB: decisions in chunks, closed incidents one by one, and ordered index rows.
 *
 *   [lane, 'd', at, commit, first]           a chunk: decisions of one commit and one instant
 *   [lane, 's', service, at, commit, first]  the chunks that hold a decision of a service
 *   [lane, 'i', incident, at, commit, first] and of an incident
 *   [lane, 'c', id]                          a closed incident
 *   [lane, 't', at, id]                      the same by the instant it was closed
 *   [lane, 'u', service, at, id]             and by service
 *
 * All decisions of a chunk share their instant, so chunks never overlap in time. An index row is only
 * a hint: who follows it checks what it leads to.
 */
import type { Database, Key } from 'lmdb';
import type { Decision } from '../../model.ts';
import type { ClosedIncident, HistoryQuery } from '../contract.ts';
import { closedAt, type DecisionPlace } from '../history-order.ts';
import { keyPart } from './keys.ts';

export type Rows = Database<Buffer, Key>;

/** Collects the writes of one batch. They take effect together, after the batch was built. */
export interface RowWriter {
  put(key: Key, value: Buffer): void;
  remove(key: Key): void;
}

export interface Chunk {
  readonly rules: string;
  readonly decisions: readonly Decision[];
}

/** An index row has a key and no value. */
export const NO_VALUE = Buffer.alloc(0);

export function chunkKey(lane: string, { at, commit, index }: DecisionPlace): Key[] {
  return [keyPart(lane), 'd', at, commit, index];
}

/** One key for each distinct service and incident of the chunk. */
export function chunkIndexKeys(lane: string, place: DecisionPlace, chunk: Chunk): Key[][] {
  const name = keyPart(lane);
  const { at, commit, index } = place;
  const services = new Set<string>();
  const incidents = new Set<string>();
  for (const { service, incident } of chunk.decisions) {
    if (service !== undefined) services.add(service);
    if (incident !== undefined) incidents.add(incident);
  }
  return [
    ...[...services].map((service) => [name, 's', keyPart(service), at, commit, index]),
    ...[...incidents].map((incident) => [name, 'i', keyPart(incident), at, commit, index]),
  ];
}

/** The rows that lead to the fewest chunks for a query. The place of a chunk follows in the key. */
export function decisionPrefix(query: HistoryQuery): string[] {
  const lane = keyPart(query.lane);
  if (query.incident !== undefined) return [lane, 'i', keyPart(query.incident)];
  if (query.service !== undefined) return [lane, 's', keyPart(query.service)];
  return [lane, 'd'];
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

/** The part of a key after its prefix. Keys of these rows are arrays. */
export function keyRest(key: Key, prefix: readonly string[]): readonly Key[] {
  return Array.isArray(key) ? key.slice(prefix.length) : [];
}
