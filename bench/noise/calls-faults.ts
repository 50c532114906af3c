/**
 * What goes wrong in the third world, and what only looks like it: each bends the mechanics for a while,
 * and knows what is at fault. None says which alerts follow.
 */
import type { Kind, Platform, Service } from './calls-platform.ts';
import { CERTIFICATES, JOBS } from './calls-infra.ts';
import { at, type Bend, STEPS_A_MINUTE } from './calls-state.ts';
import type { Random } from './random.ts';

/** What one occurrence does, from its first step (0) to its last. */
export interface Trouble {
  /** The service, node or third party at fault; of none where it is the network. */
  readonly root: string | undefined;
  readonly bend: (bend: Bend, step: number) => void;
}
export interface Place {
  readonly platform: Platform;
  readonly random: Random;
  readonly steps: number;
  readonly staging: boolean;
}
type Make = (place: Place) => Trouble;

function pick(
  { platform, random, staging }: Place,
  kinds: readonly Kind[],
  also: (it: Service) => boolean = () => true,
): Service {
  return random.pick(
    platform.services.filter((it) => kinds.includes(it.kind) && it.staging === staging && also(it)),
  );
}

/** A trouble that bends one figure of one service. */
function bent(
  it: Service,
  field: keyof Bend['services'],
  value: number | ((step: number) => number),
): Trouble {
  return {
    root: it.name,
    bend: (bend, step) => {
      bend.services[field][it.index] = typeof value === 'number' ? value : value(step);
    },
  };
}

function podsOf({ firstPod, replicas }: Service): number[] {
  return Array.from({ length: replicas }, (_, i) => firstPod + i);
}

const ROLLOUT_STEPS = 5;

/** New pods one after the other; those that are new already fail as `fail` says. */
function rollout(it: Service, fail: number, back: number): Trouble {
  return {
    root: it.name,
    bend: (bend, step) => {
      for (const [i, p] of podsOf(it).entries()) {
        if (step === i * ROLLOUT_STEPS || step === back + i) bend.pods.restart[p] = 1;
        if (step > i * ROLLOUT_STEPS && step < back + i) bend.pods.fail[p] = fail;
      }
    },
  };
}

function isPooled(place: Place): (it: Service) => boolean {
  return ({ edges }) => edges.some(({ to }) => at(place.platform.services, to).kind === 'database');
}

function onNode(place: Place, field: keyof Bend['nodes'], value: number): Trouble {
  const n = place.random.int(0, 17);
  return {
    root: at(place.platform.nodes, n).name,
    bend: (bend) => {
      bend.nodes[field][n] = value;
    },
  };
}

