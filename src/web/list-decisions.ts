/**
 * What happened between 10:00 and 10:30 for service X: the decision log as a list, newest first.
 */
import { setImmediate } from 'node:timers/promises';
import { CONSEQUENCES, type Instant, type People, VERDICTS } from '../model.ts';
import type { Catalog } from '../rules/rules.ts';
import { didYouMean } from '../rules/suggest.ts';
import type { History, Wanted } from '../store/contract.ts';
import type { Listed } from './lists.ts';
import { badQuery, readLimit, readParameters, readService, readSpan, SPAN } from './query.ts';
import { type DecisionJson, decisionShape } from './shapes.ts';

export interface DecisionQuery {
  readonly service: string | undefined;
  readonly incident: string | undefined;
  readonly reason: string | undefined;
  readonly from: Instant | undefined;
  readonly to: Instant | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
}

const NAMES = ['service', 'incident', 'reason', ...SPAN, 'cursor'];
const REASONS = [...Object.keys(VERDICTS), ...Object.keys(CONSEQUENCES)];

export function readDecisionQuery(url: string, catalog: Catalog): DecisionQuery {
  const parameters = readParameters(url, NAMES);
  const text = (name: string): string | undefined => parameters.get(name) || undefined;
  return {
    service: readService(text('service'), catalog),
    incident: text('incident'),
    reason: readReason(text('reason')),
    ...readSpan(text('from'), text('to')),
    limit: readLimit(text('limit')),
    cursor: text('cursor'),
  };
}

function readReason(reason: string | undefined): string | undefined {
  if (reason === undefined || REASONS.includes(reason)) return reason;
  const hint = didYouMean(reason, REASONS) ?? `known are ${REASONS.join(', ')}`;
  throw badQuery(`reason: unknown "${reason.slice(0, 80)}": ${hint}`);
}

const PAGES_MAX = 20;

/** With a reason a page may hold fewer than asked for; only `next: null` is the end. */
export async function listDecisions(
  store: History,
  query: DecisionQuery,
  people: People,
): Promise<Listed<DecisionJson>> {
  const items: DecisionJson[] = [];
  let cursor = query.cursor;
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = await store.decisions(wantedOf(query, query.limit - items.length, cursor));
    for (const decision of page.items) {
      if (query.reason !== undefined && decision.reason !== query.reason) continue;
      items.push(decisionShape(decision, () => undefined, people));
    }
    cursor = page.next;
    if (cursor === undefined) return { items, next: null };
    if (items.length >= query.limit) break;
    await setImmediate();
  }
  return { items, next: cursor ?? null };
}

function wantedOf(
  { service, incident, from, to }: DecisionQuery,
  limit: number,
  cursor: string | undefined,
): Wanted {
  return {
    limit,
    ...(service === undefined ? {} : { service }),
    ...(incident === undefined ? {} : { incident }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}
