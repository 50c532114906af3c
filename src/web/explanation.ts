/**
 * The answer to "why?", whatever was asked for: `GET /v1/explain?of=...`, `/explain?of=...` as a page, and
 * `quell explain`.
 */
import { momentInWords } from '../explain/words.ts';
import { type Alert, BEGINNINGS, type Instant } from '../model.ts';
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
import type { AlertJson } from './shapes.ts';

export type Explanation =
  | ({
      readonly about: 'alert';
      readonly others: readonly OtherJson[];
      /** That it did not fire at the time that was asked for; null: it did, or nothing is known of then. */
      readonly note: string | null;
    } & AlertDetail)
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

interface ExplainQuery extends Asked {
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
  const note = noteOn(detail, at, deps.now());
  return { kind: 'explained', explanation: { about: 'alert', others: named, note, ...detail } };
}

/** Of decisions, whose reasons are text here: a firing begins with one of these, and ends with one of those. */
const BEGINS: ReadonlySet<string> = BEGINNINGS;
const ENDS: ReadonlySet<string> = new Set(['resolved', 'expired']);

interface Turn {
  readonly at: Instant;
  readonly begins: boolean;
}

/** Whoever asks for a time must not take another firing for one of then. */
function noteOn(detail: AlertDetail, at: Instant | undefined, now: Instant): string | null {
  const { alert } = detail;
  if (at === undefined || alert === null) return null;
  const turns = turnsOf(detail, alert);
  const before = turns.findLast((turn) => turn.at <= at);
  const after = turns.find((turn) => turn.at > at);
  if (before?.begins === true || after?.begins === false) return null;
  // What it did long before its last firing is not known here.
  const isFar = after !== undefined && after.at - at > AROUND_MS;
  if (before === undefined && alert.episodes > 1 && isFar) return null;
  const ended = before === undefined ? [] : [`it had ended at ${momentInWords(before.at, now)}`];
  const began = after === undefined ? [] : [`it began at ${momentInWords(after.at, now)}`];
  return `It did not fire at ${momentInWords(at, now)}: ${[...ended, ...began].join(', and ')}.`;
}

/** Its firings around that time, and the last one, as they began and ended; in order. */
function turnsOf({ decisions, fingerprint }: AlertDetail, alert: AlertJson): readonly Turn[] {
  const decided = decisions
    .filter((one) => one.fingerprint === fingerprint)
    .filter(({ reason }) => BEGINS.has(reason) || ENDS.has(reason))
    .map(({ at, reason }): Turn => ({ at: Date.parse(at), begins: BEGINS.has(reason) }));
  const began = Math.min(Date.parse(alert.since), Date.parse(alert.startsAt));
  const last: Turn[] = [{ at: began, begins: true }];
  if (alert.resolvedAt !== null) last.push({ at: Date.parse(alert.resolvedAt), begins: false });
  return [...decided, ...last].sort((one, other) => one.at - other.at);
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
