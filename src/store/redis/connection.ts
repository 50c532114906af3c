/**
 * A connection to Redis, of whatever form its address has.
 *
 * Whoever answers somebody fails at once when Redis is away (`prompt`); whoever waits for work waits
 * (`patient`). A connection that says nothing for too long is taken for cut and is made anew.
 */
import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Cluster,
  Redis,
  type RedisOptions,
  type SentinelConnectionOptions,
  SentinelConnector,
} from 'ioredis';
import { AppError, asError } from '../../errors.ts';
import type { RedisAddress } from './address.ts';

export interface Connection {
  readonly client: Redis | Cluster;
  readonly address: RedisAddress;
  /**
   * Resolves when another machine has what was written on this connection to the node of this key, where
   * there is one (Sentinel, Cluster): a failover then does not lose it. False: none has it in time, and the node may
   * be no master any more, so that what was written goes. A master that stays without a copy is worked with.
   */
  secured(key: string): Promise<boolean>;
  close(): Promise<void>;
}

/** `blocking`: may wait for work on the server, longer than any answer takes. */
type Manner = 'prompt' | 'patient' | 'blocking';

const CONNECT_MS = 5_000;
const ANSWER_MS = 5_000;
/** BullMQ waits for work ten seconds at most. */
const BLOCKING_MS = 20_000;
const RECONNECT_MAX_MS = 1_000;
const SECURED_MS = 1_000;
/** A master without a copy may have been replaced, without being told yet: so long it is not believed. */
const DOUBTED_MS = 3_000;
/** After that it is not waited for so long. */
const UNSECURED_FOR_MS = 30_000;
const SETTLED_MS = 10_000;
const SETTLE_EVERY_MS = 100;

export function connect(
  address: RedisAddress,
  manner: Manner,
  trouble: (error: Error) => void,
): Connection {
  const client = address.kind === 'cluster' ? cluster(address, manner) : one(address, manner);
  client.on('error', trouble);
  let doubtedAt: number | undefined;
  let unsecuredUntil = 0;
  return {
    client,
    address,
    async secured(key) {
      if (address.kind === 'one' || Date.now() < unsecuredUntil) return true;
      const copies = await copiesOf(client, key);
      if (copies > 0) {
        doubtedAt = undefined;
        return true;
      }
      doubtedAt ??= Date.now();
      if (Date.now() - doubtedAt > DOUBTED_MS) {
        unsecuredUntil = Date.now() + UNSECURED_FOR_MS;
        return true;
      }
      // The sentinels are asked again for the master. A node of a cluster hears by itself that it is none.
      if (address.kind === 'sentinel') client.disconnect(true);
      return false;
    },
    async close() {
      client.disconnect();
    },
  };
}

/**
 * Resolves when it is known whether another machine has what is written. Without any replica that takes as long as
 * a master is doubted, and is then over before anybody waits for an answer. Rejects when it is not there in time.
 */
export async function settled(connection: Connection, key: string): Promise<void> {
  const until = Date.now() + SETTLED_MS;
  for (;;) {
    try {
      if (await connection.secured(key)) return;
    } catch (error) {
      // The connection is being made anew.
      if (Date.now() > until) throw error;
    }
    await sleep(SETTLE_EVERY_MS);
  }
}

/** WAIT names no key, and is about its connection: in a cluster another command takes it to the right one. */
async function copiesOf(client: Redis | Cluster, key: string): Promise<number> {
  const replies = await client.pipeline().exists(key).wait(1, SECURED_MS).exec();
  const [error, copies] = replies?.[1] ?? [];
  if (error) throw error;
  return Number(copies);
}

type Options = Omit<RedisOptions, 'replyMapping'> & { readonly replyMapping: 'legacy' };

function optionsFor({ username, password, tls }: RedisAddress, manner: Manner): Options {
  return {
    replyMapping: 'legacy',
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    connectTimeout: CONNECT_MS,
    socketTimeout: manner === 'blocking' ? BLOCKING_MS : ANSWER_MS,
    maxRetriesPerRequest: manner === 'prompt' ? 0 : null,
    enableOfflineQueue: manner !== 'prompt',
    // What was sent may have been done: whoever sent it finds out, and does not do it twice.
    autoResendUnfulfilledCommands: manner !== 'prompt',
    // A master that became a replica: the sentinels or the cluster know the new one.
    reconnectOnError: ({ message }) => (message.startsWith('READONLY') ? 2 : false),
  };
}

