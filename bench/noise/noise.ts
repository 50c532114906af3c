/**
 * The events that nobody must act on, one function for each kind.
 */
import { BLIPS, type Check, check, type Level, levelInFailure } from './checks.ts';
import type { Environment } from './platform.ts';
import type { Random } from './random.ts';
import {
  DAY,
  EVERYBODYS_TRANSACTION,
  fire,
  happen,
  HOUR,
  MINUTE,
  SECOND,
  tierOf,
  transactionId,
  type World,
} from './world.ts';

/** One to four minutes, over by itself. Most stand alone; some come as a pair, some in a small cascade. */
export function transient(
  world: World,
  at: number,
  spec: {
    readonly environment: Environment;
    readonly kind: Check['kind'];
    readonly service?: string;
  },
  random: Random,
): number {
  const { environment } = spec;
  const actionable = false;
  const unknown = spec.service !== undefined;
  const kind = unknown ? 'unknown' : environment === 'production' ? 'transient' : 'non-production';
  const service = spec.service ?? random.pick(world.platform.services).name;
  const found = check(random.pick(BLIPS[spec.kind]));
  const level = blipLevel(found, tierOf(world, service), random);
  const event = happen(world, { kind, actionable, environment, root: undefined });
  const until = at + random.skewed(100 * SECOND, { min: 60 * SECOND, max: 240 * SECOND });
  const transactions = found.kind === 'functional' ? blipIds(random) : [];
  const hosts = world.platform.hostsOf(environment, service);
  const host = found.kind === 'system' && hosts.length > 0 ? random.pick(hosts) : undefined;
  const once = { service, check: found, level, transactions };
  let count = fire(world, event, { ...once, host, from: at, to: until }) ? 1 : 0;
  if (count === 0 || unknown) return count;

  const shape = random.next();
  if (shape < 0.05) {
    // The same on the service's other host.
    const other = hosts.find((it) => it !== host);
    if (host !== undefined && other !== undefined) {
      const from = at + random.between(0, 40) * SECOND;
      if (fire(world, event, { ...once, host: other, from, to: until })) count += 1;
    }
  } else if (shape < 0.09) {
    // Two kinds of check see the same hiccup.
    const second = check(random.pick(BLIPS[spec.kind]));
    const from = at + random.between(5, 50) * SECOND;
    const secondLevel = blipLevel(second, tierOf(world, service), random);
    if (fire(world, event, { ...once, check: second, level: secondLevel, host, from, to: until }))
      count += 1;
  } else if (shape < 0.11) {
    // A caller or two feel it.
    for (const caller of random.shuffle(world.platform.callers.get(service) ?? []).slice(0, 2)) {
      const from = at + random.between(15, 60) * SECOND;
      const felt = check(random.pick(['HighLatency', 'DependencyTimeout']));
      if (
        fire(world, event, {
          ...once,
          service: caller,
          check: felt,
          level: 'warning',
          from,
          to: until + 15 * SECOND,
        })
      )
        count += 1;
    }
  }
  return count;
}

/** Mostly warnings. A critical alert of a critical service is real: see `criticalBlip`. */
function blipLevel(found: Check, tier: number, random: Random): Level {
  if (found.nature !== 'outage') return random.chance(0.12) ? 'info' : 'warning';
  if (tier === 1) return random.chance(0.1) ? 'high' : 'warning';
  if (tier === 2) return random.chance(0.15) ? 'high' : 'warning';
  return random.chance(0.1) ? 'critical' : 'warning';
}

function blipIds(random: Random): readonly string[] {
  if (random.chance(0.6)) return [];
  if (random.chance(0.1)) return [EVERYBODYS_TRANSACTION];
  return [transactionId(random)];
}

/** A critical alert of a critical service that was nothing: rare, and no tool can know. */
export function criticalBlip(world: World, service: string, at: number, random: Random): void {
  const event = happen(world, {
    kind: 'transient',
    actionable: false,
    environment: 'production',
    root: undefined,
  });
  const host = random.pick(world.platform.hostsOf('production', service));
  const to = at + random.between(60, 100) * SECOND;
  fire(world, event, {
    service,
    check: check('TargetDown'),
    level: 'critical',
    host,
    from: at,
    to,
  });
}

