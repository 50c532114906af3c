/**
 * The events that somebody must act on, one function for each kind.
 */
import { check, levelInFailure } from './checks.ts';
import { failure, type Reached } from './failure.ts';
import type { Environment } from './platform.ts';
import type { Random } from './random.ts';
import {
  fire,
  happen,
  type Happening,
  type HappeningSpec,
  MINUTE,
  SECOND,
  tierOf,
  transactionId,
  type World,
} from './world.ts';

/** Where and when: chosen by the schedule so that unplanned incidents stay apart. */
export interface Slot {
  readonly root: string;
  readonly at: number;
  readonly durationMs: number;
  readonly grave: boolean;
  readonly reach: readonly Reached[];
}

function production(kind: HappeningSpec['kind'], root: string | undefined): HappeningSpec {
  return { kind, actionable: true, environment: 'production', root };
}

export function cascade(world: World, slot: Slot, random: Random): void {
  failure(world, happen(world, production('cascade', slot.root)), slot, random);
}

/** The same failure in an environment where nobody must act. */
export function elsewhere(
  world: World,
  slot: Slot,
  environment: Environment,
  random: Random,
): void {
  const spec = { kind: 'non-production', actionable: false, environment, root: slot.root } as const;
  failure(world, happen(world, spec), slot, random);
}

export function single(world: World, slot: Slot, random: Random): void {
  failure(world, happen(world, production('single', slot.root)), { ...slot, reach: [] }, random);
}

/** Three to six minutes on a service that matters: over soon, but real. */
export function shortCritical(world: World, slot: Slot, random: Random): void {
  const event = happen(world, production('short-critical', slot.root));
  const durationMs = random.between(3, 6) * MINUTE;
  const until = slot.at + durationMs;
  const alert = (service: string, name: string, delayS: number, host?: string): void => {
    const found = check(name);
    const level = levelInFailure(found, tierOf(world, service), true);
    fire(world, event, {
      service,
      check: found,
      level,
      host,
      from: slot.at + delayS * SECOND,
      to: until,
    });
  };
  alert(slot.root, random.pick(['HighErrorRate', 'SyntheticCheckFailing', 'TransactionFailed']), 0);
  if (random.chance(0.5)) alert(slot.root, 'HighLatency', random.between(10, 60));
  if (random.chance(0.4)) {
    const host = random.pick(world.platform.hostsOf('production', slot.root));
    alert(
      slot.root,
      random.pick(['ThreadPoolExhausted', 'ProcessRestarting']),
      random.between(0, 60),
      host,
    );
  }
  for (const { service } of slot.reach.slice(0, random.int(0, 2))) {
    alert(service, random.pick(['HighErrorRate', 'DependencyTimeout']), random.between(20, 100));
  }
}

/** Two failures within two minutes. `connected`: callers that both reach belong to both. */
export function pair(
  world: World,
  slots: readonly [Slot, Slot],
  connected: boolean,
  random: Random,
): void {
  const kind = connected ? 'pair-connected' : 'pair-unrelated';
  const [a, b] = slots;
  const first = happen(world, production(kind, a.root));
  const second = happen(world, production(kind, b.root));
  const common = a.reach
    .map(({ service }) => service)
    .filter((name) => b.reach.some((it) => it.service === name));
  const sharedWith = (other: Happening): ReadonlyMap<string, string> =>
    new Map(common.map((service) => [service, other.id]));
  failure(world, first, { ...a, shared: sharedWith(second) }, random);
  failure(world, second, { ...b, shared: sharedWith(first) }, random);
}

/** A host fails and takes what runs on it along. */
export function hostFailure(world: World, host: string, at: number, random: Random): void {
  const event = happen(world, production('host', undefined));
  const until = at + random.skewed(30 * MINUTE, { min: 10 * MINUTE, max: 120 * MINUTE });
  const residents = world.platform.servicesOn(host);
  fire(world, event, {
    service: 'node',
    check: {
      name: 'NodeDown',
      kind: 'system',
      nature: 'outage',
      summary: 'Host {host} does not answer',
    },
    level: 'high',
    host,
    from: at + random.between(0, 45) * SECOND,
    to: until,
  });
  for (const service of residents) {
    for (const name of random
      .shuffle(['TargetDown', 'NetworkErrors', 'ProcessRestarting'])
      .slice(0, random.int(1, 2))) {
      const found = check(name);
      const level = found.nature === 'outage' ? 'high' : 'warning';
      fire(world, event, {
        service,
        check: found,
        level,
        host,
        from: at + random.between(0, 75) * SECOND,
        to: until + random.between(0, 90) * SECOND,
      });
    }
    if (!random.chance(0.25)) continue;
    fire(world, event, {
      service,
      check: check('HighLatency'),
      level: 'warning',
      from: at + random.between(20, 120) * SECOND,
      to: until,
    });
  }
}

