/**
 * The service dependency graph, asked from one service outwards.
 *
 * Edges run from the caller to what it depends on: a failure travels against them, from a service to
 * its callers. No path leads through a hub (a service that very many call): it links everything with
 * everything. Answers are kept for each catalog, so that an alert costs look-ups only.
 */
import type { Catalog } from '../rules/rules.ts';

/** How many hops a cascade may climb from its root. */
export const CASCADE_HOPS = 5;
/** A limit on what one question may visit, for graphs that are one big knot. */
const VISITED_MAX = 2_000;

export interface Near {
  readonly service: string;
  readonly hops: number;
  /** `cause`: the asked one depends on it; `effect`: it depends on the asked one. */
  readonly side: 'cause' | 'effect';
  /** From the caller to what it depends on, both included. */
  readonly path: readonly string[];
}

interface Answers {
  readonly near: Map<string, readonly Near[]>;
  readonly callers: Map<string, ReadonlyMap<string, readonly string[]>>;
}

const answersOf = new WeakMap<Catalog, Answers>();

/** Services within `hops` along one direction, nearest first; without the service itself. */
export function nearby(
  catalog: Catalog,
  hubCallers: number,
  service: string,
  hops: number,
): readonly Near[] {
  const answers = answersFor(catalog);
  const key = `${hops} ${service}`;
  const kept = answers.near.get(key);
  if (kept !== undefined) return kept;
  const near: Near[] = [];
  for (const [name, path] of walk(catalog, hubCallers, service, hops, 'down')) {
    near.push({ service: name, hops: path.length - 1, side: 'cause', path });
  }
  for (const [name, path] of walk(catalog, hubCallers, service, hops, 'up')) {
    near.push({ service: name, hops: path.length - 1, side: 'effect', path: [...path].reverse() });
  }
  near.sort((one, other) => one.hops - other.hops || (one.service < other.service ? -1 : 1));
  answers.near.set(key, near);
  return near;
}

/**
 * Everything that a failure of `service` can reach, with the path from each caller down to it.
 * The service itself is not among them.
 */
export function callersOf(
  catalog: Catalog,
  hubCallers: number,
  service: string,
): ReadonlyMap<string, readonly string[]> {
  const answers = answersFor(catalog);
  const kept = answers.callers.get(service);
  if (kept !== undefined) return kept;
  const found = new Map<string, readonly string[]>();
  for (const [name, path] of walk(catalog, hubCallers, service, CASCADE_HOPS, 'up')) {
    found.set(name, [...path].reverse());
  }
  answers.callers.set(service, found);
  return found;
}

function answersFor(catalog: Catalog): Answers {
  const kept = answersOf.get(catalog);
  if (kept !== undefined) return kept;
  const answers: Answers = { near: new Map(), callers: new Map() };
  answersOf.set(catalog, answers);
  return answers;
}

/** Breadth first: the shortest path to each service within `hops`, starting at `from`. */
function walk(
  catalog: Catalog,
  hubCallers: number,
  from: string,
  hops: number,
  direction: 'up' | 'down',
): ReadonlyMap<string, readonly string[]> {
  const paths = new Map<string, readonly string[]>();
  let frontier: (readonly string[])[] = [[from]];
  for (let hop = 0; hop < hops && frontier.length > 0; hop++) {
    const next: (readonly string[])[] = [];
    for (const path of frontier) {
      const last = path[path.length - 1] ?? from;
      if (hop > 0 && (catalog.callers.get(last)?.length ?? 0) > hubCallers) continue;
      for (const name of stepsFrom(catalog, last, direction)) {
        if (name === from || paths.has(name) || paths.size >= VISITED_MAX) continue;
        const longer = [...path, name];
        paths.set(name, longer);
        next.push(longer);
      }
    }
    frontier = next;
  }
  return paths;
}

function stepsFrom(catalog: Catalog, service: string, direction: 'up' | 'down'): readonly string[] {
  const steps =
    direction === 'up' ? catalog.callers.get(service) : catalog.services.get(service)?.dependsOn;
  return steps ?? [];
}
