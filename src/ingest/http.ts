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
import { type Lanes, PartlyTaken } from '../lane/lanes.ts';
import { type Capacity, limitNamed, over } from '../limits.ts';
import type { Event, Instant } from '../model.ts';
import type { Rules } from '../rules/rules.ts';
import type { Log } from '../telemetry/log.ts';
import type { AuthFailure, Metrics } from '../telemetry/metrics.ts';
import { createSeldom, type Seldom } from '../telemetry/seldom.ts';
import { type Answer, alertmanagerStyle, ingestStyle, send, type Style } from './answer.ts';
import { type Admit, createAdmission, type IngestAuth, objectToSignature } from './auth.ts';
import { createBodyReader, type ReadBody } from './body.ts';
import type { Parsed } from './parsed.ts';
import { createReader, type DeliveryReader } from './read-apart.ts';
import { recordingLine } from './recorder.ts';
import type { Signature } from './signature.ts';
import { knowsSource, NO_MAPPINGS, sourceNames } from './sources.ts';

interface IngestDeps {
  /** Undefined until it is loaded: answered 503. */
  readonly lanes: () => Lanes | undefined;
  readonly auth: IngestAuth;
  readonly limits: Pick<Capacity, 'body' | 'bodies'>;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Takes each accepted delivery as a line of a recording. */
  readonly record?: ((at: Instant, line: Uint8Array) => void) | undefined;
  readonly now?: () => Instant;
  readonly read?: DeliveryReader;
}

/** True when the request was for it; it answers then. */
export type FrontHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

interface Request {
  readonly source: string;
  readonly style: Style;
  readonly delivery: string;
  readonly began: number;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
}

/** Of `bodies`, for those that are signed, beside the others. */
const SIGNED_SHARE = 1 / 4;
/** Lines about refusals of one kind in a minute; the others are counted. */
const REFUSALS_LOGGED_MAX = 10;

interface Door extends IngestDeps {
  readonly admit: Admit;
  readonly clock: () => Instant;
  readonly seldom: Seldom;
  readonly read: DeliveryReader;
}

export function ingestHandler(deps: IngestDeps): FrontHandler {
  const clock = deps.now ?? Date.now;
  const seldom = createSeldom({ now: clock, max: REFUSALS_LOGGED_MAX });
  const read = deps.read ?? createReader();
  const door: Door = { ...deps, admit: createAdmission(deps.auth), clock, seldom, read };
  const bodyMax = deps.limits.body;
  const readerOf = (share: number) =>
    createBodyReader({ bodyMax, inFlightMax: Math.max(deps.limits.bodies * share, bodyMax) });
  const bodies = readerOf(1);
  // Who sent these is known only when they are there: they must not use up what others have.
  const signedBodies = readerOf(SIGNED_SHARE);
  deps.metrics.watchLimit('bodies', () =>
    Math.max(bodies.inFlight, signedBodies.inFlight / SIGNED_SHARE),
  );
  const mint = createDeliveryIds();
  return (message, response) => {
    const path = pathOf(message.url ?? '');
    const style = path === '/api/v2/alerts' ? alertmanagerStyle : ingestStyle;
    const source = style === alertmanagerStyle ? 'prometheus' : sourceOf(path);
    if (source === undefined) return false;
    // Alertmanager's tools read where Prometheus writes.
    if (style === alertmanagerStyle && READING.has(message.method ?? '')) return false;
    const began = performance.now();
    const request = { source, style, delivery: mint(), began, message, response };
    const checked = check(request, door);
    if (checked.kind === 'objection') {
      message.resume();
      conclude(request, checked.answer, door);
      return true;
    }
    (checked.signature === undefined ? bodies : signedBodies).read(message, (result) => {
      if (result.kind === 'gone') return;
      if (result.kind === 'body') {
        const { bytes, release } = result;
        void take(bytes, request, checked.signature, door).finally(release);
      } else {
        message.resume();
        conclude(request, bodyObjection(result, bodyMax), door);
      }
    });
    return true;
  };
}

type Checked =
  | { readonly kind: 'objection'; readonly answer: Answer }
  | { readonly kind: 'fine'; readonly signature: Signature | undefined };

