/**
 * Names in Redis: the keys of a lane, and texts from outside as parts of them.
 *
 *   {quell:default}:lane      hash    version, wakeAt, format; split, in the first lane of several
 *   {quell:default}:records   hash    state record -> JSON
 *   {quell:default}:changed   zset    state record -> version that changed it last; the newest only
 *   {quell:default}:outbox    hash    effect -> [version, index, effect]
 *   {quell:default}:jobs      zset    inbox job -> version that decided it; the newest only
 *   {quell:default}:history   zset    decisions in chunks, in order
 *   {quell:default}:index     zset    where the decisions and incidents of a service stand
 *   {quell:default}:closed    hash    closed incident -> JSON
 *   {quell:default}:instances zset    instance -> until when it counts; where there are several lanes
 *
 * What stands in braces is the hash tag: all keys of a lane lie on one node of a cluster, and one
 * script may change them together. BullMQ's queues of the lane have the same tag.
 */
import { createHash } from 'node:crypto';

/** In the order in which scripts get them. */
export const LANE_KEYS = [
  'lane',
  'records',
  'changed',
  'outbox',
  'jobs',
  'history',
  'index',
  'closed',
] as const;
export type LaneKey = (typeof LANE_KEYS)[number];

const PLAIN_NAME = /^[\w.-]{1,64}$/;

/** The hash tag of a lane: what its keys begin with, and its queues have as prefix. */
export function laneTag(prefix: string, lane: string): string {
  const name = PLAIN_NAME.test(lane)
    ? lane
    : `#${createHash('sha256').update(JSON.stringify(lane)).digest('hex').slice(0, 40)}`;
  return `{${prefix}:${name}}`;
}

export function laneKeys(tag: string): readonly string[] {
  return LANE_KEYS.map((key) => `${tag}:${key}`);
}

/** UTF-8 would make all lone surrogates the same. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A text as a field of a hash, or a member of a set: itself, unless it could not be told from another. */
export function fieldOf(text: string): string {
  return text.startsWith('#') || LONE_SURROGATE.test(text) ? `#${JSON.stringify(text)}` : text;
}

export function textOf(field: string): string {
  // A JSON string, written by `fieldOf`.
  return field.startsWith('#') ? (JSON.parse(field.slice(1)) as string) : field;
}
