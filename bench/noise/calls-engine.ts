/**
 * The third world's mechanics: what becomes of load, latency, errors, connections, queues, memory and
 * disks within the next 15 seconds. A step reads nothing but the state, what faults bend, and noise.
 */
import { P99_PER_MEAN, type Platform, type Service } from './calls-platform.ts';
import {
  at,
  type Bend,
  daily,
  get,
  HIT,
  homeOf,
  isAlive,
  noise,
  type State,
  STEP_S,
  STEPS_A_MINUTE,
  wobble,
  type World,
} from './calls-state.ts';
import { hash32 } from './random.ts';

const DROPPED_AFTER = 3;
const EVICTED_AFTER = 5 * STEPS_A_MINUTE;
const FAILOVER = 4;
const NODE_CORES = 16;
/** Of all calls, as meshes limit it: else what is slow for a minute is overrun for good. */
const RETRY_BUDGET = 0.2;

export function step(world: World, state: State, bend: Bend, t: number): void {
  liveNodes(world, state, bend);
  livePods(world, state, bend, t);
  demand(world, state, bend, t);
  for (let i = world.platform.services.length - 1; i >= 0; i -= 1) {
    const service = at(world.platform.services, i);
    if (service.kind === 'external') respondOutside(world, state, bend, { service, t });
    else respond(world, state, bend, { service, t });
    smooth(world, state, { service, t });
  }
  if (t % STEPS_A_MINUTE === 0) scale(world, state, t);
}

function liveNodes({ platform }: World, state: State, bend: Bend): void {
  for (let n = 0; n < platform.nodes.length; n += 1) {
    const isOut = get(bend.nodes.down, n) > 0 || get(bend.nodes.cut, n) > 0;
    state.nodeOut[n] = isOut ? get(state.nodeOut, n) + 1 : 0;
    state.nodeDisk[n] = Math.min(
      1,
      Math.max(0.6, get(state.nodeDisk, n) + (get(bend.nodes.fill, n) || -0.002)),
    );
    state.nodeCpu[n] = get(bend.nodes.busy, n);
  }
  for (let p = 0; p < platform.pods.length; p += 1) {
    const { service } = at(platform.pods, p);
    const n = get(state.node, p);
    if (isAlive(state, p))
      state.nodeCpu[n] =
        get(state.nodeCpu, n) +
        get(state.cpu, p) * (at(platform.services, service).kind === 'database' ? 2 : 1);
  }
  for (let n = 0; n < platform.nodes.length; n += 1)
    state.nodeCpu5[n] = toward(
      get(state.nodeCpu5, n),
      Math.min(1, get(state.nodeCpu, n) / NODE_CORES),
      0.1,
    );
}

function livePods({ platform, seed, need }: World, state: State, bend: Bend, t: number): void {
  for (let p = 0; p < platform.pods.length; p += 1) {
    state.alive[p] = 0;
    if (get(state.on, p) === 0) continue;
    const { service: s, ordinal } = at(platform.pods, p);
    const service = at(platform.services, s);
    const n = get(state.node, p);
    const isStateful = service.kind !== 'app' && service.kind !== 'consumer';
    const isMoved = get(state.nodeOut, n) === EVICTED_AFTER && get(bend.nodes.cut, n) === 0;
    if (!isStateful && (isMoved || get(bend.nodes.drain, n) > 0)) replace(platform, state, p, t);
    else if (get(bend.nodes.down, n) > 0) state.readyAt[p] = t + startOf(service);
    if (get(bend.pods.restart, p) > 0) replace(platform, state, p, t);
    if (!canServe(state, p, t)) continue;
    state.alive[p] = 1;
    const target =
      get(need, s) +
      0.05 * Math.min(1.5, get(state.cpu, p)) +
      0.1 * (noise(seed, p + 3_000, t >> 3) - 0.5);
    // What leaks does not give back; each pod at its own pace.
    const leak = get(bend.services.leak, s) * (0.6 + 0.8 * noise(seed, p + 5_000, 0));
    const drift = Math.max(-0.02, (target - get(state.mem, p)) * 0.05);
    state.mem[p] = get(state.mem, p) + (leak > 0 ? leak : drift);
    if (t - get(state.crashedAt, p) > 10 * STEPS_A_MINUTE) state.crashes[p] = 0;
    const isCrash =
      ordinal < Math.ceil(get(bend.services.crash, s) * service.replicas) &&
      noise(seed, p + 900, t) < 0.5;
    if (get(state.mem, p) < 1 && !isCrash) continue;
    state.alive[p] = 0;
    if (get(state.mem, p) >= 1) state.oomAt[p] = t;
    crash(service, state, p, t);
  }
}