/** What can be said for or against a request before its body is read. */
function check({ source, style, message }: Request, { lanes, admit, metrics }: Door): Checked {
  if (message.method !== 'POST') {
    const error = `${message.method ?? ''} is not allowed: post alerts here`;
    return objection({ status: 405, error, headers: ['Allow', 'POST'] });
  }
  if (isFromPage(message)) return unauthorized('web-page', 'web pages may not post alerts');
  const admission = admit(message, source);
  if (admission.kind === 'refused') return unauthorized(admission.reason, admission.error);
  const { signature, token } = admission;
  if (token?.name !== undefined) metrics.admitted('ingest', token.name);
  const mappings = lanes()?.rules.mappings;
  if (mappings !== undefined && !knowsSource(source, mappings)) {
    const names = sourceNames(mappings).join(', ');
    const error = `there is no source "${source}": expected one of ${names}`;
    return objection({ status: 404, error });
  }
  const error = objectToKind(message, style, signature !== undefined);
  return error === undefined ? { kind: 'fine', signature } : objection({ status: 415, error });
}

/** Bodies that are not read: another type, or compressed where the very bytes are signed. */
function objectToKind(
  { headers }: IncomingMessage,
  style: Style,
  isSigned: boolean,
): string | undefined {
  const type = headers['content-type'];
  if (style === alertmanagerStyle && !isJson(type)) {
    return `unsupported media type "${type ?? ''}", only [application/json] are allowed`;
  }
  if (!isSigned || (headers['content-encoding'] ?? 'identity') === 'identity') return undefined;
  return 'a signed request is sent without Content-Encoding: its very bytes are signed';
}

const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** A web page may make its reader's browser post here; no monitoring tool sends these headers. */
function isFromPage({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined || headers['sec-fetch-site'] === 'cross-site';
}

function objection(answer: Answer): Checked {
  return { kind: 'objection', answer };
}

function unauthorized(failure: AuthFailure, error: string): Checked {
  return objection(refusalOf(failure, error));
}

/** 401: other credentials would help. 403: they would not. */
function refusalOf(failure: AuthFailure, error: string): Answer {
  const hopeless = failure === 'web-page' || failure === 'address' || failure === 'other-source';
  if (hopeless) return { status: 403, error, failure };
  return { status: 401, error, failure, headers: ['WWW-Authenticate', CHALLENGE] };
}

const CHALLENGE = 'Bearer realm="quell", Basic realm="quell", charset="UTF-8"';

function isJson(type: string | undefined): boolean {
  return type !== undefined && /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type);
}

function bodyObjection(result: Exclude<ReadBody, { kind: 'body' | 'gone' }>, max: number): Answer {
  switch (result.kind) {
    case 'too-large': {
      const error = `the body is larger than ${max} bytes: send smaller batches`;
      return { status: 413, error: over('body', error) };
    }
    case 'busy':
      return overloaded(over('bodies', 'too many bytes are in flight: try again'));
    case 'unknown-encoding': {
      const error = `unknown Content-Encoding "${result.encoding}": use gzip, deflate or none`;
      return { status: 415, error, headers: ['Accept-Encoding', 'gzip, deflate'] };
    }
    case 'bad-encoding':
      return { status: 400, error: result.error };
  }
}

function overloaded(error: string): Answer {
  return { status: 503, error, headers: ['Retry-After', '5'] };
}

async function take(
  body: Buffer,
  request: Request,
  signature: Signature | undefined,
  door: Door,
): Promise<void> {
  const { source, delivery, message } = request;
  const at = door.clock();
  if (signature !== undefined) {
    const wrong = objectToSignature(signature, message, body, at);
    if (wrong !== undefined) {
      return conclude(request, refusalOf(wrong.reason, wrong.error), door);
    }
  }
  const lanes = door.lanes();
  if (lanes === undefined)
    return conclude(request, overloaded('Quell is starting: try again'), door);
  if (body.length === 0 && request.style === alertmanagerStyle) {
    return conclude(request, { status: 422, error: 'alerts in body is required' }, door);
  }
  try {
    const { mappings } = lanes.rules;
    const { parsed, line } = await door.read(body, { source, delivery, at }, mappings);
    if (parsed.kind === 'refused') {
      return conclude(request, { status: 400, error: parsed.error, field: parsed.field }, door);
    }
    if (parsed.events.length > 0) await lanes.submit(at, parsed.events);
    door.metrics.alertsIn(source, parsed.events);
    door.record?.(at, line ?? recordingLine(at, source, body));
    conclude(request, accepted(parsed, lanes.rules, door.metrics), door);
  } catch (error) {
    if (error instanceof PartlyTaken) door.metrics.alertsIn(source, error.taken);
    conclude(request, refusal(error, request, door.log), door);
  }
}

