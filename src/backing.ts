/**
 * What the service stands on: a store, and the lanes that are kept in it. A data directory for one process,
 * or a Redis for several that are one service; whoever gets them need not know which.
 */
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Config } from './config.ts';
import { AppError } from './errors.ts';
import { type LaneOptions, openLane } from './lane.ts';
import { createLanes, type Lanes } from './lanes.ts';
import { isTooOld } from './queue/lead.ts';
import { openSharedLane, type SharedLaneObserver } from './queue/shared-lane.ts';
import { LANE, WHOLE } from './split.ts';
import { acrossLanes } from './store/across-lanes.ts';
import type { History, Store } from './store/contract.ts';
import { openEmbeddedStore } from './store/embedded.ts';
import { openRedisStore } from './store/redis.ts';
import type { RedisAddress } from './store/redis/address.ts';
import type { Log } from './telemetry/log.ts';

export interface Backing {
  readonly store: Store;
  readonly history: History;
  readonly lanes: Lanes;
}

export interface BackingOptions extends Omit<LaneOptions, 'name' | 'store' | 'start' | 'limits'> {
  readonly log: Log;
  /** This instance leads the lane from now on; another one did. */
  readonly leads: () => void;
}

/** Redis is asked several times a second, and fails them all when it is away. */
const TROUBLE_EVERY_MS = 10_000;

/** Rejects with an AppError that says what to do when the state cannot be had. */
export async function openBacking(config: Config, options: BackingOptions): Promise<Backing> {
  if (config.redis !== undefined) return openShared(config, config.redis, options);
  const store = await openEmbeddedStore(config.dataDir);
  const lane = await openLane({ ...options, name: LANE, limits: config.limits, store });
  return backingOf(store, createLanes([lane], WHOLE));
}

function backingOf(store: Store, lanes: Lanes): Backing {
  const names = lanes.all.map(({ name }) => name);
  return { store, lanes, history: acrossLanes(store, names) };
}

async function openShared(
  { limits }: Config,
  address: RedisAddress,
  options: BackingOptions,
): Promise<Backing> {
  const { log } = options;
  const shared = sharedObserver(options);
  const store = await openRedisStore(address, shared.trouble);
  for (const remark of store.remarks) log.warn({ redis: address.shown }, remark);
  const observer = { ...options.observer, ...shared };
  const lane = await openSharedLane({ ...options, name: LANE, observer, limits, address, store });
  return backingOf(store, createLanes([lane], WHOLE));
}

function sharedObserver({ log, leads, clock }: BackingOptions): SharedLaneObserver {
  let quietUntil = 0;
  return {
    leads(now) {
      if (now) {
        log.info('this instance leads the lane');
        leads();
      } else log.warn('this instance does not lead the lane any more');
    },
    jobFailed: (job, error) => log.error({ job, error }, 'a job of the inbox could not be decided'),
    trouble(error) {
      if (clock.now() < quietUntil) return;
      quietUntil = clock.now() + TROUBLE_EVERY_MS;
      const problem = error.message;
      if (isTooOld(error)) log.error({ problem }, 'this instance does not lead any more');
      else log.warn({ problem }, 'Redis did not do what was asked');
    },
  };
}

/** Folder by folder: a recursive mkdir never ends where nothing can be made, as under /proc. */
export async function makeDataDir(path: string): Promise<void> {
  const dir = resolve(path);
  try {
    await makeDir(dir);
  } catch (error) {
    // Every failure of the file system has a code.
    if (!(error instanceof Error && 'code' in error)) throw error;
    const message = `the data directory ${dir} cannot be made (${String(error.code)}): set QUELL_DATA_DIR to another`;
    throw new AppError('store-denied', message, { retryable: false, cause: error });
  }
}

async function makeDir(dir: string, andParents = true): Promise<void> {
  try {
    await mkdir(dir);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || !andParents || dirname(dir) === dir) throw error;
    await makeDir(dirname(dir));
    await makeDir(dir, false);
  }
}
