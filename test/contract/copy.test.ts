/** What is carried over from one store to another is all there, in the same order, both ways. */
import { afterAll, expect, test } from 'vitest';
import type { HistoryQuery, Store } from '../../src/store/contract.ts';
import { copyLane, openTarget } from '../../src/store/copy.ts';
import { startRedis } from '../support/redis.ts';
import {
  aClosed,
  aCommit,
  aDecision,
  anEffect,
  EMBEDDED,
  type Implementation,
  NOON,
  redis,
} from '../support/store-builders.ts';

const server = await startRedis();
afterAll(() => server.dispose());
const REDIS = redis(server.url);

for (const [source, target] of [
  [EMBEDDED, REDIS],
  [REDIS, EMBEDDED],
] as const) {
  test(`from ${source.name} to ${target.name}: everything, in the same order`, async () => {
    await between(source, target, async (from, to) => {
      for (let version = 0; version < 30; version++) await fill(from, version);
      await copyLane(from, 'default', await openTarget(to, 'default'));
      expect(await contentsOf(to)).toEqual(await contentsOf(from));
    });
  });
}

test('a place that something is in is not written to', async () => {
  await between(EMBEDDED, REDIS, async (from, to) => {
    await fill(from, 0);
    await to.commit('default', aCommit(0, { put: [{ key: 'a', value: 1 }] }));
    const before = await contentsOf(to);
    await expect(openTarget(to, 'default')).rejects.toMatchObject({ code: 'target-not-empty' });
    expect(await contentsOf(to)).toEqual(before);
  });
});

for (const [source, target] of [
  [EMBEDDED, REDIS],
  [REDIS, EMBEDDED],
] as const) {
  test(`what was copied to ${target.name} in part, wherever it was broken off, is not taken for a whole`, async () => {
    for (let commits = 1, isWhole = false; !isWhole; commits++) {
      await between(source, target, async (from, to) => {
        await fill(from, 0);
        await fill(from, 1);
        isWhole = await copyAtMost(from, to, commits);
        const loaded = to.load('default');
        if (isWhole) expect([...(await loaded).records]).toHaveLength(120);
        else await expect(loaded).rejects.toMatchObject({ code: 'copy-unfinished' });
      });
    }
  });
}

/** As a process that is killed after so many commits. False: it was. */
async function copyAtMost(from: Store, to: Store, commits: number): Promise<boolean> {
  let left = commits;
  const killed = new Error('killed');
  const commit: Store['commit'] = (...change) =>
    left-- > 0 ? to.commit(...change) : Promise.reject(killed);
  try {
    const target = await openTarget({ ...to, commit }, 'default');
    await copyLane(from, 'default', target);
    return true;
  } catch (error) {
    if (error !== killed) throw error;
    return false;
  }
}

/** Many decisions of one instant, under rules that change meanwhile. */
async function fill(store: Store, version: number): Promise<void> {
  const decisions = Array.from({ length: 90 }, (_, n) =>
    aDecision({ at: NOON + Math.floor((version * 90 + n) / 500), because: `${version}/${n}` }),
  );
  const put = Array.from({ length: 60 }, (_, n) => ({ key: `r${version % 7}/${n}`, value: { n } }));
  const result = await store.commit(
    'default',
    aCommit(version, {
      put,
      decisions,
      rules: `rules-${Math.floor(version / 4)}`,
      closed: [aClosed(`i${version}`, NOON + version, ['a', `s${version % 3}`])],
      effects: [anEffect(`message:${version % 11}`)],
      wakeAt: NOON + version,
    }),
  );
  expect(result.kind).toBe('committed');
}

async function contentsOf(store: Store): Promise<unknown> {
  const { records, outbox, wakeAt } = await store.load('default');
  const query: HistoryQuery = { lane: 'default', limit: 10_000 };
  return {
    records: [...records].sort((one, other) => (one.key < other.key ? -1 : 1)),
    outbox,
    wakeAt,
    decisions: (await store.decisions(query)).items,
    closed: (await store.closedIncidents(query)).items,
    ofService: (await store.closedIncidents({ ...query, service: 's1' })).items,
  };
}

async function between(
  source: Implementation,
  target: Implementation,
  act: (from: Store, to: Store) => Promise<void>,
): Promise<void> {
  const from = await source.create();
  const to = await target.create();
  await act(from.store, to.store);
  await from.dispose();
  await to.dispose();
}
