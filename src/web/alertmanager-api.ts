/**
 * The part of Alertmanager's API v2 that its tools need: amtool sets, shows and ends silences with it,
 * and lists alerts.
 *
 * Errors are JSON strings, as its clients expect. A list of alerts is written a few hundred at a time,
 * so that nobody else waits for it.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import express, { type Request, type Response, Router } from 'express';
import { AppError } from '../errors.ts';
import type { Lane } from '../lane.ts';
import { subjectOf } from '../life/lead.ts';
import { countMatches, matchersInWords } from '../life/silences.ts';
import type { Alert, Instant, Silence } from '../model.ts';
import { compileMatcher, type Matcher, parseSelector, type Predicate } from '../rules/matcher.ts';
import { compileAnchored } from '../rules/regex.ts';
import type { Log } from '../telemetry/log.ts';
import { badQuery } from './query.ts';
import { laneOf, type ReadApiDeps } from './read-api.ts';
import { badSilence, iso, readSilence, silenceShape } from './silence-shapes.ts';

export interface AlertmanagerApiDeps extends ReadApiDeps {
  readonly log: Log;
}

/** Silences that are not over. Each is asked about every alert that begins to fire. */
const SILENCES_MAX = 1_000;
const BODY_MAX = '256kb';
/** Alerts written at a time. */
const ALERTS_AT_ONCE = 200;
/** How long a firing alert counts as firing when its source did not say. */
const TIMEOUT_MS = 5 * 60_000;

export function alertmanagerApi(deps: AlertmanagerApiDeps): Router {
  const router = Router();
  const startedAt = deps.now();
  const answered =
    (act: (request: Request, response: Response) => Promise<void> | void) =>
    async (request: Request, response: Response): Promise<void> => {
      try {
        await act(request, response);
      } catch (error) {
        if (!(error instanceof AppError) || error.retryable) throw error;
        response.status(400).json(error.message);
      }
    };
  router.get('/api/v2/status', (_request, response) => {
    response.json(statusShape(startedAt));
  });
  router.get(
    '/api/v2/silences',
    answered((request, response) => listSilences(deps, request, response)),
  );
  router.post(
    '/api/v2/silences',
    express.json({ limit: BODY_MAX, type: () => true, strict: false }),
    answered((request, response) => postSilence(deps, request, response)),
  );
  router.get('/api/v2/silence/:id', (request, response) => {
    const kept = laneOf(deps).state.silences.get(request.params.id);
    if (kept === undefined) response.status(404).json('silence not found');
    else response.json(silenceShape(kept, deps.now()));
  });
  router.delete('/api/v2/silence/:id', (request, response) =>
    endSilence(deps, request.params.id, response),
  );
  router.get(
    '/api/v2/alerts',
    answered((request, response) => listAlerts(deps, request, response)),
  );
  return router;
}

/** What amtool and Grafana want to see before they do anything. */
function statusShape(startedAt: Instant) {
  return {
    cluster: { name: '', peers: [], status: 'disabled' },
    config: { original: 'route: { receiver: quell }\nreceivers: [{ name: quell }]\n' },
    uptime: iso(startedAt),
    versionInfo: {
      // Whose API this is a part of.
      version: '0.25.0',
      branch: 'quell',
      buildDate: '',
      buildUser: '',
      goVersion: '',
      revision: '',
    },
  };
}

function listSilences(deps: AlertmanagerApiDeps, request: Request, response: Response): void {
  const { state } = laneOf(deps);
  const filters = readFilters(request).map((matcher) => ({ matcher, test: valueTest(matcher) }));
  const kept = [...state.silences.values()].filter(({ silence }) =>
    filters.every(({ matcher, test }) =>
      silence.matchers.some(({ name, value }) => name === matcher.name && test(value)),
    ),
  );
  response.json(kept.map((one) => silenceShape(one, deps.now())));
}

async function postSilence(
  deps: AlertmanagerApiDeps,
  request: Request,
  response: Response,
): Promise<void> {
  const lane = laneOf(deps);
  const now = deps.now();
  const { id, ...sent } = readSilence(request.body, now);
  const known = id === undefined ? undefined : lane.state.silences.get(id);
  if (id !== undefined && known === undefined) {
    response.status(404).json(`silence ${id.slice(0, 80)} not found`);
    return;
  }
  const living = [...lane.state.silences.values()].filter(({ silence }) => silence.endsAt > now);
  if (living.length >= SILENCES_MAX && known === undefined)
    throw badSilence(`${living.length} silences are set, at most ${SILENCES_MAX}: end some first`);
  // One that is over stays over: what is asked for is a new one.
  const isChanged = known !== undefined && known.silence.endsAt > now;
  const startsAt = isChanged ? Math.min(known.silence.startsAt, sent.startsAt) : sent.startsAt;
  const silence: Silence = { ...sent, startsAt, id: isChanged ? known.silence.id : randomUUID() };
  const warning = warningOf(lane, silence);
  await lane.submit(now, [{ kind: 'silence', silence }]);
  deps.log.info({ silence: silence.id, by: silence.createdBy, warning }, 'silence set');
  response.json({ silenceID: silence.id, ...(warning === undefined ? {} : { warning }) });
}

