/**
 * Is anything at work on a lane in Redis? For whoever wants to carry it elsewhere.
 */
import type { RedisAddress } from '../store/redis/address.ts';
import { connect, ready } from '../store/redis/connection.ts';
import { laneTag } from '../store/redis/keys.ts';
import { openQueue } from './queues.ts';

const START_MS = 10_000;

/** Why the lane must be left alone, in one sentence; undefined when nothing is at work on it. */
export async function whyBusy(address: RedisAddress, lane: string): Promise<string | undefined> {
  // Whatever happens makes a command fail.
  const noted = (): void => undefined;
  const connection = connect(address, 'prompt', noted);
  const tag = laneTag(address.prefix, lane);
  try {
    await ready(connection, START_MS);
    const lead = await openQueue('lead', connection, tag, noted);
    const inbox = await openQueue('inbox', connection, tag, noted);
    const leading = await lead.getActiveCount();
    const waiting = await inbox.getJobCountByTypes('wait', 'active', 'delayed');
    await Promise.all([lead.close(), inbox.close()]);
    if (leading > 0) return `an instance of Quell works on ${address.shown}: stop all of them`;
    if (waiting === 0) return undefined;
    return `${waiting} deliveries at ${address.shown} are not decided yet: start Quell there, and stop it when they are`;
  } finally {
    await connection.close();
  }
}
