/**
 * Is anything at work on a service in Redis? For whoever wants to carry it elsewhere.
 */
import { laneNames, type Split } from '../split.ts';
import type { RedisAddress } from '../store/redis/address.ts';
import { connect, type Connection, ready } from '../store/redis/connection.ts';
import { laneTag } from '../store/redis/keys.ts';
import { openQueue } from './queues.ts';

const START_MS = 10_000;

/** Why its lanes must be left alone, in one sentence; undefined when nothing is at work on them. */
export async function whyBusy(address: RedisAddress, split: Split): Promise<string | undefined> {
  const connection = connect(address, 'prompt', noted);
  try {
    await ready(connection, START_MS);
    let leading = 0;
    let waiting = 0;
    for (const name of laneNames(split)) {
      const lane = await workOn(connection, laneTag(address.prefix, name));
      leading += lane.leading;
      waiting += lane.waiting;
    }
    if (leading > 0) return `an instance of Quell works on ${address.shown}: stop all of them`;
    if (waiting === 0) return undefined;
    return `${waiting} deliveries at ${address.shown} are not decided yet: start Quell there, and stop it when they are`;
  } finally {
    await connection.close();
  }
}

async function workOn(connection: Connection, tag: string) {
  const lead = await openQueue('lead', connection, tag, noted);
  const inbox = await openQueue('inbox', connection, tag, noted);
  const leading = await lead.getActiveCount();
  const waiting = await inbox.getJobCountByTypes('wait', 'active', 'delayed');
  await Promise.all([lead.close(), inbox.close()]);
  return { leading, waiting };
}

/** Whatever happens makes a command fail. */
function noted(): void {}
