/**
 * The door for alerts: `POST /v1/ingest/:source` and `POST /api/v2/alerts`.
 *
 * 2xx is answered only after the delivery is on disk. A plain node:http handler that is asked before
 * the web framework: most of what Quell does is answering here. Overload is 503 with Retry-After,
 * never 429: Alertmanager retries 5xx within the flush, and everything else only a group_interval later.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../errors.ts';
import type { Lane } from '../lane.ts';
import type { Instant } from '../model.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Answer, alertmanagerStyle, ingestStyle, send, type Style } from './answer.ts';
import { createAdmission, type IngestToken } from './auth.ts';
import { createBodyReader, type ReadBody } from './body.ts';
import type { Parsed } from './parsed.ts';
import type { Recorder } from './recorder.ts';
import { knowsSource, parseBytes, sourceNames } from './sources.ts';

export interface IngestDeps {
  /** Undefined until it is loaded: answered 503. */
  readonly lane: () => Lane | undefined;
  readonly tokens: readonly IngestToken[];
  readonly bodyMax: number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly recorder?: Recorder | undefined;
  readonly now?: () => Instant;
}

/** True when the request was for it; it answers then. */
export type FrontHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Bodies of all requests together; at least a few of the largest. */
const IN_FLIGHT_MAX = 256 * 1024 * 1024;

interface Request {
  readonly source: string;
  readonly style: Style;
  readonly delivery: string;
  readonly began: number;
  readonly response: ServerResponse;
}

export function ingestHandler(deps: IngestDeps): FrontHandler {
  const admit = createAdmission(deps.tokens);
  const inFlightMax = Math.max(IN_FLIGHT_MAX, 4 * deps.bodyMax);
  const bodies = createBodyReader({ bodyMax: deps.bodyMax, inFlightMax });
  const mint = createDeliveryIds();
  return (message, response) => {
    const path = pathOf(message.url ?? '');
    const style = path === '/api/v2/alerts' ? alertmanagerStyle : ingestStyle;
    const source = style === alertmanagerStyle ? 'prometheus' : sourceOf(path);
    if (source === undefined) return false;
    const request = { source, style, delivery: mint(), began: performance.now(), response };
    const objection = object(message, request, deps, admit);
    if (objection !== undefined) {
      message.resume();
      conclude(request, objection, deps);
      return true;
    }
    bodies.read(message, (result) => {
      if (result.kind === 'gone') return;
      if (result.kind === 'body') void take(result.bytes, request, deps);
      else {
        message.resume();
        conclude(request, bodyObjection(result, deps.bodyMax), deps);
      }
    });
    return true;
  };
}

/** What can be said against a request before its body is read. */
function object(
  message: IncomingMessage,
  { source, style }: Request,
  { lane }: IngestDeps,
  admit: ReturnType<typeof createAdmission>,
): Answer | undefined {
  if (message.method !== 'POST') {
    const error = `${message.method ?? ''} is not allowed: post alerts here`;
    return { status: 405, error, headers: ['Allow', 'POST'] };
  }
  // A web page may make its reader's browser post here; no monitoring tool sends this header.
  if (message.headers['sec-fetch-site'] === 'cross-site') {
    return { status: 403, error: 'web pages may not post alerts' };
  }
  const admission = admit(message.headers.authorization, source);
  if (admission === 'unknown') {
    const error = 'a bearer token or basic credentials of QUELL_INGEST_TOKENS are needed';
    return { status: 401, error, headers: ['WWW-Authenticate', CHALLENGE] };
  }
  if (admission === 'elsewhere') {
    return { status: 403, error: `these credentials are not for the source "${source}"` };
  }
  const mappings = lane()?.rules.mappings;
  if (mappings !== undefined && !knowsSource(source, mappings)) {
    const names = sourceNames(mappings).join(', ');
    return { status: 404, error: `there is no source "${source}": expected one of ${names}` };
  }
  const type = message.headers['content-type'];
  if (style === alertmanagerStyle && !isJson(type)) {
    const error = `unsupported media type "${type ?? ''}", only [application/json] are allowed`;
    return { status: 415, error };
  }
  return undefined;
}

const CHALLENGE = 'Bearer realm="quell", Basic realm="quell", charset="UTF-8"';

function isJson(type: string | undefined): boolean {
  return type !== undefined && /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type);
}

