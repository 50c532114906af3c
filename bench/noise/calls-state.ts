/**
 * The third world's state, what bends it, and the noise: plain arrays by pod, service and node.
 *
 * Noise is a function of seed, place and time. So the same seed without one fault is the same world
 * otherwise: that is how truth is computed.
 */
import { type Platform, type Service, STAGING_NODES } from './calls-platform.ts';
import { hash32 } from './random.ts';

export const STEP_S = 15;
export const STEPS_A_MINUTE = 4;
export const STEPS_A_DAY = 24 * 60 * STEPS_A_MINUTE;
export const HIT = 0.9;

const OF_PODS = [
  'on',
  'alive',
  'node',
  'readyAt',
  'gen',
  'crashes',
  'crashedAt',
  'oomAt',
  'mem',
  'cpu',
  'busy',
] as const;
const OF_SERVICES = [
  'rate',
  'lat',
  'err',
  'tail',
  'tail5',
  'err2',
  'err5',
  'err60',
  'err360',
  'hit',
  'lag',
  'flow',
  'disk',
  'conn',
  'pool',
  'cpu5',
  'out',
  'lost',
] as const;
const OF_NODES = ['nodeOut', 'nodeCpu', 'nodeCpu5', 'nodeDisk'] as const;
type Field = (typeof OF_PODS)[number] | (typeof OF_SERVICES)[number] | (typeof OF_NODES)[number];
/** All that a step leaves behind: by pod, service and node. */
export type State = { readonly [field in Field]: Float64Array };

/** What faults and other happenings make of the world for one step; neutral after `straighten`. */
export interface Bend {
  readonly services: Readonly<
    Record<
      | 'slow'
      | 'fail'
      | 'reach'
      | 'load'
      | 'pool'
      | 'stuck'
      | 'leak'
      | 'crash'
      | 'fill'
      | 'cold'
      | 'lock',
      Float64Array
    >
  >;
  readonly pods: Readonly<Record<'slow' | 'fail' | 'restart' | 'unseen', Float64Array>>;
  readonly nodes: Readonly<Record<'down' | 'cut' | 'busy' | 'fill' | 'drain', Float64Array>>;
  dns: number;
  net: number;
  /** Cron jobs that failed and were not mended yet; certificates that are over, by service. */
  readonly jobs: Set<string>;
  readonly expired: Set<string>;
}

export function createBend({ services, pods, nodes }: Platform): Bend {
  const table = <T extends string>(fields: readonly T[], n: number) =>
    // Every field of the list is made here.
    Object.fromEntries(fields.map((it) => [it, new Float64Array(n)])) as Record<T, Float64Array>;
  const bend: Bend = {
    services: table(
      ['slow', 'fail', 'reach', 'load', 'pool', 'stuck', 'leak', 'crash', 'fill', 'cold', 'lock'],
      services.length,
    ),
    pods: table(['slow', 'fail', 'restart', 'unseen'], pods.length),
    nodes: table(['down', 'cut', 'busy', 'fill', 'drain'], nodes.length),
    dns: 0,
    net: 0,
    jobs: new Set(),
    expired: new Set(),
  };
  straighten(bend);
  return bend;
}

export function straighten(bend: Bend): void {
  for (const part of [bend.services, bend.pods, bend.nodes])
    for (const [field, values] of Object.entries(part))
      values.fill(field === 'slow' || field === 'load' || field === 'pool' ? 1 : 0);
  bend.dns = 0;
  bend.net = 0;
  bend.jobs.clear();
  bend.expired.clear();
}

export function createState({ services, pods, nodes }: Platform): State {
  const table = (fields: readonly Field[], n: number) =>
    fields.map((field) => [field, new Float64Array(n)] as const);
  const state = Object.fromEntries([
    ...table(OF_PODS, pods.length),
    ...table(OF_SERVICES, services.length),
    ...table(OF_NODES, nodes.length),
    // Every field is in one of the three lists.
  ]) as State;
  for (const [p, { service, ordinal }] of pods.entries()) {
    const it = at(services, service);
    state.on[p] = ordinal < it.replicas ? 1 : 0;
    state.node[p] = homeOf(it, p, 0, nodes.length);
    state.mem[p] = 0.6;
    state.crashedAt[p] = -1e9;
    state.oomAt[p] = -1e9;
  }
  state.hit.fill(HIT);
  state.disk.fill(0.6);
  state.nodeDisk.fill(0.6);
  return state;
}

export function copyState(state: State): State {
  // The same fields, each copied.
  return Object.fromEntries(
    Object.entries(state).map(([key, it]) => [key, it.slice()]),
  ) as unknown as State;
}

/** Where a pod runs; each new one of a deployment somewhere else. */
export function homeOf({ staging, key }: Service, pod: number, gen: number, nodes: number): number {
  const own = nodes - STAGING_NODES;
  const random = hash32(`${key} ${gen}`) + pod * 7;
  return staging ? own + (random % STAGING_NODES) : random % own;
}

/** In [0, 1): the same for the same place and time, whatever else happens. */
export function noise(seed: number, place: number, t: number): number {
  let h =
    Math.imul(seed ^ Math.imul(place + 1, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(t + 1, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return ((h ^ (h >>> 16)) >>> 0) / 4_294_967_296;
}

/** About normal, with a deviation of 1. */
export function wobble(seed: number, place: number, t: number): number {
  return (
    (noise(seed, place, t) + noise(seed, place + 7_001, t) + noise(seed, place + 13_007, t) - 1.5) *
    2
  );
}

/** Clinics open at 7 and close at 19; half as much on Saturdays and Sundays. */
export function daily(t: number): number {
  const hour = ((t % STEPS_A_DAY) / STEPS_A_DAY) * 24;
  const weekend = Math.floor(t / STEPS_A_DAY) % 7 >= 5 ? 0.5 : 1;
  const open = hour > 5 && hour < 22 ? Math.sin((Math.PI * (hour - 5)) / 17) ** 1.5 : 0;
  return 0.06 + 0.94 * open * weekend;
}

export interface World {
  readonly platform: Platform;
  readonly seed: number;
  /** Memory that a service's pods need, as a share of their limit. */
  readonly need: Float64Array;
}

/** As it was found at the begin of the step. */
export function isAlive(state: State, p: number): boolean {
  return get(state.alive, p) === 1;
}

export function get(values: Float64Array, i: number): number {
  return values[i] ?? 0;
}
export function at<T>(list: readonly T[], i: number): T {
  const item = list[i];
  if (item === undefined) throw new RangeError(`nothing at ${i}`);
  return item;
}
