/**
 * A Redis and some instances of Quell on it, each a process of its own, asked what they used.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedis } from '../../test/support/redis.ts';
import { cpuOf, freePort, type Server, startServer } from '../speed/process.ts';

export interface RedisUnderLoad {
  readonly url: string;
  readonly client: Redis;
  /** CPU seconds so far. */
  readonly cpu: () => number;
  stop(): Promise<void>;
}

/** With its log on disk, flushed every second. */
export async function startRedisUnderLoad(): Promise<RedisUnderLoad> {
  const server = await startRedis();
  const client = new Redis(server.port, '127.0.0.1');
  return {
    url: server.url,
    client,
    cpu: () => cpuOf(server.child().pid ?? 0),
    async stop() {
      client.disconnect();
      await server.dispose();
    },
  };
}

export interface Deployment {
  readonly instances: readonly Server[];
  /** The one that decides. */
  leader(): Promise<Server>;
  /** Alerts that were decided, by all instances. */
  decided(): Promise<number>;
  stop(): Promise<void>;
}

/** `prefix`: what makes it a service of its own on that Redis. */
export async function startDeployment(
  redis: RedisUnderLoad,
  prefix: string,
  count: number,
): Promise<Deployment> {
  const dir = await mkdtemp(join(tmpdir(), 'quell-scale-'));
  const rules = join(dir, 'rules.yaml');
  writeFileSync(rules, 'hold: [{ for: 1h }]\nstorm: { off: true }\n');
  const instances: Server[] = [];
  for (let index = 0; index < count; index++) {
    const port = await freePort();
    instances.push(
      await startServer({
        name: `instance ${index}`,
        command: process.execPath,
        args: ['dist/main.js', 'serve'],
        port,
        env: {
          QUELL_PORT: String(port),
          QUELL_DATA_DIR: join(dir, String(index)),
          QUELL_RULES_DIR: dir,
          QUELL_REDIS_URL: `${redis.url}?prefix=${prefix}`,
          QUELL_LOG_LEVEL: 'warn',
          QUELL_LIMITS: 'open-alerts=2000000',
        },
        log: join(dir, `log-${index}`),
      }),
    );
  }
  return {
    instances,
    async leader() {
      for (;;) {
        for (const one of instances) if ((await metric(one, 'quell_leads')) === 1) return one;
        await sleep(50);
      }
    },
    async decided() {
      let sum = 0;
      for (const one of instances) sum += await metric(one, 'quell_verdicts_total');
      return sum;
    },
    async stop() {
      for (const one of instances) await one.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

async function metric({ port }: Server, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  let sum = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) {
      sum += Number(line.slice(line.lastIndexOf(' ') + 1));
    }
  }
  return sum;
}