function bodyObjection(result: Exclude<ReadBody, { kind: 'body' | 'gone' }>, max: number): Answer {
  switch (result.kind) {
    case 'too-large':
      return { status: 413, error: `the body is larger than ${max} bytes: send smaller batches` };
    case 'busy':
      return overloaded('too many requests are in flight');
    case 'unknown-encoding': {
      const error = `unknown Content-Encoding "${result.encoding}": use gzip, deflate or none`;
      return { status: 415, error, headers: ['Accept-Encoding', 'gzip, deflate'] };
    }
    case 'bad-encoding':
      return { status: 400, error: result.error };
  }
}

function overloaded(error: string): Answer {
  return { status: 503, error: `${error}: try again`, headers: ['Retry-After', '5'] };
}

async function take(body: Buffer, request: Request, deps: IngestDeps): Promise<void> {
  const { source, delivery } = request;
  const at = (deps.now ?? Date.now)();
  const lane = deps.lane();
  if (lane === undefined) return conclude(request, overloaded('Quell is starting'), deps);
  if (body.length === 0 && request.style === alertmanagerStyle) {
    return conclude(request, { status: 422, error: 'alerts in body is required' }, deps);
  }
  try {
    const parsed = parseBytes(body, { source, delivery, at }, lane.rules.mappings);
    if (parsed.kind === 'refused') {
      return conclude(request, { status: 400, error: parsed.error, field: parsed.field }, deps);
    }
    if (parsed.events.length > 0) await lane.submit(at, parsed.events);
    deps.metrics.alertsIn(source, parsed.events);
    deps.recorder?.record(at, source, body);
    conclude(request, accepted(parsed), deps);
  } catch (error) {
    conclude(request, refusal(error, request, deps.log), deps);
  }
}

function refusal(error: unknown, { delivery, source }: Request, log: Log): Answer {
  if (error instanceof AppError && error.retryable) return overloaded(error.message);
  log.error({ delivery, source, error }, 'a delivery could not be accepted');
  return { status: 500, error: 'Quell could not accept this: see its log' };
}

const ERRORS_SHOWN_MAX = 10;

function accepted({ events, truncated }: Extract<Parsed, { kind: 'parsed' }>): Answer {
  const errors: string[] = [];
  let quarantined = 0;
  for (const event of events) {
    if (event.kind !== 'odd') continue;
    quarantined++;
    if (errors.length < ERRORS_SHOWN_MAX) errors.push(event.error);
  }
  const counts = { accepted: events.length - quarantined, quarantined, truncated, errors };
  // Nothing in it was understood: its sender has to know. What it sent is kept all the same.
  const status = quarantined > 0 && counts.accepted === 0 ? 400 : 200;
  return { status, counts, error: errors[0] };
}

/** Answers, counts and logs: the one place where a request ends. */
function conclude(request: Request, answer: Answer, deps: IngestDeps): void {
  const { source, style, delivery, response, began } = request;
  const { status, counts, error } = answer;
  send(response, answer, style, delivery);
  const { metrics, log } = deps;
  const known = status === 404 || status === 401 ? 'unknown' : source;
  metrics.answered(style.route, status, (performance.now() - began) / 1000);
  metrics.delivery(known, outcomeOf(status));
  if (counts === undefined) {
    log.warn({ delivery, source, status, problem: error }, 'delivery refused');
    return;
  }
  const { accepted: alerts, quarantined, truncated } = counts;
  if (truncated > 0) metrics.truncated(source, truncated);
  const fields = { delivery, source, alerts, quarantined, truncated };
  if (quarantined > 0) log.warn({ ...fields, problem: error }, 'delivery has odd alerts');
  else if (truncated > 0) log.warn(fields, 'delivery was truncated by its source');
  else log.debug(fields, 'delivery accepted');
}

function outcomeOf(status: number): 'accepted' | 'refused' | 'overloaded' | 'failed' {
  if (status < 300) return 'accepted';
  if (status === 503) return 'overloaded';
  return status >= 500 ? 'failed' : 'refused';
}

/** Without query and trailing slash. */
function pathOf(url: string): string {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

const INGEST = '/v1/ingest/';

function sourceOf(path: string): string | undefined {
  if (!path.startsWith(INGEST)) return undefined;
  const source = path.slice(INGEST.length);
  return /^[\w.-]{1,64}$/.test(source) ? source : undefined;
}

/** Short, unique over restarts: a random beginning and a counter. */
function createDeliveryIds(): () => string {
  const beginning = randomBytes(4).toString('hex');
  let count = 0;
  return () => `${beginning}-${(++count).toString(36)}`;
}
