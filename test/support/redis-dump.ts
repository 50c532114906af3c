/** All keys of a lane in Redis as JSON: what test/samples/redis/ has of earlier versions. */
import type { Redis } from 'ioredis';

/** Of each key, without the tag of the lane, what Redis has there. */
export type Dump = Readonly<Record<string, Value>> & { readonly lane: Hash };
type Hash = { readonly hash: Readonly<Record<string, string>> };
type Value =
  | { readonly string: string }
  | Hash
  | { readonly list: readonly string[] }
  /** Members with their scores. */
  | { readonly zset: readonly (readonly [string, string])[] };

export async function restoreDump(client: Redis, tag: string, dump: Dump): Promise<void> {
  for (const [name, value] of Object.entries(dump)) {
    const key = `${tag}:${name}`;
    if ('string' in value) await client.set(key, value.string);
    else if ('hash' in value) await client.hset(key, value.hash);
    else if ('list' in value) await client.rpush(key, ...value.list);
    else await client.zadd(key, ...value.zset.flatMap(([member, score]) => [score, member]));
  }
}