/** Those with a staging service of their kind come there, too. */
export const FAULTS: Readonly<Record<string, Make>> = {
  'crash-loop': (place) =>
    bent(pick(place, ['app', 'consumer']), 'crash', place.random.pick([0.5, 1, 1])),
  'slow-database': (place) => bent(pick(place, ['database']), 'slow', place.random.between(4, 15)),
  'pool-leak': (place) => {
    const left = place.random.between(0.005, 0.05);
    return bent(pick(place, ['app'], isPooled(place)), 'pool', (step) =>
      Math.max(left, 1 - (2.5 * step) / place.steps),
    );
  },
  'memory-leak': (place) => bent(pick(place, ['app']), 'leak', place.random.between(0.004, 0.02)),
  'bad-deployment': (place) =>
    rollout(pick(place, ['app']), place.random.between(0.05, 0.8), place.steps - 8),
  'config-error': (place) => bent(pick(place, ['app']), 'fail', place.random.between(0.08, 0.9)),
  gray: (place) => {
    const it = pick(place, ['app'], ({ replicas }) => replicas > 1 || place.staging);
    const period = place.random.int(12, 40);
    const strength = place.random.between(0.4, 0.9);
    return {
      root: it.name,
      bend: (bend, step) => {
        if (step % period > period * 0.6) return;
        bend.pods.fail[it.firstPod] = strength;
        bend.pods.slow[it.firstPod] = 6;
      },
    };
  },
  'disk-full': (place) =>
    bent(pick(place, ['database']), 'fill', (step) =>
      step < place.steps - 4 ? 0.9 / place.steps : -0.1,
    ),
  'consumer-stuck': (place) =>
    bent(pick({ ...place, staging: false }, ['consumer']), 'stuck', place.random.pick([1, 1, 0.9])),
  'hot-key': (place) =>
    bent(
      pick({ ...place, staging: false }, ['database', 'cache']),
      'slow',
      place.random.between(2.2, 4),
    ),
  lock: (place) => bent(pick(place, ['database']), 'lock', place.random.between(800, 9_000)),
  'node-loss': (place) => onNode(place, 'down', 1),
  'noisy-neighbour': (place) => onNode(place, 'busy', place.random.between(12, 30)),
  'zone-partition': ({ platform }) => ({
    root: undefined,
    bend: (bend) => {
      for (const [n, { zone }] of platform.nodes.entries())
        bend.nodes.cut[n] = zone === 'b' ? 1 : 0;
      bend.net = 0.3;
    },
  }),
  dns: ({ random }) => {
    const strength = random.between(0.5, 4);
    return { root: 'coredns', bend: (bend) => void (bend.dns = strength) };
  },
  'third-party-down': (place) =>
    bent(pick({ ...place, staging: false }, ['external']), 'fail', place.random.between(0.6, 1)),
  'third-party-slow': (place) =>
    bent(pick({ ...place, staging: false }, ['external']), 'slow', place.random.between(5, 40)),
  certificate: ({ platform, random }) => {
    const name = random.pick(Object.keys(CERTIFICATES));
    const s = platform.index.get(name) ?? 0;
    return {
      root: name,
      bend: (bend) => {
        bend.expired.add(name);
        bend.services.reach[s] = 1;
      },
    };
  },
  'queue-stuck': ({ platform, random }) => {
    const kafka = platform.index.get('kafka') ?? 0;
    const fail = random.pick([0, 0.3, 0.8]);
    return {
      root: 'kafka',
      bend: (bend) => {
        for (const it of platform.services)
          if (it.kind === 'consumer') bend.services.stuck[it.index] = 1;
        bend.services.stuck[kafka] = 1;
        bend.services.slow[kafka] = 5;
        bend.services.fail[kafka] = fail;
      },
    };
  },
  'cache-cold': (place) =>
    bent(pick({ ...place, staging: false }, ['cache']), 'cold', (step) =>
      step < place.steps / 2 ? 1 : 0,
    ),
  'cache-down': (place) => bent(pick({ ...place, staging: false }, ['cache']), 'crash', 1),
  overload: (place) =>
    bent(
      pick({ ...place, staging: false }, ['app'], ({ tier }) => tier < 3),
      'load',
      place.random.between(2.5, 6),
    ),
  cron: ({ random }) => {
    const job = random.pick(Object.keys(JOBS));
    return { root: job, bend: (bend) => void bend.jobs.add(job) };
  },
  'short-outage': (place) => {
    const it = pick(place, ['app', 'database'], ({ tier }) => tier === 1 || place.staging);
    return bent(it, place.random.pick(['fail', 'reach', 'crash'] as const), 1);
  },
};
/** How often each comes for one that is rare, like the loss of a zone. */
const COMMON: Readonly<Record<string, number>> = {
  'bad-deployment': 4,
  'config-error': 3,
  'short-outage': 4,
  'crash-loop': 2,
  'slow-database': 2,
  'memory-leak': 2,
  'pool-leak': 2,
  'third-party-down': 2,
  'third-party-slow': 2,
  'consumer-stuck': 2,
  gray: 2,
  lock: 2,
  overload: 2,
};
export const DECK = Object.keys(FAULTS).flatMap((name) =>
  Array<string>(COMMON[name] ?? 1).fill(name),
);
/** Those that come on slowly, and last. */
export const SLOW_FAULTS = new Set([
  'memory-leak',
  'disk-full',
  'pool-leak',
  'cron',
  'gray',
  'consumer-stuck',
]);
export const STAGING_FAULTS = [
  'crash-loop',
  'slow-database',
  'bad-deployment',
  'config-error',
  'memory-leak',
  'disk-full',
  'lock',
  'short-outage',
];
const ON_NODES = new Set(['node-loss', 'noisy-neighbour', 'zone-partition']);
export function isOfNode(fault: string): boolean {
  return ON_NODES.has(fault);
}

