/** Instances that share lanes: they agree on which there are, and lead as many each. */
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { agreeOnSplit } from '../../src/queue/agree.ts';
import { keepShare } from '../../src/queue/share.ts';
import { type Split, WHOLE } from '../../src/split.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { startRedis } from '../support/redis.ts';
import { aCommit } from '../support/store-builders.ts';
import { within } from '../support/within.ts';

const redis = await startRedis();
afterAll(() => redis.dispose());

const TWO: Split = { by: ['environment'], lanes: ['europe'] };
const THREE: Split = { by: ['environment'], lanes: ['europe', 'asia'] };

function addressOf(prefix: string) {
  const address = readRedisUrl(`${redis.url}?prefix=${prefix}`);
  if (address === undefined) throw new Error('no address');
  return address;
}

test('the first instance says which lanes there are; one that says otherwise is refused', async () => {
  const address = addressOf('agree');
  const store = await openRedisStore(address, fail);
  await agreeOnSplit(store, address, WHOLE);
  await agreeOnSplit(store, address, TWO);
  await agreeOnSplit(store, address, TWO);
  for (const other of [THREE, WHOLE, { ...TWO, by: ['env'] }]) {
    const refusal = await agreeOnSplit(store, address, other).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'lanes-differ', retryable: false });
    expect(String(refusal)).toContain('has QUELL_LANE_BY=environment and QUELL_LANES=europe, and');
  }
  await store.close();
});

test('where there is one lane with something in it, there are no others', async () => {
  const address = addressOf('one');
  const store = await openRedisStore(address, fail);
  await store.commit('default', aCommit(0, {}));
  await expect(agreeOnSplit(store, address, TWO)).rejects.toMatchObject({ code: 'lanes-differ' });
  await agreeOnSplit(store, address, WHOLE);
  await store.close();
});

test('one instance of two that leads all lanes gives one back, and lets the other come first', async () => {
  const options = { address: addressOf('share'), lanes: 2, trouble: fail };
  const gives = new EventTarget();
  const lane = () => {
    const one = {
      leads: true,
      giveBack() {
        one.leads = false;
        gives.dispatchEvent(new Event('given'));
      },
    };
    return one;
  };
  const lanes = [lane(), lane()];
  const first = await keepShare(options);
  for (const one of lanes) first.add(one);
  expect(first.patienceMs()).toBeGreaterThan(0);
  const given = once(gives, 'given');
  const second = await keepShare(options);
  await within(10, 'one is given back', given);
  expect(lanes.filter(({ leads }) => leads)).toHaveLength(1);
  expect(first.patienceMs()).toBeGreaterThan(0);
  expect(second.patienceMs()).toBe(0);
  await second.stop();
  const alone = async () => {
    while (first.patienceMs() > 0) await setTimeout(50);
  };
  await within(10, 'the first one wants all', alone());
  await first.stop();
});

function fail(error: Error): void {
  throw error;
}
