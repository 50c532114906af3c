/**
 * What a Redis must be to be trusted with alerts, asked when the service starts.
 */
import { Cluster, type Redis } from 'ioredis';
import { AppError } from '../../errors.ts';
import type { Connection } from './connection.ts';

const VERSION_MIN = 6.2;

/** Rejects with one sentence when it must not be used. Returns what the operator should know. */
export async function inspectRedis({ client, address }: Connection): Promise<readonly string[]> {
  const nodes = client instanceof Cluster ? client.nodes('master') : [client];
  if (!(client instanceof Cluster)) await checkDatabase(client, address);
  const remarks = new Set<string>();
  for (const node of nodes) {
    const info = readInfo(await node.info());
    const refusal = objection(info);
    if (refusal !== undefined) {
      const message = `Redis at ${address.shown} ${refusal}`;
      throw new AppError('store-refused', message, { retryable: false });
    }
    const remark = await onPersistence(node, info);
    if (remark !== undefined) remarks.add(remark);
  }
  return [...remarks];
}

/** Whoever asks for one that is not there would be left in the first, among what others keep there. */
async function checkDatabase(client: Redis, { db, shown }: Connection['address']): Promise<void> {
  // Some providers do not let one ask, and the first is always there.
  if (db === 0 || / db=(\d+)/.exec(await client.client('INFO'))?.[1] === String(db)) return;
  const message = `Redis at ${shown} has no database ${db}: take another, or a prefix (?prefix=...)`;
  throw new AppError('store-refused', message, { retryable: false });
}

type Info = ReadonlyMap<string, string>;

function readInfo(text: string): Info {
  const lines = text.split('\r\n').map((line) => line.split(':', 2));
  return new Map(lines.map(([name = '', value = '']) => [name, value]));
}

function objection(info: Info): string | undefined {
  const version = info.get('redis_version') ?? '0';
  if (Number.parseFloat(version) < VERSION_MIN) {
    return `is version ${version}: Quell needs 6.2 or later`;
  }
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  if (info.get('maxmemory') === '0' || policy === 'noeviction') return undefined;
  return `may throw alerts away when its memory is full (maxmemory-policy ${policy}): set maxmemory-policy to noeviction`;
}

async function onPersistence(node: Redis, info: Info): Promise<string | undefined> {
  if (info.get('aof_enabled') === '1') return undefined;
  const snapshots = await savesSnapshots(node);
  return snapshots
    ? 'Redis writes snapshots only: when it ends, it forgets what came since the last one; set appendonly yes'
    : 'Redis keeps nothing on disk: when it ends, it forgets all alerts; set appendonly yes';
}

/** Providers of Redis often do not let one ask; they tell their customers what they keep. */
async function savesSnapshots(node: Redis): Promise<boolean> {
  try {
    const reply: unknown = await node.config('GET', 'save');
    return Array.isArray(reply) && reply[1] !== '';
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return true;
    throw error;
  }
}
