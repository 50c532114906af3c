/**
 * Services that depend on each other in a circle: the strongly connected parts of the graph, found by
 * Tarjan's algorithm (SIAM J. Comput. 1(2), 1972), in time linear in services and dependencies.
 */
import type { Catalog } from '../rules.ts';

/** One circle of each part that has any, a shortest one through the service that is named first. */
export function circlesOf({ services }: Catalog): readonly (readonly string[])[] {
  return partsOf(services)
    .filter((part) => part.length > 1)
    .map((part) => {
      const members = new Set(part);
      const first = [...services.keys()].find((name) => members.has(name)) ?? '';
      return shortestThrough(first, members, services);
    });
}

type Services = Catalog['services'];

interface Visit {
  readonly name: string;
  readonly index: number;
  /** The earliest visit that it leads back to. */
  low: number;
  /** How many of its dependencies were followed. */
  followed: number;
  /** False once its part is known. */
  open: boolean;
}

/** With a stack of its own: a chain of thousands of services must not exhaust the machine's. */
function partsOf(services: Services): readonly (readonly string[])[] {
  const visits = new Map<string, Visit>();
  const parts: string[][] = [];
  const path: Visit[] = [];
  const open: Visit[] = [];
  const enter = (name: string): void => {
    const visit = { name, index: visits.size, low: visits.size, followed: 0, open: true };
    visits.set(name, visit);
    path.push(visit);
    open.push(visit);
  };
  for (const root of services.keys()) {
    if (!visits.has(root)) enter(root);
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const next = services.get(visit.name)?.dependsOn[visit.followed++];
      if (next !== undefined) {
        const known = visits.get(next);
        if (known === undefined) enter(next);
        else if (known.open) visit.low = Math.min(visit.low, known.index);
        continue;
      }
      path.pop();
      const caller = path.at(-1);
      if (caller !== undefined) caller.low = Math.min(caller.low, visit.low);
      if (visit.low === visit.index) parts.push(closeAt(visit, open));
    }
  }
  return parts;
}

function closeAt(visit: Visit, open: Visit[]): string[] {
  const part: string[] = [];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    one.open = false;
    part.push(one.name);
    if (one === visit) break;
  }
  return part;
}

function shortestThrough(
  first: string,
  members: ReadonlySet<string>,
  services: Services,
): readonly string[] {
  const cameFrom = new Map<string, string>();
  const waiting = [first];
  for (const name of waiting) {
    for (const next of services.get(name)?.dependsOn ?? []) {
      if (next === first) return wayTo(name, cameFrom);
      if (!members.has(next) || cameFrom.has(next)) continue;
      cameFrom.set(next, name);
      waiting.push(next);
    }
  }
  return [first];
}

function wayTo(last: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const way = [last];
  for (let at = cameFrom.get(last); at !== undefined; at = cameFrom.get(at)) way.unshift(at);
  return way;
}
