/**
 * A storm: over 2,000 alerts within five minutes, of which people need one message.
 */
import { check, levelInFailure, SYSTEM_CHECKS } from './checks.ts';
import type { PlatformService } from './platform.ts';
import type { Random } from './random.ts';
import { fire, happen, MINUTE, SECOND, tierOf, type World } from './world.ts';

const STORM_ALERTS = 2_200;

/** All checks of everything that depends on `root`, or of everything. */
export function storm(
  world: World,
  root: PlatformService | undefined,
  at: number,
  random: Random,
): void {
  const event = happen(world, {
    kind: 'storm',
    actionable: true,
    environment: 'production',
    root: root?.name,
  });
  const until = at + random.between(20, 40) * MINUTE;
  const services =
    root === undefined
      ? random.shuffle(world.platform.services.map(({ name }) => name))
      : [root.name, ...dependants(world, root.name)];
  const checks = SYSTEM_CHECKS.filter(({ nature }) => nature !== 'upkeep');
  let count = 0;
  const alert = (service: string, name: string, component: string, host?: string): void => {
    const found = check(name);
    const level = levelInFailure(found, tierOf(world, service), true);
    const late = service === services[0] ? 0 : random.between(5, 170);
    const from = at + (late + random.between(0, 90)) * SECOND;
    const to = until + random.between(0, 180) * SECOND;
    if (fire(world, event, { service, check: found, level, host, component, from, to })) count += 1;
  };
  // As many parts of each service as it takes: thread pools, mounts, topics.
  for (const component of ['a', 'b', 'c', 'd', 'e', 'f']) {
    for (const service of services) {
      if (count >= STORM_ALERTS) return;
      for (const { name } of checks) {
        for (const host of world.platform.hostsOf('production', service))
          alert(service, name, component, host);
      }
      for (const name of [
        'HighErrorRate',
        'HighLatency',
        'SyntheticCheckFailing',
        'DependencyTimeout',
      ]) {
        alert(service, name, component);
      }
    }
  }
}

function dependants(world: World, root: string): string[] {
  const seen = new Set<string>([root]);
  // The set grows while it is walked: callers, their callers, and so on, the nearest first.
  for (const service of seen)
    for (const caller of world.platform.callers.get(service) ?? []) seen.add(caller);
  seen.delete(root);
  return [...seen];
}

/** The service on which the most others depend, directly or not. */
export function mostCalled(world: World): PlatformService {
  const reachable = world.platform.services.map((service) => {
    const seen = new Set([service.name]);
    for (const name of seen)
      for (const caller of world.platform.callers.get(name) ?? []) seen.add(caller);
    return { service, count: seen.size };
  });
  const [best] = reachable.sort((a, b) => b.count - a.count);
  if (best === undefined) throw new RangeError('a platform without services');
  return best.service;
}
