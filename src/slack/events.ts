/**
 * What Slack tells us: reactions, and mentions in threads, over HTTP (signed) or Socket Mode. Both feed
 * `takeIn`.
 *
 * An event is acknowledged only when it is durable. Slack sends again what is not acknowledged within
 * three seconds; the lane knows a repeated reaction by who, what and when.
 */
import { z } from 'zod';
import type { Event } from '../model.ts';
import type { Log } from './log.ts';

export type ReactionEvent = Extract<Event, { kind: 'reaction' }>;
export type RequestEvent = Extract<Event, { kind: 'request' }>;
export type PersonEvent = Extract<Event, { kind: 'reaction' | 'request' }>;
interface Challenge {
  readonly kind: 'challenge';
  readonly challenge: string;
}

export interface IntakeOptions {
  /** Resolves when the event is durable. */
  readonly submit: (event: PersonEvent) => Promise<void>;
  /** What other bots say, says nothing about people. */
  readonly isBot?: ((user: string) => Promise<boolean>) | undefined;
  /** Told of each request when it is durable. */
  readonly asked?: ((request: RequestEvent) => void) | undefined;
  readonly log: Log;
}

/** Takes in one payload; resolves when it may be acknowledged. */
export async function takeIn(
  payload: unknown,
  { submit, isBot, asked, log }: IntakeOptions,
): Promise<Challenge | undefined> {
  const event = parseSlackEvent(payload);
  if (event === undefined || event.kind === 'challenge') return event;
  if (await isBot?.(event.user)) return undefined;
  await submit(event);
  if (event.kind === 'request') {
    log.info({ user: event.user, on: event.on }, 'request taken in');
    asked?.(event);
  } else {
    const { emoji, user, added } = event;
    log.info({ emoji, user, added, on: event.on }, 'reaction taken in');
  }
  return undefined;
}

/** Undefined: nothing that concerns us. */
export function parseSlackEvent(payload: unknown): PersonEvent | Challenge | undefined {
  const verification = Verification.safeParse(payload);
  if (verification.success) return { kind: 'challenge', challenge: verification.data.challenge };
  return parseMention(payload) ?? parseReaction(payload);
}

/** `<@U0LAN0Z89> silence 2h` in the thread of a message. */
function parseMention(payload: unknown): PersonEvent | undefined {
  const parsed = MentionPayload.safeParse(payload);
  if (!parsed.success) return undefined;
  const { user, text, channel, ts, thread_ts: thread, bot_id: bot } = parsed.data.event;
  if (bot !== undefined || user === SLACKBOT) return undefined;
  return {
    kind: 'request',
    user,
    text: plainText(text.replace(/^(\s*<@[^>]*>)+/, '')).trim(),
    on: { channel, ts: thread ?? ts },
    orderedAt: instantOf(ts),
  };
}

/** Slack escapes three characters in what people write. */
function plainText(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

function parseReaction(payload: unknown): ReactionEvent | undefined {
  const parsed = ReactionPayload.safeParse(payload);
  if (!parsed.success) return undefined;
  const { event, authorizations } = parsed.data;
  const isOurs = authorizations.some(({ user_id, is_bot }) => is_bot && user_id === event.user);
  const emoji = event.reaction.replace(/::skin-tone-\d$/, '');
  if (isOurs || event.user === SLACKBOT || emoji === '') return undefined;
  return {
    kind: 'reaction',
    added: event.type === 'reaction_added',
    emoji,
    user: event.user,
    on: { channel: event.item.channel, ts: event.item.ts },
    orderedAt: instantOf(event.event_ts),
  };
}

/** `1710000000.000100` in ms, with the fraction that tells two reactions apart. */
export function instantOf(ts: string): number {
  return Math.round(Number(ts) * 1e6) / 1e3;
}

const SLACKBOT = 'USLACKBOT';
const Word = z.string().max(200);
const Timestamp = z.string().regex(/^\d{1,12}(\.\d{1,9})?$/);
const Verification = z.object({ type: z.literal('url_verification'), challenge: Word });
const MentionPayload = z.object({
  type: z.literal('event_callback'),
  event: z.object({
    type: z.literal('app_mention'),
    user: Word,
    text: z.string().max(40_000),
    channel: Word,
    ts: Timestamp,
    thread_ts: Timestamp.optional(),
    bot_id: Word.optional(),
  }),
});
const ReactionPayload = z.object({
  type: z.literal('event_callback'),
  event: z.object({
    type: z.enum(['reaction_added', 'reaction_removed']),
    user: Word,
    reaction: Word,
    item: z.object({ type: z.literal('message'), channel: Word, ts: Timestamp }),
    event_ts: Timestamp,
  }),
  authorizations: z
    .array(z.object({ user_id: Word.nullish(), is_bot: z.boolean().default(false) }))
    .default([]),
});
