/**
 * Looks back: what was decided about one alert or one incident, as history tells it.
 *
 * History is kept by service and by incident, so an alert's decisions are found among those of its
 * service. Every look-back has a bound on what it reads, and lets others have a turn in between.
 */
import { setImmediate } from 'node:timers/promises';
import type { Alert, Instant } from '../model.ts';
import type { ClosedIncident, History, PastDecision, Wanted } from '../store/contract.ts';
import { viewOf } from './shapes.ts';

const PAGE = 500;
const PAGES_MAX = 40;

export interface LookBack {
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
  /** Decisions to return; the newest ones. */
  readonly limit: number;
}

export interface Past {
  /** Oldest first. */
  readonly decisions: readonly PastDecision[];
  /** False when there may be more before these. */
  readonly complete: boolean;
}

/** The decisions of one incident that are not about one of its alerts, or about all. */
export async function pastOfIncident(
  store: History,
  look: LookBack,
  incident: string,
  accepts: (decision: PastDecision) => boolean,
): Promise<Past> {
  return collect(store, { ...look, incident }, accepts);
}

/** What was decided about an alert, and about the incidents it was part of since it came to them. */
export async function pastOfAlert(
  store: History,
  look: LookBack,
  fingerprint: string,
  service: string | undefined,
): Promise<Past> {
  const query = service === undefined ? look : { ...look, service };
  const own = await collect(store, query, (decision) => decision.fingerprint === fingerprint);
  const cameAt = new Map<string, Instant>();
  for (const { incident, at } of own.decisions) {
    if (incident !== undefined && !cameAt.has(incident)) cameAt.set(incident, at);
  }
  const decisions = [...own.decisions];
  let complete = own.complete;
  for (const [incident, at] of [...cameAt].slice(-INCIDENTS_MAX)) {
    const since = { ...look, from: Math.max(at, look.from ?? at) };
    const shared = await pastOfIncident(store, since, incident, isAboutAll);
    decisions.push(...shared.decisions);
    complete &&= shared.complete;
  }
  // Stable: what was decided at one instant stays in order.
  const ordered = decisions.toSorted((one, other) => one.at - other.at).slice(-look.limit);
  return { decisions: ordered, complete: complete && ordered.length === decisions.length };
}

function isAboutAll({ fingerprint }: PastDecision): boolean {
  return fingerprint === undefined;
}

const INCIDENTS_MAX = 20;

async function collect(
  store: History,
  look: LookBack & { readonly service?: string; readonly incident?: string },
  accepts: (decision: PastDecision) => boolean,
): Promise<Past> {
  const found: PastDecision[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = await store.decisions(queryOf(look, cursor));
    for (const decision of page.items) {
      if (!accepts(decision)) continue;
      found.push(decision);
      if (found.length === look.limit) return { decisions: found.reverse(), complete: false };
    }
    cursor = page.next;
    if (cursor === undefined) return { decisions: found.reverse(), complete: true };
    await setImmediate();
  }
  return { decisions: found.reverse(), complete: false };
}

function queryOf(
  look: LookBack & { readonly service?: string; readonly incident?: string },
  cursor: string | undefined,
): Wanted {
  return {
    limit: PAGE,
    ...(look.from === undefined ? {} : { from: look.from }),
    ...(look.to === undefined ? {} : { to: look.to }),
    ...(look.service === undefined ? {} : { service: look.service }),
    ...(look.incident === undefined ? {} : { incident: look.incident }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

const CLOSED_PAGE = 50;
const CLOSED_PAGES_MAX = 20;

/** An alert that left memory, with the incident it left with. Looks through the newest ones only. */
export async function closedAlert(
  store: History,
  accepts: (alert: Alert) => boolean,
): Promise<{ readonly alert: Alert; readonly closed: ClosedIncident } | undefined> {
  let cursor: string | undefined;
  for (let pages = 0; pages < CLOSED_PAGES_MAX; pages++) {
    const query = { limit: CLOSED_PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const page = await store.closedIncidents(query);
    for (const closed of page.items) {
      const alert = viewOf(closed).alerts.find(accepts);
      if (alert !== undefined) return { alert, closed };
    }
    cursor = page.next;
    if (cursor === undefined) return undefined;
    await setImmediate();
  }
  return undefined;
}
