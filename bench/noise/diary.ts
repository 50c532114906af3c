/**
 * Keeps incidents that are not meant to coincide apart: in time, or by what they touch.
 */
import type { Random } from './random.ts';
import { HOUR, MINUTE, type World } from './world.ts';

export interface Window {
  readonly services: readonly string[];
  readonly from: number;
  readonly to: number;
}
export interface Windows {
  /** Every Sunday, 02:00-04:00 London time, all `-db` services. */
  readonly weekly: readonly Window[];
  readonly once: readonly Window[];
}

export interface Diary {
  /** A moment at which nothing else happens to these services or their neighbours; undefined services: to all. */
  readonly reserve: (
    services: readonly string[] | undefined,
    lengthMs: number,
    random: Random,
  ) => number | undefined;
}

/** Longer than a message stays open for a re-fire. */
const APART_MS = 45 * MINUTE;

export function createDiary(world: World, windows: Windows): Diary {
  const taken: {
    readonly from: number;
    readonly to: number;
    readonly services: ReadonlySet<string> | undefined;
  }[] = [];
  const around = (services: readonly string[]): ReadonlySet<string> =>
    new Set(
      services.flatMap((name) => [
        name,
        ...(world.platform.byName.get(name)?.dependsOn ?? []),
        ...(world.platform.callers.get(name) ?? []),
      ]),
    );
  for (const { from, to, services } of [...windows.weekly, ...windows.once])
    taken.push({ from, to, services: around(services) });
  const collide = (
    a: ReadonlySet<string> | undefined,
    b: ReadonlySet<string> | undefined,
  ): boolean => {
    if (a === undefined || b === undefined) return true;
    for (const name of a) if (b.has(name)) return true;
    return false;
  };
  return {
    reserve: (services, lengthMs, random) => {
      const area = services === undefined ? undefined : around(services);
      for (let attempt = 0; attempt < 60; attempt += 1) {
        // Room for flapping before, and for the end of it before the recording ends.
        const from = random.between(world.from + 3 * HOUR, world.to - lengthMs - HOUR);
        const to = from + lengthMs;
        const free = taken.every(
          (other) =>
            from > other.to + APART_MS ||
            other.from > to + APART_MS ||
            !collide(area, other.services),
        );
        if (!free) continue;
        taken.push({ from, to, services: area });
        return from;
      }
      return undefined;
    },
  };
}
