/**
 * Reactions that were put or taken away while nobody listened, or before the message was known: asked for
 * after each connection, and when a post turns out to have been in Slack for a while.
 *
 * They are given the earliest time that makes them count: a real event, which always has a later one,
 * wins over what was read here. Bounded, and slow enough for Slack.
 */
import type { Gesture, Incident, MessageRef } from '../model.ts';
import { lastHeard, placeOfReply, standing } from '../state/reactions.ts';
import type { Reaction, SlackApi } from './api.ts';
import { instantOf, type ReactionEvent } from './events.ts';
import type { Log } from './log.ts';
import { createBucket, type DeliveryClock, rest, backoffMs } from './pace.ts';
import { isForNow } from './refusal.ts';

export interface OpenMessage {
  readonly message: MessageRef;
  /** Replies in its thread: a reaction to one counts for the message. */
  readonly replies: readonly string[];
  /** What is known: the incident's own record. */
  readonly reactions: Incident['reactions'];
}

interface ReconcileOptions {
  readonly api: Pick<SlackApi, 'reactions'>;
  readonly gestures: () => ReadonlyMap<string, Gesture>;
  readonly submit: (event: ReactionEvent) => Promise<void>;
  readonly isBot?: ((user: string) => Promise<boolean>) | undefined;
  readonly clock: DeliveryClock;
  readonly signal: AbortSignal;
  readonly log: Log;
}

interface Reconciler {
  /** Resolves when Slack has answered for each of them, and what it said is kept; or when all stops. */
  ask(messages: readonly OpenMessage[]): Promise<void>;
}

/** The newest messages are the ones that people work on. */
const MESSAGES_MAX = 200;
/** `reactions.get` is allowed about 50 times a minute. */
const PACE = { perMinute: 40, burst: 20 };
const RETRY_MS = { first: 2_000, most: 60_000 };

type Stance = { readonly user: string; readonly emoji: string };

export function createReconciler(options: ReconcileOptions): Reconciler {
  const { clock, signal, log } = options;
  const bucket = createBucket({ ...options, ...PACE });
  const left = new Map<string, OpenMessage>();
  let working: Promise<void> | undefined;

  /** Undefined: it is not there, or the bot may not see it. Rejects when nobody knows. */
  async function reactionsTo(message: MessageRef): Promise<readonly Reaction[] | undefined> {
    while (await bucket.take(() => 0)) {
      const answer = await options.api.reactions(message);
      if (answer.kind === 'ok') return answer.value;
      if (answer.kind === 'rate-limited') bucket.pause(answer.retryAfterMs);
      else if (answer.kind === 'refused' && !isForNow(answer.error)) return undefined;
      else throw new Error(answer.error);
    }
    return undefined;
  }

  async function askFor({ message, replies, reactions: known }: OpenMessage): Promise<void> {
    for (const place of placesOf({ message, replies, reactions: known })) {
      const reactions = await reactionsTo(place);
      if (reactions === undefined) continue;
      const stances = await stancesOf(reactions, options);
      const missed = [
        ...added(place, known, stances),
        ...removed(place, known, stances, options.gestures()),
      ];
      for (const event of missed) await options.submit(event);
      if (missed.length > 0)
        log.info({ found: missed.length }, 'reactions that came while nobody listened');
    }
  }

  /** Slack may be away, or the lane loading: nobody else asks again. */
  async function askAll(): Promise<void> {
    for (let round = 0; left.size > 0 && !signal.aborted; round++) {
      if (round > 0) await rest(clock, backoffMs(RETRY_MS, round - 1), signal);
      for (const [ts, open] of left) {
        if (signal.aborted) return;
        try {
          await askFor(open);
          if (left.get(ts) === open) left.delete(ts);
        } catch (error) {
          log.warn({ error, ts }, 'reactions could not be asked for: asking again');
        }
      }
    }
  }

  return {
    ask(messages) {
      for (const open of messages) left.set(open.message.ts, open);
      const newestFirst = [...left].sort(([a], [b]) => Number(b) - Number(a));
      left.clear();
      for (const [ts, open] of newestFirst.slice(0, MESSAGES_MAX)) left.set(ts, open);
      working ??= askAll().finally(() => {
        working = undefined;
      });
      return working;
    },
  };
}

async function stancesOf(
  reactions: readonly Reaction[],
  { gestures, isBot }: ReconcileOptions,
): Promise<readonly Stance[]> {
  const stances: Stance[] = [];
  for (const { name, users } of reactions) {
    const emoji = name.replace(/::skin-tone-\d$/, '');
    if (!gestures().has(emoji)) continue;
    for (const user of users) {
      if (!(await isBot?.(user))) stances.push({ user, emoji });
    }
  }
  return stances;
}

/** The message, and the lines of its thread where a reaction stood when somebody last listened. */
function placesOf({ message, replies, reactions }: OpenMessage): readonly MessageRef[] {
  const reactedTo = new Set(standing(reactions).map(({ ts }) => ts));
  const lines = replies.map((reply) => placeOfReply(message, reply));
  return [message, ...lines.filter(({ ts }) => reactedTo.has(ts))];
}

function added(
  on: MessageRef,
  known: OpenMessage['reactions'],
  stances: readonly Stance[],
): readonly ReactionEvent[] {
  return stances.flatMap(({ user, emoji }): readonly ReactionEvent[] => {
    const last = lastHeard(known, { user, emoji, on });
    if (last?.added === true) return [];
    const orderedAt = (last?.orderedAt ?? instantOf(on.ts)) + 1;
    return [{ kind: 'reaction', added: true, emoji, user, on, orderedAt }];
  });
}

/** Of what stood on this very message: what stands on others, nobody can tell from here. */
function removed(
  on: MessageRef,
  known: OpenMessage['reactions'],
  stances: readonly Stance[],
  gestures: ReadonlyMap<string, Gesture>,
): readonly ReactionEvent[] {
  return standing(known)
    .filter(({ user, emoji, ts }) => {
      const isThere = stances.some((one) => one.user === user && one.emoji === emoji);
      return ts === on.ts && gestures.has(emoji) && !isThere;
    })
    .map(({ user, emoji, orderedAt }) => {
      return { kind: 'reaction', added: false, emoji, user, on, orderedAt: orderedAt + 1 };
    });
}
