/**
 * What is kept of the past: the oldest of it goes when it is older than the retention, or takes more room than
 * there is for it.
 */
import { setTimeout } from 'node:timers/promises';
import type { Journal } from '../ingest/journal.ts';
import type { Lane } from '../lane/lane.ts';
import type { Capacity } from '../limits.ts';
import type { Instant } from '../model.ts';
import type { Store } from '../store/contract.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

const EVERY_MS = 60_000;
/** How much of each kind goes in one go. */
const PRUNE_LIMIT = 5_000;
/** Between two goes: others have a turn, and more goes than can come in. */
const PAUSE_MS = 100;

interface RetentionOptions {
  readonly store: Pick<Store, 'prune' | 'bytes'>;
  readonly journal: Pick<Journal, 'prune' | 'bytes'>;
  readonly lanes: { readonly all: readonly Pick<Lane, 'name' | 'leads'>[] };
  readonly limits: Pick<Capacity, 'history'>;
  readonly retentionMs: number;
  readonly now: () => Instant;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'limitReached' | 'watchLimit'>;
}

export interface Retention {
  /** Forgets what there is to be forgotten now. */
  round(): Promise<void>;
  /** Resolves when nothing of it goes on. */
  stop(): Promise<void>;
}

export function keepRetention(options: RetentionOptions): Retention {
  const { lanes, journal, metrics, log, now, retentionMs } = options;
  /** Of the lanes that are decided here. */
  const bytes = new Map<string, number>();
  metrics.watchLimit('history', () => (bytes.size === 0 ? undefined : Math.max(...bytes.values())));
  metrics.watchLimit('recorded', () => journal.bytes);
  const stopping = new AbortController();
  const round = async (): Promise<void> => {
    try {
      await journal.prune(now() - retentionMs);
    } catch (error) {
      log.error({ error }, 'old recordings could not be forgotten');
    }
    for (const { name, leads } of lanes.all) {
      // Of several instances one is enough.
      if (leads) bytes.set(name, await forget(name, options, stopping.signal));
      else bytes.delete(name);
    }
  };
  let going: Promise<void> | undefined;
  const once = (): Promise<void> => {
    going ??= round().finally(() => {
      going = undefined;
    });
    return going;
  };
  const timer = setInterval(() => void once(), EVERY_MS);
  return {
    round: once,
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await going;
    },
  };
}

/** Returns what is left, in bytes. */
async function forget(
  lane: string,
  { store, limits, retentionMs, now, log, metrics }: RetentionOptions,
  stopping: AbortSignal,
): Promise<number> {
  let bytes = 0;
  try {
    let forgotten = 0;
    for (let goesOn = true; goesOn && !stopping.aborted; ) {
      bytes = await store.bytes(lane);
      const isFull = bytes > limits.history;
      if (isFull) metrics.limitReached('history');
      const gone = await store.prune(lane, isFull ? now() : now() - retentionMs, PRUNE_LIMIT);
      forgotten += gone;
      goesOn = gone >= PRUNE_LIMIT || (isFull && gone > 0);
      if (goesOn) await setTimeout(PAUSE_MS);
    }
    if (forgotten > 0)
      log.info({ lane, gone: forgotten }, 'history was forgotten, the oldest first');
  } catch (error) {
    log.error({ lane, error }, 'old history could not be forgotten');
  }
  return bytes;
}
