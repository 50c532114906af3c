/**
 * The time that the shell around `decide` lives in: the real one, or one that a test moves.
 */
import type { Instant } from '../model.ts';

export interface Clock {
  now(): Instant;
  /** Calls back at `at`, or soon after; returns how to call it off. */
  wakeAt(at: Instant, callback: () => void): () => void;
}
