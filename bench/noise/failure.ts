/**
 * One failure and its spread: the failing service's own alerts, then those of its callers, hop by hop.
 *
 * Effects reach callers after 10-300 s. Some callers feel it without an alert of their own, and in
 * two failures of five the cause is noticed later than its effects, because its rule waits longer.
 */
import { check, FAULTS, levelInFailure, SYMPTOMS } from './checks.ts';
import type { Random } from './random.ts';
import {
  EVERYBODYS_TRANSACTION,
  type FireSpec,
  fire,
  type Happening,
  MINUTE,
  SECOND,
  tierOf,
  transactionId,
  type World,
} from './world.ts';

export interface FailureSpec {
  readonly root: string;
  readonly at: number;
  readonly durationMs: number;
  /** Users notice: functional alerts of tier 1 are critical. */
  readonly grave: boolean;
  /** Services that feel it: see `reachOf`. Empty: nobody but the root. */
  readonly reach: readonly Reached[];
  /** Services that another failure reaches at the same time: their symptoms belong to both. */
  readonly shared?: ReadonlyMap<string, string>;
  /** The root's alerts end then, the symptoms with `durationMs`. */
  readonly rootDurationMs?: number;
}

export interface Reached {
  readonly service: string;
  readonly hops: number;
  readonly delayMs: number;
  /** It passes the trouble on without an alert of its own. */
  readonly silent: boolean;
}

const PASSED_ON = [0.85, 0.55, 0.3, 0.15];

/** Which callers a failure of `root` reaches, and when. */
export function reachOf(world: World, root: string, random: Random, servicesMax = 12): Reached[] {
  const reached = new Map<string, Reached>();
  let frontier: Reached[] = [{ service: root, hops: 0, delayMs: 0, silent: false }];
  while (frontier.length > 0 && reached.size < servicesMax) {
    const next: Reached[] = [];
    for (const from of frontier) {
      const odds = PASSED_ON[from.hops] ?? 0;
      for (const caller of random.shuffle(world.platform.callers.get(from.service) ?? [])) {
        if (caller === root || reached.has(caller) || reached.size >= servicesMax) continue;
        if (!random.chance(odds)) continue;
        const to = {
          service: caller,
          hops: from.hops + 1,
          delayMs: Math.min(
            300 * SECOND,
            from.delayMs + random.skewed(35 * SECOND, { min: 10 * SECOND, max: 150 * SECOND }),
          ),
          silent: random.chance(0.12),
        };
        reached.set(caller, to);
        next.push(to);
      }
    }
    frontier = next;
  }
  return [...reached.values()];
}

export function failure(world: World, event: Happening, spec: FailureSpec, random: Random): void {
  const ids = transactionsOf(random);
  rootAlerts(world, event, spec, { random, ids });
  for (const reached of spec.reach) {
    if (!reached.silent) symptoms(world, event, spec, { reached, random, ids });
  }
}

function rootAlerts(
  world: World,
  event: Happening,
  spec: FailureSpec,
  { random, ids }: { readonly random: Random; readonly ids: readonly string[] },
): void {
  const fault = random.pick(FAULTS);
  const tier = tierOf(world, spec.root);
  const until = spec.at + (spec.rootDurationMs ?? spec.durationMs);
  const isLate = spec.reach.some(({ silent }) => !silent) && random.chance(0.4);
  const wait = isLate ? random.between(45, 240) * SECOND : 0;
  // The plainest check always finds it, two or three others mostly do, a little later.
  fault.own.forEach((name, i) => {
    if (i > 1 && !random.chance(0.6)) return;
    const found = check(name);
    const begin =
      spec.at + wait + (i === 0 ? random.between(0, 10) : random.between(5, 80)) * SECOND;
    const level = levelInFailure(found, tier, spec.grave);
    const hosts =
      found.kind === 'functional'
        ? [undefined]
        : world.platform.hostsOf(event.environment, spec.root);
    hosts.forEach((host, nth) => {
      if (nth > 0 && !random.chance(0.8)) return;
      fireWithFlicker(world, event, random, {
        service: spec.root,
        check: found,
        level,
        host,
        transactions: found.kind === 'functional' ? someIds(ids, random) : [],
        from: begin + nth * random.between(0, 40) * SECOND,
        to: until + random.between(0, 90) * SECOND,
      });
    });
  });
}

function symptoms(
  world: World,
  event: Happening,
  spec: FailureSpec,
  {
    reached,
    random,
    ids,
  }: { readonly reached: Reached; readonly random: Random; readonly ids: readonly string[] },
): void {
  const { service, hops, delayMs } = reached;
  const tier = tierOf(world, service);
  const names = random.shuffle(SYMPTOMS).slice(0, random.int(1, 3));
  const hosts = world.platform.hostsOf(event.environment, service);
  const ends = spec.at + spec.durationMs + hops * random.between(0, 120) * SECOND;
  for (const name of names) {
    const found = check(name);
    const begin = spec.at + delayMs + random.between(0, 60) * SECOND;
    for (const host of found.kind === 'functional' ? [undefined] : hosts) {
      fireWithFlicker(world, event, random, {
        service,
        check: found,
        level: levelInFailure(found, tier, spec.grave),
        host,
        transactions: found.kind === 'functional' ? someIds(ids, random) : [],
        from: begin + random.between(0, 20) * SECOND,
        to: Math.max(begin + MINUTE, ends + random.between(0, 60) * SECOND),
        alsoOf: spec.shared?.get(service),
      });
    }
  }
}

/** One alert in ten of a failure clears for a moment and comes back. */
function fireWithFlicker(world: World, event: Happening, random: Random, spec: FireSpec): void {
  const length = spec.to - spec.from;
  if (length < 8 * MINUTE || !random.chance(0.1)) {
    fire(world, event, spec);
    return;
  }
  const pause = spec.from + length * random.between(0.3, 0.7);
  fire(world, event, { ...spec, to: pause });
  fire(world, event, { ...spec, from: pause + random.between(60, 180) * SECOND });
}

/** A few requests that failed on their way through. */
function transactionsOf(random: Random): readonly string[] {
  return Array.from({ length: random.int(1, 3) }, () => transactionId(random));
}

function someIds(ids: readonly string[], random: Random): readonly string[] {
  if (random.chance(0.45)) return [];
  const some = [random.pick(ids)];
  if (random.chance(0.2)) some.push(transactionId(random));
  if (random.chance(0.05)) some.push(EVERYBODYS_TRANSACTION);
  return some;
}
