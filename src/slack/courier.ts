/**
 * The courier: makes one attempt at one effect, and says what came of it.
 *
 * It keeps to Slack's pace (a bucket for each channel, one for updates, one for look-ups), the most
 * urgent first, and renders a message only when the call is really made.
 */
import type { DeliveryOutcome, Effect, MessageRef, Reply, ReplyEffect } from '../model.ts';
import { severityRank } from '../state/tally.ts';
import type { SlackApi } from './api.ts';
import type { Breaker } from './breaker.ts';
import type { Log } from './log.ts';
import { type RenderedMessage, renderDigest, renderMessage, renderReply } from './message.ts';
import { type Bucket, createBucket, type DeliveryClock, rest } from './pace.ts';
import { isAboutLayout, isAboutUs, isForNow, isGone, isNotMember } from './refusal.ts';
import type { SlackResult } from './result.ts';
import {
  isRefused,
  type Look,
  messageOf,
  miss,
  missedInWords,
  type Seen,
  stateOf,
  type Track,
} from './track.ts';

type Attempt =
  | { readonly kind: 'done'; readonly outcome: DeliveryOutcome }
  /** Something was put right: the next attempt can be made at once. */
  | { readonly kind: 'again' }
  | { readonly kind: 'later'; readonly error: string }
  | { readonly kind: 'stopped' };

interface CourierOptions {
  readonly api: SlackApi;
  readonly look: Look;
  readonly clock: DeliveryClock;
  readonly signal: AbortSignal;
  readonly breaker: Breaker;
  readonly log: Log;
  /** True: as fast as it goes. For a receiver that is not Slack. */
  readonly unpaced?: boolean | undefined;
}

export interface Courier {
  attempt(track: Track, effect: Effect): Promise<Attempt>;
}

/** After a request that may still be on its way: Slack is given this long to show what it did. */
export const SETTLE_MS = 1_500;

const CHANNEL_PACE = { perMinute: 60, burst: 4 };
const UPDATE_PACE = { perMinute: 50, burst: 20 };
const LOOK_UP_PACE = { perMinute: 50, burst: 20 };

const NO_PACE = { perMinute: 1e9, burst: 1e9 };

const AGAIN: Attempt = { kind: 'again' };
const STOPPED: Attempt = { kind: 'stopped' };

/** One effect, where it goes, and how to write it when its turn comes. */
interface Task {
  readonly track: Track;
  readonly effect: Effect;
  readonly channel: string;
  readonly thread: string | undefined;
  readonly write: () => Content;
  /** Under which it is noted that it may be there already; undefined: the id of the effect. */
  readonly place?: string;
}

interface Content extends RenderedMessage {
  readonly revision: number;
  readonly state: string;
}

interface Self extends CourierOptions {
  readonly channels: Map<string, Bucket>;
  readonly updates: Bucket;
  readonly lookUps: Bucket;
  /** Channels that the bot was made a member of, and did not post in since. */
  readonly joined: Set<string>;
}

export function createCourier(options: CourierOptions): Courier {
  const self: Self = {
    ...options,
    channels: new Map(),
    updates: bucketFor(options, UPDATE_PACE),
    lookUps: bucketFor(options, LOOK_UP_PACE),
    joined: new Set(),
  };
  return { attempt: (track, effect) => attempt(self, track, effect) };
}

async function attempt(self: Self, track: Track, effect: Effect): Promise<Attempt> {
  if (effect.kind === 'digest') {
    const write = () => content(renderDigest(effect));
    const task = { track, effect, channel: effect.channel, thread: undefined, write };
    return effect.message === undefined
      ? post(self, task)
      : bringUpToDate(self, task, effect.message);
  }
  const seen = self.look(effect.incident);
  if (seen === undefined) return refused('unknown_incident', effect.channel);
  const newest = () => self.look(effect.incident) ?? seen;
  const message = messageOf(track, seen);
  if (effect.kind === 'message') {
    const write = () => messageContent(newest());
    const task = { track, effect, channel: effect.channel, thread: undefined, write };
    return message === undefined ? post(self, task) : update(self, task, message, newest);
  }
  if (message === undefined) return isRefused(seen) ? refused('no_message', effect.channel) : AGAIN;
  return postLine(self, track, effect, { message, newest });
}

