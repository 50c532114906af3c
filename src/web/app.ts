/**
 * The routes besides ingest: health, metrics, reload, the read API, the pages, Slack's events.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import { AppError } from '../errors.ts';
import type { Health } from '../telemetry/health.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { alertmanagerApi } from './alertmanager-api.ts';
import { alertDetail, incidentDetail } from './details.ts';
import { explanationOf, pageOf, readExplainQuery } from './explanation.ts';
import { createGuard, type GuardOptions } from './guard.ts';
import { overviewOf } from './overview.ts';
import { missingPage } from './layout.ts';
import { alertsPage, incidentsPage, silencesPage } from './list-pages.ts';
import { listDecisions, readDecisionQuery } from './list-decisions.ts';
import { listIncidents, pageOfAlerts } from './lists.ts';
import { addLogin, askForToken } from './login.ts';
import { overviewPage, type PreviewMessage } from './overview-page.ts';
import { peopleOf } from './people.ts';
import {
  alertQuery,
  incidentQuery,
  lanesOf,
  noAlert,
  noIncident,
  readApi,
  type ReadApiDeps,
} from './read-api.ts';
import { alertShape } from './shapes.ts';
import { silencesIn, silencesInOrder } from './silence-shapes.ts';
import { alertPage, decisionsPage, incidentPage } from './story-page.ts';
import { STYLE_HASH } from './style.ts';

export type Reloaded =
  | { readonly kind: 'loaded'; readonly version: string }
  /** The rules in force are unchanged. */
  | { readonly kind: 'refused'; readonly diagnostics: string };

export interface AppDeps extends ReadApiDeps {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Who may read, and reload. */
  readonly access: GuardOptions;
  readonly reload: () => Promise<Reloaded>;
  /** Newest first; undefined when Slack gets the messages. */
  readonly previewMessages: () => readonly PreviewMessage[] | undefined;
  /** What is wrong with the rules files as they are now, in words; undefined: those are in force. */
  readonly rulesRefused?: (() => string | undefined) | undefined;
  /** Answers POST /slack/events; undefined when events come another way. */
  readonly slackEvents?: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
}

export function createApp(deps: AppDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(counted(deps.metrics));
  app.use(safeHeaders);
  addOperations(app, deps);
  const { slackEvents } = deps;
  if (slackEvents !== undefined) app.post('/slack/events', (req, res) => slackEvents(req, res));
  app.post(/.*/, (request, response, next) => {
    const path = request.path.toLowerCase().replace(/(.)\/+$/, '$1');
    if (POSTED.has(path)) return next();
    const error = `nothing is at ${request.path.slice(0, 200)} to post to: alerts go to /v1/ingest/alertmanager, or another source there`;
    response.status(404).json({ error });
  });
  const guard = createGuard(deps);
  const login = { guard, sendPage };
  addLogin(app, login);
  app.use(guard.handler((...asked) => askForToken(...asked, login)));
  addReload(app, deps);
  app.use(async (_request, _response, next) => {
    await deps.lanes()?.caughtUp();
    next();
  });
  app.use(readApi(deps));
  app.use(alertmanagerApi(deps));
  addPages(app, deps);
  app.use((request, response) => {
    sendError(request, response.status(404), `nothing is at ${request.path.slice(0, 200)}`);
  });
  app.use(failed(deps.log));
  return app;
}

/**
 * What is posted to below. Whatever else is posted was alerts, to a wrong address: the token that is
 * asked for here would not help.
 */
const POSTED: ReadonlySet<string> = new Set(['/login', '/logout', '/-/reload', '/api/v2/silences']);

/** Open to everybody who can reach it: probes and Prometheus carry no token. */
function addOperations(app: Express, { health, metrics }: AppDeps): void {
  app.get('/-/healthy', (_request, response) => {
    response.type('text/plain').send('OK');
  });
  app.get('/-/ready', (_request, response) => {
    const missing = health.notReady();
    response.type('text/plain');
    if (missing === undefined) response.send('OK');
    else response.status(503).set('Retry-After', '5').send(missing);
  });
  app.get('/metrics', async (_request, response) => {
    const text = await metrics.text();
    response.set('Content-Type', metrics.contentType).send(text);
  });
}

function addReload(app: Express, { reload }: AppDeps): void {
  app.post('/-/reload', async (_request, response) => {
    const result = await reload();
    response.type('text/plain');
    if (result.kind === 'loaded') response.send(`rules ${result.version} are in force\n`);
    else response.status(400).send(`${result.diagnostics.trimEnd()}\n`);
  });
  // Who forgot -X POST is told so, and not that there is nothing.
  app.all('/-/reload', (request, response) => {
    const error = `${request.method} is not allowed: post here to load the rules again`;
    response.status(405).set('Allow', 'POST').json({ error });
  });
}

