/** What Redis must be, where it may be, and what only a store that is shared must do. */
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openRedisStore, type RedisStore } from '../../src/store/redis.ts';
import { readRedisUrl, type RedisAddress } from '../../src/store/redis/address.ts';
import { connect, ready } from '../../src/store/redis/connection.ts';
import { laneTag } from '../../src/store/redis/keys.ts';
import { readChanges } from '../../src/store/redis/scripts.ts';
import { startRedis } from '../support/redis.ts';
import { aCommit } from '../support/store-builders.ts';
import { within } from '../support/within.ts';

function addressOf(url: string): RedisAddress {
  const address = readRedisUrl(url);
  if (address === undefined) throw new Error(`${url} is no address`);
  return address;
}

async function opened(settings: readonly string[] = []) {
  const server = await startRedis(settings);
  onTestFinished(() => server.dispose());
  const address = addressOf(server.url);
  return { server, address, open: () => openRedisStore(address, () => undefined) };
}

test('a Redis that may throw keys away is refused, with what would be right', async () => {
  const { open } = await opened(['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru']);
  await expect(open()).rejects.toMatchObject({
    code: 'store-refused',
    message: expect.stringMatching(/allkeys-lru\): set maxmemory-policy to noeviction$/),
  });
});

test('a Redis that keeps nothing on disk, or snapshots only, is used with a remark', async () => {
  const nothing = await (await opened(['--appendonly', 'no'])).open();
  expect(nothing.remarks.join()).toContain('Redis keeps nothing on disk');
  const snapshots = await (await opened(['--appendonly', 'no', '--save', '60', '1'])).open();
  expect(snapshots.remarks.join()).toContain('Redis writes snapshots only');
  const log = await (await opened()).open();
  expect(log.remarks).toEqual([]);
  for (const store of [nothing, snapshots, log]) await store.close();
});

test('a password opens, and is in no message', async () => {
  const { server, address } = await opened(['--requirepass', 'hush-hush']);
  const withPassword = addressOf(`redis://:hush-hush@127.0.0.1:${server.port}`);
  const store = await openRedisStore(withPassword, () => undefined);
  await store.close();
  expect(JSON.stringify(withPassword.shown)).not.toContain('hush');
  const without = openRedisStore(address, () => undefined);
  await expect(without).rejects.toMatchObject({
    message: expect.stringMatching(/^(?!.*hush).*must name its user and password$/),
  });
});

test('a database that is not there is refused, and not another one used', async () => {
  const { server, open } = await opened();
  await (await open()).close();
  const there = addressOf(`${server.url}/15`);
  await (await openRedisStore(there, () => undefined)).close();
  const missing = openRedisStore(addressOf(`${server.url}/16`), () => undefined);
  await expect(missing).rejects.toMatchObject({
    code: 'store-refused',
    message: expect.stringMatching(/ has no database 16: /),
  });
});

test('addresses of one Redis, of sentinels and of a cluster are understood; others are not', () => {
  expect(addressOf('redis://h')).toMatchObject({ hosts: [{ host: 'h', port: 6379 }], db: 0 });
  expect(addressOf('rediss://u:p%40@h:1/3?prefix=x')).toMatchObject({
    tls: true,
    username: 'u',
    password: 'p@',
    db: 3,
    prefix: 'x',
    shown: 'rediss://h:1/3',
  });
  expect(addressOf('redis+sentinel://a,b:1/main/2?sentinelPassword=s')).toMatchObject({
    kind: 'sentinel',
    hosts: [
      { host: 'a', port: 26_379 },
      { host: 'b', port: 1 },
    ],
    master: 'main',
    db: 2,
    sentinelPassword: 's',
  });
  expect(addressOf('rediss+cluster://a,b')).toMatchObject({ kind: 'cluster', tls: true });
  for (const odd of ['', 'h:6379', 'http://h', 'redis://', 'redis://a,b', 'redis://h?x=1']) {
    expect(readRedisUrl(odd)).toBeUndefined();
  }
  expect(readRedisUrl('redis+sentinel://a')).toBeUndefined();
});

test('what changed since a version is all that changed, and nothing else', async () => {
  const store = await (await opened()).open();
  const put = (key: string, value: unknown) => ({ put: [{ key, value }] });
  await store.commit('prod', aCommit(0, put('a', 1)));
  await store.commit('prod', aCommit(1, put('b', 1)));
  await store.commit('prod', aCommit(2, { ...put('c', 1), remove: ['a'] }));
  const none = { version: 3, whole: false, put: new Map(), remove: [] };
  expect(await store.changes('prod', 3)).toEqual(none);
  expect(await store.changes('prod', 1)).toEqual({
    version: 3,
    whole: false,
    put: new Map([
      ['b', '1'],
      ['c', '1'],
    ]),
    remove: ['a'],
  });
  // One that Redis lost, after a failover.
  expect(await store.changes('prod', 9)).toMatchObject({ version: 3, whole: true });
  await store.close();
});

