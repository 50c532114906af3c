/**
 * What came and was told in the last minutes, by which a storm and a rush are seen. One small record, so that a
 * lane that is loaded in the middle of one goes on with it.
 */
import type { Instant } from '../model.ts';
import { keyOf } from './keys.ts';

export interface Lately {
  /** Instants of new episodes within the last minute, and of tellings, oldest first. */
  readonly episodes: Instant[];
  readonly tellings: { readonly at: Instant; readonly incident: string }[];
  /** When new alerts last came as fast as in a storm. */
  burstAt: Instant | undefined;
  /** When something first would have begun a storm. */
  stormSeenAt: Instant | undefined;
}

/** There is one of a lane. */
export const LATELY_KEY = keyOf('lately', '');

export function createLately(): Lately {
  return { episodes: [], tellings: [], burstAt: undefined, stormSeenAt: undefined };
}

/** As it is now. */
export function recordOfLately({ episodes, tellings, burstAt, stormSeenAt }: Lately): Lately {
  return { episodes: [...episodes], tellings: [...tellings], burstAt, stormSeenAt };
}

/** Of our own record. */
export function useLately(lately: Lately, record: unknown): void {
  const { episodes, tellings, burstAt, stormSeenAt } = record as Lately;
  lately.episodes.splice(0, Infinity, ...episodes);
  lately.tellings.splice(0, Infinity, ...tellings);
  lately.burstAt = burstAt;
  lately.stormSeenAt = stormSeenAt;
}