interface Place {
  readonly message: MessageRef;
  readonly newest: () => Seen;
}

/** In the thread of its message; or in another channel, if that takes it. */
async function postLine(
  self: Self,
  track: Track,
  effect: ReplyEffect,
  { message, newest }: Place,
): Promise<Attempt> {
  const { reply, channel } = effect;
  const inThread = `${effect.id} in its thread`;
  const hasOther = 'there' in reply && reply.there !== undefined;
  const doubt = track.doubts.get(effect.id);
  // An earlier process may have come as far as the thread: this is to be known when it is this one's turn.
  const isOfEarlier = doubt !== undefined && doubt.triedAt === undefined;
  if (hasOther && isOfEarlier && !track.doubts.has(inThread)) track.doubts.set(inThread, doubt);
  if (hasOther && !track.barred.has(channel)) {
    const write = () => content(renderReply(reply, newest().view));
    const there = await post(self, { track, effect, channel, thread: undefined, write });
    if (there.kind !== 'done' || there.outcome.kind !== 'refused') return there;
    self.log.error({ channel, error: there.outcome.error }, SAID_IN_THREAD);
    track.barred.add(channel);
  }
  const line = 'there' in reply ? { ...reply, there: undefined } : reply;
  const write = () => content(renderReply(line, newest().view));
  const place = hasOther ? inThread : effect.id;
  return post(self, { track, effect, channel: message.channel, thread: message.ts, write, place });
}

/** Whom the line calls is called all the same. */
const SAID_IN_THREAD =
  'Slack refuses a line for another channel: it goes to the thread of its message';

async function post(self: Self, task: Task): Promise<Attempt> {
  const { clock, channels } = self;
  const { track, effect, channel, thread } = task;
  const earlier = await lookUp(self, task);
  if (earlier !== undefined) return earlier;
  const bucket = channelBucket(self, channel);
  let sent: Content | undefined;
  let needless = false;
  let triedAt = clock.now();
  const answer = await self.breaker.guard(
    () => {
      needless = isNeedless(self, effect);
      if (needless) return undefined;
      sent = task.write();
      triedAt = clock.now();
      return self.api.post({
        channel,
        thread,
        broadcast: thread !== undefined && isForAll(effect),
        ...onTheWire(task, sent),
      });
    },
    { urgency: () => postUrgency(effect), bucket },
  );
  if (needless) return { kind: 'done', outcome: { kind: 'gone' } };
  if (answer === undefined || sent === undefined) return STOPPED;
  if (answer.kind === 'ok') {
    self.joined.delete(channel);
    if (!channels.has(answer.value.channel)) channels.set(answer.value.channel, bucket);
    return took(self, task, answer.value, sent);
  }
  if (answer.kind === 'unknown') {
    const doubt = { channel, triedAt, settledAt: clock.now() + SETTLE_MS };
    track.doubts.set(task.place ?? effect.id, doubt);
  }
  if (answer.kind === 'refused' && isNotMember(answer.error)) return join(self, task, sent);
  return failed(self, task, answer, bucket, sent);
}

/** Its incident became part of another, or was forgotten, while it waited: nobody is to read of it any more. */
function isNeedless({ look }: Self, effect: Effect): boolean {
  if (effect.kind !== 'message') return false;
  const seen = look(effect.incident);
  return seen === undefined || seen.view.mergedInto !== undefined;
}