function addPages(app: Express, deps: AppDeps): void {
  app.get('/', async (_request, response) => {
    sendPage(response, overviewPage(await overviewOf(deps, lanesOf(deps))));
  });
  app.get('/decisions', async (request, response) => {
    const { rules } = lanesOf(deps);
    const query = readDecisionQuery(request.url, rules.catalog);
    const decisions = await listDecisions(deps.store, query, peopleOf(deps, rules));
    sendPage(response, decisionsPage(decisions, askedFor(request), rules.version));
  });
  addLists(app, deps);
  // The search box of every page.
  app.get('/explain', async (request, response) => {
    const answer = await explanationOf(deps, lanesOf(deps), readExplainQuery(request.url));
    if (answer.kind === 'explained') response.redirect(303, pageOf(answer.explanation));
    else sendPage(response.status(404), missingPage(answer.message, lanesOf(deps).rules.version));
  });
  app.get('/incidents/:id', async (request, response) => {
    const lanes = lanesOf(deps);
    const { id } = request.params;
    const detail = await incidentDetail(deps, lanes, id, LOOK_BACK);
    if (detail !== undefined) sendPage(response, incidentPage(detail, deps.now()));
    else sendPage(response.status(404), missingPage(noIncident(id), lanes.rules.version));
  });
  app.get('/alerts/:fingerprint', async (request, response) => {
    const lanes = lanesOf(deps);
    const { fingerprint } = request.params;
    const detail = await alertDetail(deps, lanes, fingerprint, LOOK_BACK);
    if (detail !== undefined) sendPage(response, alertPage(detail));
    else sendPage(response.status(404), missingPage(noAlert(fingerprint), lanes.rules.version));
  });
}

/** What the read API lists, for people. */
function addLists(app: Express, deps: AppDeps): void {
  const about = (request: Request) => ({
    now: deps.now(),
    rulesVersion: lanesOf(deps).rules.version,
    query: askedFor(request),
  });
  app.get('/incidents', async (request, response) => {
    const lanes = lanesOf(deps);
    const list = await listIncidents(lanes, deps, incidentQuery(lanes, request.url));
    sendPage(response, incidentsPage(list, about(request)));
  });
  app.get('/alerts', async (request, response) => {
    const lanes = lanesOf(deps);
    const { items, next } = await pageOfAlerts(lanes, alertQuery(lanes, request.url));
    sendPage(response, alertsPage({ items: items.map(alertShape), next }, about(request)));
  });
  app.get('/silences', (request, response) => {
    const lanes = lanesOf(deps);
    const silences = silencesInOrder(silencesIn(lanes).values(), deps.now());
    sendPage(response, silencesPage(silences, peopleOf(deps, lanes.rules), about(request)));
  });
}

/** Of a page of a list: its query without the place in the list. */
function askedFor({ url }: Request): string {
  const asked = new URL(url, 'http://quell.invalid').searchParams;
  asked.delete('cursor');
  return asked.toString();
}

const LOOK_BACK = { from: undefined, to: undefined, limit: 200 };

const PAGE_POLICY = [
  "default-src 'none'",
  `style-src '${STYLE_HASH}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

function sendPage(response: Response, page: string): void {
  response.set('Content-Security-Policy', PAGE_POLICY).type('text/html').send(page);
}

/** For people as a page, for programs as JSON. */
function sendError(request: Request, response: Response, error: string): void {
  if (request.accepts(['json', 'html']) === 'html') sendPage(response, missingPage(error));
  else response.json({ error });
}

const safeHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    // With "no-referrer" a browser would not say that our own form is ours.
    'Referrer-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  });
  next();
};

function counted(metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const began = performance.now();
    response.once('finish', () => {
      const seconds = (performance.now() - began) / 1000;
      metrics.answered(routeOf(request), response.statusCode, seconds);
    });
    next();
  };
}

/** A closed set: the pattern of the route, never the path. */
function routeOf(request: Request): string {
  const route: unknown = request.route;
  if (typeof route !== 'object' || route === null || !('path' in route)) return 'other';
  return typeof route.path === 'string' ? route.path : 'other';
}

function failed(log: Log): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    if (error instanceof AppError && BAD_REQUESTS.has(error.code)) {
      sendError(request, response.status(400), error.message);
      return;
    }
    if (error instanceof AppError && error.retryable) {
      sendError(request, response.status(503).set('Retry-After', '5'), error.message);
      return;
    }
    // Express marks what is wrong with a request itself, as a path that cannot be decoded.
    const status: unknown = error instanceof Error && 'status' in error ? error.status : undefined;
    if (typeof status === 'number' && status >= 400 && status < 500) {
      const error = status === 413 ? 'the request is too large' : 'the request cannot be read';
      response.status(status).json({ error });
      return;
    }
    log.error({ route: routeOf(request), error }, 'a request failed');
    response.status(500).json({ error: 'Quell failed to answer this: see its log' });
  };
}

const BAD_REQUESTS: ReadonlySet<string> = new Set(['bad-query', 'bad-cursor']);
