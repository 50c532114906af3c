/**
 * A second world, to see that nothing was tuned for the first: a shop of a dozen services in one
 * Kubernetes cluster, watched by the alerts that come with kube-prometheus and a few of its own.
 *
 * Nobody wrote a catalog, or only who calls whom; there are no tiers, owners, hosts of services or
 * transaction ids. Severities are critical and warning, names of pods change with every restart.
 * Incidents last for minutes (log-normal) and reach callers within 5-600 s. Written from what such
 * clusters send, without a look at what Quell makes of it.
 */
import { notifications, type Sent } from './alertmanager.ts';
import { deliveries } from './deliver.ts';
import { type Generated, tellTruth } from './generate.ts';
import { createRandom, type Random } from './random.ts';
import {
  BLIPS,
  CALLS,
  CPU,
  ERRORS,
  FAULTS,
  FELT,
  type Kind,
  labelsOf,
  MEMORY,
  NAMESPACE,
  NODES,
  NOT_READY,
  OOM,
  SERVICES,
  type Severity,
  SLOW,
  SOME_ERRORS,
  THROTTLED,
} from './shop-checks.ts';
import { DAY, type EventKind, HOUR, MINUTE, SECOND } from './world.ts';

const BEGIN = Date.parse('2026-04-06T00:00:00Z');
/** Blips of this world last for up to six minutes. */
const BRIEF = 5 * MINUTE;
const PER_DAY = { incident: 4, pair: 0.3, node: 0.25, transient: 55, rollout: 5, flapping: 1.2 };

interface Shop {
  readonly random: Random;
  readonly until: number;
  readonly events: {
    readonly id: string;
    readonly kind: EventKind;
    readonly actionable: boolean;
    readonly environment: 'production';
    readonly root: string | undefined;
  }[];
  readonly firings: ShopFiring[];
  /** From when to when each check of each service fails. */
  readonly busy: Map<string, { readonly from: number; readonly to: number }[]>;
}
interface ShopFiring {
  readonly events: string[];
  readonly service: string;
  readonly level: Severity;
  readonly labels: Readonly<Record<string, string>>;
  readonly from: number;
  readonly to: number;
}

export interface ShopOptions {
  readonly seed: string;
  readonly days: number;
  /** The rules say who calls whom; else there are none. */
  readonly graph: boolean;
}

export function generateShop({ seed, days, graph }: ShopOptions): Generated {
  const options = { seed, days, labels: 'kube' } as const;
  const random = createRandom(`shop/${options.seed}`);
  const span = { from: BEGIN, to: BEGIN + options.days * DAY };
  const shop: Shop = { random, until: span.to, events: [], firings: [], busy: new Map() };
  fill(shop, span);
  const said = new Map<Sent, ShopFiring>();
  for (const firing of shop.firings) {
    const name = firing.labels['alertname'] ?? '';
    const annotations = {
      summary: `${name} in ${NAMESPACE}`,
      description: `${name}: ${firing.service} has had trouble for some time.`,
      runbook_url: `https://runbooks.example.net/${name.toLowerCase()}`,
    };
    said.set(
      { labels: firing.labels, annotations, startsAt: firing.from, endsAt: firing.to },
      firing,
    );
  }
  const receiver = {
    groupBy: ['namespace', 'alertname'],
    groupWaitMs: 10 * SECOND,
    groupIntervalMs: MINUTE,
    repeatIntervalMs: 12 * HOUR,
  };
  const recorded = { from: span.from, to: span.to + 15 * MINUTE };
  const sorted = notifications([...said.keys()], receiver, recorded.to).sort((a, b) => a.at - b.at);
  const delivered = deliveries(sorted, recorded, random.fork('deliveries'));
  const world = {
    ...span,
    happenings: shop.events,
    aliases: {},
    // Without tiers every critical alert is urgent.
    isUrgent: ({ level }: { readonly level: string }) => level === 'critical',
  };
  return {
    deliveries: delivered,
    truth: tellTruth(world, { options, services: SERVICES.length }, said, delivered),
    rules: graph ? { 'services.yaml': graphRules() } : {},
  };
}

function graphRules(): string {
  const lines = Object.entries(CALLS).map(
    ([name, calls]) => `  - { name: ${name}, dependsOn: [${calls.join(', ')}] }`,
  );
  return `services:\n${lines.join('\n')}\n`;
}

