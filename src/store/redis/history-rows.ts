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
 * none is the beginning of another. The score of all rows is 0. An index row stands for a span of time,
 * because it is the number of rows that costs: whoever follows one looks through the chunks of that span.
 */
import type { Decision, Instant } from '../../model.ts';
import type { ClosedIncident, HistoryQuery } from '../contract.ts';
import { closedAt, type DecisionPlace } from '../history-order.ts';

export interface Chunk {
  readonly rules: string;
  readonly decisions: readonly Decision[];
}

/** Up to the last instant that JavaScript knows. */
const AT_DIGITS = 16;
const COMMIT_DIGITS = 16;
const FIRST_DIGITS = 7;
/** Digits and three dots. */
const PLACE_LENGTH = AT_DIGITS + COMMIT_DIGITS + FIRST_DIGITS + 3;
const SPAN_MS = 10_000;
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

export function readChunkRow(row: string): {
  readonly place: DecisionPlace;
  readonly chunk: Chunk;
} {
  const [at = 0, commit = 0, index = 0] = row.slice(0, PLACE_LENGTH).split('.').map(Number);
  // Our own data, written by `chunkRow`.
  return { place: { at, commit, index }, chunk: JSON.parse(row.slice(PLACE_LENGTH)) as Chunk };
}

export function spanOf(at: Instant): number {
  return Math.floor(at / SPAN_MS);
}

/** The instants of a span: from inclusive, to exclusive. */
export function spanBounds(span: number): { readonly from: Instant; readonly to: Instant } {
  return { from: span * SPAN_MS, to: (span + 1) * SPAN_MS };
}

export function serviceTerm(service: string): string {
  return `s${JSON.stringify(service)}`;
}

export function incidentTerm(incident: string): string {
  return `i${JSON.stringify(incident)}`;
}

/** What the rows of a service's or an incident's decisions begin with. */
export function termsOf(decisions: readonly Decision[]): Set<string> {
  const terms = new Set<string>();
  for (const { service, incident } of decisions) {
    if (service !== undefined) terms.add(serviceTerm(service));
    if (incident !== undefined) terms.add(incidentTerm(incident));
  }
  return terms;
}

/** The term that leads to the fewest chunks for a query, if it names one. */
export function termOfQuery({ service, incident }: HistoryQuery): string | undefined {
  if (incident !== undefined) return incidentTerm(incident);
  return service === undefined ? undefined : serviceTerm(service);
}

export function termRow(term: string, span: number): string {
  return term + atText(span);
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
