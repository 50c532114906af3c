/**
 * Finding things in Slack: the id of a channel, and a message of ours whose answer was lost.
 *
 * A message is known by the id in its metadata, not by its text. Needs the history scopes; a bot that
 * is not in the channel finds nothing there.
 */
import { z } from 'zod';
import type { Instant, MessageRef } from '../model.ts';
import { type Call, read, type SlackResult } from './result.ts';

export const EVENT_TYPE = 'quell_message';
/** A look-up begins this much before the first try: our clock may be wrong by hours, and Slack goes by its own. */
export const LOOK_BACK_MS = 12 * 60 * 60_000;
const PAGES_MAX = 20;
const PAGE_SIZE = 200;

export interface Search {
  readonly channel: string;
  /** In this thread; undefined: among the channel's own messages. */
  readonly thread: string | undefined;
  readonly id: string;
  /** When it was first tried, by our clock. */
  readonly since: Instant;
}

export interface Found {
  readonly message: MessageRef;
  readonly revision: number;
}

const Paged = z.object({ next_cursor: z.string().default('') }).default({ next_cursor: '' });
const Channels = z.object({
  channels: z.array(z.object({ id: z.string(), name: z.string().default('') })),
  response_metadata: Paged,
});
const History = z.object({
  messages: z.array(
    z.object({
      ts: z.string(),
      metadata: z
        .object({
          event_type: z.string().optional(),
          event_payload: z
            .object({ id: z.string().optional(), revision: z.number().optional() })
            .optional(),
        })
        .optional(),
    }),
  ),
  response_metadata: Paged,
});

export async function find(call: Call, search: Search): Promise<SlackResult<Found | undefined>> {
  const { channel, thread, id, since } = search;
  const method = thread === undefined ? 'conversations.history' : 'conversations.replies';
  let cursor = '';
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await call(method, {
      channel,
      ...(thread === undefined ? {} : { ts: thread }),
      oldest: (Math.max(0, since - LOOK_BACK_MS) / 1_000).toFixed(6),
      include_all_metadata: true,
      limit: PAGE_SIZE,
      ...(cursor === '' ? {} : { cursor }),
    });
    const history = read(answer, History);
    if (history.kind !== 'ok') return history;
    const message = history.value.messages.find(
      ({ metadata }) => metadata?.event_type === EVENT_TYPE && metadata.event_payload?.id === id,
    );
    if (message !== undefined) {
      const revision = message.metadata?.event_payload?.revision ?? 0;
      return { kind: 'ok', value: { message: { channel, ts: message.ts }, revision } };
    }
    cursor = history.value.response_metadata.next_cursor;
    if (cursor === '') break;
  }
  return { kind: 'ok', value: undefined };
}

/** `#name` -> id. A post takes a name too, so this is asked for only when a look-up needs it. */
export function createChannelIds(call: Call) {
  const byName = new Map<string, string>();
  const bare = (channel: string) => channel.replace(/^#/, '');
  const isId = (channel: string) => /^[CDG][A-Z0-9]{2,}$/.test(channel);
  const known = (channel: string) => (isId(channel) ? channel : byName.get(bare(channel)));
  const learn = (channel: string, id: string) => void byName.set(bare(channel), id);

  async function resolve(channel: string): Promise<SlackResult<string>> {
    let cursor = '';
    for (let page = 0; page < PAGES_MAX; page++) {
      const id = known(channel);
      if (id !== undefined) return { kind: 'ok', value: id };
      const answer = await call('conversations.list', {
        types: 'public_channel,private_channel',
        exclude_archived: true,
        limit: 1_000,
        ...(cursor === '' ? {} : { cursor }),
      });
      const list = read(answer, Channels);
      if (list.kind !== 'ok') return list;
      for (const { id, name } of list.value.channels) if (name !== '') learn(name, id);
      cursor = list.value.response_metadata.next_cursor;
      if (cursor === '') break;
    }
    return { kind: 'ok', value: known(channel) ?? channel };
  }
  return { known, learn, resolve };
}
