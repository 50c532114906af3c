/**
 * Slack's Web API, reduced to the calls that Quell makes and to five answers
 * (result.ts).
 *
 * Nothing here waits or retries: pace belongs to courier.ts, patience to delivery.ts, and to breaker.ts when Slack is away.
 */
import {
  WebAPIHTTPError,
  WebAPIPlatformError,
  WebAPIRateLimitedError,
  WebAPIRequestError,
  WebClient,
} from '@slack/web-api';
import { z } from 'zod';
import { codeOf } from '../errors.ts';
import type { MessageRef } from '../model.ts';
import { type Log, sdkLogger } from './log.ts';
import { createChannelIds, EVENT_TYPE, type Found, find, type Search } from './lookup.ts';
import { type Call, read, type SlackResult } from './result.ts';
import type { SlackBlock } from './rich.ts';

/** By this a message of Quell is found again. Readable by everybody in the workspace: ids only. */
interface MessageTag {
  readonly id: string;
  readonly revision: number;
}

export interface Post {
  readonly channel: string;
  readonly thread: string | undefined;
  /** A line of a thread that stands in the channel too. */
  readonly broadcast?: boolean;
  readonly text: string;
  /** Undefined: text only. */
  readonly blocks: readonly SlackBlock[] | undefined;
  readonly tag: MessageTag;
}

export interface Reaction {
  readonly name: string;
  readonly users: readonly string[];
}

export interface SlackApi {
  post(post: Post): Promise<SlackResult<MessageRef>>;
  update(
    message: MessageRef,
    content: Omit<Post, 'channel' | 'thread' | 'broadcast'>,
  ): Promise<SlackResult<MessageRef>>;
  find(search: Search): Promise<SlackResult<Found | undefined>>;
  /** Makes the bot a member of a public channel: else it may not post there, nor hear reactions. */
  join(channel: string): Promise<SlackResult<string>>;
  reactions(message: MessageRef): Promise<SlackResult<readonly Reaction[]>>;
  person(user: string): Promise<SlackResult<{ readonly name: string; readonly bot: boolean }>>;
  /** Who we are: also shows whether the token is good, and opens the connection early. */
  identify(): Promise<SlackResult<{ readonly user: string; readonly team: string }>>;
}

interface Whisper {
  readonly channel: string;
  readonly thread: string | undefined;
  readonly user: string;
  readonly text: string;
}

/** What delivery has no use for. */
export interface WholeSlackApi extends SlackApi {
  /** Says something that only one person sees, and that is not kept. */
  whisper(hint: Whisper): Promise<SlackResult<unknown>>;
  /** Takes a message of ours away. */
  remove(message: MessageRef): Promise<SlackResult<unknown>>;
}

export interface ApiOptions {
  readonly token: string;
  /** Undefined: Slack's own. Else it must end with `/api/`. */
  readonly apiUrl: string | undefined;
  readonly log: Log;
  /** How long to wait for an answer. */
  readonly timeoutMs?: number;
  /** For metrics. */
  readonly called?: (method: string, outcome: CallOutcome, seconds: number) => void;
}

export type CallOutcome = 'ok' | 'rate-limited' | 'refused' | 'failed' | 'unclear';
const OUTCOMES = {
  ok: 'ok',
  'rate-limited': 'rate-limited',
  refused: 'refused',
  unreachable: 'failed',
  unknown: 'unclear',
} as const satisfies Record<SlackResult<unknown>['kind'], CallOutcome>;

const TIMEOUT_MS = 10_000;
const RETRY_AFTER_MS = 30_000;

export function createSlackApi(options: ApiOptions): WholeSlackApi {
  const call = createCall(options);
  const ids = createChannelIds(call);
  return {
    async post({ channel, thread, broadcast, tag, ...content }) {
      const answer = await call('chat.postMessage', {
        ...contentOf({ ...content, tag }),
        channel: ids.known(channel) ?? channel,
        ...(thread === undefined ? {} : { thread_ts: thread }),
        ...(broadcast === true ? { reply_broadcast: true } : {}),
        unfurl_links: false,
        unfurl_media: false,
      });
      const sent = read(answer, Sent);
      if (sent.kind === 'ok') ids.learn(channel, sent.value.channel);
      return sent;
    },
    async update({ channel, ts }, content) {
      return read(await call('chat.update', { ...contentOf(content), channel, ts }), Sent);
    },
    whisper: ({ channel, user, text, thread }) =>
      call('chat.postEphemeral', {
        channel,
        user,
        text,
        ...(thread === undefined ? {} : { thread_ts: thread }),
      }),
    remove: ({ channel, ts }) => call('chat.delete', { channel, ts }),
    async find(search) {
      const id = await ids.resolve(search.channel);
      if (id.kind === 'rate-limited' || id.kind === 'unknown') return id;
      return find(call, { ...search, channel: id.kind === 'ok' ? id.value : search.channel });
    },
    async join(channel) {
      const id = await ids.resolve(channel);
      if (id.kind !== 'ok') return id;
      const answer = await call('conversations.join', { channel: id.value });
      return answer.kind === 'ok' ? id : answer;
    },
    async reactions({ channel, ts }) {
      const args = { channel, timestamp: ts, full: true };
      const answer = read(await call('reactions.get', args), Reactions);
      return answer.kind === 'ok' ? { kind: 'ok', value: answer.value.message.reactions } : answer;
    },
    async person(user) {
      const answer = read(await call('users.info', { user }), Person);
      if (answer.kind !== 'ok') return answer;
      const { profile, real_name, name, is_bot } = answer.value.user;
      const shown = [profile.display_name, real_name, name].find((text) => text !== '');
      return { kind: 'ok', value: { name: shown ?? user, bot: is_bot } };
    },
    async identify() {
      const answer = read(await call('auth.test', {}), Identity);
      if (answer.kind !== 'ok') return answer;
      return { kind: 'ok', value: { user: answer.value.user_id, team: answer.value.team } };
    },
  };
}