async function update(
  self: Self,
  task: Task,
  message: MessageRef,
  newest: () => Seen,
): Promise<Attempt> {
  const { track, effect } = task;
  const { sentRevision, view } = newest();
  const { revision } = view;
  const isThere = track.sent?.ts === message.ts && track.sent.revision === revision;
  if (isThere && (sentRevision ?? revision) >= revision) {
    return { kind: 'done', outcome: { kind: 'sent', message, revision } };
  }
  const urgency = () => updateUrgency(track, effect, newest);
  let sent: Content | undefined;
  const answer = await self.breaker.guard(
    () => {
      sent = task.write();
      return self.api.update(message, onTheWire(task, sent));
    },
    { urgency, bucket: self.updates },
  );
  if (answer === undefined || sent === undefined) return STOPPED;
  if (answer.kind === 'ok') return took(self, task, message, sent);
  if (answer.kind === 'refused' && isGone(answer.error)) {
    track.known = undefined;
    track.sent = undefined;
    track.gone = message.ts;
    return { kind: 'done', outcome: { kind: 'gone', error: answer.error } };
  }
  return failed(self, task, answer, self.updates, sent);
}

/** A digest that stands in the channel. Somebody may have deleted it: then this one is posted. */
async function bringUpToDate(self: Self, task: Task, message: MessageRef): Promise<Attempt> {
  const { effect } = task;
  const answer = await self.breaker.guard(
    () => self.api.update(message, onTheWire(task, task.write())),
    { urgency: () => 20 + rank(effect), bucket: self.updates },
  );
  if (answer === undefined) return STOPPED;
  if (answer.kind === 'ok') return took(self, task, message, { revision: 0, state: '' });
  if (answer.kind === 'refused' && isGone(answer.error)) return post(self, task);
  return failed(self, task, answer, self.updates);
}

/** Undefined: it is not in Slack, or nobody can tell; post it. */
async function lookUp(self: Self, task: Task): Promise<Attempt | undefined> {
  const { clock, lookUps, log } = self;
  const { track, effect, thread, place = effect.id } = task;
  const doubt = track.doubts.get(place);
  if (doubt === undefined) return undefined;
  await rest(clock, Math.min(SETTLE_MS, doubt.settledAt - clock.now()), self.signal);
  const since = doubt.triedAt ?? orderedAt(self, effect);
  // A thread is where its message is, whatever the route said when the line was ordered.
  const channel = thread === undefined ? doubt.channel : task.channel;
  const search = { channel, thread, id: effect.id, since };
  const answer = await self.breaker.guard(
    async () => {
      const found = await self.api.find(search);
      // A token that is revoked now may be good again for the post: nothing is known until then.
      if (found.kind !== 'refused' || isForNow(found.error)) return found;
      // A bot that may not look still posts: better twice than never.
      log.warn({ error: found.error }, 'cannot look up whether a message was posted: posting it');
      return { kind: 'ok', value: undefined } as const;
    },
    { urgency: () => postUrgency(effect), bucket: lookUps },
  );
  if (answer === undefined) return STOPPED;
  if (answer.kind !== 'ok') return failed(self, task, answer, lookUps);
  track.doubts.delete(place);
  if (answer.value === undefined) return undefined;
  const { message, revision } = answer.value;
  log.info({ effect: effect.id, ts: message.ts }, 'a post whose answer was lost was found');
  return took(self, task, message, { revision, state: '', late: true });
}

/** When an earlier process may have posted it first. A message is ordered anew with every revision. */
function orderedAt(self: Self, effect: Effect): number {
  if (effect.kind !== 'message') return effect.at;
  const seen = self.look(effect.incident);
  return Math.min(effect.at, seen?.toldAt ?? seen?.view.startsAt ?? effect.at);
}

function took(
  { clock }: Self,
  { track, effect, place = effect.id }: Task,
  message: MessageRef,
  { revision, state, late }: Pick<Content, 'revision' | 'state'> & { readonly late?: true },
): Attempt {
  track.doubts.delete(effect.id);
  track.doubts.delete(place);
  if (effect.kind === 'message') {
    track.known = message;
    track.sent = { ts: message.ts, revision, state };
  }
  const after = missedInWords(track, clock.now());
  const outcome = {
    kind: 'sent',
    message,
    revision,
    ...(after === undefined ? {} : { after }),
    ...(late === undefined ? {} : { late }),
  } as const;
  return { kind: 'done', outcome };
}