function retryAfter(times: number): number {
  return Math.min(RECONNECT_MAX_MS, 50 * 2 ** Math.min(times, 10));
}

/**
 * Asks the sentinels for the master. Who hears of a failover disconnects, be it connected or about to be: where that
 * is said while the sentinels are asked, ioredis takes it for the end of the client, and never connects again.
 * A stream that is closed already is for the client what a lost connection is: it tries again, unless it is being closed.
 */
class SentinelsAsked extends SentinelConnector {
  /** ioredis makes it of the client's options, and calls their type unknown. */
  constructor(options: unknown) {
    super(options as SentinelConnectionOptions);
  }

  override async connect(emit: Parameters<SentinelConnector['connect']>[0]) {
    try {
      return await super.connect(emit);
    } catch (error) {
      emit('error', asError(error));
      return new Socket().destroy();
    }
  }
}

function one(address: RedisAddress, manner: Manner): Redis {
  const { kind, hosts, master, db, sentinelPassword, tls } = address;
  const options: Options = {
    ...optionsFor(address, manner),
    db,
    retryStrategy: retryAfter,
  };
  if (kind !== 'sentinel') return new Redis({ ...options, ...hosts[0] });
  return new Redis({
    ...options,
    // Connections that BullMQ makes of this one have it, too.
    Connector: SentinelsAsked,
    sentinels: [...hosts],
    name: master,
    sentinelRetryStrategy: retryAfter,
    sentinelCommandTimeout: ANSWER_MS,
    enableTLSForSentinelMode: tls,
    // A master that is replaced as planned goes on taking writes, which are lost, for ten seconds.
    failoverDetector: true,
    ...(sentinelPassword === undefined ? {} : { sentinelPassword }),
  });
}

function cluster(address: RedisAddress, manner: Manner): Cluster {
  const { enableOfflineQueue, reconnectOnError: _, ...redisOptions } = optionsFor(address, manner);
  return new Cluster([...address.hosts], {
    enableOfflineQueue,
    clusterRetryStrategy: retryAfter,
    redisOptions,
  });
}

/** What Redis or the way to it reports, in words that an operator can act on. */
export function redisFailure(error: unknown, { shown }: RedisAddress): Error {
  if (error instanceof AppError || !(error instanceof Error)) {
    return asError(error);
  }
  // A bug of ours, or a value that is no JSON.
  if (error instanceof TypeError || error instanceof RangeError) return error;
  const what = `Redis at ${shown} did not do what was asked (${error.message})`;
  return new AppError('store-failed', what, { retryable: true, cause: error });
}

/** Rejects when it is not there in time. */
export async function ready({ client, address }: Connection, ms: number): Promise<void> {
  if (client.status === 'ready') return;
  let last: Error | undefined;
  let heard: (error: Error) => void = () => undefined;
  let late: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => {
        const why = last === undefined ? 'no answer' : last.message;
        const help = /certificate/.test(why)
          ? 'name the file with its authority in NODE_EXTRA_CA_CERTS'
          : /^(?:NOAUTH|WRONGPASS)/.test(why)
            ? 'QUELL_REDIS_URL must name its user and password'
            : 'check QUELL_REDIS_URL, and that Redis runs';
        const message = `Redis at ${address.shown} cannot be reached (${why}): ${help}`;
        reject(new AppError('store-unreachable', message, { retryable: true, cause: last }));
      };
      heard = (error) => {
        last = error;
        // No patience makes a password or a certificate right.
        if (/^(?:NOAUTH|WRONGPASS|NOPERM)|certificate/.test(error.message)) giveUp();
      };
      late = setTimeout(giveUp, ms);
      client.on('error', heard);
      client.once('ready', resolve);
    });
  } finally {
    clearTimeout(late);
    client.off('error', heard);
  }
}
