/**
 * What happened between 10:00 and 10:30 for service X: the decision log as a list, newest first.
 */
import { CONSEQUENCES, type Instant, type People, VERDICTS } from '../model.ts';
import type { Catalog } from '../rules/rules.ts';
import { didYouMean } from '../rules/did-you-mean.ts';
import type { History } from '../store/contract.ts';
import type { Listed } from './lists.ts';
import { pagesOf } from './past.ts';
import { badQuery, readLimit, readParameters, readService, readSpan, SPAN } from './query.ts';
import { type DecisionJson, decisionShape } from './shapes.ts';

interface DecisionQuery {
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
  const { reason, limit, cursor: first, ...wanted } = query;
  const items: DecisionJson[] = [];
  const ask = (cursor: string | undefined) =>
    store.decisions({ ...wanted, limit: limit - items.length, cursor });
  let next: string | undefined;
  for await (const page of pagesOf(ask, PAGES_MAX, first)) {
    for (const decision of page.items) {
      if (reason !== undefined && decision.reason !== reason) continue;
      items.push(decisionShape(decision, () => undefined, people));
    }
    next = page.next;
    if (items.length >= limit) break;
  }
  return { items, next: next ?? null };
}
