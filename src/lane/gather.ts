/**
 * Group commit: whom the last write served are likely to come again at once, and to wait a moment for
 * all of them makes one write to the disk of several.
 *
 * It waits for as many as came lately and for no longer than a moment after a write, so what comes alone,
 * or after a pause, waits for nobody.
 */
import type { Clock } from './clock.ts';

export interface Gathering {
  /** Resolves when as many wait as are likely to come, or the moment is over. */
  enough(waiting: number): Promise<void>;
  /** So many wait now. */
  arrived(waiting: number): void;
  /** A write served so many, while so many others came. */
  written(served: number, waiting: number): void;
}

/** `momentMs`: 0 never waits. */
export function createGathering(clock: Clock, momentMs: number): Gathering {
  let expected = 0;
  let writtenAt = 0;
  let stop: (() => void) | undefined;
  return {
    async enough(waiting) {
      const since = clock.now() - writtenAt;
      // A clock that went back says nothing.
      if (waiting >= expected || since < 0 || since > momentMs) return;
      await new Promise<void>((resolve) => {
        const callOff = clock.wakeAt(clock.now() + momentMs, resolve);
        stop = () => {
          callOff();
          resolve();
        };
      });
      stop = undefined;
    },
    arrived(waiting) {
      if (waiting >= expected) stop?.();
    },
    written(served, waiting) {
      expected = momentMs === 0 ? 0 : served + waiting;
      writtenAt = clock.now();
    },
  };
}
