/** What a commit is worth behind Sentinel: nobody is told of what a failover may take; and connections outlive it. */
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import type { CommitResult } from '../../src/store/contract.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { connect, ready } from '../../src/store/redis/connection.ts';
import { startSentinel } from '../support/sentinel.ts';
import { aCommit } from '../support/store-builders.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { within } from '../support/within.ts';

const TIMEOUT = { timeout: 90_000 };

function addressOf(url: string) {
  const address = readRedisUrl(url);
  if (address === undefined) throw new Error(`${url} is no address`);
  return address;
}

const opened = (url: string) => openRedisStore(addressOf(url), () => undefined);

/** Whoever leads asks again, as often as it takes. */
async function untilDone<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch {
      await setTimeout(50);
    }
  }
}

test(
  'what no replica has is neither committed nor read, until it is clear that there is none',
  TIMEOUT,
  async () => {
    const { url, replica } = await startSentinel();
    const store = await opened(url);
    expect(await store.commit('prod', aCommit(0, {}))).toEqual({ kind: 'committed', version: 1 });
    await replica.kill();
    await expect(store.commit('prod', aCommit(1, {}))).rejects.toMatchObject({
      message: expect.stringContaining('no replica has it in time'),
    });
    // The connection is made anew, and the same master is asked.
    const tried: string[] = [];
    const read = untilDone(async () => {
      try {
        return await store.load('prod');
      } catch (error) {
        tried.push(error instanceof Error ? error.message : '');
        throw error;
      }
    });
    const { version } = await within(20, 'it is clear that there is no replica', read);
    expect([version, tried.some((why) => why.includes('no replica has it'))]).toEqual([2, true]);
    const next: CommitResult = await store.commit('prod', aCommit(2, {}));
    expect(next).toEqual({ kind: 'committed', version: 3 });
    await store.close();
  },
);

test('a master that has no replica from the start is worked with at once', TIMEOUT, async () => {
  const { url, replica } = await startSentinel();
  await replica.kill();
  const store = await opened(url);
  for (let version = 0; version < 3; version++) await store.commit('prod', aCommit(version, {}));
  expect(await store.load('prod')).toMatchObject({ version: 3 });
  await store.close();
});

/** With a line to the only sentinel that can be cut. */
async function behindALine() {
  const { url } = await startSentinel();
  const { hosts } = addressOf(url);
  const [sentinel] = hosts;
  if (sentinel === undefined) throw new Error('no sentinel');
  const line = await startTcpProxy(sentinel.port);
  const address = { ...addressOf(url), hosts: [{ ...sentinel, port: line.port }] };
  return { sentinel, line, address };
}

test(
  'a failover that is heard of while the sentinels are asked for the master ends no connection',
  TIMEOUT,
  async () => {
    const { line, address } = await behindALine();
    const connection = connect(address, 'patient', () => undefined);
    onTestFinished(() => connection.close());
    const { client } = connection;
    if (!(client instanceof Redis)) throw new Error('no client for Sentinel');
    // BullMQ makes its own of it.
    const copy = client.duplicate().on('error', () => undefined);
    onTestFinished(() => copy.disconnect());
    for (const one of [client, copy]) {
      expect(await one.ping()).toBe('PONG');
      line.cut();
      one.disconnect(true);
      while (one.status !== 'connecting') await setTimeout(10);
      one.disconnect(true);
      line.mend();
      expect(await within(20, 'it is connected again', one.ping())).toBe('PONG');
    }
    await connection.close();
    while (client.status !== 'end') await setTimeout(10);
  },
);

test('a sentinel that does not answer is passed over for the next', TIMEOUT, async () => {
  const { sentinel, line, address } = await behindALine();
  line.cut();
  const hosts = [...address.hosts, sentinel];
  const connection = connect({ ...address, hosts }, 'prompt', () => undefined);
  onTestFinished(() => connection.close());
  await ready(connection, 20_000);
});