/** Said before it begins, because afterwards nobody hears anything. */
function warningOf({ state, rules }: Lane, silence: Silence): string | undefined {
  const { matched, firing } = countMatches({ state, rules }, silence);
  const what = `{${matchersInWords(silence).join(', ')}}`;
  if (matched === 0) return `${what} matches none of the ${firing} alerts that fire now`;
  return matched === firing && firing > 1
    ? `${what} matches all ${firing} alerts that fire now`
    : undefined;
}

async function endSilence(
  deps: AlertmanagerApiDeps,
  id: string,
  response: Response,
): Promise<void> {
  const lane = laneOf(deps);
  const now = deps.now();
  const kept = lane.state.silences.get(id);
  if (kept === undefined) {
    response.status(404).json('silence not found');
    return;
  }
  if (kept.silence.endsAt > now) await lane.submit(now, [{ kind: 'unsilence', id, by: 'the API' }]);
  response.status(200).end();
}

/** All alerts that fire, in pieces; what changes meanwhile may be in it or not. */
async function listAlerts(
  deps: AlertmanagerApiDeps,
  request: Request,
  response: Response,
): Promise<void> {
  const lane = laneOf(deps);
  const accepts = acceptance(lane, request);
  const ids = [...lane.state.alerts.keys()];
  response.type('application/json');
  let isFirst = true;
  response.write('[');
  for (let from = 0; from < ids.length && !response.destroyed; from += ALERTS_AT_ONCE) {
    const texts = ids.slice(from, from + ALERTS_AT_ONCE).flatMap((id) => {
      const alert = lane.state.alerts.get(id);
      return alert?.status === 'firing' && accepts(alert)
        ? [JSON.stringify(alertShape(alert, deps.now()))]
        : [];
    });
    const text = texts.join(',');
    const isFull = text !== '' && !response.write(isFirst ? text : `,${text}`);
    if (text !== '') isFirst = false;
    if (isFull && !response.destroyed)
      await Promise.race([once(response, 'drain'), once(response, 'close')]);
    else await setImmediate();
  }
  response.end(']');
}

function acceptance(lane: Lane, request: Request): (alert: Alert) => boolean {
  const asked = parametersOf(request);
  const wants = (name: string): boolean => asked.get(name) !== 'false';
  const tests = readFilters(request).map((matcher) => predicateOf(matcher, lane));
  return (alert) =>
    (alert.muted === undefined ? wants('active') : wants('silenced')) &&
    tests.every((test) => test(subjectOf(alert)));
}

function alertShape(alert: Alert, now: Instant) {
  const { muted } = alert;
  return {
    annotations: alert.annotations,
    endsAt: iso(alert.expiresAt ?? now + TIMEOUT_MS),
    fingerprint: alert.fingerprint,
    receivers: [{ name: 'quell' }],
    startsAt: iso(alert.startsAt),
    status: {
      inhibitedBy: [],
      silencedBy: muted === undefined ? [] : [muted.rule.replace(/^silence /, '')],
      state: muted === undefined ? 'active' : 'suppressed',
    },
    updatedAt: iso(alert.since),
    generatorURL: alert.generatorURL ?? '',
    labels: alert.labels,
  };
}

/** `?filter=service="payments"`, repeated; a bare word is the name of an alert. */
function readFilters(request: Request): readonly Matcher[] {
  return parametersOf(request)
    .getAll('filter')
    .flatMap((text) => {
      const parsed = parseSelector(text);
      if (parsed.kind === 'refused') throw badQuery(`filter: ${parsed.message}`);
      const { name, matchers } = parsed;
      const place = { nameAt: 0, valueAt: 0, end: 0 };
      const named: Matcher[] =
        name === undefined ? [] : [{ name: 'alertname', operator: '=', value: name, ...place }];
      return [...named, ...matchers];
    });
}

function parametersOf(request: Request): URLSearchParams {
  return new URL(request.url, 'http://quell.invalid').searchParams;
}

function predicateOf(matcher: Matcher, { rules }: Lane): Predicate {
  const compiled = compileMatcher(matcher, rules.catalog);
  if (compiled.kind === 'refused') throw badQuery(`filter: ${compiled.message}`);
  return compiled.test;
}

/** The same test on a bare value. */
function valueTest({ operator, value }: Matcher): (text: string) => boolean {
  if (operator === '=') return (text) => text === value;
  if (operator === '!=') return (text) => text !== value;
  const regex = compileAnchored(value);
  if (regex.kind === 'refused') throw badQuery(`filter: ${regex.message}`);
  return operator === '=~' ? (text) => regex.test(text) : (text) => !regex.test(text);
}