async function join(self: Self, { track, channel }: Task, sent: Content): Promise<Attempt> {
  if (self.joined.has(channel)) return refused('not_in_channel', channel, sent);
  self.joined.add(channel);
  const answer = await self.breaker.guard(() => self.api.join(channel));
  if (answer === undefined) return STOPPED;
  if (answer.kind !== 'ok') return refused('not_in_channel', channel, sent);
  self.log.info({ channel }, 'joined a channel to post there');
  miss(track, 'not_in_channel: the bot joined it', self.clock.now());
  return AGAIN;
}

function failed(
  self: Self,
  { track, channel }: Task,
  answer: Exclude<SlackResult<unknown>, { kind: 'ok' }>,
  bucket: Bucket,
  sent?: Content,
): Attempt {
  miss(track, answer.kind === 'rate-limited' ? 'rate limited' : answer.error, self.clock.now());
  switch (answer.kind) {
    case 'rate-limited':
      bucket.pause(answer.retryAfterMs);
      return AGAIN;
    case 'unreachable':
    case 'unknown':
      return { kind: 'later', error: answer.error };
    case 'refused': {
      const { error } = answer;
      if (isAboutUs(error)) return { kind: 'later', error };
      if (!isAboutLayout(error) || track.textOnly) return refused(error, channel, sent);
      self.log.error({ key: track.key, error }, 'Slack refuses our blocks: text only');
      track.textOnly = true;
      return AGAIN;
    }
  }
}

function channelBucket(self: Self, channel: string): Bucket {
  const bucket = self.channels.get(channel) ?? bucketFor(self, CHANNEL_PACE);
  self.channels.set(channel, bucket);
  return bucket;
}

function bucketFor(options: CourierOptions, pace: typeof CHANNEL_PACE): Bucket {
  return createBucket({ ...options, ...(options.unpaced === true ? NO_PACE : pace) });
}

function onTheWire({ track, effect }: Task, { text, blocks, revision }: Content) {
  return {
    text,
    blocks: track.textOnly ? undefined : blocks,
    tag: { id: effect.id, revision },
  };
}

function refused(error: string, channel: string, sent?: Content): Attempt {
  const outcome = { kind: 'refused', error, channel } as const;
  if (sent === undefined) return { kind: 'done', outcome };
  return { kind: 'done', outcome: { ...outcome, revision: sent.revision } };
}

function messageContent(seen: Seen): Content {
  return content(renderMessage(seen.view), seen.view.revision, stateOf(seen));
}

function content(rendered: RenderedMessage, revision = 0, state = ''): Content {
  return { ...rendered, revision, state };
}

/** New incidents first, the worst before the others, and calls for help with them; then the rest. */
function postUrgency(effect: Effect): number {
  if (effect.kind === 'message') return rank(effect);
  return effect.kind === 'reply' && callsSomebody(effect.reply) ? 0 : 10 + rank(effect);
}

function callsSomebody(reply: Reply): boolean {
  return 'mention' in reply && reply.mention !== undefined && reply.mention.length > 0;
}

/** Slack tells only those of a line in a thread who wrote there: what a channel must see is shown there too. */
function isForAll(effect: Effect): boolean {
  return effect.kind === 'reply' && FOR_ALL.has(effect.reply.kind);
}

const FOR_ALL: ReadonlySet<Reply['kind']> = new Set(['severity-rose', 'refired', 'escalated']);

/** News before fresher numbers. Found out once for each order: many wait, and each is asked often. */
function updateUrgency(track: Track, effect: Effect, newest: () => Seen): number {
  track.isNews ??= track.sent?.state !== stateOf(newest());
  return (track.isNews ? 10 : 20) + rank(effect);
}

function rank({ severity }: Effect): number {
  return severityRank(severity);
}
