/**
 * What several processes stand on that are one service: a Redis, and the lanes that they share. It is found
 * out here whether all of them split the alerts alike.
 */
import { type Backing, type BackingOptions, backingOf } from './backing.ts';
import type { Config } from '../config/config.ts';
import type { Lane } from '../lane/lane.ts';
import { createLanes, type Lanes } from '../lane/lanes.ts';
import { agreeOnSplit } from '../queue/agree.ts';
import { isTooOld } from '../queue/lead.ts';
import { keepShare } from '../queue/share.ts';
import {
  openSharedLane,
  type SharedLaneObserver,
  type SharedLaneOptions,
} from '../queue/shared-lane.ts';
import { laneNames, type Split } from '../split.ts';
import { openRedisStore } from '../store/redis.ts';
import type { RedisAddress } from '../store/redis/address.ts';

type Troubled = Pick<SharedLaneObserver, 'trouble'>;

const TROUBLE_EVERY_MS = 10_000;

/** Rejects with an AppError that says what to do when the state cannot be had. */
export async function openSharedBacking(
  config: Config,
  address: RedisAddress,
  options: BackingOptions,
): Promise<Backing> {
  const trouble = troubleWith(options);
  const store = await openRedisStore(address, trouble);
  for (const remark of store.remarks) options.log.warn({ redis: address.shown }, remark);
  try {
    await agreeOnSplit(store, address, config.split);
    warnOfIdentity(config.split, options);
    const lanes = await openLanes(config, { ...options, address, store, trouble });
    try {
      // Two that started on an empty Redis at the same moment saw nothing of each other before.
      await agreeOnSplit(store, address, config.split);
    } catch (error) {
      await lanes.stop();
      throw error;
    }
    return backingOf(store, lanes);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openLanes(
  { limits, split }: Config,
  options: BackingOptions & Pick<SharedLaneOptions, 'address' | 'store'> & Troubled,
): Promise<Lanes> {
  const { address, trouble } = options;
  const names = laneNames(split);
  const of = { address, lanes: names.length, trouble };
  const share = names.length === 1 ? undefined : await keepShare(of);
  const opened: Lane[] = [];
  const open = async (name: string): Promise<Lane> => {
    const observer = { ...options.observer, ...sharedObserver(options, name), trouble };
    const patienceMs = share?.patienceMs;
    const lane = await openSharedLane({ ...options, name, observer, limits, patienceMs });
    share?.add(lane);
    opened.push(lane);
    return lane;
  };
  const [first, ...others] = names;
  try {
    const all = [await open(first), ...(await everyOne(others.map(open)))] as const;
    return createLanes(all, split, share?.stop);
  } catch (error) {
    await Promise.all([share?.stop(), ...opened.map((lane) => lane.stop())]);
    throw error;
  }
}

/** As Promise.all, but when one fails, the others have ended too: whoever opened something can be stopped. */
async function everyOne<T>(all: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

/** An alert that comes with different values of such a label would be one alert, in several lanes. */
function warnOfIdentity({ by }: Split, { rules, log }: BackingOptions): void {
  for (const label of by) {
    if (!rules.notIdentity.has(label)) continue;
    log.warn({ label }, 'QUELL_LANE_BY names a label that is no part of what alerts are known by');
  }
}

/** Redis is asked several times a second, and fails them all when it is away. */
function troubleWith({ log, clock }: BackingOptions): Troubled['trouble'] {
  let quietUntil = 0;
  return (error) => {
    if (clock.now() < quietUntil) return;
    quietUntil = clock.now() + TROUBLE_EVERY_MS;
    const problem = error.message;
    if (isTooOld(error)) log.error({ problem }, 'this instance does not lead any more');
    else log.warn({ problem }, 'Redis did not do what was asked');
  };
}

function sharedObserver(
  { log, leads }: BackingOptions,
  lane: string,
): Omit<SharedLaneObserver, 'trouble'> {
  return {
    leads(now) {
      if (now) {
        log.info({ lane }, 'this instance leads the lane');
        leads();
      } else log.warn({ lane }, 'this instance does not lead the lane any more');
    },
    jobFailed: (job, error) =>
      log.error({ lane, job, error }, 'a job of the inbox could not be decided'),
  };
}