// --- What we read of Slack's answers -------------------------------------------------------

const Sent = z.object({ channel: z.string(), ts: z.string() });
const Reactions = z.object({
  message: z.object({
    reactions: z
      .array(z.object({ name: z.string(), users: z.array(z.string()).default([]) }))
      .default([]),
  }),
});
const Person = z.object({
  user: z.object({
    name: z.string().default(''),
    real_name: z.string().default(''),
    is_bot: z.boolean().default(false),
    profile: z.object({ display_name: z.string().default('') }).default({ display_name: '' }),
  }),
});
const Identity = z.object({ user_id: z.string(), team: z.string().default('') });
// --- Calling -------------------------------------------------------------------------------

function createCall({ token, apiUrl, log, timeoutMs, called }: ApiOptions): Call {
  const client = new WebClient(token, {
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: timeoutMs ?? TIMEOUT_MS,
    logger: sdkLogger(log),
    fetch: fetchWithRetryAfter,
    ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl }),
  });
  return async (method, args) => {
    const began = performance.now();
    const answer = await client.apiCall(method, args).then(
      (value): SlackResult<unknown> => ({ kind: 'ok', value }),
      (error: unknown) => failure(error),
    );
    called?.(method, OUTCOMES[answer.kind], (performance.now() - began) / 1_000);
    if (answer.kind !== 'ok') log.debug({ method, answer }, 'slack call failed');
    return answer;
  };
}

/** The client gives up in its own way on a 429 that does not say for how long. */
async function fetchWithRetryAfter(url: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (response.status !== 429 || /^\d+$/.test(response.headers.get('retry-after') ?? '')) {
    return response;
  }
  const headers = { 'retry-after': String(RETRY_AFTER_MS / 1_000) };
  return new Response(undefined, { status: 429, headers });
}

/** Slack's word for "something of ours broke, and we cannot say how far it got". */
const AMBIGUOUS = new Set([
  'external_channel_migrating',
  'fatal_error',
  'internal_error',
  'request_timeout',
  'service_unavailable',
  'update_failed',
]);
const RATE_LIMITS = new Set(['ratelimited', 'rate_limited', 'message_limit_exceeded']);

/** Faults before a request was on its way. */
const NO_CONNECTION = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function failure(error: unknown): SlackResult<never> {
  if (error instanceof WebAPIRateLimitedError) {
    return { kind: 'rate-limited', retryAfterMs: Math.max(1, error.retryAfter) * 1_000 };
  }
  // A proxy's error page with status 200 is a platform error too, but no word of Slack's.
  if (error instanceof WebAPIPlatformError && /^[a-z0-9_]{1,80}$/.test(error.data.error)) {
    const word = error.data.error;
    if (RATE_LIMITS.has(word)) return { kind: 'rate-limited', retryAfterMs: RETRY_AFTER_MS };
    return { kind: AMBIGUOUS.has(word) ? 'unknown' : 'refused', error: word };
  }
  if (error instanceof WebAPIHTTPError)
    return { kind: 'unknown', error: `HTTP ${error.statusCode}` };
  const said = (error instanceof Error ? error.message : String(error)).slice(0, 200);
  const code = error instanceof WebAPIRequestError ? causeCode(error.original) : '';
  return NO_CONNECTION.has(code)
    ? { kind: 'unreachable', error: code }
    : { kind: 'unknown', error: code === '' ? said : `${said} (${code})` };
}

function causeCode({ cause }: Error): string {
  return codeOf(cause) ?? '';
}

function contentOf({ text, blocks, tag }: Omit<Post, 'channel' | 'thread' | 'broadcast'>) {
  return {
    text: text.replace(/&/g, '&amp;'),
    // An empty list takes the blocks of an earlier revision away.
    blocks: blocks ?? [],
    metadata: { event_type: EVENT_TYPE, event_payload: { ...tag } },
    // Text is shown, not read for names: chat.update would do that by default.
    parse: 'none',
    link_names: false,
  };
}