function canServe(state: State, p: number, t: number): boolean {
  return get(state.readyAt, p) <= t && get(state.nodeOut, get(state.node, p)) === 0;
}

function crash(service: Service, state: State, p: number, t: number): void {
  const crashes = get(state.crashes, p);
  state.crashes[p] = crashes + 1;
  state.crashedAt[p] = t;
  state.mem[p] = 0.45;
  // The kubelet waits 10 s, then twice as long each time, at most five minutes.
  const waits = Math.min(
    5 * STEPS_A_MINUTE,
    crashes === 0 ? 0 : (10 / STEP_S) * 2 ** (crashes - 1),
  );
  state.readyAt[p] = t + Math.ceil(waits) + startOf(service);
}

/** A new pod in this one's place. */
function replace({ services, pods, nodes }: Platform, state: State, p: number, t: number): void {
  const service = at(services, at(pods, p).service);
  const isStateful = service.kind !== 'app' && service.kind !== 'consumer';
  if (!isStateful) {
    let gen = get(state.gen, p);
    do gen += 1;
    while (get(state.nodeOut, homeOf(service, p, gen, nodes.length)) > 0 && gen % 16 !== 0);
    state.gen[p] = gen;
    state.node[p] = homeOf(service, p, gen, nodes.length);
    state.crashes[p] = 0;
  }
  state.mem[p] = 0.5;
  state.readyAt[p] = t + startOf(service);
}

function startOf({ key, kind }: Service): number {
  return kind === 'cache' ? 1 : 2 + (hash32(key) % 5);
}

function demand({ platform, seed }: World, state: State, bend: Bend, t: number): void {
  const before = state.rate.slice();
  state.rate.fill(0);
  for (const service of platform.services) {
    const { index: s, edges, reads } = service;
    if (service.key === 'ingress-nginx' || service.key === 'staging/web-portal') {
      const wave = 1 + 0.08 * Math.sin(t / 37 + s) + 0.05 * wobble(seed, s, t);
      state.rate[s] = service.normalRps * daily(t) * wave * get(bend.services.load, s);
    } else if (get(bend.services.load, s) !== 1)
      state.rate[s] = get(state.rate, s) * get(bend.services.load, s);
    if (reads.length > 0) {
      const comes = reads.reduce((sum, { from, share }) => sum + get(before, from) * share, 0);
      const able =
        service.podRps *
        service.replicas *
        (1 - get(bend.services.stuck, s)) *
        get(state.on, service.firstPod);
      const takes = Math.min(
        able * (get(state.out, s) > 0 ? 0 : 1),
        comes + get(state.lag, s) / STEP_S,
      );
      state.flow[s] = toward(get(state.flow, s), comes, 0.02);
      state.lag[s] = Math.max(
        0,
        get(state.lag, s) + (comes - takes * (1 - get(state.err, s))) * STEP_S,
      );
      state.rate[s] = takes;
    }
    const passes =
      get(state.rate, s) * (get(state.out, s) > 0 ? 0 : 1) * (1 - get(bend.services.reach, s));
    for (const { to, share, via, retries } of edges) {
      const misses = via === undefined ? 1 : (1 - get(state.hit, via)) / (1 - HIT);
      const again = 1 + Math.min(RETRY_BUDGET, retries * get(state.err, to));
      state.rate[to] = get(state.rate, to) + passes * share * misses * again;
    }
  }
}

interface Turn {
  readonly service: Service;
  readonly t: number;
}

function respondOutside({ seed }: World, state: State, bend: Bend, { service, t }: Turn): void {
  const { index: s, p99 } = service;
  state.lat[s] = p99 * get(bend.services.slow, s) * Math.exp(0.15 * wobble(seed, s + 200, t));
  state.tail[s] = get(state.lat, s);
  state.err[s] = either(get(bend.services.fail, s), get(bend.services.reach, s));
}

