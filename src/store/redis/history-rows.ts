/**
 * How history lies in Redis: two sets of rows that are ordered by their text, and read by ranges.
 *
 *   history   <at>.<commit>.<first>.<json>     a chunk: decisions of one commit and one instant
 *   index     s"<service>"<span>               the spans of time that hold decisions of a service
 *             i"<incident>"<span>              and of an incident
 *             t<at>"<id>"                      closed incidents by the instant they were closed
 *             u"<service>"<at>"<id>"           and by service
 *
 * Numbers have a fixed width, so that their text sorts as they do; names are JSON strings, so that
 * none is the beginning of another. The score of all rows is 0.
 */
import type { Instant } from '../../model.ts';
import type { ClosedIncident, HistoryQuery } from '../contract.ts';
import type { Chunk, PlacedChunk, Term } from '../history-chunks.ts';
import { closedAt, type DecisionPlace } from '../history-order.ts';

/** Up to the last instant that JavaScript knows. */
const AT_DIGITS = 16;
const COMMIT_DIGITS = 16;
const FIRST_DIGITS = 7;
/** Digits and three dots. */
const PLACE_LENGTH = AT_DIGITS + COMMIT_DIGITS + FIRST_DIGITS + 3;
/** Comes after whatever may follow in a row. */
export const AFTER_ALL = '\u{10ffff}';

export function atText(at: Instant): string {
  const within = Math.min(Math.max(Math.ceil(at), 0), 10 ** AT_DIGITS - 1);
  return String(within).padStart(AT_DIGITS, '0');
}

export function placeText({ at, commit, index }: DecisionPlace): string {
  const parts = [
    atText(at),
    String(commit).padStart(COMMIT_DIGITS, '0'),
    String(index).padStart(FIRST_DIGITS, '0'),
  ];
  return `${parts.join('.')}.`;
}

export function chunkRow(place: DecisionPlace, chunk: Chunk): string {
  return placeText(place) + JSON.stringify(chunk);
}

export function readChunkRow(row: string): PlacedChunk {
  const [at = 0, commit = 0, index = 0] = row.slice(0, PLACE_LENGTH).split('.').map(Number);
  // Our own data, written by `chunkRow`.
  return { place: { at, commit, index }, chunk: JSON.parse(row.slice(PLACE_LENGTH)) as Chunk };
}

/** What the rows of a service's or an incident's decisions begin with. */
export function termText([kind, name]: Term): string {
  return kind + JSON.stringify(name);
}

export function termRow(term: Term, span: number): string {
  return termText(term) + atText(span);
}

export function spanOfRow(row: string): number {
  return Number(row.slice(-AT_DIGITS));
}

/** All rows of a closed incident. */
export function closedRows({ incident, services }: ClosedIncident): readonly string[] {
  const end = atText(closedAt(incident)) + JSON.stringify(incident.id);
  return [
    `t${end}`,
    ...[...new Set(services)].map((service) => `u${JSON.stringify(service)}${end}`),
  ];
}

/** What the rows that a query for closed incidents reads begin with. */
export function closedPrefix({ service }: HistoryQuery): string {
  return service === undefined ? 't' : `u${JSON.stringify(service)}`;
}

/** The id at the end of a row of `closedRows`, after the prefix and the instant. */
export function closedIdOf(row: string, prefix: string): string {
  // Written by `closedRows`.
  return JSON.parse(row.slice(prefix.length + AT_DIGITS)) as string;
}
