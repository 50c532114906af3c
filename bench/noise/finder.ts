/**
 * Finds the firing that an alert in a message means: same labels, and the nearest start.
 */
import type { TruthFiring } from './truth.ts';

export type Finder = (key: string, startsAt: number) => TruthFiring | undefined;

/** A replica whose clock is off, and a tool that keeps whole seconds, are within this. */
const NEAR_MS = 20_000;

export function canonicalKey(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function createFinder(firings: readonly TruthFiring[]): Finder {
  const byKey = new Map<string, { readonly startsAt: number; readonly firing: TruthFiring }[]>();
  for (const firing of firings) {
    const key = canonicalKey(firing.labels);
    const entry = { startsAt: Date.parse(firing.startsAt), firing };
    const list = byKey.get(key);
    if (list === undefined) byKey.set(key, [entry]);
    else list.push(entry);
  }
  return (key, startsAt) => {
    let best: TruthFiring | undefined;
    let distance = NEAR_MS;
    for (const entry of byKey.get(key) ?? []) {
      const d = Math.abs(entry.startsAt - startsAt);
      if (d > distance) continue;
      distance = d;
      best = entry.firing;
    }
    return best;
  };
}
