/**
 * The Events API: what Slack posts to `/slack/events`, believed only with a fresh, right signature.
 *
 * Slack gives up after three seconds and tries three times more. Anything but 2xx makes it try again,
 * so a reaction that could not be kept is answered 503.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { type BodyReader, createBodyReader, type ReadBody } from '../ingest/body.ts';
import { over, SHAPE } from '../limits.ts';
import type { Instant } from '../model.ts';
import { type IntakeOptions, takeIn } from './events.ts';

interface SlackEventsOptions extends IntakeOptions {
  readonly signingSecret: string;
  readonly now: () => Instant;
  /** Told of each request that is not believed, for logs and metrics. */
  readonly refused: (reason: EventRefusal) => void;
}

export type EventRefusal = 'no-signature' | 'wrong-signature' | 'too-large' | 'too-many';

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Older requests may be recordings. Slack's own advice. */
const FRESH_MS = 5 * 60_000;
/** Slack waits 3 s, the way there and back included. */
const ANSWER_WITHIN_MS = 2_500;

/** Bytes of all events that are being read: whose they are is known only when they are there. */
const READING_MAX = 64 * 1024 * 1024;

/** For `app.post('/slack/events', …)`, or bare node:http. Needs the raw body: mount no parser before it. */
export function slackEventsHandler(
  options: SlackEventsOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const bodies = createBodyReader({ bodyMax: SHAPE['slack-event'], inFlightMax: READING_MAX });
  return (request, response) => {
    void respond(request, bodies, options).then((answer) => {
      if (answer === undefined) return;
      const { status, body } = answer;
      response.statusCode = status;
      response.setHeader('content-type', 'text/plain; charset=utf-8');
      response.end(body);
    });
  };
}

/** Undefined: there is nobody to answer. */
async function respond(
  request: IncomingMessage,
  bodies: BodyReader,
  options: SlackEventsOptions,
): Promise<Answer | undefined> {
  const { log, now, signingSecret, refused, ...intake } = options;
  const retry = request.headers['x-slack-retry-num'];
  try {
    if (request.headers['x-slack-signature'] === undefined) {
      request.resume();
      refused('no-signature');
      return { status: 401, body: 'the signature is missing' };
    }
    const body = await readBody(request, bodies);
    if (body.kind === 'gone') return undefined;
    if (body.kind !== 'body') return refusalOf(body.kind, refused);
    body.release();
    const raw = body.bytes;
    if (!verifySignature(signingSecret, request.headers, raw, now())) {
      refused('wrong-signature');
      return { status: 401, body: 'the signature or the timestamp is wrong' };
    }
    const payload = parseJson(raw);
    if (payload === undefined) return { status: 400, body: 'not JSON' };
    const late = { status: 503, body: 'could not be kept in time' };
    return await within(ANSWER_WITHIN_MS, late, async () => {
      const challenge = await takeIn(payload, { ...intake, log });
      return { status: 200, body: challenge?.challenge ?? '' };
    });
  } catch (error) {
    // The lane is loading, or the disk is full: Slack tries again.
    log.error({ error, retry }, 'an event of Slack could not be kept');
    return { status: 503, body: 'could not be kept' };
  }
}

function refusalOf(
  kind: Exclude<ReadBody['kind'], 'body' | 'gone'>,
  refused: SlackEventsOptions['refused'],
): Answer {
  switch (kind) {
    case 'too-large':
      refused('too-large');
      return { status: 413, body: over('slack-event', 'too large') };
    case 'busy':
      refused('too-many');
      return { status: 503, body: over('slack-event', 'too many at once: try again') };
    case 'unknown-encoding':
    case 'bad-encoding':
      return { status: 400, body: 'Slack encodes nothing' };
  }
}

/** Slack's signature v0: an HMAC over the timestamp and the very bytes of the body. */
export function verifySignature(
  secret: string,
  headers: IncomingHttpHeaders,
  rawBody: Uint8Array,
  now: Instant,
): boolean {
  const timestamp = String(headers['x-slack-request-timestamp'] ?? '');
  if (!/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now - Number(timestamp) * 1_000) > FRESH_MS) return false;
  const hash = createHmac('sha256', secret).update(`v0:${timestamp}:`).update(rawBody);
  const want = Buffer.from(`v0=${hash.digest('hex')}`);
  // Bytes are compared, not characters: two strings of equal length may have unequal bytes.
  const got = Buffer.from(String(headers['x-slack-signature'] ?? ''));
  return got.length === want.length && timingSafeEqual(got, want);
}

/** Whoever is slower than Slack would wait is cut off. */
function readBody(request: IncomingMessage, bodies: BodyReader): Promise<ReadBody> {
  return new Promise((resolve) => {
    const late = setTimeout(() => request.destroy(), ANSWER_WITHIN_MS);
    bodies.read(request, (body) => {
      clearTimeout(late);
      resolve(body);
    });
  });
}

function parseJson(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString('utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

async function within(ms: number, late: Answer, work: () => Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => resolve(late), ms);
  });
  try {
    return await Promise.race([work(), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
