/**
 * Whose message or line of a thread something in Slack is: what people say there is said of that incident.
 */
import type { Incident, MessageRef } from '../model.ts';
import { placeOfReply } from './reactions.ts';

/** `messageKey` of messages and their replies -> incident. */
export type MessageIndex = Map<string, string>;

export function messageKey(channel: string, ts: string): string {
  return `${channel}\n${ts}`;
}

/**
 * `before` undefined: it was not known. `after` undefined: it is forgotten. A message that was deleted, and
 * replies that are too old to count, are nobody's any more.
 */
export function indexMessages(
  index: MessageIndex,
  before: Incident | undefined,
  after: Incident | undefined,
): void {
  if (before?.message === undefined && after?.message === undefined) return;
  if (before?.message === after?.message && before?.replies === after?.replies) return;
  for (const key of keysOf(before)) index.delete(key);
  if (after !== undefined) for (const key of keysOf(after)) index.set(key, after.id);
}

function keysOf(incident: Incident | undefined): readonly string[] {
  const { message, replies = [] } = incident ?? {};
  if (message === undefined) return [];
  return [message.ts, ...replies].map((one) => replyKey(message, one));
}

function replyKey(message: MessageRef, reply: string): string {
  const { channel, ts } = placeOfReply(message, reply);
  return messageKey(channel, ts);
}
