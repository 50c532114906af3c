/**
 * How many of a service's lanes an instance leads: its share, when all instances have as many.
 *
 * Every instance says each second that it is there, and Redis counts them. One that leads its share waits
 * a little before it asks for another lane, so that one with less has it first; one that leads more gives one
 * back. Nothing depends on it but who does the work: a lane that nobody else takes is taken all the same.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { asError } from '../errors.ts';
import type { RedisAddress } from '../store/redis/address.ts';
import { connect, ready } from '../store/redis/connection.ts';
import { laneTag } from '../store/redis/keys.ts';
import { LANE } from '../split.ts';

interface Share {
  /** How long to wait before one more lane is asked for, in ms. */
  readonly patienceMs: () => number;
  /** Lanes that are opened here. */
  readonly add: (lane: Led) => void;
  /** The others count without this instance from now on. */
  readonly stop: () => Promise<void>;
}

interface Led {
  readonly leads: boolean;
  giveBack(): void;
}

const START_MS = 10_000;
const BEAT_MS = 1_000;
/** An instance that says nothing for so long is not counted. */
const SILENT_S = 3;
const PATIENCE_MS = 2_000;
/** Between two lanes that are given back. */
const GIVE_EVERY_MS = 5_000;
/** After one that came back: the others cannot lead, or do not want to. */
const UNWANTED_MS = 600_000;

/** By Redis's clock, because those of instances differ. */
const BEAT = `
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now + ${SILENT_S}, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
return redis.call('ZCARD', KEYS[1])`;

/** `lanes`: of the service. */
export async function keepShare(options: {
  readonly address: RedisAddress;
  readonly lanes: number;
  readonly trouble: (error: Error) => void;
}): Promise<Share> {
  const { address, lanes, trouble } = options;
  const connection = connect(address, 'prompt', trouble);
  try {
    await ready(connection, START_MS);
  } catch (error) {
    await connection.close();
    throw error;
  }
  const key = `${laneTag(address.prefix, LANE)}:instances`;
  const id = randomUUID();
  const ours: Led[] = [];
  const stopping = new AbortController();
  let share = lanes;
  let given: Led | undefined;
  let giveAt = 0;
  const held = (): number => ours.filter(({ leads }) => leads).length;

  function balance(): void {
    const now = performance.now();
    if (now < giveAt) return;
    if (held() <= share) {
      given = undefined;
      return;
    }
    const cameBack = given?.leads === true;
    giveAt = now + (cameBack ? UNWANTED_MS : GIVE_EVERY_MS);
    given = cameBack ? undefined : ours.findLast(({ leads }) => leads);
    given?.giveBack();
  }

  async function beat(): Promise<void> {
    try {
      const instances = await connection.client.eval(BEAT, 1, key, id);
      share = Math.ceil(lanes / Math.max(1, Number(instances)));
      balance();
    } catch (error) {
      trouble(asError(error));
    }
  }

  async function keep(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      await beat();
      await setTimeout(BEAT_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  const keeping = keep();
  return {
    patienceMs: () => Math.max(0, held() - share + 1) * PATIENCE_MS,
    add: (lane) => void ours.push(lane),
    async stop() {
      stopping.abort();
      await keeping;
      await connection.client.zrem(key, id).catch(trouble);
      await connection.close();
    },
  };
}
