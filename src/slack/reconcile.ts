/**
 * Reactions that were put or taken away while nobody listened, asked for after each connection.
 *
 * They are given the earliest time that makes them count: a real event, which always has a later one,
 * wins over what was read here. Bounded, and slow enough for Slack.
 */
import type { Gesture, Incident, MessageRef } from '../model.ts';
import { lastHeard, standing } from '../reactions.ts';
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
    for (const place of placesOf(open)) {
      if (signal.aborted) break;
      const reactions = await reactionsTo(place);
      if (reactions === undefined) continue;
      const stances = await stancesOf(reactions, options);
      for (const event of [
        ...added(place, open.reactions, stances),
        ...removed(place, open.reactions, stances, options.gestures),
      ])
        await emit(event);
    }
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

/** The message, and the lines of its thread where a reaction stood when somebody last listened. */
function placesOf({ message, replies, reactions }: OpenMessage): readonly MessageRef[] {
  const reactedTo = new Set(standing(reactions).map(({ ts }) => ts));
  const lines = replies.filter((ts) => reactedTo.has(ts));
  return [message, ...lines.map((ts) => ({ channel: message.channel, ts }))];
}

function added(
  on: MessageRef,
  known: OpenMessage['reactions'],
  stances: readonly Stance[],
): readonly ReactionEvent[] {
  return stances.flatMap(({ user, gesture, emoji }): readonly ReactionEvent[] => {
    const last = lastHeard(known, { user, emoji, on }, gesture);
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
  gestures: ReconcileOptions['gestures'],
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
