/**
 * Services that depend on each other in a circle. Legal, but the cause among them is harder to tell.
 */
import type { Service } from './rules.ts';

type Services = ReadonlyMap<string, Pick<Service, 'name' | 'dependsOn'>>;

const SHOWN_MAX = 10;

/** One circle for each group that has any, as `[a, b, a]`. Linear but for the few that are shown. */
export function dependencyCycles(services: Services): readonly (readonly string[])[] {
  const left = withoutEnds(services);
  const found: (readonly string[])[] = [];
  const explained = new Set<string>();
  for (const name of left) {
    if (found.length >= SHOWN_MAX) break;
    if (explained.has(name)) continue;
    const cycle = shortestCycle(name, services, left);
    if (cycle === undefined) continue;
    for (const member of cycle) explained.add(member);
    found.push(cycle);
  }
  return found;
}

/** What remains when services that nobody calls, or that call nobody, are taken away again and again. */
function withoutEnds(services: Services): ReadonlySet<string> {
  const left = new Set(services.keys());
  const callers = new Map<string, string[]>();
  const callees = new Map<string, number>();
  for (const { name, dependsOn } of services.values()) {
    const known = dependsOn.filter((other) => services.has(other));
    callees.set(name, known.length);
    for (const other of known) callers.set(other, [...(callers.get(other) ?? []), name]);
  }
  const ends = [...left].filter((name) => callees.get(name) === 0);
  for (let name = ends.pop(); name !== undefined; name = ends.pop()) {
    left.delete(name);
    for (const caller of callers.get(name) ?? []) {
      const remaining = (callees.get(caller) ?? 0) - 1;
      callees.set(caller, remaining);
      if (remaining === 0) ends.push(caller);
    }
  }
  return left;
}

function shortestCycle(
  start: string,
  services: Services,
  among: ReadonlySet<string>,
): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  const waiting = [start];
  for (const name of waiting) {
    for (const next of services.get(name)?.dependsOn ?? []) {
      if (next === start) return [...pathTo(name, start, cameFrom), start];
      if (!among.has(next) || cameFrom.has(next)) continue;
      cameFrom.set(next, name);
      waiting.push(next);
    }
  }
  return undefined;
}

function pathTo(
  end: string,
  start: string,
  cameFrom: ReadonlyMap<string, string>,
): readonly string[] {
  const path = [end];
  for (let at = end; at !== start; ) {
    const before = cameFrom.get(at);
    if (before === undefined) break;
    path.unshift(before);
    at = before;
  }
  return path;
}
