/** What a commit is worth behind Sentinel: nobody is told of what a failover may take. */
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { CommitResult } from '../../src/store/contract.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { startSentinel } from '../support/sentinel.ts';
import { aCommit } from '../support/store-builders.ts';
import { within } from '../support/within.ts';

const TIMEOUT = { timeout: 90_000 };

async function opened(url: string) {
  const address = readRedisUrl(url);
  if (address === undefined) throw new Error(`${url} is no address`);
  return openRedisStore(address, () => undefined);
}

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
