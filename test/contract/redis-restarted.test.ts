/**
 * Through a real Redis a lane begins with what another committed as test/core/restarted.test.ts has it: by loading all of
 * it, and as an instance that followed and takes the lead.
 */
import { afterAll, expect, test } from 'vitest';
import { createRandom } from '../../bench/noise/random.ts';
import { loadLane, type LaneStart } from '../../src/lane/load.ts';
import { CAPACITY } from '../../src/limits.ts';
import { createReplica, takeOver, type Replica } from '../../src/queue/replica.ts';
import type { Rules } from '../../src/rules/rules.ts';
import type { SharedStore } from '../../src/store/contract.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { differences } from '../support/difference.ts';
import { RULES, RULES_OF_SILENCE } from '../support/eventful.ts';
import { startRedis } from '../support/redis.ts';
import { remembered } from '../support/remembered.ts';
import { emptyDisk, type Run } from '../support/restarted.ts';
import { live } from '../support/restarted-days.ts';

/** More are played by `RESTART_SEEDS=100 vitest run test/contract/redis-restarted.test.ts`. */
const SEEDS = Number(process.env['RESTART_SEEDS'] ?? 3);
const LONG = { timeout: 60_000 * SEEDS };
const LANE = 'default';

const redis = await startRedis();
afterAll(() => redis.dispose());

for (const [name, rules, startsToo] of [
  ['plain', RULES, false],
  ['silence', RULES_OF_SILENCE, true],
] as const)
  test(
    `whoever begins with what is in Redis goes on as if nothing had been (${name})`,
    LONG,
    async () => {
      let [restarts, compared] = [0, 0];
      for (let seed = 0; seed < SEEDS; seed++) {
        const store = await storeOf(`${name}-${seed}`);
        const lived = await live({ seed, rules, startsToo, ...followed(store, seed) });
        restarts += lived.restarts;
        compared += lived.compared;
        await store.close();
      }
      expect(compared).toBeGreaterThan(restarts / 2);
    },
  );

async function storeOf(prefix: string): Promise<SharedStore> {
  const address = readRedisUrl(`${redis.url}?prefix=${prefix}`);
  if (address === undefined) throw new Error('no address');
  return openRedisStore(address, (error) => {
    throw error;
  });
}

/** One instance commits, and others follow it by fits and starts. */
function followed(store: SharedStore, seed: number) {
  const random = createRandom(`followed ${seed}`);
  let version = 0;
  let present: Rules = RULES[0];
  const follower = () =>
    createReplica({ store, lane: LANE, room: CAPACITY, notIdentity: () => present.notIdentity });
  let replica = follower();
  async function committed({ disk }: Run): Promise<void> {
    for (const commit of disk.log.splice(0)) {
      const result = await store.commit(LANE, { ...commit, version, jobs: [] });
      expect(result).toEqual({ kind: 'committed', version: ++version });
    }
    if (random.chance(0.4)) await replica.catchUp();
    if (random.chance(0.4)) replica.settle(random.int(1, 8));
  }
  async function restart(one: Run, rules: Rules): Promise<ReadonlyMap<string, Run>> {
    present = rules;
    await committed(one);
    const { disk, now } = one;
    const loaded = await loadLane({ name: LANE, store }, 0);
    const texts = [...(await store.load(LANE)).records].map(({ key, value }) => [
      key,
      JSON.stringify(value),
    ]);
    const kept = [...disk.records].map(([key, json]) => [key, JSON.stringify(JSON.parse(json))]);
    expect(new Map(texts as [string, string][])).toEqual(new Map(kept as [string, string][]));
    const taken = await lead(replica, store, random.int(1, 50));
    // Before either of them is started: what is shown where nobody leads. How alerts are named, a start finds out.
    const [mine, its] = [loaded, taken].map(({ state }) => ({
      ...remembered(state, now),
      notIdentity: undefined,
    }));
    expect(differences(mine, its), `a replica at ${now}, seed ${seed}`).toEqual([]);
    replica = follower();
    return new Map([
      ['loaded', runOf(loaded, now)],
      ['taken over', runOf(taken, now)],
    ]);
  }
  return { committed, restart };
}

async function lead(replica: Replica, store: SharedStore, slice: number): Promise<LaneStart> {
  await replica.catchUp();
  while (replica.settle(slice));
  return takeOver(replica, await store.outbox(LANE));
}

function runOf({ state, outbox }: LaneStart, now: number): Run {
  const disk = emptyDisk();
  disk.wakeAt = state.decidedUntil;
  for (const effect of outbox) disk.outbox.set(effect.id, JSON.stringify(effect));
  return { state, disk, now };
}
