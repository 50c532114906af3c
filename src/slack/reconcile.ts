/**
 * Reactions that were put or taken away while nobody listened, asked for after each connection.
 *
 * They are given the earliest time that makes them count: a real event, which always has a later one,
 * wins over what was read here. Bounded, and slow enough for Slack.
 */
import type { Gesture, Incident, MessageRef } from '../model.ts';
import type { Reaction, SlackApi } from './api.ts';
import { instantOf, type ReactionEvent } from './events.ts';
import type { Log } from './log.ts';
import { createBucket, type DeliveryClock } from './pace.ts';

export interface OpenMessage {
  readonly message: MessageRef;
  /** Replies in its thread: a reaction to one counts for the message. */
  readonly replies: readonly string[];
  /** What is known: the incident's own record. */
  readonly reactions: Incident['reactions'];
}

export interface ReconcileOptions {
  readonly api: Pick<SlackApi, 'reactions'>;
  readonly gestures: ReadonlyMap<string, Gesture>;
  readonly submit: (event: ReactionEvent) => Promise<void>;
  readonly isBot?: ((user: string) => Promise<boolean>) | undefined;
  readonly clock: DeliveryClock;
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** The newest messages are the ones that people work on. */
const MESSAGES_MAX = 200;
const REPLIES_MAX = 5;
/** `reactions.get` is allowed about 50 times a minute. */
const PACE = { perMinute: 40, burst: 20 };

type Stance = { readonly user: string; readonly gesture: Gesture; readonly emoji: string };

/** Resolves with the number of events that were made up for. */
export async function reconcile(
  messages: readonly OpenMessage[],
  options: ReconcileOptions,
): Promise<number> {
  const { signal, log } = options;
  const bucket = createBucket({ ...options, ...PACE });
  const newestFirst = [...messages].sort((a, b) => Number(b.message.ts) - Number(a.message.ts));
  let found = 0;

  async function reactionsTo(message: MessageRef): Promise<readonly Reaction[] | undefined> {
    while (await bucket.take(() => 0)) {
      const answer = await options.api.reactions(message);
      if (answer.kind === 'ok') return answer.value;
      if (answer.kind !== 'rate-limited') return undefined;
      bucket.pause(answer.retryAfterMs);
    }
    return undefined;
  }

  async function emit(event: ReactionEvent): Promise<void> {
    await options.submit(event);
    found += 1;
  }

  for (const open of newestFirst.slice(0, MESSAGES_MAX)) {
    if (signal.aborted) break;
    const reactions = await reactionsTo(open.message);
    if (reactions === undefined) continue;
    const stances = await stancesOf(reactions, options);
    for (const event of added(open, stances)) await emit(event);
    const missing = removed(open, stances, options.gestures);
    if (missing.length === 0) continue;
    const elsewhere = await inThread(open, reactionsTo);
    if (elsewhere === undefined) continue;
    const there = keysOf(await stancesOf(elsewhere, options));
    for (const event of missing) if (!there.has(keyOf(event, options.gestures))) await emit(event);
  }
  if (found > 0) log.info({ found }, 'reactions that came while nobody listened');
  return found;
}

async function stancesOf(
  reactions: readonly Reaction[],
  { gestures, isBot }: ReconcileOptions,
): Promise<readonly Stance[]> {
  const stances: Stance[] = [];
  for (const { name, users } of reactions) {
    const emoji = name.replace(/::skin-tone-\d$/, '');
    const gesture = gestures.get(emoji);
    if (gesture === undefined) continue;
    for (const user of users) {
      if (!(await isBot?.(user))) stances.push({ user, gesture, emoji });
    }
  }
  return stances;
}

function added({ message, reactions }: OpenMessage, stances: readonly Stance[]): ReactionEvent[] {
  return stances
    .filter((stance) => reactions[`${stance.user} ${stance.gesture}`]?.added !== true)
    .map(({ user, gesture, emoji }) => {
      const after = reactions[`${user} ${gesture}`]?.orderedAt ?? instantOf(message.ts);
      return { kind: 'reaction', added: true, emoji, user, on: message, orderedAt: after + 1 };
    });
}

function removed(
  { message, reactions }: OpenMessage,
  stances: readonly Stance[],
  gestures: ReadonlyMap<string, Gesture>,
): ReactionEvent[] {
  const there = keysOf(stances);
  const emojiOf = new Map([...gestures].map(([emoji, gesture]) => [gesture as string, emoji]));
  return Object.entries(reactions).flatMap(([key, { added, orderedAt }]): ReactionEvent[] => {
    const [user = '', gesture = ''] = key.split(' ');
    const emoji = emojiOf.get(gesture);
    if (!added || there.has(key) || emoji === undefined) return [];
    const event = { kind: 'reaction', added: false, emoji, user, on: message } as const;
    return [{ ...event, orderedAt: orderedAt + 1 }];
  });
}

/** Undefined: nobody can tell, so nothing is taken away. */
async function inThread(
  { message, replies }: OpenMessage,
  reactionsTo: (message: MessageRef) => Promise<readonly Reaction[] | undefined>,
): Promise<readonly Reaction[] | undefined> {
  const all: Reaction[] = [];
  if (replies.length > REPLIES_MAX) return undefined;
  for (const ts of replies) {
    const reactions = await reactionsTo({ channel: message.channel, ts });
    if (reactions === undefined) return undefined;
    all.push(...reactions);
  }
  return all;
}

function keysOf(stances: readonly Stance[]): ReadonlySet<string> {
  return new Set(stances.map(({ user, gesture }) => `${user} ${gesture}`));
}

function keyOf({ user, emoji }: ReactionEvent, gestures: ReadonlyMap<string, Gesture>): string {
  return `${user} ${gestures.get(emoji) ?? ''}`;
}
