/**
 * Looks back: what was decided about one alert or one incident, as history tells it.
 *
 * History is kept by service and by incident, so an alert's decisions are found among those of its
 * service. Every look-back has a bound on what it reads, and lets others have a turn in between.
 */
import { setImmediate } from 'node:timers/promises';
import type { Alert, Instant } from '../model.ts';
import type { ClosedIncident, History, Page, PastDecision, Wanted } from '../store/contract.ts';
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

/** All decisions of one incident. */
export function pastOfIncident(store: History, look: LookBack, incident: string): Promise<Past> {
  return collect(store, { ...look, incident }, () => true);
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
    const since = { ...look, incident, from: Math.max(at, look.from ?? at) };
    const shared = await collect(store, since, isAboutAll);
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
  { limit, ...wanted }: LookBack & Pick<Wanted, 'service' | 'incident'>,
  accepts: (decision: PastDecision) => boolean,
): Promise<Past> {
  const found: PastDecision[] = [];
  const ask = (cursor: string | undefined) => store.decisions({ ...wanted, limit: PAGE, cursor });
  let complete = false;
  for await (const page of pagesOf(ask, PAGES_MAX)) {
    for (const decision of page.items) {
      if (!accepts(decision)) continue;
      found.push(decision);
      if (found.length === limit) return { decisions: found.reverse(), complete: false };
    }
    complete = page.next === undefined;
  }
  return { decisions: found.reverse(), complete };
}

const CLOSED_PAGE = 50;
const CLOSED_PAGES_MAX = 20;

/** An alert that left memory, with the incident it left with. Looks through the newest ones only. */
export async function closedAlert(
  store: History,
  accepts: (alert: Alert) => boolean,
): Promise<{ readonly alert: Alert; readonly closed: ClosedIncident } | undefined> {
  const ask = (cursor: string | undefined) => store.closedIncidents({ limit: CLOSED_PAGE, cursor });
  for await (const { items } of pagesOf(ask, CLOSED_PAGES_MAX)) {
    for (const closed of items) {
      const alert = viewOf(closed).alerts.find(accepts);
      if (alert !== undefined) return { alert, closed };
    }
  }
  return undefined;
}

/** One page after the other, from the cursor `first` on, and at most so many. Between two of them others have a turn. */
export async function* pagesOf<T>(
  ask: (cursor: string | undefined) => Promise<Page<T>>,
  pagesMax: number,
  first?: string,
): AsyncGenerator<Page<T>> {
  let cursor = first;
  for (let pages = 0; pages < pagesMax; pages++) {
    if (pages > 0) await setImmediate();
    const page = await ask(cursor);
    yield page;
    cursor = page.next;
    if (cursor === undefined) return;
  }
}
