/**
 * A whole Quell over HTTP for tests, without Slack: real server, real lane, the store in memory, and a
 * clock that stands still until a test moves it.
 */
import type { Event, Instant } from '../../src/model.ts';
import { type FrontHandler, ingestHandler } from '../../src/ingest/http.ts';
import type { IngestAuth } from '../../src/ingest/auth.ts';
import { digestOf } from '../../src/ingest/credentials.ts';
import { CAPACITY, type Capacity } from '../../src/limits.ts';
import type { DeliveryReader } from '../../src/ingest/read-apart.ts';
import type { Recorder } from '../../src/ingest/recorder.ts';
import type { Clock } from '../../src/lane/clock.ts';
import { type Lane, openLane } from '../../src/lane/lane.ts';
import { createLanes } from '../../src/lane/lanes.ts';
import { watchLevels } from '../../src/service/levels.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { renderMessage } from '../../src/slack/message.ts';
import { WHOLE } from '../../src/split.ts';
import { acrossLanes } from '../../src/store/across-lanes.ts';
import type { Store } from '../../src/store/contract.ts';
import { createMemoryStore } from './memory-store.ts';
import { createHealth } from '../../src/telemetry/health.ts';
import { createLog, type Log } from '../../src/telemetry/log.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { buildView } from '../../src/view.ts';
import type { AppDeps, Reloaded } from '../../src/web/app.ts';
import type { PreviewMessage } from '../../src/web/overview-page.ts';
import { createHttpServer, type HttpServer } from '../../src/web/server.ts';
import { rulesOf } from './story.ts';

export const NOW = Date.parse('2026-11-21T01:30:00Z');

export interface ServiceOptions {
  readonly yaml?: string;
  readonly auth?: Partial<IngestAuth>;
  readonly apiToken?: string;
  readonly access?: Partial<AppDeps['access']>;
  readonly limits?: Partial<Capacity>;
  readonly store?: Store;
  /** Stands in for the real lane: to refuse, to hang, to be missing. */
  readonly lane?: (lane: Lane) => Lane | undefined;
  readonly recorder?: Recorder;
  readonly read?: DeliveryReader;
  readonly log?: Log;
  readonly ready?: () => boolean;
  readonly reload?: () => Promise<Reloaded>;
  /** What is wrong with the rules files. */
  readonly rulesRefused?: string;
  readonly preview?: readonly PreviewMessage[];
  readonly slackEvents?: AppDeps['slackEvents'];
  readonly nameOf?: AppDeps['nameOf'];
  /** The clock goes on by itself, too: what is to be done within a time is divided. */
  readonly clockRuns?: boolean;
  readonly answerTimeMs?: number;
  readonly slownessLookedAtMs?: number;
}

export interface Service {
  readonly url: string;
  readonly http: HttpServer;
  readonly lane: Lane;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly rules: Rules;
  /** What came through the door, in order. */
  readonly submitted: readonly { readonly at: Instant; readonly events: readonly Event[] }[];
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  now(): Instant;
  pass(ms: number): Promise<void>;
  stop(): Promise<void>;
}

interface ManualClock extends Clock {
  pass(ms: number): void;
}

function manualClock(start: Instant, runs: boolean): ManualClock {
  let now = start;
  const began = performance.now();
  let waiting: { readonly at: Instant; readonly callback: () => void }[] = [];
  return {
    now: () => (runs ? now + Math.floor(performance.now() - began) : now),
    wakeAt(at, callback) {
      const one = { at, callback };
      waiting.push(one);
      return () => {
        waiting = waiting.filter((other) => other !== one);
      };
    },
    pass(ms) {
      now += ms;
      const due = waiting.filter(({ at }) => at <= now);
      waiting = waiting.filter(({ at }) => at > now);
      for (const { callback } of due) callback();
    },
  };
}

