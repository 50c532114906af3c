/**
 * How history lies in LMDB: decisions in chunks, closed incidents one by one, and ordered index rows.
 *
 *   [lane, 'd', at, commit, first]   a chunk: decisions of one commit and one instant
 *   [lane, 's', service, span]       the spans of time that hold decisions of a service
 *   [lane, 'i', incident, span]      and of an incident
 *   [lane, 'c', id]                  a closed incident
 *   [lane, 't', at, id]              the same by the instant it was closed
 *   [lane, 'u', service, at, id]     and by service
 */
import type { Key } from 'lmdb';
import type { ClosedIncident, HistoryQuery } from '../contract.ts';
import type { Term } from '../history-chunks.ts';
import { closedAt, type DecisionPlace } from '../history-order.ts';
import type { Rows } from './database.ts';
import { keyPart } from './keys.ts';

/** An index row has a key and no value. */
export const NO_VALUE = '';

export function chunkKey(lane: string, { at, commit, index }: DecisionPlace): Key[] {
  return [keyPart(lane), 'd', at, commit, index];
}

export function termKey(lane: string, [kind, name]: Term, span: number): Key[] {
  return [...termPrefix(lane, [kind, name]), span];
}

export function termPrefix(lane: string, [kind, name]: Term): string[] {
  return [keyPart(lane), kind, keyPart(name)];
}

export function chunkPrefix(lane: string): string[] {
  return [keyPart(lane), 'd'];
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
