/**
 * Slack for an instance that may lose the lane: then it says nothing more, because another one does.
 *
 * It is asked at the last moment before a call, but it may be stopped after that, or the call may take its
 * time, and Slack takes no condition. The next leader looks for a message before it posts it. So a post
 * that came even later is a second one: when the lane knows another message, it is taken back.
 */
import type { Instant, MessageRef } from '../model.ts';
import type { Post, SlackApi, WholeSlackApi } from './api.ts';
import type { Log } from './log.ts';
import { type DeliveryClock, rest } from './pace.ts';
import type { SlackResult } from './result.ts';
import type { Look } from './track.ts';

interface LeaderOptions {
  readonly api: WholeSlackApi;
  readonly lane: { readonly leads: boolean };
  readonly look: Look;
  readonly clock: DeliveryClock;
  readonly log: Log;
  /** The service ends. */
  readonly signal: AbortSignal;
}

/** A post of this instance that it could not own any more when it was answered. */
interface Stray {
  readonly post: Post;
  readonly incident: string;
  readonly triedAt: Instant;
  /** Undefined: nobody knows whether Slack took it. */
  readonly message: MessageRef | undefined;
}

/** Of an effect that stands for an incident's message. */
const OF_MESSAGE = /^message:(.+)$/;
const LOOK_EVERY_MS = 2_000;
/** Whoever leads has posted by then, or finds what is there. */
const LOOK_FOR_MS = 600_000;

export function onlyAsLeader(options: LeaderOptions): SlackApi {
  const { api, lane, clock } = options;
  const elsewhere = { kind: 'unreachable', error: 'another instance leads the lane' } as const;
  return {
    ...api,
    async post(post) {
      if (!lane.leads) return elsewhere;
      const triedAt = clock.now();
      const answer = await api.post(post);
      const [, incident] = OF_MESSAGE.exec(post.tag.id) ?? [];
      if (lane.leads || incident === undefined || !mayBeThere(answer)) return answer;
      const message = answer.kind === 'ok' ? answer.value : undefined;
      void takeBack(options, { post, incident, triedAt, message });
      return elsewhere;
    },
    async update(message, content) {
      if (!lane.leads) return elsewhere;
      const answer = await api.update(message, content);
      // It may have been taken after the newer one of the next leader, who writes that again when it hears of it.
      return answer.kind === 'unknown' && !lane.leads ? { kind: 'ok', value: message } : answer;
    },
  };
}

function mayBeThere({ kind }: SlackResult<unknown>): boolean {
  return kind === 'ok' || kind === 'unknown';
}

/** Waits until the lane knows the incident's message, and removes the stray if that is another one. */
async function takeBack(options: LeaderOptions, stray: Stray): Promise<void> {
  const { api, look, clock, log, signal } = options;
  const until = clock.now() + LOOK_FOR_MS;
  while (clock.now() < until && !signal.aborted) {
    await rest(clock, LOOK_EVERY_MS, signal);
    const known = look(stray.incident)?.message;
    if (known === undefined) continue;
    const ours = await findOurs(options, stray);
    if (ours.kind === 'rate-limited' || ours.kind === 'unknown') continue;
    if (ours.kind !== 'ok' || ours.value === undefined || ours.value.ts === known.ts) return;
    const answer = await api.remove(ours.value);
    if (answer.kind === 'rate-limited' || answer.kind === 'unknown') continue;
    const fields = { incident: stray.incident, ts: ours.value.ts, answer: answer.kind };
    log.warn(fields, 'a message that another instance had posted meanwhile was taken back');
    return;
  }
}

async function findOurs(
  { api }: LeaderOptions,
  { post, triedAt, message }: Stray,
): Promise<SlackResult<MessageRef | undefined>> {
  if (message !== undefined) return { kind: 'ok', value: message };
  const { channel, thread, tag } = post;
  const found = await api.find({ channel, thread, id: tag.id, since: triedAt });
  return found.kind === 'ok' ? { kind: 'ok', value: found.value?.message } : found;
}
