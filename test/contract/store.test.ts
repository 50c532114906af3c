/** Every store keeps the contract. A new implementation joins the list. */
import { EMBEDDED, MEMORY } from '../support/store-builders.ts';
import { historyContract } from './history-contract.ts';
import { storeContract } from './store-contract.ts';

for (const implementation of [MEMORY, EMBEDDED]) {
  storeContract(implementation);
  historyContract(implementation);
}
