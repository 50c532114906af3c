/**
 * How far two failures are from each other in the dependency graph.
 */
import type { Platform } from './platform.ts';

export interface Spot {
  readonly root: string;
  readonly reach: readonly { readonly service: string }[];
}

/** Services that `service` calls, directly or through others, within so many calls. */
export function callees(platform: Platform, service: string, hopsMax: number): ReadonlySet<string> {
  const seen = new Map([[service, 0]]);
  for (const [name, hops] of seen) {
    if (hops === hopsMax) continue;
    for (const callee of platform.byName.get(name)?.dependsOn ?? []) {
      if (!seen.has(callee)) seen.set(callee, hops + 1);
    }
  }
  seen.delete(service);
  return new Set(seen.keys());
}

/** No service of one calls a service of the other within three calls, and they share none. */
export function unrelated(platform: Platform, a: Spot, b: Spot): boolean {
  const ofA = new Set([a.root, ...a.reach.map(({ service }) => service)]);
  const ofB = new Set([b.root, ...b.reach.map(({ service }) => service)]);
  for (const name of ofA) {
    if (ofB.has(name)) return false;
    for (const callee of callees(platform, name, 3)) if (ofB.has(callee)) return false;
  }
  for (const name of ofB)
    for (const callee of callees(platform, name, 3)) if (ofA.has(callee)) return false;
  return true;
}

/**
 * Two failures in connected parts that are still two: neither root depends on the other within three
 * calls, neither reaches the other's root, and most of what each reaches is its own.
 */
export function near(platform: Platform, a: Spot, b: Spot): boolean {
  if (callees(platform, a.root, 3).has(b.root) || callees(platform, b.root, 3).has(a.root))
    return false;
  const ofA = a.reach.map(({ service }) => service);
  const ofB = b.reach.map(({ service }) => service);
  if (a.root === b.root || ofA.includes(b.root) || ofB.includes(a.root)) return false;
  const shared = ofA.filter((name) => ofB.includes(name)).length;
  return shared * 2 <= Math.min(ofA.length, ofB.length);
}