function refusal(error: unknown, { delivery, source }: Request, log: Log): Answer {
  if (error instanceof AppError && error.retryable) return overloaded(error.message);
  log.error({ delivery, source, error }, 'a delivery could not be accepted');
  return { status: 500, error: 'Quell could not accept this: see its log' };
}

const ERRORS_SHOWN_MAX = 10;

function accepted(
  { events, truncated, warnings: given }: Extract<Parsed, { kind: 'parsed' }>,
  rules: Rules,
  metrics: Metrics,
): Answer {
  const errors: string[] = [];
  let quarantined = 0;
  for (const event of events) {
    if (event.kind !== 'odd') continue;
    quarantined++;
    countLimit(event.error, metrics);
    if (errors.length < ERRORS_SHOWN_MAX) errors.push(event.error);
  }
  const warnings =
    given === undefined
      ? []
      : [...given, ...unknownSeverities(events, rules)].slice(0, ERRORS_SHOWN_MAX);
  const taken = events.length - quarantined;
  const counts = { accepted: taken, quarantined, truncated, errors, warnings };
  // Nothing in it was understood: its sender has to know. What it sent is kept all the same.
  const status = quarantined > 0 && counts.accepted === 0 ? 400 : 200;
  return { status, counts, error: errors[0] };
}

const WORD_SHOWN_MAX = 40;

/** Each word once. Whoever writes alerts by hand learns of a slip from the answer, or never. */
function unknownSeverities(events: readonly Event[], rules: Rules): Iterable<string> {
  const words = new Map<string, string>();
  for (const event of events) {
    const word = event.kind === 'alert' ? event.alert.labels['severity'] : undefined;
    if (event.kind !== 'alert' || word === undefined) continue;
    if (words.has(word) || words.size >= ERRORS_SHOWN_MAX || rules.knowsSeverity(word)) continue;
    const { severity } = rules.normalise(event.alert);
    const shown = word.slice(0, WORD_SHOWN_MAX);
    words.set(word, `the severity "${shown}" is not known: it counts as ${severity}`);
  }
  return words.values();
}

function countLimit(error: string, metrics: Metrics): void {
  const limit = limitNamed(error);
  if (limit !== undefined) metrics.limitReached(limit);
}

/** Answers, counts and logs: the one place where a request ends. */
function conclude(request: Request, answer: Answer, { lanes, metrics, log, seldom }: Door): void {
  const { source, style, delivery, response, began } = request;
  const { status, counts, error, failure } = answer;
  send(response, answer, style, delivery);
  metrics.answered(style.route, status, (performance.now() - began) / 1000);
  // A label of a metric is one of a closed set, whatever addresses strangers try.
  const isKnown = knowsSource(source, lanes()?.rules.mappings ?? NO_MAPPINGS);
  metrics.delivery(isKnown ? source : 'unknown', outcomeOf(status));
  if (failure !== undefined) metrics.authFailed('ingest', failure);
  if (counts === undefined) {
    if (error !== undefined) countLimit(error, metrics);
    const leftOut = seldom(String(status));
    if (leftOut === undefined) return;
    const more = leftOut > 0 ? { leftOut } : {};
    log.warn({ delivery, source, status, problem: error, ...more }, 'delivery refused');
    return;
  }
  const { accepted: alerts, quarantined, truncated, warnings } = counts;
  const [warning] = warnings;
  if (truncated > 0) metrics.truncated(source, truncated);
  const fields = { delivery, source, alerts, quarantined, truncated };
  if (quarantined > 0) log.warn({ ...fields, problem: error }, 'delivery has odd alerts');
  else if (truncated > 0) log.warn(fields, 'delivery was truncated by its source');
  else if (warning !== undefined && seldom('warnings') !== undefined) {
    log.warn({ ...fields, problem: warning }, 'delivery has what is not known');
  } else log.debug(fields, 'delivery accepted');
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
