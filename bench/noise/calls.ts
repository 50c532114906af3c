/**
 * A third world, computed instead of drawn: 40 services of clinics that book appointments call each other
 * with rates, time-outs, retries, pools and queues on 20 nodes; faults bend that, rules watch it, and
 * alerts follow from the mechanics (calls-engine.ts). So does the truth: calls-run.ts plays each happening
 * a second time without it. Written from what such clusters send, without a look at what Quell makes of it.
 */
import { notifications, type Sent } from './alertmanager.ts';
import {
  backups,
  BLIPS,
  DECK,
  FAULTS,
  isOfNode,
  type Place,
  SLOW_FAULTS,
  STAGING_FAULTS,
  type Trouble,
} from './calls-faults.ts';
import { buildPlatform, catalog, type Platform } from './calls-platform.ts';
import { watches } from './calls-rules.ts';
import { type Fired, play } from './calls-run.ts';
import { judge, type Planned } from './calls-truth.ts';
import { daily, STEP_S, STEPS_A_DAY, STEPS_A_MINUTE, type World } from './calls-state.ts';
import { deliveries } from './deliver.ts';
import { type Generated, type Said, tellTruth } from './generate.ts';
import { createRandom, hash32, type Random } from './random.ts';
import { DAY, type EventKind, HOUR, MINUTE, SECOND } from './world.ts';

const BEGIN = Date.parse('2026-05-04T00:00:00Z');
const HOUR_STEPS = 60 * STEPS_A_MINUTE;
const PER_DAY = { fault: 4.5, pair: 0.4, staging: 4 };
export interface CallsOptions {
  readonly seed: string;
  readonly days: number;
  /** The rules hold the catalog that somebody wrote; else there are none. */
  readonly graph: boolean;
}

export function generateCalls({ seed, days, graph }: CallsOptions): Generated {
  const random = createRandom(`calls/${seed}`);
  const platform = buildPlatform();
  const span = { from: BEGIN, to: BEGIN + days * DAY };
  const planned = createPlan(platform, days, random);
  const fired = play({
    world: createWorld(platform, random.fork('world')),
    watches: watches(platform),
    happenings: planned,
    steps: days * STEPS_A_DAY,
  });
  const { events, eventsOf } = judge(planned, fired);
  const said = say(fired, eventsOf);
  // As docs/alertmanager.md advises.
  const receiver = {
    groupBy: 'all',
    groupWaitMs: 0,
    groupIntervalMs: 30 * SECOND,
    repeatIntervalMs: 4 * HOUR,
  } as const;
  const recorded = { from: span.from, to: span.to + 15 * MINUTE };
  const sorted = notifications([...said.keys()], receiver, recorded.to).sort((a, b) => a.at - b.at);
  const delivered = deliveries(sorted, recorded, random.fork('deliveries'));
  const tiers = new Map(platform.services.map(({ key, tier }) => [key, tier]));
  const told = {
    ...span,
    happenings: events,
    aliases: aliasesOf(platform),
    isUrgent: ({ level, service }: Said) => level === 'critical' && tiers.get(service) === 1,
  };
  const options = { seed, days, labels: 'kube' } as const;
  return {
    deliveries: delivered,
    truth: tellTruth(told, { options, services: platform.services.length }, said, delivered),
    rules: graph ? { 'services.yaml': catalog(platform) } : {},
  };
}

function createWorld(platform: Platform, random: Random): World {
  const need = new Float64Array(platform.services.length).map(() => random.between(0.5, 0.75));
  // Two are given too little memory, as always.
  for (const it of random
    .shuffle(platform.services.filter(({ kind }) => kind === 'app'))
    .slice(0, 2))
    need[it.index] = 0.875;
  return { platform, seed: hash32(`${random.next()}`), need };
}

type Add = (spec: Omit<Planned, 'id' | 'root' | 'bend'>, trouble: Trouble) => Planned;

function createPlan(platform: Platform, days: number, random: Random): readonly Planned[] {
  const all: Planned[] = [];
  const add: Add = (spec, trouble) => {
    const id = `c${String(all.length + 1).padStart(4, '0')}-${spec.name}`;
    const planned = { ...spec, ...trouble, id };
    all.push(planned);
    return planned;
  };
  const pairs = planFaults(platform, days, random, add);
  planBlips(platform, days, random, add);
  const connected = new Set(pairs.filter((pair) => areConnected(platform, pair)).flat());
  return all.map((it) => (connected.has(it) ? { ...it, kind: 'pair-connected' } : it));
}