/** Services without a path between them, joined by the requests that fail in all of them. */
export function transactionIncident(
  world: World,
  services: readonly string[],
  at: number,
  random: Random,
): void {
  const [root = ''] = services;
  const event = happen(world, production('transaction', root));
  const ids = Array.from({ length: random.int(1, 3) }, () => transactionId(random));
  const until = at + random.skewed(25 * MINUTE, { min: 10 * MINUTE, max: 60 * MINUTE });
  const [common = ''] = ids;
  services.forEach((service, i) => {
    const delay = i === 0 ? 0 : random.between(5, 180);
    for (const name of i === 0 ? ['TransactionFailed', 'HighErrorRate'] : ['TransactionFailed']) {
      const others = ids.slice(1).filter(() => random.chance(0.4));
      fire(world, event, {
        service,
        check: check(name),
        level: tierOf(world, service) === 1 ? 'high' : 'warning',
        transactions: random.shuffle([common, ...others]),
        from: at + (delay + random.between(0, 20)) * SECOND,
        to: until + random.between(0, 120) * SECOND,
      });
    }
  });
}

/** A check that came and went for an hour or two fails for good. */
export function flapOutage(world: World, slot: Slot, random: Random): void {
  const { root } = slot;
  const found = check('TargetDown');
  const level = levelInFailure(found, tierOf(world, root), true);
  const host = random.pick(world.platform.hostsOf('production', root));
  const flapping = happen(world, {
    kind: 'flapping',
    actionable: false,
    environment: 'production',
    root: undefined,
  });
  const outage = happen(world, production('flap-outage', root));
  // First the outage's own firing of that check, so that a flap cannot take its place.
  fire(world, outage, {
    service: root,
    check: found,
    level,
    host,
    from: slot.at,
    to: slot.at + slot.durationMs,
  });
  const period = random.between(6, 12) * MINUTE;
  for (let i = random.int(6, 14); i >= 1; i -= 1) {
    const from = slot.at - i * period + random.between(0, 60) * SECOND;
    // Tier 2 at most: a critical alert of a critical service must be told, whatever comes of it.
    fire(world, flapping, {
      service: root,
      check: found,
      level,
      host,
      from,
      to: from + random.between(60, 200) * SECOND,
    });
  }
  failure(world, outage, slot, random);
}

/** The cause is repaired, but something that depended on it stays broken. */
export function causeCleared(world: World, slot: Slot, random: Random): void {
  const rootDurationMs = random.between(10, 18) * MINUTE;
  const durationMs = rootDurationMs + random.between(20, 50) * MINUTE;
  const event = happen(world, production('cause-cleared', slot.root));
  const [lasting, ...others] = slot.reach.filter(({ silent }) => !silent);
  if (lasting === undefined) return failure(world, event, slot, random);
  failure(world, event, { ...slot, durationMs: rootDurationMs, reach: others }, random);
  const found = check('DependencyTimeout');
  const from = slot.at + lasting.delayMs;
  for (const it of [check('HighErrorRate'), found]) {
    fire(world, event, {
      service: lasting.service,
      check: it,
      level: levelInFailure(it, tierOf(world, lasting.service), slot.grave),
      from: from + random.between(0, 30) * SECOND,
      to: slot.at + durationMs,
    });
  }
}

/** An outage of a service that no catalog knows. */
export function unknownOutage(world: World, service: string, at: number, random: Random): void {
  const event = happen(world, production('unknown-outage', service));
  const until = at + random.between(15, 45) * MINUTE;
  for (const [name, level] of [
    ['HighErrorRate', 'critical'],
    ['SyntheticCheckFailing', 'critical'],
    ['HighLatency', 'warning'],
  ] as const) {
    fire(world, event, {
      service,
      check: check(name),
      level,
      from: at + random.between(0, 80) * SECOND,
      to: until,
    });
  }
}
