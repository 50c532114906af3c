/**
 * The lists of the read API: a page of alerts, a page of incidents. Newest first.
 *
 * Incidents in memory come before those that left it; each page does a bounded amount of work and may
 * hold fewer items than asked for. Only `next: null` is the end.
 */
import type { Response } from 'express';
import { idsAt } from '../state/id-index.ts';
import type { Lanes } from '../lane/lanes.ts';
import { subjectOf } from '../life/lead.ts';
import type { Alert, Incident, Instant } from '../model.ts';
import { alertsOf, type LaneState, tallyOf } from '../state/state.ts';
import type { ClosedIncident, History } from '../store/contract.ts';
import { newest } from './newest.ts';
import { pagesOf } from './past.ts';
import { type NamesDeps, peopleOf } from './people.ts';
import { badCursor, FILTERS, type ListQuery, readCursor, SPAN, writeCursor } from './query.ts';
import {
  alertShape,
  closedCounts,
  type IncidentJson,
  incidentShape,
  liveCounts,
  type SplitJson,
  splitShape,
  viewOf,
} from './shapes.ts';
import { streamArray } from './stream-array.ts';

export interface Listed<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export const LIST_PARAMETERS = ['state', ...FILTERS, ...SPAN, 'cursor'];
export const ALERT_PARAMETERS = [...LIST_PARAMETERS, 'incident'];
export const ALERT_STATES = ['firing', 'resolved', 'silenced', 'inhibited'];
export const INCIDENT_STATES = ['gathering', 'open', 'acknowledged', 'resolved'];

const ALERTS = 'a';
const LIVE = 'i';
/** The cursor of incidents that left memory, around the store's own. */
const CLOSED = 'h';

/** What is read of lanes for a list. */
type InMemory = Pick<Lanes, 'all'>;

/** Put into words only as it is sent. */
export async function sendAlertList(
  response: Response,
  lanes: InMemory,
  query: ListQuery,
): Promise<void> {
  const { items, next } = await pageOfAlerts(lanes, query);
  function* shapes() {
    for (const alert of items) yield alertShape(alert);
  }
  const close = `],"next":${JSON.stringify(next)}}`;
  await streamArray(response, shapes(), { open: '{"items":[', close });
}

export async function pageOfAlerts({ all }: InMemory, query: ListQuery): Promise<Listed<Alert>> {
  const after = readCursor(ALERTS, query.cursor);
  if (after === undefined && query.cursor !== undefined) throw badCursor();
  const page = await newest(
    all.map(({ state }) => state.alerts.values()),
    {
      atOf: ({ since }) => since,
      idOf: ({ fingerprint }) => fingerprint,
      accepts: (alert) => acceptsAlert(alert, query),
      after,
      limit: query.limit,
    },
  );
  const next = page.next === undefined ? null : writeCursor(ALERTS, page.next);
  return { items: page.items, next };
}

function acceptsAlert(alert: Alert, query: ListQuery): boolean {
  const { facts } = alert;
  return (
    (query.service === undefined || facts.service === query.service) &&
    (query.environment === undefined || facts.environment === query.environment) &&
    (query.severity === undefined || facts.severity === query.severity) &&
    (query.incident === undefined || alert.incident === query.incident) &&
    isWithin(alert.since, query) &&
    isInState(alert, query.states) &&
    (query.matches.length === 0 || query.matches.every((matches) => matches(subjectOf(alert))))
  );
}

function isInState(alert: Alert, states: ListQuery['states']): boolean {
  if (states === undefined || states.has(alert.status)) return true;
  if (alert.muted === undefined || alert.status !== 'firing') return false;
  return states.has(alert.muted.inhibitor === undefined ? 'silenced' : 'inhibited');
}

function isWithin(at: number, { from, to }: ListQuery): boolean {
  return (from === undefined || at >= from) && (to === undefined || at < to);
}

interface ListDeps extends NamesDeps {
  readonly store: History;
}