test('however much changed, it is told in parts of bounded size, and what was told is all of it', async () => {
  const { address, open } = await opened();
  const store = await open();
  const large = 'x'.repeat(10_000);
  for (let version = 0; version < 20; version++) {
    const put = Array.from({ length: 50 }, (_, n) => ({ key: `${version}/${n}`, value: large }));
    const again = [{ key: 'always', value: version }];
    const remove = version === 0 ? [] : [`${version - 1}/0`];
    await store.commit('prod', aCommit(version, { put: [...put, ...again], remove }));
  }
  await store.commit('prod', aCommit(20, { put: [{ key: '3/0', value: 'again' }] }));
  const changes = await store.changes('prod', 1);
  expect([changes.version, changes.whole, changes.put.size]).toEqual([21, false, 934]);
  expect([changes.put.get('always'), changes.put.get('3/0')]).toEqual(['19', '"again"']);
  expect(changes.remove).toHaveLength(18);
  expect(changes.remove).not.toContain('3/0');
  const connection = connect(address, 'prompt', () => undefined);
  await ready(connection, 5_000);
  let parts = 0;
  for (let from = 1; from < 21; parts++) {
    const [version, , , , , values = []] = await readChanges(
      connection,
      laneTag('quell', 'prod'),
      from,
    );
    expect(values.join('').length).toBeLessThan(1_024 * 1_024 + 60 * 10_000);
    from = Number(version);
  }
  expect(parts).toBeGreaterThan(5);
  await connection.close();
  await store.close();
});

test('large records are read only as far as they are told', async () => {
  const { address, open } = await opened();
  const store = await open();
  for (let version = 0; version < 60; version++) {
    const put = [{ key: `large/${version}`, value: 'x'.repeat(500_000) }];
    await store.commit('prod', aCommit(version, { put }));
  }
  const connection = connect(address, 'prompt', () => undefined);
  await ready(connection, 5_000);
  const memory = async (what: string): Promise<number> =>
    Number(new RegExp(`${what}:(\\d+)`).exec(await connection.client.info('memory'))?.[1]);
  const before = await memory('used_memory');
  await readChanges(connection, laneTag('quell', 'prod'), 1);
  expect((await memory('used_memory_peak')) - before).toBeLessThan(8 * 1_024 * 1_024);
  await connection.close();
  await store.close();
});

test('whoever is too far behind to be told what changed is told all', async () => {
  const store = await (await opened()).open();
  await store.commit('prod', aCommit(0, { put: [{ key: 'first', value: 1 }] }));
  for (let version = 1; version < 4; version++) {
    const put = Array.from({ length: 9_000 }, (_, n) => ({ key: `${version}/${n}`, value: n }));
    await store.commit('prod', aCommit(version, { put }));
  }
  const all = await store.changes('prod', 1);
  expect([all.whole, all.put.size]).toEqual([true, 27_001]);
  expect((await store.changes('prod', 3)).put.size).toBe(9_000);
  const { records } = await store.load('prod');
  expect([...records].length).toBe(27_001);
  await store.close();
});

test('what Redis lost is not built on, though what came after it has the same version', async () => {
  const { server, address, open } = await opened(['--appendonly', 'no']);
  const put = (key: string) => ({ put: [{ key, value: 1 }] });
  const connection = connect(address, 'prompt', () => undefined);
  await ready(connection, 5_000);
  const [store, other] = [await open(), await open()];
  await store.commit('prod', aCommit(0, put('kept')));
  await connection.client.save();
  await store.commit('prod', aCommit(1, put('lost')));
  expect((await store.changes('prod', 0)).version).toBe(2);

  await server.kill();
  await server.start();
  // Who was here before has to find out that the connection is gone, and another that it is there.
  const again = async (): Promise<void> => {
    for (const one of [other, store]) while (!(await answers(one))) await setTimeout(20);
  };
  await within(20, 'Redis is there again', again());
  await other.commit('prod', aCommit(1, put('instead')));
  expect(await store.commit('prod', aCommit(2, put('on what was lost')))).toEqual({
    kind: 'stale',
  });
  await other.commit('prod', aCommit(2, put('later')));
  const { whole, put: all } = await store.changes('prod', 2);
  expect([whole, [...all.keys()].sort()]).toEqual([true, ['instead', 'kept', 'later']]);
  expect((await store.changes('prod', 3)).whole).toBe(false);
  for (const one of [connection, store, other]) await one.close();
});

async function answers(store: RedisStore): Promise<boolean> {
  return store.decided('prod', 'a job').then(
    () => true,
    () => false,
  );
}

test('a job that a commit decided is known as decided, of a stale one not', async () => {
  const store = await (await opened()).open();
  await store.commit('prod', aCommit(0, { jobs: ['7'] }));
  await store.commit('prod', aCommit(0, { jobs: ['8'] }));
  expect(await store.decided('prod', '7')).toBe(true);
  expect(await store.decided('prod', '8')).toBe(false);
  await store.close();
});
