/**
 * The order of history and the cursors into it, the same in every store.
 *
 * Decisions stand in the order of their instant, and within one instant as they were committed; closed
 * incidents in the order in which they were resolved, and within one instant by id. Pages go from the
 * newest to the oldest, so a cursor means: strictly older than this place. What arrives meanwhile is
 * newer and moves nobody's page.
 */
import { AppError } from '../errors.ts';
import type { Decision, Incident, Instant } from '../model.ts';
import type { ClosedIncident, HistoryQuery } from './contract.ts';

/** Place of a decision: its instant, the version of the lane that it was committed to, its index in that commit. */
export interface DecisionPlace {
  readonly at: Instant;
  readonly commit: number;
  readonly index: number;
}

/** Place of a closed incident. */
export interface ClosedPlace {
  readonly at: Instant;
  readonly id: string;
}

/** When an incident counts as closed; one that was merged away may never have been resolved itself. */
export function closedAt(incident: Incident): Instant {
  return incident.resolvedAt ?? incident.gatheredAt;
}

export function compareDecisionPlaces(a: DecisionPlace, b: DecisionPlace): number {
  return a.at - b.at || a.commit - b.commit || a.index - b.index;
}

export function decisionCursor(place: DecisionPlace): string {
  return encode(['d', place.at, place.commit, place.index]);
}

export function closedCursor(place: ClosedPlace): string {
  return encode(['c', place.at, place.id]);
}

/** Of the page that ends with this incident. */
export function cursorAfter({ incident }: ClosedIncident): string {
  return closedCursor({ at: closedAt(incident), id: incident.id });
}

export function readDecisionCursor(cursor: string): DecisionPlace {
  const [kind, at, commit, index] = decode(cursor);
  const numbers = typeof at === 'number' && typeof commit === 'number' && typeof index === 'number';
  if (kind !== 'd' || !numbers) throw badCursor(cursor);
  return { at, commit, index };
}

export function readClosedCursor(cursor: string): ClosedPlace {
  const [kind, at, id] = decode(cursor);
  if (kind !== 'c' || typeof at !== 'number' || typeof id !== 'string') throw badCursor(cursor);
  return { at, id };
}

/** True when the instant lies in the query's time: `from` inclusive, `to` exclusive. */
export function inTime(at: Instant, query: HistoryQuery): boolean {
  return at >= (query.from ?? -Infinity) && at < (query.to ?? Infinity);
}

/** True when a decision is of the service and the incident that the query names, if it names any. */
export function decisionMatches(
  { service, incident }: Pick<Decision, 'service' | 'incident'>,
  query: HistoryQuery,
): boolean {
  if (query.service !== undefined && service !== query.service) return false;
  return query.incident === undefined || incident === query.incident;
}

/** True when a closed incident is of the service and the id that the query names, if it names any. */
export function closedMatches(closed: ClosedIncident, query: HistoryQuery): boolean {
  if (query.incident !== undefined && closed.incident.id !== query.incident) return false;
  return query.service === undefined || closed.services.includes(query.service);
}

function encode(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

function decode(cursor: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(parts)) return parts;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw badCursor(cursor);
}

export function badCursor(cursor: string): AppError {
  return new AppError(
    'bad-cursor',
    `"${cursor.slice(0, 100)}" is not a cursor of this list; take it from "next" of the page before, or leave it out to begin with the newest`,
    { retryable: false },
  );
}
