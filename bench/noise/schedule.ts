/**
 * How often each kind of event happens, and when.
 *
 * Incidents come first, and those that are not meant to coincide keep apart: in time, or by a
 * distance in the graph. Then the noise that has a shape of its own; transients fill the rest, up
 * to the wanted number of system and functional firings a day.
 */
import {
  cascade,
  causeCleared,
  elsewhere,
  flapOutage,
  hostFailure,
  pair,
  shortCritical,
  single,
  type Slot,
  transactionIncident,
  unknownOutage,
} from './incidents.ts';
import { reachOf } from './failure.ts';
import {
  chronic,
  criticalBlip,
  flapping,
  maintenance,
  maintenanceOverrun,
  momentOfDay,
  transient,
} from './noise.ts';
import { createDiary, type Diary, type Windows } from './diary.ts';
import { near, unrelated } from './distance.ts';
import { mostCalled, storm } from './storm.ts';
import { ENVIRONMENTS, type Environment, type PlatformService } from './platform.ts';
import type { Random } from './random.ts';
import { DAY, HOUR, MINUTE, SECOND, type World } from './world.ts';

/** Events a day on a platform of 45 services; larger ones have more, by the square root. */
const INCIDENTS_A_DAY = {
  cascade: 1.15,
  single: 0.4,
  short: 0.3,
  pairUnrelated: 0.15,
  pairConnected: 0.15,
  host: 0.2,
  transaction: 0.25,
  flapOutage: 0.12,
  causeCleared: 0.15,
  unknown: 0.08,
} as const;
const STORMS_A_DAY = 0.1;
const CRITICAL_BLIPS_A_DAY = 0.1;
const NOISE_A_DAY = {
  elsewhere: 1.6,
  flapping: 5,
  flappingElsewhere: 2.5,
  chronic: 1.5,
  unknown: 7,
} as const;
/** As many firings a day as the mission's platform had. */
const FIRINGS_A_DAY = { system: 380, functional: 255 } as const;

export function fillSchedule(world: World, windows: Windows): void {
  const days = (world.to - world.from) / DAY;
  const scale = Math.sqrt(world.platform.services.length / 45);
  const counts = (perDay: number, random: Random): number =>
    Math.floor(perDay * days * scale + random.next());
  planIncidents(world, windows, counts);
  planShapedNoise(world, windows, counts);
  for (let day = 0; day < days; day += 1) fillDay(world, world.from + day * DAY, scale, day);
}

type Times = (perDay: number, act: (random: Random) => void) => void;
type Count = (perDay: number, random: Random) => number;

function planIncidents(world: World, windows: Windows, count: Count): void {
  const random = world.random.fork('incidents');
  const diary = createDiary(world, windows);
  const times: Times = (perDay, act) => {
    const n = count(perDay, random);
    for (let i = 0; i < n; i += 1) act(random.fork(`${perDay}/${i}`));
  };
  // The rare and large ones first: they need the most room.
  planStorms(world, diary, random);
  planPairs(world, diary, times);
  planWidespread(world, diary, times);
  const slotted = (
    perDay: number,
    act: (slot: Slot, random: Random) => void,
    wanted: Wanted,
  ): void => {
    times(perDay, (own) => {
      const slot = findSlot(world, diary, own, wanted);
      if (slot !== undefined) act(slot, own);
    });
  };
  slotted(INCIDENTS_A_DAY.causeCleared, (slot, own) => causeCleared(world, slot, own), {
    grave: true,
    spreads: true,
  });
  slotted(INCIDENTS_A_DAY.flapOutage, (slot, own) => flapOutage(world, slot, own), {
    grave: true,
    tier: 2,
  });
  slotted(INCIDENTS_A_DAY.short, (slot, own) => shortCritical(world, slot, own), {
    grave: true,
    tier: 1,
  });
  slotted(INCIDENTS_A_DAY.single, (slot, own) => single(world, slot, own), { quiet: true });
  slotted(
    INCIDENTS_A_DAY.cascade,
    (slot, own) => {
      cascade(world, slot, own);
      // Sometimes the other environments have the same trouble.
      if (own.chance(0.2))
        elsewhere(world, { ...slot, at: slot.at + own.between(0, 120) * SECOND }, 'staging', own);
    },
    { spreads: true },
  );
}

/** Incidents that no single service's failure explains. */
function planWidespread(world: World, diary: Diary, times: Times): void {
  times(INCIDENTS_A_DAY.host, (own) => {
    const host = own.pick(world.platform.hosts('production'));
    const at = diary.reserve(world.platform.servicesOn(host), HOUR, own);
    if (at !== undefined) hostFailure(world, host, at, own);
  });
  times(INCIDENTS_A_DAY.transaction, (own) => {
    const services = strangers(world, own.int(3, 5), own);
    const at = diary.reserve(services, HOUR, own);
    if (at !== undefined && services.length >= 3) transactionIncident(world, services, at, own);
  });
  times(INCIDENTS_A_DAY.unknown, (own) => {
    const at = diary.reserve([], HOUR, own);
    if (at !== undefined) unknownOutage(world, own.pick(UNKNOWN_SERVICES), at, own);
  });
}

function planStorms(world: World, diary: Diary, random: Random): void {
  const days = (world.to - world.from) / DAY;
  if (days < 2) return;
  for (let i = Math.max(1, Math.round(STORMS_A_DAY * days)); i > 0; i -= 1) {
    const own = random.fork(`storm/${i}`);
    const at = diary.reserve(undefined, 2 * HOUR, own);
    const root = own.chance(0.5) ? mostCalled(world) : undefined;
    if (at !== undefined) storm(world, root, at, own);
  }
}

