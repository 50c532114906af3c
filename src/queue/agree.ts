/**
 * Do all instances of a service split alerts into the same lanes? Redis remembers how the first one did,
 * because one that splits otherwise would open a second incident for what is open in another lane.
 */
import { AppError } from '../errors.ts';
import { type Split, splitInWords, WHOLE } from '../split.ts';
import type { RedisStore } from '../store/redis.ts';
import type { RedisAddress } from '../store/redis/address.ts';
import { whyBusy } from './idle.ts';

/** Rejects with one sentence when the state in Redis is split otherwise. Where there is none, this split is remembered. */
export async function agreeOnSplit(
  store: Pick<RedisStore, 'split' | 'recordSplit'>,
  address: RedisAddress,
  split: Split,
): Promise<void> {
  const isOurs = async (): Promise<boolean> => isSame(await store.split(), split);
  if (await isOurs()) return;
  // Whoever works there with one lane may have left nothing yet.
  const busy = await whyBusy(address, WHOLE);
  if (busy === undefined && (await store.recordSplit(split))) return;
  if (await isOurs()) return;
  const there = splitInWords(await store.split());
  const message = `the service in Redis at ${address.shown} (prefix ${address.prefix}) has ${there}, and this instance is set to ${splitInWords(split)}: give all instances the same setting, and carry the state over with "quell migrate" to change it`;
  throw new AppError('lanes-differ', message, { retryable: false });
}

function isSame(one: Split, other: Split): boolean {
  return JSON.stringify([one.by, one.lanes]) === JSON.stringify([other.by, other.lanes]);
}