function fill(shop: Shop, span: { readonly from: number; readonly to: number }): void {
  const days = (span.to - span.from) / DAY;
  const times = (perDay: number, act: (at: number, random: Random) => void): void => {
    const own = shop.random.fork(`times/${perDay}`);
    const n = Math.round(perDay * days);
    for (let i = 0; i < n; i += 1) act(span.from + own.between(0.01, days) * DAY, own.fork(`${i}`));
  };
  // Incidents do not come twice within two hours, unless they are meant to.
  const slots = shop.random.shuffle(
    Array.from({ length: Math.floor(days * 12) }, (_, i) => span.from + i * 2 * HOUR),
  );
  const slot = (random: Random): number =>
    (slots.pop() ?? span.from) + random.between(5, 55) * MINUTE;
  times(PER_DAY.incident, (_, random) => incident(shop, slot(random), random));
  times(PER_DAY.pair, (_, random) => {
    const at = slot(random);
    incident(shop, at, random, 'payment', 'pair-unrelated');
    incident(shop, at + random.between(10, 150) * SECOND, random, 'user-db', 'pair-unrelated');
  });
  times(PER_DAY.node, (_, random) => nodeFailure(shop, slot(random), random));
  times(PER_DAY.transient, (at, random) => transient(shop, at, random));
  times(PER_DAY.rollout, (at, random) => rollout(shop, at, random));
  times(PER_DAY.flapping, (at, random) => flapping(shop, at, random));
  chronic(shop, span);
  pardon(shop);
}

/** Warnings alone that are over as soon as a blip: nothing tells them from one, and nobody could have acted. */
function pardon(shop: Shop): void {
  for (const [i, event] of shop.events.entries()) {
    const own = shop.firings.filter(({ events }) => events.includes(event.id));
    if (!event.actionable || own.some(({ level }) => level === 'critical')) continue;
    const from = Math.min(...own.map((it) => it.from));
    const to = Math.max(...own.map((it) => it.to));
    if (to - from < BRIEF) shop.events[i] = { ...event, kind: 'brief', actionable: false };
  }
}

function incident(
  shop: Shop,
  at: number,
  random: Random,
  root = random.pick(SERVICES),
  eventKind: EventKind = 'cascade',
): void {
  const event = happen(shop, eventKind, true, root);
  const lasts = logNormal(random, 9 * MINUTE, 0.7, 2.5 * MINUTE, 120 * MINUTE);
  const fault = random.pick(FAULTS);
  // Half of the causes are noticed after their effects, because their rules wait longer.
  const wait = random.chance(0.5) ? random.between(30, 150) * SECOND : 0;
  fault.forEach((it, i) => {
    if (i > 0 && !random.chance(0.7)) return;
    const from = at + wait + (i === 0 ? 0 : logNormal(random, 40 * SECOND, 0.8, 0, 5 * MINUTE));
    fire(shop, event, {
      service: root,
      kind: it,
      from,
      to: at + lasts + random.between(0, 60) * SECOND,
      random,
    });
  });
  let frontier: readonly string[] = [root];
  const reached = new Set([root]);
  let delay = 0;
  for (const odds of [0.8, 0.6, 0.4]) {
    delay += logNormal(random, 45 * SECOND, 0.9, 5 * SECOND, 300 * SECOND);
    const next = callersOf(frontier).filter((name) => !reached.has(name) && random.chance(odds));
    for (const service of next) {
      reached.add(service);
      const until = at + lasts + random.between(-30, 90) * SECOND;
      for (const it of random.shuffle(FELT).slice(0, random.int(1, 2))) {
        const from = at + delay + random.between(0, 45) * SECOND;
        fire(shop, event, { service, kind: it, from, to: Math.max(until, from + MINUTE), random });
      }
    }
    frontier = next;
  }
}

function callersOf(services: readonly string[]): string[] {
  return SERVICES.filter((name) => CALLS[name]?.some((callee) => services.includes(callee)));
}

/** Pods of a third of the services go with their node, and come back elsewhere. */
function nodeFailure(shop: Shop, at: number, random: Random): void {
  const event = happen(shop, 'host', true, undefined);
  const to = at + logNormal(random, 12 * MINUTE, 0.5, 5 * MINUTE, HOUR);
  const node = random.pick(NODES);
  const kubelet = { alertname: 'KubeNodeNotReady', job: 'kube-state-metrics', node };
  push(
    shop,
    event,
    { service: node, level: 'critical', from: at, to },
    { ...kubelet, severity: 'critical' },
  );
  for (const service of random.shuffle(SERVICES).slice(0, random.int(4, 6))) {
    const from = at + random.between(5, 120) * SECOND;
    fire(shop, event, {
      service,
      kind: NOT_READY,
      from,
      to: from + random.between(3, 9) * MINUTE,
      random,
      node,
    });
    if (random.chance(0.4))
      fire(shop, event, {
        service,
        kind: ERRORS,
        from: from + 20 * SECOND,
        to: from + 5 * MINUTE,
        random,
      });
  }
}

