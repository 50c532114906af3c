/**
 * Delivery: carries the effects of the outbox to Slack, at least once each, and not twice where Slack
 * lets us know.
 *
 * Each incident has a track, on which one thing happens after the other: its message is posted, then
 * updated, then its thread is written to. What waits is rendered when its turn comes, so only the
 * newest revision is ever sent. A post whose answer was lost is looked up by its tag before it is
 * tried again. An effect is reported when Slack took it, or said that it never will; until then it
 * waits, however long Slack is away.
 */
import { setMaxListeners } from 'node:events';
import type { DeliveryOutcome, Effect, Instant } from '../model.ts';
import type { SlackApi } from './api.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import { type Courier, createCourier, SETTLE_MS } from './courier.ts';
import type { Log } from './log.ts';
import { type DeliveryClock, rest, backoffMs } from './pace.ts';
import {
  createTrack,
  isSpent,
  isWaiting,
  type Look,
  missedInWords,
  next,
  put,
  take,
  type Track,
  trackKey,
  waitingOn,
} from './track.ts';

export interface Delivery {
  enqueue(effects: readonly Effect[]): void;
  /** Rows of an earlier run: each may have been tried already. */
  restore(effects: readonly Effect[]): void;
  /** Somebody else carries out what waits here. Begins anew with nothing when what is on its way has ended. */
  abandon(): Promise<void>;
  /** Ends what is on its way and begins nothing new. What still waits is in the outbox. */
  stop(): Promise<void>;
  /** Resolves when there is nothing to do but wait for the lane. */
  idle(): Promise<void>;
  health(): DeliveryHealth;
  /** How often Slack did not take what is to be said of an incident now, and why, in words. */
  missed(incident: string): string | undefined;
}

interface DeliveryHealth {
  /** Effects that were ordered and not sent, and when the oldest of them was ordered. */
  readonly waiting: number;
  readonly oldestAt: Instant | undefined;
  /** Why nothing gets through, in Slack's or the network's words. */
  readonly trouble: string | undefined;
}

export interface DeliveryOptions {
  readonly api: SlackApi;
  readonly view: Look;
  /** Hands the outcome over durably to the lane: resolves when it cannot be lost. */
  readonly report: (effect: Effect, outcome: DeliveryOutcome) => Promise<void>;
  readonly clock: DeliveryClock;
  /** Between 0 and 1. */
  readonly random: () => number;
  readonly log: Log;
  readonly unpaced?: boolean | undefined;
  /** What the log says of what was carried out. */
  readonly done?: string | undefined;
}

const RETRY_MS = { first: 500, most: 60_000 };
/** How often it is looked whether the lane has decided on what was refused. */
const LANE_MS = 500;
const SWEEP_AT_LEAST = 1_000;

interface Self extends DeliveryOptions {
  readonly stopping: AbortController;
  readonly signal: AbortSignal;
  readonly breaker: Breaker;
  readonly courier: Courier;
  readonly tracks: Map<string, Track>;
  readonly running: Set<Promise<void>>;
  sweepAt: number;
}

export function createDelivery(options: DeliveryOptions): Delivery {
  let self = createSelf(options);
  return {
    enqueue(effects) {
      for (const effect of effects) {
        const track = trackOf(self, effect);
        put(track, effect);
        start(self, track, 0);
      }
    },
    restore(effects) {
      for (const effect of effects) restore(self, effect);
    },
    async abandon() {
      const old = self;
      self = createSelf(options);
      await close(old);
    },
    stop: () => close(self),
    async idle() {
      while (self.running.size > 0) await Promise.all(self.running);
    },
    health() {
      const effects = [...self.tracks.values()].flatMap(waitingOn);
      let oldestAt: Instant | undefined;
      for (const { at } of effects) oldestAt = Math.min(at, oldestAt ?? at);
      return { waiting: effects.length, trouble: self.breaker.trouble(), oldestAt };
    },
    missed(incident) {
      const track = self.tracks.get(incident);
      return track === undefined ? undefined : missedInWords(track, self.clock.now());
    },
  };
}

function createSelf(options: DeliveryOptions): Self {
  const stopping = new AbortController();
  const { signal } = stopping;
  // Each message that waits listens to it.
  setMaxListeners(0, signal);
  const breaker = createBreaker({ ...options, signal });
  const courier = createCourier({ ...options, look: options.view, signal, breaker });
  const tracks = new Map<string, Track>();
  const running = new Set<Promise<void>>();
  return {
    ...options,
    stopping,
    signal,
    breaker,
    courier,
    tracks,
    running,
    sweepAt: SWEEP_AT_LEAST,
  };
}

async function close({ stopping, running }: Self): Promise<void> {
  stopping.abort();
  await Promise.all(running);
}

