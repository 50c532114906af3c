/**
 * How a service splits alerts into lanes, as Redis remembers it: a field of its first lane, absent where
 * there is one lane only.
 */
import { LANE, type Split, WHOLE } from '../../split.ts';
import type { Connection } from './connection.ts';
import { laneTag } from './keys.ts';

/** No other split may be there, and no commit. */
const RECORD = `
if (redis.call('HGET', KEYS[1], 'split') or ARGV[1]) ~= ARGV[1] then return 0 end
if redis.call('HEXISTS', KEYS[1], 'version') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'split', ARGV[1])
return 1`;

export async function readSplit({ client, address }: Connection): Promise<Split> {
  const json = await client.hget(keyOf(address), 'split');
  // What `recordSplit` wrote.
  return json === null ? WHOLE : (JSON.parse(json) as Split);
}

/** False when there is a split, or state, already. */
export async function recordSplit({ client, address }: Connection, split: Split): Promise<boolean> {
  const { by, lanes } = split;
  return (await client.eval(RECORD, 1, keyOf(address), JSON.stringify({ by, lanes }))) === 1;
}

function keyOf({ prefix }: Connection['address']): string {
  return `${laneTag(prefix, LANE)}:lane`;
}