interface Blip {
  readonly perDay: number;
  readonly minutes: readonly [number, number];
  /** Somebody does it on purpose. */
  readonly isWork?: true;
  readonly make: Make;
}

/** It passes by itself, or somebody does it on purpose. */
export const BLIPS: Readonly<Record<string, Blip>> = {
  'gc-pause': {
    perDay: 14,
    minutes: [0.5, 3],
    make: (place) => {
      const p = pick(place, ['app', 'consumer']).firstPod;
      const slow = place.random.between(3, 8);
      return { root: undefined, bend: (bend) => void (bend.pods.slow[p] = slow) };
    },
  },
  spike: {
    perDay: 6,
    minutes: [1, 6],
    make: (place) => bent(pick(place, ['app']), 'load', place.random.between(1.3, 1.9)),
  },
  'some-errors': {
    perDay: 8,
    minutes: [0.5, 3.5],
    make: (place) =>
      bent(pick(place, ['app', 'external']), 'fail', place.random.between(0.03, 0.2)),
  },
  checkpoint: {
    perDay: 6,
    minutes: [0.5, 4],
    make: (place) => bent(pick(place, ['database']), 'slow', place.random.between(1.5, 4)),
  },
  'lock-wait': {
    perDay: 3,
    minutes: [0.5, 3],
    make: (place) => bent(pick(place, ['database']), 'lock', place.random.between(100, 700)),
  },
  crash: {
    perDay: 5,
    minutes: [0.25, 0.5],
    make: (place) => {
      const it = pick(place, ['app', 'consumer', 'app', 'database']);
      const p = place.random.pick(podsOf(it));
      return {
        root: it.name,
        bend: (bend, step) => void (bend.pods.restart[p] = step === 0 ? 1 : 0),
      };
    },
  },
  oom: {
    perDay: 3,
    minutes: [0.25, 3],
    make: (place) => bent(pick(place, ['app']), 'leak', 0.08),
  },
  rebalance: {
    perDay: 5,
    minutes: [2, 8],
    make: (place) => bent(pick(place, ['consumer']), 'stuck', 1),
  },
  'scrape-gap': {
    perDay: 4,
    minutes: [0.5, 3],
    make: (place) => {
      const it = pick(place, ['app', 'consumer', 'database']);
      return {
        root: it.name,
        bend: (bend) => {
          for (let p = it.firstPod; p < it.firstPod + it.pods; p += 1) bend.pods.unseen[p] = 1;
        },
      };
    },
  },
  'third-party-hiccup': {
    perDay: 5,
    minutes: [1, 4],
    make: (place) =>
      place.random.chance(0.5)
        ? bent(pick(place, ['external']), 'fail', place.random.between(0.2, 0.6))
        : bent(pick(place, ['external']), 'slow', place.random.between(5, 20)),
  },
  jitter: {
    perDay: 2,
    minutes: [0.5, 4],
    make: ({ random }) => {
      const strength = random.between(0.2, 0.7);
      return { root: undefined, bend: (bend) => void (bend.net = strength) };
    },
  },
  'dns-hiccup': {
    perDay: 1,
    minutes: [0.5, 4],
    make: ({ random }) => {
      const strength = random.between(0.2, 0.7);
      return { root: undefined, bend: (bend) => void (bend.dns = strength) };
    },
  },
  rollout: {
    perDay: 9,
    minutes: [6, 12],
    isWork: true,
    make: (place) => rollout(pick(place, ['app', 'consumer']), 0, Number.POSITIVE_INFINITY),
  },
  drain: {
    perDay: 0.7,
    minutes: [0.25, 0.25],
    isWork: true,
    make: (place) => onNode(place, 'drain', 1),
  },
  analytics: {
    perDay: 1.5,
    minutes: [10, 40],
    isWork: true,
    make: (place) => bent(pick(place, ['database']), 'slow', place.random.between(1.5, 2.5)),
  },
};

/** Each database is backed up at its own time of the night. */
export function backups(platform: Platform, day: number, stepsADay: number) {
  return platform.services
    .filter(({ kind, staging }) => kind === 'database' && !staging)
    .map((it, i) => ({
      from: day * stepsADay + (60 + i * 25) * STEPS_A_MINUTE,
      steps: 20 * STEPS_A_MINUTE,
      trouble: bent(it, 'slow', 3),
    }));
}
