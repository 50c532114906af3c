/**
 * A seeded source of chance: the same seed gives the same recording on every machine.
 *
 * `fork` gives each part of the generator its own stream, so that changing how one kind of event is
 * made leaves all the others as they were.
 */

export interface Random {
  /** In [0, 1). */
  readonly next: () => number;
  /** A whole number from `min` to `max`, both included. */
  readonly int: (min: number, max: number) => number;
  readonly between: (min: number, max: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <T>(from: readonly T[]) => T;
  /** Many values near the median, few much larger ones; kept within the limits. */
  readonly skewed: (
    median: number,
    limits: { readonly min: number; readonly max: number },
  ) => number;
  readonly shuffle: <T>(items: readonly T[]) => T[];
  readonly fork: (name: string) => Random;
}

export function createRandom(seed: string): Random {
  const next = mulberry32(hash32(seed));
  const between = (min: number, max: number): number => min + next() * (max - min);
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    int,
    between,
    chance: (probability) => next() < probability,
    pick: (from) => {
      const item = from[Math.floor(next() * from.length)];
      if (item === undefined) throw new RangeError('pick from an empty list');
      return item;
    },
    skewed: (median, { min, max }) => {
      // The sum of three uniform values is close enough to a normal one, and exact everywhere.
      const normal = (next() + next() + next() - 1.5) * 2;
      const value = normal >= 0 ? median * (1 + normal * 1.5) : median / (1 - normal * 1.5);
      return Math.min(max, Math.max(min, value));
    },
    shuffle: (items) => {
      const out = [...items];
      for (let i = out.length - 1; i > 0; i -= 1) {
        const j = int(0, i);
        const a = out[i];
        const b = out[j];
        if (a === undefined || b === undefined) continue;
        out[i] = b;
        out[j] = a;
      }
      return out;
    },
    fork: (name) => createRandom(`${seed}/${name}`),
  };
}

/** FNV-1a. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