/** The lane, with another way in. */
export function withSubmit(lane: Lane, submit: Lane['submit']): Lane {
  return {
    name: lane.name,
    get state() {
      return lane.state;
    },
    get rules() {
      return lane.rules;
    },
    get ready() {
      return lane.ready;
    },
    get waiting() {
      return lane.waiting;
    },
    get used() {
      return lane.used;
    },
    leads: lane.leads,
    setAside: lane.setAside,
    submit,
    useRules: (rules) => lane.useRules(rules),
    attach: (outbox) => lane.attach(outbox),
    caughtUp: () => lane.caughtUp(),
    settled: () => lane.settled(),
    stop: () => lane.stop(),
  };
}

export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const rules = rulesOf(options.yaml ?? '');
  const limits = { ...CAPACITY, body: 1_000_000, ...options.limits };
  const clock = manualClock(NOW, options.clockRuns ?? false);
  const store = options.store ?? createMemoryStore();
  const metrics = createMetrics(limits);
  const log = options.log ?? createLog('silent');
  const submitted: { readonly at: Instant; readonly events: readonly Event[] }[] = [];
  const real = await openLane({
    name: 'default',
    store,
    rules,
    clock,
    limits,
    observer: {
      decided: (verdict, decisions) => metrics.decided(verdict, decisions),
      committed: (ms) => metrics.committed(ms / 1000),
      failed: (error) => {
        throw error;
      },
    },
  });
  const watched = withSubmit(real, async (at, events) => {
    await real.submit(at, events);
    submitted.push({ at, events });
  });
  const lane = options.lane?.(watched) ?? (options.lane === undefined ? watched : undefined);
  const lanes = lane === undefined ? undefined : createLanes([lane], WHOLE);
  const ingest: FrontHandler = ingestHandler({
    lanes: () => lanes,
    auth: { tokens: [], signatures: [], ranges: [], proxies: [], ...options.auth },
    limits,
    log,
    metrics,
    record: (_at, line) => options.recorder?.line(line),
    now: () => clock.now(),
    ...(options.read === undefined ? {} : { read: options.read }),
  });
  if (lanes !== undefined) {
    const loaded = { kind: 'loaded', rules, warnings: [], files: ['a.yaml'], bytes: 7 } as const;
    const slack = { deliveries: new Map() };
    watchLevels(metrics, { lanes, slack, rules: () => loaded, now: () => clock.now() });
  }
  const http = createHttpServer({
    metrics,
    limits,
    ...(options.answerTimeMs === undefined ? {} : { answerTimeMs: options.answerTimeMs }),
    slownessLookedAtMs: options.slownessLookedAtMs ?? 5_000,
  });
  http.open({
    ingest,
    lanes: () => lanes,
    store: acrossLanes(store, [real.name]),
    metrics,
    log,
    now: () => clock.now(),
    access: {
      tokens:
        options.apiToken === undefined
          ? []
          : [{ name: undefined, digest: digestOf(options.apiToken) }],
      userHeader: undefined,
      proxies: [],
      publicUrl: undefined,
      loopbackOnly: true,
      ...options.access,
    },
    health: createHealth([{ name: 'the lane', ready: options.ready ?? (() => real.ready) }]),
    reload: options.reload ?? (async () => ({ kind: 'loaded', version: rules.version })),
    previewMessages: () => options.preview,
    rulesRefused: () => options.rulesRefused,
    slackEvents: options.slackEvents,
    nameOf: options.nameOf,
    messageText: (id) => {
      const incident = real.state.incidents.get(id);
      if (incident === undefined) return undefined;
      return renderMessage(buildView(real.state, incident, rules, clock.now(), undefined)).text;
    },
  });
  const port = await http.listen('127.0.0.1', 0);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    http,
    lane: real,
    store,
    metrics,
    rules,
    submitted,
    get: (path, headers = {}) => fetch(`${url}${path}`, { headers }),
    post: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        // Anything that is no text or bytes already is sent as JSON.
        body:
          typeof body === 'string' || body instanceof Uint8Array
            ? (body as string)
            : JSON.stringify(body),
      }),
    now: () => clock.now(),
    async pass(ms) {
      clock.pass(ms);
      await real.settled();
    },
    async stop() {
      await http.close();
      await real.stop();
    },
  };
}