/** Time and failure that come from what a service calls. */
function waitOf(state: State, bend: Bend, service: Service) {
  let wait = 0;
  let fails = 0;
  let pool = 0;
  const perPod = get(state.rate, service.index) / Math.max(1, service.replicas);
  for (const {
    to,
    share,
    soft,
    via,
    retries,
    timeoutMs,
    pool: size,
    pooled,
    isOutside,
  } of service.edges) {
    const latency = get(state.lat, to) + (bend.dns + bend.net) * (isOutside ? 400 : 40);
    const late = 0.01 ** (timeoutMs / Math.max(1, latency));
    const network = either(bend.net * 0.05, bend.dns * 0.03);
    const once = either(
      either(get(state.err, to), get(bend.services.reach, to)),
      either(late, network),
    );
    const misses =
      via === undefined ? 1 : Math.min(1 / share, (1 - get(state.hit, via)) / (1 - HIT));
    const calls = share * misses;
    const took = Math.min(latency, timeoutMs) * (1 + retries * once);
    wait += Math.min(1, calls) * took;
    const use =
      (perPod * calls * took) /
      P99_PER_MEAN /
      1_000 /
      (size * get(bend.services.pool, service.index));
    if (pooled) pool = Math.max(pool, use);
    const full = pooled && use > 1 ? 1 - 1 / use : 0;
    const whole = either(once ** (1 + retries * 0.5), full);
    fails = either(fails, Math.min(1, calls) * whole * (soft ? 0.03 : 1));
  }
  return { wait, fails, pool };
}

function respond(world: World, state: State, bend: Bend, { service, t }: Turn): void {
  const { seed } = world;
  const { index: s, firstPod, pods, kind } = service;
  const { wait, fails, pool } = waitOf(state, bend, service);
  state.pool[s] = pool;
  let alive = 0;
  let dead = 0;
  for (let p = firstPod; p < firstPod + pods; p += 1) {
    if (isAlive(state, p)) alive += 1;
    // Nobody has noticed yet that its node is gone.
    else if (
      get(state.on, p) === 1 &&
      get(state.nodeOut, get(state.node, p)) > 0 &&
      get(state.nodeOut, get(state.node, p)) <= DROPPED_AFTER
    )
      dead += 1;
  }
  state.out[s] = alive === 0 ? get(state.out, s) + 1 : 0;
  state.lost[s] = isAlive(state, firstPod) ? 0 : get(state.lost, s) + 1;
  const isFailingOver =
    kind === 'database' && get(state.lost, s) > 0 && get(state.lost, s) <= FAILOVER;
  if (alive === 0) {
    state.err[s] = 1;
    state.lat[s] = service.p99;
    state.tail[s] = service.p99;
    for (let p = firstPod; p < firstPod + pods; p += 1) state.cpu[p] = 0;
    return;
  }
  const load = get(state.rate, s) / (alive + dead);
  let errors = dead;
  let latency = dead * 1_000;
  let worst = 0;
  for (let p = firstPod; p < firstPod + pods; p += 1) {
    if (!isAlive(state, p)) {
      state.cpu[p] = 0;
      continue;
    }
    const warming =
      t - get(state.readyAt, p) < 6 && get(state.readyAt, p) > 0 && kind === 'app' ? 1.5 : 1;
    const crowd = Math.max(1, get(state.nodeCpu, get(state.node, p)) / NODE_CORES);
    const slow = get(bend.services.slow, s) * get(bend.pods.slow, p) * warming * crowd;
    const use = (load / service.podRps) * Math.min(slow, 6);
    state.cpu[p] = Math.min(1, use);
    const own =
      service.p99 * slow * Math.min(12, 0.5 / (1 - Math.min(use, 0.96)) + 0.2) +
      get(bend.services.lock, s);
    const took = own + wait;
    const busy = (load * took) / P99_PER_MEAN / 1_000 / service.threads;
    state.busy[p] = busy;
    const refused = either(use > 1 ? 1 - 1 / use : 0, busy > 1 ? 1 - 1 / busy : 0);
    errors += either(either(get(bend.services.fail, s), get(bend.pods.fail, p)), refused);
    const total = took + (busy > 1 ? Math.min(5, busy - 1) * 1_000 : 0);
    latency += total;
    worst = Math.max(worst, total);
  }
  const own = either(
    errors / (alive + dead),
    either(isFailingOver ? 0.8 : 0, refusedBy(service, state, bend)),
  );
  state.err[s] = either(either(own, fails), diskFull(service, state) ? 0.6 : 0);
  state.lat[s] = latency / (alive + dead);
  state.tail[s] = Math.max(worst, dead > 0 ? 1_000 : 0) * Math.exp(0.12 * wobble(seed, s + 400, t));
  remember(state, bend, service);
}

