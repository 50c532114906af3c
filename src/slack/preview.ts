/**
 * Delivery without Slack: for a first look at Quell, before there is a token.
 *
 * The same delivery as with Slack, to a channel list in memory: every message is written to the log,
 * and the last ones are kept for the page. It is never rate-limited and never fails. Between two messages
 * others have a turn, as they have with Slack, however many there are.
 */
import { setImmediate } from 'node:timers/promises';
import type { MessageRef } from '../model.ts';
import type { Post, SlackApi } from './api.ts';
import { createDelivery, type Delivery, type DeliveryOptions } from './delivery.ts';
import type { DeliveryClock } from './pace.ts';

export interface PreviewMessage {
  readonly channel: string;
  readonly ts: string;
  readonly text: string;
  readonly postedAt: number;
  readonly updatedAt: number;
  /** Texts of the lines in its thread. */
  readonly replies: readonly string[];
}

/** Where messages are shown, of whichever lane they are. */
export interface Wall {
  /** The newest first. */
  messages(): readonly PreviewMessage[];
  mint(): string;
  get(channel: string, ts: string): PreviewMessage | undefined;
  put(message: PreviewMessage): void;
}

const MESSAGES_MAX = 200;
const REPLIES_MAX = 50;
const DONE = 'would have been posted to Slack';
const NOT_HERE = { kind: 'refused', error: 'preview' } as const;

export function createWall(clock: Pick<DeliveryClock, 'now'>): Wall {
  const messages = new Map<string, PreviewMessage>();
  let lastMicros = 0;
  return {
    messages: () => [...messages.values()].reverse(),
    mint() {
      lastMicros = Math.max(lastMicros + 1, Math.floor(clock.now()) * 1_000);
      return (lastMicros / 1e6).toFixed(6);
    },
    get: (channel, ts) => messages.get(`${channel} ${ts}`),
    put(message) {
      messages.set(`${message.channel} ${message.ts}`, message);
      const [oldest] = messages.keys();
      if (messages.size > MESSAGES_MAX && oldest !== undefined) messages.delete(oldest);
    },
  };
}

export function createPreview(
  options: Omit<DeliveryOptions, 'api' | 'unpaced' | 'done'>,
  wall: Wall,
): Delivery {
  const { clock, log } = options;

  function show({ channel, ts }: MessageRef, { text, tag }: Pick<Post, 'text' | 'tag'>): void {
    const now = clock.now();
    const { postedAt = now, replies = [] } = wall.get(channel, ts) ?? {};
    wall.put({ channel, ts, text, postedAt, updatedAt: now, replies });
    log.info({ effect: tag.id, revision: tag.revision, channel, text }, 'would show in Slack');
  }

  function reply({ channel, thread, text, tag }: Post): void {
    const parent = wall.get(channel, thread ?? '');
    log.info({ effect: tag.id, channel, text }, 'would write in the thread in Slack');
    if (parent === undefined) return;
    wall.put({ ...parent, replies: [...parent.replies, text].slice(-REPLIES_MAX) });
  }

  const api: SlackApi = {
    async post(post) {
      await setImmediate();
      const ref = { channel: post.channel, ts: wall.mint() };
      if (post.thread === undefined) show(ref, post);
      else reply(post);
      return { kind: 'ok', value: ref };
    },
    async update(ref, content) {
      await setImmediate();
      show(ref, content);
      return { kind: 'ok', value: ref };
    },
    find: async () => ({ kind: 'ok', value: undefined }),
    join: async () => NOT_HERE,
    reactions: async () => NOT_HERE,
    person: async () => NOT_HERE,
    identify: async () => NOT_HERE,
  };
  const report: DeliveryOptions['report'] = (effect, outcome) =>
    options.report(effect, outcome.kind === 'sent' ? { ...outcome, preview: true } : outcome);
  const delivery = createDelivery({ ...options, report, api, unpaced: true, done: DONE });
  return {
    ...delivery,
    // Nothing of an earlier run can be on its way to memory.
    restore: (effects) => delivery.enqueue(effects),
  };
}
