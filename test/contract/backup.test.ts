/** A back-up of either store, made as docs/operations.md says, holds everything. */
import { cp, copyFile, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import type { Store } from '../../src/store/contract.ts';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { startRedis } from '../support/redis.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { aClosed, aCommit, aDecision, anEffect } from '../support/store-builders.ts';
import { within } from '../support/within.ts';

test('embedded: a copy of the directory of a service that is stopped', async () => {
  const dir = scratchDir('data');
  const store = await openEmbeddedStore(dir);
  await fill(store);
  const before = await contentsOf(store);
  await store.close();
  const restored = join(scratchDir('restored'), 'data');
  await cp(dir, restored, { recursive: true });
  const again = await openEmbeddedStore(restored);
  expect(await contentsOf(again)).toEqual(before);
  await again.close();
});

test('Redis: its snapshot, loaded without the log, which is then switched on', async () => {
  const server = await startRedis();
  onTestFinished(() => server.dispose());
  const store = await open(server.url);
  await fill(store);
  const before = await contentsOf(store);
  const file = await snapshotOf(server.port);
  const dir = await mkdtemp(join(tmpdir(), 'quell-restored-'));
  await copyFile(file, join(dir, 'dump.rdb'));
  const restored = await startRedis(['--dir', dir, '--appendonly', 'no']);
  onTestFinished(() => restored.dispose());
  const client = new Redis(restored.port, '127.0.0.1');
  await client.config('SET', 'appendonly', 'yes');
  client.disconnect();
  const again = await open(restored.url);
  expect(await contentsOf(again)).toEqual(before);
  await Promise.all([store.close(), again.close()]);
});

async function snapshotOf(port: number): Promise<string> {
  const client = new Redis(port, '127.0.0.1');
  const last = await client.lastsave();
  // The time of the last snapshot has seconds only.
  await setTimeout(1_100);
  await client.bgsave();
  const saved = async (): Promise<void> => {
    while ((await client.lastsave()) === last) await setTimeout(20);
  };
  await within(20, 'the snapshot is written', saved());
  const [, dir = ''] = (await client.config('GET', 'dir')) as string[];
  client.disconnect();
  return join(dir, 'dump.rdb');
}

async function open(url: string): Promise<Store> {
  const address = readRedisUrl(url);
  if (address === undefined) throw new Error(`${url} is no address`);
  return openRedisStore(address, () => undefined);
}

async function fill(store: Store): Promise<void> {
  const put = Array.from({ length: 500 }, (_, n) => ({ key: `r${n}`, value: { n } }));
  const parts = { put, decisions: [aDecision()], closed: [aClosed('i1')] };
  await store.commit('default', aCommit(0, { ...parts, effects: [anEffect('message:1')] }));
}

async function contentsOf(store: Store): Promise<unknown> {
  const { records, ...rest } = await store.load('default');
  const query = { lane: 'default', limit: 100 };
  return {
    ...rest,
    records: new Map([...records].map(({ key, value }) => [key, value])),
    decisions: (await store.decisions(query)).items,
    closed: (await store.closedIncidents(query)).items,
  };
}
