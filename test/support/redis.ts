/**
 * A real redis-server for a test, on a free port, in a folder of its own, with its log on disk. It can be
 * killed and started again on the same data.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
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

export const REDIS_MISSING = 'install redis-server: scripts/install-test-tools.sh';

export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'quell-redis-'));
  const port = await freePort();
  let child: Child | undefined;
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir];
  const kept = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''];
  async function start(): Promise<void> {
    child = startChild({
      name: 'redis-server',
      command: 'redis-server',
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

/** A cluster of one node: it refuses whatever would not stay on one node of a larger one. */
export async function startRedisCluster(): Promise<RedisServer> {
  const server = await startRedis([
    '--cluster-enabled',
    'yes',
    '--cluster-announce-ip',
    '127.0.0.1',
  ]);
  const client = new Redis(server.port, '127.0.0.1');
  const formed = server.child().line(/Cluster state changed: ok/);
  await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await within(20, 'the cluster is formed', formed, server.child().tail);
  client.disconnect();
  return { ...server, url: `redis+cluster://127.0.0.1:${server.port}` };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}