export async function listIncidents(
  lanes: Lanes,
  deps: ListDeps,
  query: ListQuery,
): Promise<Listed<IncidentJson>> {
  const past = readCursor(CLOSED, query.cursor);
  if (past !== undefined) return listClosed(lanes, deps, query, past.id || undefined);
  const after = readCursor(LIVE, query.cursor);
  if (after === undefined && query.cursor !== undefined) throw badCursor();
  const page = await newest([liveCandidates(lanes, query)], {
    atOf: ({ incident }) => incident.gatheredAt,
    idOf: ({ incident }) => incident.id,
    accepts: ({ incident, state }) =>
      acceptsIncident(incident, query) && matchesMembers(state, incident, query),
    after,
    limit: query.limit,
  });
  const people = peopleOf(deps, lanes.rules);
  const items = page.items.map(({ incident, state }) =>
    incidentShape(incident, liveCounts(state, incident), people),
  );
  if (page.next !== undefined) return { items, next: writeCursor(LIVE, page.next) };
  if (!wantsClosed(query)) return { items, next: null };
  if (items.length > 0 && items.length === query.limit) return { items, next: closedCursor('') };
  const rest = await listClosed(
    lanes,
    deps,
    { ...query, limit: query.limit - items.length },
    undefined,
  );
  return { items: [...items, ...rest.items], next: rest.next };
}

interface SplitDeps extends NamesDeps {
  readonly now: () => Instant;
}

/** What people split, as far as that still counts: the newest first. Lanes that were put together anew have it each. */
export function listSplits({ all, rules }: Lanes, deps: SplitDeps): readonly SplitJson[] {
  const now = deps.now();
  const people = peopleOf(deps, rules);
  const known = new Map(all.flatMap(({ state }) => [...state.partings]));
  return [...known.values()]
    .filter(({ until }) => until > now)
    .sort((one, other) => other.at - one.at)
    .map((parting) => splitShape(parting, people));
}

/** With an environment and a service there is an index; else it is all of them. */
function* liveCandidates(
  { all }: Lanes,
  { service, environment }: ListQuery,
): Generator<{ readonly incident: Incident; readonly state: LaneState }> {
  for (const { state } of all) {
    const { incidents, byService } = state;
    const ids =
      service === undefined || environment === undefined
        ? incidents.keys()
        : idsAt(byService, environment, service);
    for (const id of ids) {
      const incident = incidents.get(id);
      if (incident !== undefined) yield { incident, state };
    }
  }
}

/** An incident is in a span of time when it was going on in it. */
function acceptsIncident(incident: Incident, query: ListQuery): boolean {
  return (
    (query.states === undefined || query.states.has(incident.phase)) &&
    (query.environment === undefined || incident.environment === query.environment) &&
    (query.severity === undefined || incident.severity === query.severity) &&
    (query.to === undefined || incident.gatheredAt < query.to) &&
    (query.from === undefined || (incident.resolvedAt ?? Infinity) >= query.from)
  );
}

function matchesMembers(state: LaneState, { id }: Incident, query: ListQuery): boolean {
  const { service, matches } = query;
  if (service !== undefined && !tallyOf(state, id).services.has(service)) return false;
  if (matches.length === 0) return true;
  for (const alert of alertsOf(state, id))
    if (matches.every((test) => test(subjectOf(alert)))) return true;
  return false;
}

function wantsClosed({ states }: ListQuery): boolean {
  return states === undefined || states.has('resolved');
}

const CLOSED_PAGE = 200;
const CLOSED_PAGES_MAX = 10;

async function listClosed(
  lanes: Lanes,
  deps: ListDeps,
  query: ListQuery,
  from: string | undefined,
): Promise<Listed<IncidentJson>> {
  const items: IncidentJson[] = [];
  if (!wantsClosed(query)) return { items, next: null };
  const people = peopleOf(deps, lanes.rules);
  // History is ordered by when an incident was over: it was going on in a span only if that is later.
  const { service, from: since, limit } = query;
  const ask = (cursor: string | undefined) =>
    deps.store.closedIncidents({
      service,
      from: since,
      limit: Math.min(CLOSED_PAGE, limit - items.length),
      cursor,
    });
  let next: string | undefined;
  for await (const page of pagesOf(ask, CLOSED_PAGES_MAX, from)) {
    for (const closed of page.items) {
      if (!acceptsClosed(closed, query)) continue;
      items.push(incidentShape(closed.incident, closedCounts(closed), people));
    }
    next = page.next;
    if (items.length >= limit) break;
  }
  return { items, next: next === undefined ? null : closedCursor(next) };
}

function acceptsClosed(closed: ClosedIncident, query: ListQuery): boolean {
  if (!acceptsIncident(closed.incident, query)) return false;
  if (query.matches.length === 0) return true;
  return viewOf(closed).alerts.some((alert) =>
    query.matches.every((test) => test(subjectOf(alert))),
  );
}

function closedCursor(cursor: string): string {
  return writeCursor(CLOSED, { at: 0, id: cursor });
}
