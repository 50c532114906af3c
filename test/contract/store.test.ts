/** Every store keeps the contract. A new implementation joins the list. */
import { afterAll } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { EMBEDDED, MEMORY, redis } from '../support/store-builders.ts';
import { historyContract } from './history-contract.ts';
import { storeContract } from './store-contract.ts';

const server = await startRedis();
afterAll(() => server.dispose());

for (const implementation of [MEMORY, EMBEDDED, redis(server.url)]) {
  storeContract(implementation);
  historyContract(implementation);
}
