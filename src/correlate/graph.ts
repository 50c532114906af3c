/**
 * The service dependency graph, asked from one service outwards.
 *
 * Edges run from the caller to what it depends on: a failure travels against them, from a service to
 * its callers. No path leads through a hub (a service that very many call): it links everything with
 * everything. Answers are kept for each catalog, so that an alert costs look-ups only.
 */
import type { Catalog, Rules } from '../rules/rules.ts';

/** How many hops a cascade may climb from its root. */
const CASCADE_HOPS = 5;
/** A limit on what one question may visit, for graphs that are one big knot. */
const VISITED_MAX = 500;

/** Who calls whom, and from how many callers on a service is a hub. */
export type Graph = Pick<Rules, 'catalog' | 'hubCallers'>;

export interface Near {
  readonly service: string;
  readonly hops: number;
  /** `cause`: the asked one depends on it; `effect`: it depends on the asked one. */
  readonly side: 'cause' | 'effect';
  /** From the caller to what it depends on, both included. */
  readonly path: readonly string[];
}

interface Answers {
  kept: number;
  readonly near: Map<string, readonly Near[]>;
  readonly callers: Map<string, Callers>;
}

/** Each service that a failure can reach, with the next service on the way down to where it began. */
export type Callers = ReadonlyMap<string, string>;

/** Services named in all kept answers together; then all are forgotten and asked anew. */
const KEPT_MAX = 100_000;

const answersOf = new WeakMap<Catalog, Answers>();

/** Services within `hops` along one direction, nearest first; without the service itself. */
export function nearby(graph: Graph, service: string, hops: number): readonly Near[] {
  if (isAlone(graph.catalog, service)) return NOTHING_NEAR;
  const answers = answersFor(graph.catalog);
  const { near } = answers;
  const key = `${hops} ${service}`;
  const kept = near.get(key);
  if (kept !== undefined) return kept;
  const causes = walk(graph, service, hops, 'down');
  const effects = walk(graph, service, hops, 'up');
  const found: Near[] = [];
  for (const name of causes.keys())
    found.push(nearOf(name, 'cause', pathTo(causes, service, name).reverse()));
  for (const name of effects.keys())
    found.push(nearOf(name, 'effect', pathTo(effects, service, name)));
  found.sort((one, other) => one.hops - other.hops || (one.service < other.service ? -1 : 1));
  keep(answers, near, key, found, found.length);
  return found;
}

/** Everything that a failure of `service` can reach, within CASCADE_HOPS; not the service itself. */
export function callersOf(graph: Graph, service: string): Callers {
  if (isAlone(graph.catalog, service)) return NO_CALLERS;
  const answers = answersFor(graph.catalog);
  const { callers } = answers;
  const kept = callers.get(service);
  if (kept !== undefined) return kept;
  const found = walk(graph, service, CASCADE_HOPS, 'up');
  keep(answers, callers, service, found, found.size);
  return found;
}

const NOTHING_NEAR: readonly Near[] = [];
const NO_CALLERS: Callers = new Map();

/** The graph does not know it. Nothing is kept of it: there may be ever new ones. */
function isAlone({ services, callers }: Catalog, service: string): boolean {
  return !services.has(service) && !callers.has(service);
}

/** Somebody said what it depends on, or that something depends on it. */
export function isInGraph(catalog: Catalog, service: string): boolean {
  const dependsOn = catalog.services.get(service)?.dependsOn;
  return (dependsOn !== undefined && dependsOn.length > 0) || catalog.callers.has(service);
}

/** From `name` step by step to `from`, both included. */
export function pathTo(steps: ReadonlyMap<string, string>, from: string, name: string): string[] {
  const path = [name];
  for (
    let at = steps.get(name);
    at !== undefined && path.length <= CASCADE_HOPS;
    at = steps.get(at)
  ) {
    path.push(at);
    if (at === from) break;
  }
  return path;
}

function nearOf(service: string, side: Near['side'], path: readonly string[]): Near {
  return { service, hops: path.length - 1, side, path };
}

function keep<T>(
  answers: Answers,
  kind: Map<string, T>,
  key: string,
  answer: T,
  size: number,
): void {
  if (answers.kept + size > KEPT_MAX) {
    answers.near.clear();
    answers.callers.clear();
    answers.kept = 0;
  }
  answers.kept += size + 1;
  kind.set(key, answer);
}

function answersFor(catalog: Catalog): Answers {
  const kept = answersOf.get(catalog);
  if (kept !== undefined) return kept;
  const answers: Answers = { kept: 0, near: new Map(), callers: new Map() };
  answersOf.set(catalog, answers);
  return answers;
}

/** Breadth first: each service within `hops`, with the step that leads back towards `from`. */
function walk(
  { catalog, hubCallers }: Graph,
  from: string,
  hops: number,
  direction: 'up' | 'down',
): ReadonlyMap<string, string> {
  const steps = new Map<string, string>();
  let frontier: readonly string[] = [from];
  for (let hop = 0; hop < hops && frontier.length > 0; hop++) {
    const next: string[] = [];
    for (const at of frontier) {
      if (hop > 0 && (catalog.callers.get(at)?.length ?? 0) > hubCallers) continue;
      for (const name of stepsFrom(catalog, at, direction)) {
        if (name === from || steps.has(name) || steps.size >= VISITED_MAX) continue;
        steps.set(name, at);
        next.push(name);
      }
    }
    frontier = next;
  }
  return steps;
}

function stepsFrom(catalog: Catalog, service: string, direction: 'up' | 'down'): readonly string[] {
  const steps =
    direction === 'up' ? catalog.callers.get(service) : catalog.services.get(service)?.dependsOn;
  return steps ?? [];
}