/** Returns those that come at the same time. */
function planFaults(platform: Platform, days: number, random: Random, add: Add) {
  const draw = deck(DECK, random.fork('faults'));
  const fault = (from: number, own: Random, kind: EventKind | undefined): Planned => {
    const staging = kind === 'non-production';
    const name = staging ? own.pick(STAGING_FAULTS) : draw();
    const steps = Math.round(minutesOf(name, own) * STEPS_A_MINUTE);
    const trouble = (FAULTS[name] ?? fail(name))({ platform, random: own, steps, staging });
    const times = { from, to: from + steps, tail: HOUR_STEPS };
    return add({ name, kind: kind ?? kindOf(name), staging, isFault: !staging, ...times }, trouble);
  };
  const times = (perDay: number, act: (own: Random) => void): void => {
    const own = random.fork(`faults/${perDay}`);
    for (let i = Math.round(perDay * days); i > 0; i -= 1) act(own.fork(`${i}`));
  };
  // Faults do not come twice within two hours, unless they are meant to; and rather by day.
  const slots = random
    .shuffle(Array.from({ length: days * 12 }, (_, i) => i * 2 * HOUR_STEPS))
    .filter((slot) => random.chance(0.3 + 0.7 * daily(slot)));
  const slot = (own: Random): number => (slots.pop() ?? 0) + own.int(10, 90) * STEPS_A_MINUTE;
  const pairs: [Planned, Planned][] = [];
  times(PER_DAY.fault, (own) => void fault(slot(own), own, undefined));
  times(PER_DAY.pair, (own) => {
    const from = slot(own);
    const first = fault(from, own, 'pair-unrelated');
    pairs.push([first, fault(from + own.int(0, 10), own.fork('other'), 'pair-unrelated')]);
  });
  const last = days * STEPS_A_DAY - HOUR_STEPS;
  times(PER_DAY.staging, (own) => void fault(own.int(0, last), own, 'non-production'));
  return pairs;
}

function kindOf(fault: string): EventKind {
  if (isOfNode(fault)) return 'host';
  return fault === 'short-outage' ? 'short-critical' : 'cascade';
}

function planBlips(platform: Platform, days: number, random: Random, add: Add): void {
  const blip = { staging: false, isFault: false, tail: HOUR_STEPS / 5 };
  for (const [name, { perDay, minutes, make, isWork }] of Object.entries(BLIPS)) {
    const own = random.fork(name);
    const kind = isWork === true ? 'maintenance' : 'transient';
    for (let i = Math.round(perDay * days); i > 0; i -= 1) {
      const steps = Math.max(1, Math.round(own.between(...minutes) * STEPS_A_MINUTE));
      const from = own.int(0, days * STEPS_A_DAY - steps);
      const place: Place = { platform, random: own.fork(`${i}`), steps, staging: false };
      add({ ...blip, name, kind, from, to: from + steps }, make(place));
    }
  }
  for (let day = 0; day < days; day += 1)
    for (const { from, steps, trouble } of backups(platform, day, STEPS_A_DAY))
      add({ ...blip, name: 'backup', kind: 'maintenance', from, to: from + steps }, trouble);
}

/** All are drawn before one is drawn again. */
function deck(names: readonly string[], random: Random): () => string {
  let left: string[] = [];
  return () => {
    if (left.length === 0) left = random.shuffle(names);
    return left.pop() ?? fail('no faults');
  };
}

function minutesOf(fault: string, random: Random): number {
  if (fault === 'short-outage') return random.between(3, 6);
  const normal = (random.next() + random.next() + random.next() - 1.5) * 2;
  const minutes = 15 * Math.exp(0.7 * normal) * (SLOW_FAULTS.has(fault) ? 3 : 1);
  return Math.min(150, Math.max(4, minutes));
}

/** One calls the other, or a third calls both. */
function areConnected({ services, index }: Platform, [a, b]: readonly [Planned, Planned]): boolean {
  const [one, two] = [index.get(a.root ?? ''), index.get(b.root ?? '')];
  // Nodes, zones and DNS are below all of them; a job is of nobody's.
  if (one === undefined || two === undefined) return a.name !== 'cron' && b.name !== 'cron';
  return services.some(({ index: s, edges }) => {
    const reached = [s, ...edges.map(({ to }) => to)];
    return reached.includes(one) && reached.includes(two);
  });
}

function say(fired: readonly Fired[], eventsOf: (it: Fired) => string[]): Map<Sent, Said> {
  const said = new Map<Sent, Said>();
  for (const it of fired) {
    const { watch, labels, from, to } = it;
    const name = watch.alertname;
    const phase = hash32(name) % (STEP_S * SECOND);
    const alert: Sent = {
      labels,
      annotations: {
        summary: `${name} (${watch.severity})`,
        runbook_url: `https://runbooks.clinic.example/${name.toLowerCase()}`,
      },
      startsAt: timeOf(from) + phase,
      endsAt: timeOf(to) + phase,
    };
    said.set(alert, {
      events: eventsOf(it),
      service: watch.service?.key ?? '',
      level: watch.severity,
      from: alert.startsAt,
      to: alert.endsAt,
    });
  }
  return said;
}

function timeOf(t: number): number {
  return BEGIN + t * STEP_S * SECOND;
}

/** How labels name what is at fault: a tool may repeat them. */
function aliasesOf({ services, nodes }: Platform): Readonly<Record<string, string>> {
  const aliases: Record<string, string> = { 'kube-dns': 'coredns' };
  for (const { name, kind, replicas, namespace } of services.filter((it) => !it.staging)) {
    if (kind === 'external') {
      aliases[`api.${name}.example`] = name;
      aliases[`https://api.${name}.example/status`] = name;
    }
    aliases[`redis://${name}:6379`] = name;
    for (let i = 0; i < replicas; i += 1) {
      aliases[`${name}-${i}`] = name;
      for (const port of ['', ':9187', ':9114', ':9000'])
        aliases[`${name}-${i}.${name}.${namespace}.svc${port}`] = name;
    }
  }
  for (const [n, { name }] of nodes.entries())
    for (const port of ['', ':9100']) aliases[`10.20.0.${n + 11}${port}`] = name;
  return aliases;
}

function fail(what: string): never {
  throw new RangeError(what);
}
