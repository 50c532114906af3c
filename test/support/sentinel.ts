/**
 * A Redis with a replica, and a Sentinel that makes the replica the master when the master is gone.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { startChild } from './child.ts';
import { freePort, REDIS_MISSING, REDIS_SERVER, type RedisServer, startRedis } from './redis.ts';
import { scratchDir } from './scratch-dir.ts';
import { within } from './within.ts';

export interface SentinelSetUp {
  readonly url: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** As planned, for an upgrade; resolves when the master has heard that it is none any more, much later than all others. */
  failOver(): Promise<void>;
}

const MASTER_NAME = 'mymaster';
const DOWN_AFTER_MS = 1_000;
const ASK_EVERY_MS = 50;

/** Ends with the test. */
export async function startSentinel(): Promise<SentinelSetUp> {
  const master = await startRedis();
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port)]);
  await within(20, 'the replica follows', followed(replica.port), replica.child().tail);
  const port = await freePort();
  const dir = scratchDir('sentinel');
  const file = join(dir, 'sentinel.conf');
  writeFileSync(file, configOf(port, dir, master.port));
  const sentinel = startChild({
    name: 'redis-sentinel',
    command: REDIS_SERVER,
    args: [file, '--sentinel'],
    cwd: dir,
    missing: REDIS_MISSING,
  });
  onTestFinished(async () => {
    await sentinel.kill('SIGKILL');
    await replica.dispose();
    await master.dispose();
  });
  // It asks the master for its replicas, and knows them from then on.
  await within(30, 'Sentinel knows the replica', sentinel.line(/\+slave slave/), sentinel.tail);
  return {
    url: `redis+sentinel://127.0.0.1:${port}/${MASTER_NAME}`,
    master,
    replica,
    async failOver() {
      const client = new Redis(port, '127.0.0.1');
      await client.call('sentinel', 'failover', MASTER_NAME);
      client.disconnect();
      await followed(master.port);
    },
  };
}

function configOf(port: number, dir: string, masterPort: number): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${dir}`,
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${masterPort} 1`,
    `sentinel down-after-milliseconds ${MASTER_NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER_NAME} 5000`,
    '',
  ].join('\n');
}

/** Another process tells nobody when it is done. */
async function followed(port: number): Promise<void> {
  const client = new Redis(port, '127.0.0.1');
  try {
    while (!(await client.info('replication')).includes('master_link_status:up')) {
      await setTimeout(ASK_EVERY_MS);
    }
  } finally {
    client.disconnect();
  }
}
