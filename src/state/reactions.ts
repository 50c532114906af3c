/**
 * What an incident remembers of reactions: each one as it is in Slack (who, which emoji, on which message
 * or line of a thread), and the newest that was heard of it. So a gesture stands while any reaction that
 * means it does, and only a message that was asked can say that one is gone.
 */
import type { Event, Gesture, Incident, Instant, MessageRef } from '../model.ts';

type Reactions = Incident['reactions'];
type Reaction = Pick<Extract<Event, { readonly kind: 'reaction' }>, 'user' | 'emoji' | 'on'>;
type Gestures = ReadonlyMap<string, Gesture>;

interface Standing {
  readonly user: string;
  readonly emoji: string;
  /** Of the message or line; empty when only the incident was named. */
  readonly ts: string;
  readonly orderedAt: Instant;
}

/** Beyond that the oldest go. */
const REACTIONS_MAX = 200;
/** No gesture is called so. */
const REQUEST = ' request';

/**
 * Requests are remembered with the reactions of their incident, because Slack sends again what it thinks was not
 * heard.
 */
export function requestKey(user: string): string {
  return `${user}${REQUEST}`;
}

export function isRequestKey(key: string): boolean {
  return key.endsWith(REQUEST);
}

/** Undefined: it was never heard of. */
export function lastHeard(known: Reactions, reaction: Reaction) {
  return known[keyOf(reaction)];
}

export function remember(
  known: Reactions,
  reaction: Reaction & { readonly added: boolean; readonly orderedAt: Instant },
): Reactions {
  const key = keyOf(reaction);
  const { added, orderedAt } = reaction;
  const others = Object.entries(known).filter(([name]) => name !== key);
  return Object.fromEntries([...others.slice(-REACTIONS_MAX), [key, { added, orderedAt }]]);
}

/** Those that were put and not taken away, as far as it is known on which message. */
export function standing(known: Reactions): readonly Standing[] {
  return Object.entries(known).flatMap(([key, { added, orderedAt }]): readonly Standing[] => {
    const [, user, emoji, ts] = /^(.+) (\S+) (\S*)$/.exec(key) ?? [];
    if (!added || user === undefined || emoji === undefined || ts === undefined) return [];
    return [{ user, emoji, ts, orderedAt }];
  });
}

/** Somebody who takes one away says the same with another: on another message, or with another emoji. */
export function saidOtherwise(known: Reactions, reaction: Reaction, gestures: Gestures): boolean {
  const gesture = gestures.get(reaction.emoji);
  return standing(known).some(
    ({ user, emoji, ts }) =>
      user === reaction.user &&
      gestures.get(emoji) === gesture &&
      (emoji !== reaction.emoji || ts !== tsOf(reaction)),
  );
}

/** When whoever takes a reaction away said first what it means; the end of time if nobody knows. */
export function saidAt(known: Reactions, { user, emoji }: Reaction, gestures: Gestures): Instant {
  const gesture = gestures.get(emoji);
  return standing(known)
    .filter((one) => one.user === user && gestures.get(one.emoji) === gesture)
    .reduce((first, { orderedAt }) => Math.min(first, orderedAt), Number.POSITIVE_INFINITY);
}

/** What stood on messages that are gone. */
export function forgetThoseOn(known: Reactions, messages: readonly string[]): Reactions {
  return Object.fromEntries(
    Object.entries(known).filter(([key]) => !messages.some((ts) => key.endsWith(` ${ts}`))),
  );
}

function keyOf(reaction: Reaction): string {
  return `${reaction.user} ${reaction.emoji} ${tsOf(reaction)}`;
}

function tsOf({ on }: Reaction): string {
  return 'incident' in on ? '' : on.ts;
}

/** A line in the thread, or one that stands in another channel. */
export function placeOfReply({ channel }: MessageRef, reply: string): MessageRef {
  const [one = '', other] = reply.split(' ');
  return other === undefined ? { channel, ts: one } : { channel: one, ts: other };
}

/** As an incident remembers it. */
export function replyAt(message: MessageRef | undefined, { channel, ts }: MessageRef): string {
  return message === undefined || message.channel === channel ? ts : `${channel} ${ts}`;
}