function diskFull({ index, kind }: Service, state: State): boolean {
  return kind === 'database' && get(state.disk, index) >= 0.99;
}

/** Connections of all callers, and the share that a database refuses because they are too many. */
function refusedBy(service: Service, state: State, bend: Bend): number {
  if (service.kind !== 'database') return 0;
  const { index: s, callers, connections } = service;
  const latency = Math.max(get(state.lat, s), service.p99);
  let open = 0;
  for (const { from, edge } of callers) {
    const pools = from.replicas * edge.pool;
    const used = (get(state.rate, from.index) * edge.share * latency) / P99_PER_MEAN / 1_000;
    const leaked = 1 - get(bend.services.pool, from.index);
    open += Math.min(pools, used * 1.5 + pools * (0.2 + 0.8 * leaked));
  }
  state.conn[s] = open / connections;
  return open > connections ? 1 - connections / open : 0;
}

function remember(state: State, bend: Bend, { index: s, kind }: Service): void {
  if (kind === 'cache') {
    if (get(bend.services.cold, s) > 0) state.hit[s] = 0.1;
    state.hit[s] = toward(get(state.hit, s) * (1 - get(state.err, s) * 0.5), HIT, 0.02);
  }
  if (kind === 'database')
    state.disk[s] = Math.min(
      1,
      Math.max(0.6, get(state.disk, s) + (get(bend.services.fill, s) || -0.004)),
    );
}

/** What Prometheus makes of it: errors counted in a window, so that few requests make a rough ratio. */
function smooth({ seed }: World, state: State, { service, t }: Turn): void {
  const s = service.index;
  const requests = Math.max(1, get(state.rate, s) * STEP_S);
  const floor = 0.0015;
  const true_ = either(get(state.err, s), floor);
  const spread = Math.sqrt((true_ * (1 - true_)) / requests);
  const seen = Math.min(1, Math.max(0, true_ + spread * wobble(seed, s + 600, t)));
  state.err2[s] = toward(get(state.err2, s), seen, 0.25);
  state.err5[s] = toward(get(state.err5, s), seen, 0.1);
  state.err60[s] = toward(get(state.err60, s), seen, 1 / 120);
  state.err360[s] = toward(get(state.err360, s), seen, 1 / 720);
  state.tail5[s] = toward(get(state.tail5, s), get(state.tail, s), 0.1);
  let cpu = 0;
  let n = 0;
  for (let p = service.firstPod; p < service.firstPod + service.pods; p += 1) {
    if (get(state.on, p) === 0) continue;
    cpu += get(state.cpu, p);
    n += 1;
  }
  state.cpu5[s] = toward(get(state.cpu5, s), cpu / Math.max(1, n), 0.1);
}

function scale({ platform }: World, state: State, t: number): void {
  for (const { index: s, kind, staging, firstPod, pods, replicas } of platform.services) {
    if (kind !== 'app' || staging) continue;
    let on = 0;
    while (on < pods && get(state.on, firstPod + on) === 1) on += 1;
    const service = at(platform.services, s);
    if (get(state.cpu5, s) > 0.75 && on < pods) {
      state.on[firstPod + on] = 1;
      replace(platform, state, firstPod + on, t);
      state.readyAt[firstPod + on] = t + startOf(service);
    } else if (get(state.cpu5, s) < 0.4 && on > replicas && t % (5 * STEPS_A_MINUTE) === 0)
      state.on[firstPod + on - 1] = 0;
  }
}

function toward(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}
function either(a: number, b: number): number {
  return 1 - (1 - a) * (1 - b);
}
