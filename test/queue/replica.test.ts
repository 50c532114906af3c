/** An instance that follows has the same in memory as the one that decides. */
import { afterAll, expect, test } from 'vitest';
import { createRandom, type Random } from '../../bench/noise/random.ts';
import { openLane } from '../../src/lane/lane.ts';
import { CAPACITY } from '../../src/limits.ts';
import type { Event } from '../../src/model.ts';
import { createReplica, type Replica } from '../../src/queue/replica.ts';
import type { SharedStore } from '../../src/store/contract.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { differences } from '../support/difference.ts';
import { startRedis } from '../support/redis.ts';
import { remembered } from '../support/remembered.ts';
import { MINUTE, rulesOf, SHOP, START } from '../support/story.ts';

const redis = await startRedis();
afterAll(() => redis.dispose());

const STEPS = 600;
const ALERTS_MAX = 10_000;
const SERVICES = ['checkout', 'payments', 'payments-db', 'basket', 'basket-db', 'newsletter'];

for (const seed of ['1', '2', '3']) {
  test(`whenever it reads on, a replica has what a fresh one loads (seed ${seed})`, async () => {
    const random = createRandom(seed);
    const address = readRedisUrl(`${redis.url}?prefix=replica-${seed}`);
    if (address === undefined) throw new Error('no address');
    const store = await openRedisStore(address, () => undefined);
    let now = START;
    const lane = await openLane({
      name: 'default',
      store,
      rules: rulesOf(SHOP),
      clock: { now: () => now, wakeAt: () => () => undefined },
      observer: {
        decided: () => undefined,
        committed: () => undefined,
        failed: (error) => {
          throw error;
        },
      },
    });
    const replica = replicaOf(store);
    let comparisons = 0;
    for (let step = 0; step < STEPS; step++) {
      // Mostly minutes, now and then hours: incidents end, close and are forgotten.
      now += random.chance(0.03) ? random.int(1, 12) * 60 * MINUTE : random.int(0, 3) * MINUTE;
      await lane.submit(now, eventsOf(random, now));
      // It reads on, it makes state of some of what it read, and now and then it is asked.
      if (random.chance(0.3)) await replica.catchUp();
      if (random.chance(0.3)) replica.settle(random.int(0, 3));
      if (!random.chance(0.1)) continue;
      await replica.catchUp();
      const firing = [...lane.state.alerts.values()].filter(({ status }) => status === 'firing');
      expect(replica.firingMax.alerts).toBeGreaterThanOrEqual(firing.length);
      expect(replica.firingMax.bytes).toBeGreaterThanOrEqual(lane.state.weights.firing);
      settleAll(replica, random.int(1, 50));
      const fresh = replicaOf(store);
      await fresh.catchUp();
      settleAll(fresh, 1_000);
      const [its, anew, leaders] = [replica, fresh, lane].map(({ state }) =>
        remembered(state, now),
      );
      expect(differences(its, anew)).toEqual([]);
      expect(differences(its, leaders)).toEqual([]);
      comparisons++;
    }
    expect(comparisons).toBeGreaterThan(30);
    expect(lane.state.incidents.size).toBeGreaterThan(0);
    await lane.stop();
    await store.close();
  }, 60_000);
}

function replicaOf(store: SharedStore): Replica {
  const { notIdentity } = rulesOf(SHOP);
  const room = { ...CAPACITY, 'open-alerts': ALERTS_MAX };
  const options = { store, lane: 'default', room };
  return createReplica({ ...options, notIdentity: () => notIdentity });
}

function settleAll(replica: Replica, records: number): void {
  while (replica.settle(records));
}

function eventsOf(random: Random, now: number): readonly Event[] {
  return Array.from({ length: random.int(1, 4) }, (): Event => {
    const startsAt = now - random.int(0, 5) * MINUTE;
    const isOver = random.chance(0.45);
    const host = random.chance(0.3) ? { instance: `host-${random.int(0, 2)}:9100` } : {};
    return {
      kind: 'alert',
      delivery: 'd',
      alert: {
        source: 'alertmanager',
        status: isOver ? 'resolved' : 'firing',
        labels: {
          alertname: `Check${random.int(0, 2)}`,
          service: SERVICES[random.int(0, SERVICES.length - 1)] ?? '',
          severity: random.chance(0.5) ? 'critical' : 'warning',
          ...host,
        },
        annotations: {},
        startsAt,
        endsAt: isOver ? now : undefined,
        generatorURL: undefined,
      },
    };
  });
}
