/** Every store keeps the contract. A new implementation joins the list. */
import { afterAll } from 'vitest';
import { startRedis, startRedisCluster } from '../support/redis.ts';
import { EMBEDDED, MEMORY, redis } from '../support/store-builders.ts';
import { historyContract } from './history-contract.ts';
import { storeContract } from './store-contract.ts';

const server = await startRedis();
afterAll(() => server.dispose());

const cluster = await startRedisCluster();
afterAll(() => cluster.dispose());

const STORES = [MEMORY, EMBEDDED, redis(server.url), redis(cluster.url, 'redis cluster')];
for (const implementation of STORES) {
  storeContract(implementation);
  historyContract(implementation);
}