function trackOf({ tracks }: Self, effect: Effect): Track {
  const key = trackKey(effect);
  const track = tracks.get(key) ?? createTrack(key);
  tracks.set(key, track);
  return track;
}

function restore(self: Self, effect: Effect): void {
  const track = trackOf(self, effect);
  // A lane that loaded again in this process restores what we know better.
  const known = isWaiting(track, effect.id) || (effect.kind === 'message' && track.known);
  put(track, effect);
  if (!known) {
    const settledAt = self.clock.now() + SETTLE_MS;
    track.doubts.set(effect.id, { channel: effect.channel, triedAt: undefined, settledAt });
  }
  // The earlier process may have an update on its way, too: it must not overtake ours.
  start(self, track, SETTLE_MS);
}

function start(self: Self, track: Track, afterMs: number): void {
  if (track.running || self.signal.aborted) return;
  track.running = true;
  const { running } = self;
  const run = work(self, track, afterMs).finally(() => running.delete(run));
  running.add(run);
}

async function work(self: Self, track: Track, afterMs: number): Promise<void> {
  const { clock, signal } = self;
  if (afterMs > 0) await rest(clock, afterMs, signal);
  while (!signal.aborted) {
    const going = step(self, track);
    if (going === undefined) break;
    await going;
  }
  track.running = false;
  forget(self, track);
}

/** Undefined when there is nothing to do until something is ordered: at once, or what is ordered then is not seen. */
function step(self: Self, track: Track): Promise<void> | undefined {
  const { log, clock, signal, view } = self;
  // A bug. A process that ended would begin again with the same row: the others go on without it.
  const failed = (error: unknown): Promise<void> => {
    log.error({ key: track.key, error }, 'a message could not be made');
    return rest(clock, backoff(self, track.failures++), signal);
  };
  try {
    const effect = next(track, view);
    if (effect !== undefined) return advance(self, track, effect).catch(failed);
  } catch (error) {
    return failed(error);
  }
  // What was refused may go elsewhere: that is decided by the lane, which may do so a moment later.
  const waits = track.isRefused && waitingOn(track).length > 0;
  return waits ? rest(clock, LANE_MS, signal) : undefined;
}

async function advance(self: Self, track: Track, effect: Effect): Promise<void> {
  const { log, clock, signal, breaker } = self;
  const attempt = await self.courier.attempt(track, effect);
  if (attempt.kind === 'done') {
    track.failures = 0;
    track.missed = undefined;
    await handOver(self, effect, attempt.outcome);
    if (effect.kind === 'message') track.isRefused = attempt.outcome.kind === 'refused';
    take(track, effect);
  }
  if (attempt.kind === 'later') {
    const ms = backoff(self, track.failures++);
    log.warn({ effect: effect.id, error: attempt.error, failures: track.failures }, 'Slack: later');
    // An open breaker waits for all of them.
    if (breaker.trouble() === undefined) await rest(clock, ms, signal);
  }
}

/** What Slack has must be known to the lane, or it would be posted again after a restart. */
async function handOver(self: Self, effect: Effect, came: DeliveryOutcome): Promise<void> {
  const { clock, log, signal } = self;
  let outcome = came;
  for (let failures = 0; ; failures++) {
    try {
      await self.report(effect, outcome);
      break;
    } catch (error) {
      // Whatever it is: the lane comes back, and nobody else can keep the outcome.
      log.error({ effect: effect.id, error }, 'the outcome of a delivery could not be kept');
      if (outcome.kind === 'sent') outcome = { ...outcome, late: true };
      await rest(clock, backoff(self, failures), signal);
      if (signal.aborted) return;
    }
  }
  const { id, delivery, channel } = effect;
  const afterMs = clock.now() - effect.at;
  const fields = { effect: id, delivery, channel, outcome, afterMs };
  if (outcome.kind === 'refused') log.error(fields, 'Slack refused a message for good');
  else log.info(fields, self.done ?? 'delivered to Slack');
}

function backoff({ random }: Self, failures: number): number {
  return backoffMs(RETRY_MS, failures) * (0.5 + random());
}

function canGo({ view, log }: Self, track: Track): boolean {
  try {
    return isSpent(track, view);
  } catch (error) {
    log.error({ key: track.key, error }, 'an incident could not be looked at');
    return false;
  }
}

function forget(self: Self, track: Track): void {
  const { tracks } = self;
  if (canGo(self, track)) tracks.delete(track.key);
  if (tracks.size < self.sweepAt) return;
  for (const [key, other] of tracks) if (canGo(self, other)) tracks.delete(key);
  self.sweepAt = Math.max(SWEEP_AT_LEAST, tracks.size * 2);
}
