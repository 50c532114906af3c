/**
 * A real redis-server for a test, on a free port, in a folder of its own, with its log on disk. It can be
 * killed and started again on the same data.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from 'ioredis';
import { type Child, startChild } from './child.ts';
import { within } from './within.ts';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly child: () => Child;
  /** SIGKILL: what is not in its log is lost. */
  kill(): Promise<void>;
  /** On the same port and data. */
  start(): Promise<void>;
  /** Kills it and throws its data away. */
  dispose(): Promise<void>;
}

/** What stands in for Redis: REDIS_SERVER=valkey-server tests with Valkey. */
export const REDIS_SERVER = process.env['REDIS_SERVER'] ?? 'redis-server';
export const REDIS_MISSING = 'install redis-server: scripts/install-test-tools.sh';

export async function startRedis(
  settings: readonly string[] = [],
  givenPort?: number,
): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'quell-redis-'));
  const port = givenPort ?? (await freePort());
  let child: Child | undefined;
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir];
  const kept = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''];
  async function start(): Promise<void> {
    child = startChild({
      name: 'redis-server',
      command: REDIS_SERVER,
      args: [...args, ...kept, ...settings],
      cwd: dir,
      missing: REDIS_MISSING,
    });
    const ready = child.line(/Ready to accept connections/);
    await within(20, 'Redis is ready', ready, child.tail);
  }
  const running = () => {
    if (child === undefined) throw new Error('Redis was not started');
    return child;
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    child: running,
    start,
    async kill() {
      await running().kill('SIGKILL');
    },
    async dispose() {
      await running().kill('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export interface RedisCluster {
  readonly url: string;
  /** The master that has this key. */
  masterOf(key: string): Promise<RedisServer>;
  /** Kills all and throws their data away. */
  dispose(): Promise<void>;
}

/** Three masters with a replica each, which takes over within seconds. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: 6 }, startClusterNode));
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const create = ['--cluster', 'create', ...hosts, '--cluster-replicas', '1', '--cluster-yes'];
  // The first three become the masters. A replica that has nothing yet takes nothing over.
  const synced = nodes.slice(3).map((node) => node.child().line(/REPLICA sync: Finished/));
  const made = startChild({
    name: 'redis-cli',
    command: 'redis-cli',
    args: create,
    missing: REDIS_MISSING,
  });
  await within(60, 'the cluster is formed', made.line(/All 16384 slots covered/), made.tail);
  await made.exited;
  await within(30, 'the replicas have what their masters have', Promise.all(synced), made.tail);
  return {
    url: `redis+cluster://${hosts.slice(0, 3).join(',')}`,
    async masterOf(key) {
      const cluster = new Cluster([...nodes]);
      const slot = await cluster.cluster('KEYSLOT', key);
      const slots = await cluster.cluster('SLOTS');
      cluster.disconnect();
      // What CLUSTER SLOTS replies: from, to, and the master before its replicas.
      const ranges = slots as unknown as readonly (readonly [number, number, [string, number]])[];
      const range = ranges.find(([from, to]) => from <= slot && slot <= to);
      const master = nodes.find(({ port }) => port === range?.[2][1]);
      if (master === undefined) throw new Error('no master has the slot');
      return master;
    },
    async dispose() {
      await Promise.all(nodes.map((node) => node.dispose()));
    },
  };
}

async function startClusterNode(): Promise<RedisServer & { readonly host: string }> {
  const settings = {
    '--cluster-enabled': 'yes',
    '--cluster-announce-ip': '127.0.0.1',
    '--cluster-node-timeout': '1500',
    // By default a master waits 5 s for more replicas before it sends them anything.
    '--repl-diskless-sync-delay': '0',
  };
  const node = await startRedis(Object.entries(settings).flat(), await portWithBus());
  return { ...node, host: '127.0.0.1' };
}

/** The nodes of a cluster speak to each other at the port and 10,000; before Redis 7 at no other. */
async function portWithBus(): Promise<number> {
  for (;;) {
    const port = await freePort();
    const bus = port + 10_000;
    if (bus > 65_535) continue;
    const isFree = await freePort(bus).catch(() => undefined);
    if (isFree !== undefined) return port;
  }
}

/** This one, or any. Rejects when it is in use. */
export function freePort(port = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}