function planPairs(world: World, diary: Diary, times: Times): void {
  for (const connected of [false, true]) {
    times(connected ? INCIDENTS_A_DAY.pairConnected : INCIDENTS_A_DAY.pairUnrelated, (own) => {
      for (let attempt = 0; attempt < 60; attempt += 1) {
        const a = shape(world, own, {});
        const b = shape(world, own, {});
        if (a === undefined || b === undefined) continue;
        const apart = unrelated(world.platform, a, b);
        const fits = connected ? !apart && near(world.platform, a, b) : apart;
        if (!fits) continue;
        const services = [a, b].flatMap((it) => [
          it.root,
          ...it.reach.map(({ service }) => service),
        ]);
        const at = diary.reserve(services, HOUR, own);
        if (at === undefined) return;
        const other = at + own.between(0, 120) * SECOND;
        pair(
          world,
          [
            { ...a, at },
            { ...b, at: other },
          ],
          connected,
          own,
        );
        return;
      }
    });
  }
}

function planShapedNoise(world: World, windows: Windows, count: Count): void {
  const random = world.random.fork('noise');
  const moment = (): number =>
    momentOfDay(
      world.from + DAY * Math.floor(random.between(0, (world.to - world.from) / DAY)),
      random,
    );
  const repeat = (perDay: number, act: () => void): void => {
    for (let n = count(perDay, random); n > 0; n -= 1) act();
  };
  for (const window of windows.weekly) maintenance(world, window.services, window, random);
  for (const window of windows.once) {
    maintenance(world, window.services, window, random);
    const [late] = window.services;
    if (late !== undefined) maintenanceOverrun(world, late, window, random);
  }
  repeat(CRITICAL_BLIPS_A_DAY, () =>
    criticalBlip(world, random.pick(ofTier(world, 1)).name, moment(), random),
  );
  repeat(NOISE_A_DAY.elsewhere, () => {
    const slot = shape(world, random, {});
    const environment: Environment = random.pick(['staging', 'test']);
    if (slot !== undefined) elsewhere(world, { ...slot, at: moment() }, environment, random);
  });
  repeat(NOISE_A_DAY.flapping, () => flapping(world, 'production', moment(), random));
  repeat(NOISE_A_DAY.flappingElsewhere, () =>
    flapping(world, random.pick(['staging', 'test']), moment(), random),
  );
  repeat(NOISE_A_DAY.chronic, () => chronic(world, moment(), random));
  repeat(NOISE_A_DAY.unknown, () => {
    const kind = random.chance(0.5) ? 'system' : 'functional';
    transient(
      world,
      moment(),
      { environment: 'production', kind, service: random.pick(UNKNOWN_SERVICES) },
      random,
    );
  });
}

/** Transients until the day has the wanted number of firings of each kind. */
function fillDay(world: World, start: number, scale: number, day: number): void {
  const storms = new Set(
    world.happenings.filter(({ kind }) => kind === 'storm').map(({ id }) => id),
  );
  for (const kind of ['system', 'functional'] as const) {
    const random = world.random.fork(`transients/${day}/${kind}`);
    const wanted = Math.round(FIRINGS_A_DAY[kind] * scale * random.between(0.88, 1.12));
    let have = world.firings.filter(
      (it) =>
        it.check.kind === kind &&
        it.from >= start &&
        it.from < start + DAY &&
        !it.events.some((id) => storms.has(id)),
    ).length;
    for (let guard = 0; have < wanted && guard < wanted * 3; guard += 1) {
      const environment = random.chance(0.55) ? 'production' : random.pick(ENVIRONMENTS);
      have += transient(world, momentOfDay(start, random), { environment, kind }, random);
    }
  }
}

interface Wanted {
  readonly grave?: boolean;
  readonly tier?: number;
  /** At least one caller must notice. */
  readonly spreads?: boolean;
  /** Nobody but the root notices. */
  readonly quiet?: boolean;
}

function shape(world: World, random: Random, wanted: Wanted): Omit<Slot, 'at'> | undefined {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const service = random.pick(
      wanted.tier === undefined ? world.platform.services : ofTier(world, wanted.tier),
    );
    const grave = wanted.grave ?? random.chance(0.6);
    const reach = wanted.quiet === true ? [] : reachOf(world, service.name, random);
    const isNoticed = reach.some(({ silent }) => !silent);
    // What nobody else notices of a tier 3 service can wait.
    if (!isNoticed && (wanted.spreads === true || service.tier === 3)) continue;
    const durationMs = random.skewed(32 * MINUTE, { min: 9 * MINUTE, max: 150 * MINUTE });
    return { root: service.name, durationMs, grave, reach };
  }
  return undefined;
}

function findSlot(world: World, diary: Diary, random: Random, wanted: Wanted): Slot | undefined {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const found = shape(world, random, wanted);
    if (found === undefined) continue;
    const services = [found.root, ...found.reach.map(({ service }) => service)];
    const at = diary.reserve(services, found.durationMs + 30 * MINUTE, random);
    if (at !== undefined) return { ...found, at };
  }
  return undefined;
}

/** Services without a dependency path of three calls or less between any two. */
function strangers(world: World, count: number, random: Random): string[] {
  const found: string[] = [];
  for (const { name, tier } of random.shuffle(world.platform.services)) {
    if (tier === 3) continue;
    const candidate = { root: name, reach: [] };
    if (found.every((other) => unrelated(world.platform, candidate, { root: other, reach: [] })))
      found.push(name);
    if (found.length === count) break;
  }
  return found;
}

function ofTier(world: World, tier: number): readonly PlatformService[] {
  return world.platform.services.filter((service) => service.tier === tier);
}

const UNKNOWN_SERVICES = [
  'nightly-export',
  'legacy-cms',
  'cron-runner',
  'data-lake-loader',
  'intranet-wiki',
  'print-bridge',
];