function transient(shop: Shop, at: number, random: Random): void {
  const event = happen(shop, 'transient', false, undefined);
  const service = random.pick(SERVICES);
  const it = random.pick(BLIPS);
  // A critical blip is rarer than its place in the list says.
  const found = it === ERRORS && random.chance(0.7) ? SOME_ERRORS : it;
  const to = at + logNormal(random, 70 * SECOND, 0.6, 15 * SECOND, 6 * MINUTE);
  fire(shop, event, { service, kind: found, from: at, to, random });
  const [caller] = random.shuffle(callersOf([service]));
  if (caller !== undefined && random.chance(0.06))
    fire(shop, event, {
      service: caller,
      kind: SLOW,
      from: at + random.between(5, 50) * SECOND,
      to,
      random,
    });
}

/** New pods, one after the other; each is not ready for a while, and some warm up slowly. */
function rollout(shop: Shop, at: number, random: Random): void {
  const event = happen(shop, 'maintenance', false, undefined);
  const service = random.pick(SERVICES);
  let from = at;
  for (let pod = random.int(1, 3); pod > 0; pod -= 1) {
    const to = from + logNormal(random, 50 * SECOND, 0.5, 20 * SECOND, 3 * MINUTE);
    fire(shop, event, { service, kind: NOT_READY, from, to, random });
    from = to + random.between(5, 40) * SECOND;
  }
  if (random.chance(0.3))
    fire(shop, event, { service, kind: SLOW, from: at + 30 * SECOND, to: from, random });
}

/** A pod that is restarted again and again, each time under another name. */
function flapping(shop: Shop, at: number, random: Random): void {
  const event = happen(shop, 'flapping', false, undefined);
  const service = random.pick(SERVICES);
  const it = random.pick([OOM, MEMORY, CPU, SLOW]);
  const period = random.between(5, 18) * MINUTE;
  for (let i = random.int(6, 20); i > 0; i -= 1) {
    const from = at + i * period + random.between(0, 0.3) * period;
    fire(shop, event, {
      service,
      kind: it,
      from,
      to: from + Math.min(6 * MINUTE, period * random.between(0.2, 0.6)),
      random,
    });
  }
}

function chronic(shop: Shop, span: { readonly from: number; readonly to: number }): void {
  const random = shop.random.fork('chronic');
  for (let from = span.from; from < span.to; from += random.between(0.5, 1.5) * DAY) {
    const event = happen(shop, 'chronic', false, undefined);
    fire(shop, event, {
      service: random.pick(SERVICES),
      kind: THROTTLED,
      from,
      to: from + random.between(4, 40) * HOUR,
      random,
    });
  }
}

function happen(shop: Shop, eventKind: EventKind, actionable: boolean, root: string | undefined) {
  const id = `s${String(shop.events.length + 1).padStart(5, '0')}`;
  shop.events.push({ id, kind: eventKind, actionable, environment: 'production', root });
  return id;
}

interface Fire {
  readonly service: string;
  readonly kind: Kind;
  readonly from: number;
  readonly to: number;
  readonly random: Random;
  readonly node?: string;
}

function fire(
  shop: Shop,
  event: string,
  { service, kind: it, from, to, random, node }: Fire,
): void {
  const labels = labelsOf(it, service, node, random);
  push(shop, event, { service, level: it.severity, from, to }, labels);
}

/** One alert is in one state at a time: what would overlap its own like is left out. */
function push(
  shop: Shop,
  event: string,
  spec: {
    readonly service: string;
    readonly level: Severity;
    readonly from: number;
    readonly to: number;
  },
  labels: Readonly<Record<string, string>>,
): void {
  const from = Math.round(spec.from / (15 * SECOND)) * 15 * SECOND + 3_000;
  const to = Math.max(
    from + 15 * SECOND,
    Math.round(spec.to / (15 * SECOND)) * 15 * SECOND + 3_000,
  );
  const key = `${spec.service} ${labels['alertname']}`;
  const taken = shop.busy.get(key) ?? [];
  const rest = 45 * SECOND;
  if (from >= shop.until || taken.some((it) => from < it.to + rest && to + rest > it.from)) return;
  shop.busy.set(key, [...taken, { from, to }]);
  shop.firings.push({
    events: [event],
    service: spec.service,
    level: spec.level,
    labels,
    from,
    to,
  });
}

function logNormal(
  random: Random,
  median: number,
  sigma: number,
  min: number,
  max: number,
): number {
  const normal =
    Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  return Math.min(max, Math.max(min, median * Math.exp(sigma * normal)));
}
