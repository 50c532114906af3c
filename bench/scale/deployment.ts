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
  /** Of now. */
  readonly instances: readonly Server[];
  /** Kills one and starts another in its place, on another port. */
  replace(index: number): Promise<Server>;
  /** Those that decide, once every lane is led and the lanes are shared out. */
  leaders(): Promise<readonly Server[]>;
  /** Alerts that were decided, by all instances. */
  decided(): Promise<number>;
  stop(): Promise<void>;
}

/** The cluster whose alerts are in this lane. */
export function clusterOf(lane: number): string {
  return `cluster-${lane}`;
}

/** Lanes are split by cluster; the first has no lane of its own. `services` are in the rules by name; `more`: of the environment. */
export async function startDeployment(
  redis: RedisUnderLoad,
  count: number,
  lanes = 1,
  services: readonly string[] = [],
  more: Readonly<Record<string, string>> = {},
): Promise<Deployment> {
  const dir = await mkdtemp(join(tmpdir(), 'quell-scale-'));
  const rules = join(dir, 'rules.yaml');
  writeFileSync(rules, 'hold: [{ for: 1h }]\nstorm: { off: true }\n');
  writeServices(dir, services);
  const instances: Server[] = [];
  async function start(index: number): Promise<Server> {
    const port = await freePort();
    return startServer({
      name: `instance ${index}`,
      command: process.execPath,
      args: ['dist/main.js', 'serve'],
      port,
      env: {
        QUELL_PORT: String(port),
        QUELL_DATA_DIR: join(dir, String(index)),
        QUELL_RULES_DIR: dir,
        QUELL_REDIS_URL: `${redis.url}?prefix=scale`,
        ...(lanes === 1 ? {} : splitInto(lanes)),
        QUELL_LOG_LEVEL: 'warn',
        // All that is posted may wait: the sender is faster than who decides, and comes back for nothing.
        QUELL_LIMITS: 'open-alerts=2000000,alert-bytes=8gb,waiting=1000000',
        ...more,
      },
      log: join(dir, `log-${index}`),
    });
  }
  for (let index = 0; index < count; index++) instances.push(await start(index));
  return {
    instances,
    async replace(index) {
      await instances[index]?.stop('SIGKILL');
      return (instances[index] = await start(index));
    },
    async leaders() {
      for (;;) {
        const led = await Promise.all(instances.map((one) => metric(one, 'quell_leads')));
        const leaders = instances.filter((_, index) => (led[index] ?? 0) > 0);
        const areLed = led.reduce((sum, one) => sum + one, 0) === lanes;
        if (areLed && leaders.length === Math.min(lanes, count)) return leaders;
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

/** Services in a file: a file has a limit. Each second one depends on the one before. */
const SERVICES_OF_FILE = 2_000;

function writeServices(dir: string, services: readonly string[]): void {
  for (let first = 0; first < services.length; first += SERVICES_OF_FILE) {
    const lines = services.slice(first, first + SERVICES_OF_FILE).map((name, index, all) => {
      const needs = index % 2 === 0 ? '' : `, dependsOn: [${all[index - 1] ?? ''}]`;
      return `  - { name: ${name}, owner: team-${index % 50}, tier: ${1 + (index % 3)}${needs} }`;
    });
    writeFileSync(join(dir, `services-${first}.yaml`), `services:\n${lines.join('\n')}\n`);
  }
}

function splitInto(lanes: number) {
  const own = Array.from({ length: lanes - 1 }, (_, index) => clusterOf(index + 1));
  return { QUELL_LANE_BY: 'cluster', QUELL_LANES: own.join(',') };
}

export async function metric({ port }: Server, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  let sum = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) {
      sum += Number(line.slice(line.lastIndexOf(' ') + 1));
    }
  }
  return sum;
}