/** Six to forty times over hours. */
export function flapping(
  world: World,
  environment: Environment,
  at: number,
  random: Random,
): number {
  const kind = environment === 'production' ? 'flapping' : 'non-production';
  const event = happen(world, { kind, actionable: false, environment, root: undefined });
  const service = random.pick(world.platform.services).name;
  const kindOfCheck = random.chance(0.6) ? 'system' : 'functional';
  const found = check(random.pick(BLIPS[kindOfCheck]));
  const level = blipLevel(found, tierOf(world, service), random);
  const host =
    kindOfCheck === 'system'
      ? random.pick(world.platform.hostsOf(environment, service))
      : undefined;
  const transactional = found.name === 'TransactionFailed';
  const times = Math.round(random.skewed(14, { min: 6, max: 40 }));
  const period = random.between(3.5, 20) * MINUTE;
  let count = 0;
  for (let i = 0; i < times; i += 1) {
    const from = at + i * period + random.between(0, 0.2) * period;
    const to = from + Math.min(random.between(0.2, 0.7) * period, 7 * MINUTE);
    const transactions = transactional ? [transactionId(random)] : [];
    if (fire(world, event, { service, check: found, level, host, transactions, from, to }))
      count += 1;
  }
  return count;
}

/** Low in severity, and there for days. */
export function chronic(world: World, at: number, random: Random): number {
  const event = happen(world, {
    kind: 'chronic',
    actionable: false,
    environment: 'production',
    root: undefined,
  });
  const low = world.platform.services.filter(({ tier }) => tier === 3);
  const warns = low.length > 0 && random.chance(0.3);
  const service = random.pick(warns ? low : world.platform.services).name;
  const found = check(
    random.pick(['DiskFillingUp', 'InodesLow', 'CertificateExpires', 'BackupMissing', 'ClockSkew']),
  );
  const to = at + random.between(1, 5) * DAY;
  let count = 0;
  for (const host of world.platform.hostsOf('production', service).slice(0, random.int(1, 2))) {
    const from = at + random.between(0, 30) * MINUTE;
    if (
      fire(world, event, {
        service,
        check: found,
        level: warns ? 'warning' : 'info',
        host,
        from,
        to,
      })
    )
      count += 1;
  }
  return count;
}

/** What the people who planned the window expect: restarts and lag of the services in it. */
export function maintenance(
  world: World,
  services: readonly string[],
  window: { readonly from: number; readonly to: number },
  random: Random,
): void {
  const event = happen(world, {
    kind: 'maintenance',
    actionable: false,
    environment: 'production',
    root: undefined,
  });
  for (const service of services) {
    for (const host of world.platform.hostsOf('production', service)) {
      for (const name of ['TargetDown', 'ProcessRestarting', 'ReplicationLag']) {
        if (!random.chance(0.7)) continue;
        const from = random.between(window.from + 3 * MINUTE, window.to - 40 * MINUTE);
        const found = check(name);
        const level = levelInFailure(found, tierOf(world, service), true);
        fire(world, event, {
          service,
          check: found,
          level,
          host,
          from,
          to: from + random.between(2, 30) * MINUTE,
        });
      }
    }
  }
}

/** The work takes longer than planned: from the window's end on, somebody must know. */
export function maintenanceOverrun(
  world: World,
  service: string,
  window: { readonly from: number; readonly to: number },
  random: Random,
): void {
  const event = happen(world, {
    kind: 'maintenance-overrun',
    actionable: true,
    environment: 'production',
    root: service,
    mutedUntil: window.to,
  });
  const from = window.to - 25 * MINUTE;
  const to = window.to + 40 * MINUTE;
  for (const name of ['TargetDown', 'ConnectionPoolExhausted']) {
    const found = check(name);
    const level = levelInFailure(found, tierOf(world, service), true);
    for (const host of world.platform.hostsOf('production', service)) {
      fire(world, event, {
        service,
        check: found,
        level,
        host,
        from: from + random.between(0, 60) * SECOND,
        to,
      });
    }
  }
}

/** More by day than by night; one in twenty falls into the quarter of an hour after a deployment. */
export function momentOfDay(dayStart: number, random: Random): number {
  if (random.chance(0.05))
    return dayStart + random.pick([10, 14, 16]) * HOUR + random.between(0, 15) * MINUTE;
  for (;;) {
    const hour = random.between(0, 24);
    const busy = hour >= 8 && hour < 20 ? 1 : 0.55;
    if (random.chance(busy)) return dayStart + hour * HOUR;
  }
}
