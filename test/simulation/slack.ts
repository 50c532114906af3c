/**
 * A Slack that misbehaves: it refuses, limits, stalls, does what it is told and drops the answer, finds
 * a text too long, is away for an hour, loses a channel, revokes the token.
 */
import type { MessageRef } from '../../src/model.ts';
import type { SlackApi } from '../../src/slack/api.ts';
import { LOOK_BACK_MS } from '../../src/slack/lookup.ts';
import type { SlackResult } from '../../src/slack/result.ts';
import type { Random } from '../support/random.ts';
import type { VirtualTime } from './time.ts';

export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  readonly thread: string | undefined;
  readonly id: string;
  revision: number;
  text: string;
  /** Who put 👀 on it. */
  readonly eyes: Set<string>;
}

/** Between two awaits: it may be that nothing comes back any more. */
export type Step = <T>(act: () => Promise<T>) => Promise<T>;

export interface SlackWorld {
  /** All that can be seen in it. */
  readonly messages: readonly SlackMessage[];
  /** Ids of messages that went with their channel: nobody can know of it before they are to change. */
  readonly gone: ReadonlySet<string>;
  /** Small faults of single calls. */
  faulty: boolean;
  /** Nothing gets through until then, by true time. */
  awayUntil: number;
  revoked: boolean;
  /** The channel is gone, with all that stood in it. */
  loseChannel(channel: string): void;
  /** As one process sees it. */
  readonly api: (step: Step) => SlackApi;
}

const STALLS_MS = 10_000;
const TOO_LONG_EVERY = 4;
/** How a message begins whose incident is over, or part of another. */
export const ENDED = /^(?:🟢|↪️)/u;

export function createSlack(random: Random, time: VirtualTime): SlackWorld {
  let messages: SlackMessage[] = [];
  const lost = new Set<string>();
  const gone = new Set<string>();
  const world: SlackWorld = {
    get messages() {
      return messages;
    },
    gone,
    faulty: true,
    awayUntil: 0,
    revoked: false,
    loseChannel(channel) {
      lost.add(channel);
      for (const message of messages) if (message.channel === channel) gone.add(message.id);
      messages = messages.filter((message) => message.channel !== channel);
    },
    api,
  };
  function refusal(): SlackResult<never> | undefined {
    if (time.now() < world.awayUntil) return { kind: 'unreachable', error: 'ECONNREFUSED' };
    if (world.revoked) return { kind: 'refused', error: 'token_revoked' };
    if (!world.faulty || random.chance(0.7)) return undefined;
    if (random.chance(0.3)) {
      return { kind: 'rate-limited', retryAfterMs: 1000 * (1 + random.below(5)) };
    }
    if (random.chance(0.2)) return { kind: 'unknown', error: 'HTTP 500' };
    return { kind: 'unreachable', error: 'ECONNREFUSED' };
  }
  const stall = () => new Promise<void>((done) => time.wakeAt(time.now() + STALLS_MS, done));
  const noAnswer: SlackResult<never> = { kind: 'unknown', error: 'socket hang up' };
  const tooLong: SlackResult<MessageRef> = { kind: 'refused', error: 'msg_too_long' };
  // Only what is no news: that it is over, or goes on, is never kept from people.
  const isTooLong = (found: SlackMessage, text: string, revision: number) =>
    found.id.startsWith('message:') &&
    !ENDED.test(found.text) &&
    !ENDED.test(text) &&
    revision % TOO_LONG_EVERY === 0;
  const noChannel: SlackResult<never> = { kind: 'refused', error: 'channel_not_found' };
  function api(step: Step): SlackApi {
    const answer = <T>(channel: string | undefined, act: () => SlackResult<T>) =>
      step(async (): Promise<SlackResult<T>> => {
        const refused = refusal();
        if (refused !== undefined) return refused;
        if (world.faulty && random.chance(0.05)) {
          // It may have been done at once; only the answer never comes.
          if (random.chance(0.5)) act();
          await stall();
          return noAnswer;
        }
        if (channel !== undefined && lost.has(channel)) return noChannel;
        const result = act();
        return world.faulty && random.chance(0.2) ? noAnswer : result;
      });
    return {
      post: ({ channel, thread, text, tag }) =>
        answer<MessageRef>(channel, () => {
          if (lost.has(channel)) return noChannel;
          const ts = `${time.now()}.${messages.length}`;
          messages.push({
            channel,
            ts,
            thread,
            id: tag.id,
            revision: tag.revision,
            text,
            eyes: new Set(),
          });
          return { kind: 'ok', value: { channel, ts } };
        }),
      update: (message: MessageRef, { text, tag }) =>
        answer(message.channel, () => {
          const found = messages.find(({ ts }) => ts === message.ts);
          if (found === undefined) return { kind: 'refused', error: 'message_not_found' };
          if (isTooLong(found, text, tag.revision)) return tooLong;
          found.text = text;
          found.revision = tag.revision;
          return { kind: 'ok', value: message };
        }),
      find: ({ channel, thread, id, since }) =>
        answer(channel, () => {
          const found = messages.find(
            (one) =>
              one.id === id &&
              Number.parseFloat(one.ts) >= since - LOOK_BACK_MS &&
              one.channel === channel &&
              (thread === undefined || one.thread === thread),
          );
          if (found === undefined) return { kind: 'ok', value: undefined };
          const message = { channel: found.channel, ts: found.ts };
          return { kind: 'ok', value: { message, revision: found.revision } };
        }),
      join: (channel) => answer(channel, () => ({ kind: 'ok', value: channel })),
      reactions: (message) =>
        answer(message.channel, () => {
          const found = messages.find(({ ts }) => ts === message.ts);
          if (found === undefined) return { kind: 'refused', error: 'message_not_found' };
          return { kind: 'ok', value: [{ name: 'eyes', users: [...found.eyes] }] };
        }),
      person: () => answer(undefined, () => ({ kind: 'ok', value: { name: 'Ann', bot: false } })),
      identify: () => answer(undefined, () => ({ kind: 'ok', value: { user: 'U0', team: 'T0' } })),
    };
  }
  return world;
}
