/**
 * The answer to "why?", whatever was asked for: `GET /v1/explain?of=...`, `/explain?of=...` as a page, and
 * `quell explain`.
 */
import type { Alert, Instant } from '../model.ts';
import {
  type AlertDetail,
  alertDetail,
  type DetailDeps,
  type IncidentDetail,
  incidentDetail,
  type LanesView,
} from './details.ts';
import { type Asked, find } from './find.ts';
import { alertPath, incidentPath } from './layout.ts';
import { readInstant, readLimit, readParameters, badQuery } from './query.ts';

export type Explanation =
  | ({ readonly about: 'alert'; readonly others: readonly OtherJson[] } & AlertDetail)
  | ({ readonly about: 'incident' } & IncidentDetail);

/** Another alert that matches. */
export interface OtherJson {
  readonly fingerprint: string;
  readonly name: string;
  readonly service: string;
}

export type Answer =
  | { readonly kind: 'explained'; readonly explanation: Explanation }
  | { readonly kind: 'unknown'; readonly message: string };

export interface ExplainQuery extends Asked {
  readonly limit: number;
}

const OF_MAX = 2_000;
/** How far around `at` the story reaches. */
const AROUND_MS = 3_600_000;
const OTHERS_MAX = 20;

export function readExplainQuery(url: string): ExplainQuery {
  const parameters = readParameters(url, ['of', 'at', 'limit']);
  const of = (parameters.get('of') ?? '').trim();
  if (of === '' || of.length > OF_MAX) {
    throw badQuery(
      'of: say what to explain: a fingerprint, an incident, a link to a Slack message, or a matcher',
    );
  }
  const at = readInstant('at', parameters.get('at') ?? undefined);
  return { of, at, limit: readLimit(parameters.get('limit') ?? undefined) };
}

export async function explanationOf(
  deps: DetailDeps,
  lanes: LanesView,
  asked: ExplainQuery,
): Promise<Answer> {
  const found = await find(deps.store, lanes, asked);
  if (found.kind === 'unknown') return found;
  const { limit, at } = asked;
  const whole = { from: undefined, to: undefined, limit };
  if (found.kind === 'incident') {
    const detail = await incidentDetail(deps, lanes, found.id, whole);
    if (detail === undefined) return unknown(`no incident "${found.id}"`);
    return { kind: 'explained', explanation: { about: 'incident', ...detail } };
  }
  const { fingerprint, others } = found;
  const detail = await alertDetail(deps, lanes, fingerprint, { ...whole, ...around(at) });
  if (detail === undefined) {
    return unknown(
      `no alert ${fingerprint.slice(0, 80)}: it never came in, or is older than the retention`,
    );
  }
  const named = others.slice(0, OTHERS_MAX).map(otherShape);
  return { kind: 'explained', explanation: { about: 'alert', others: named, ...detail } };
}

/** Where the page of it is. */
export function pageOf(explanation: Explanation): string {
  return explanation.about === 'incident'
    ? incidentPath(explanation.id)
    : alertPath(explanation.fingerprint);
}

export function around(at: Instant | undefined): {
  from: Instant | undefined;
  to: Instant | undefined;
} {
  if (at === undefined) return { from: undefined, to: undefined };
  return { from: Math.floor(at - AROUND_MS), to: Math.ceil(at + AROUND_MS) };
}

function unknown(message: string): Answer {
  return { kind: 'unknown', message };
}

function otherShape({ fingerprint, facts }: Alert): OtherJson {
  return { fingerprint, name: facts.name, service: facts.service };
}
