/**
 * What Quell counts: one table, docs/operations.md explains each.
 *
 * Every alert that comes in ends in exactly one verdict, so once a lane is settled
 * `sum(quell_verdicts_total)` equals `sum(quell_alerts_in_total)`. Labels are closed sets: sources,
 * reasons, outcomes; never fingerprints, services or users.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  CAPACITY,
  type Capacity,
  FILLING,
  type FillingName,
  LIMIT_NAMES,
  type LimitName,
  SHAPE,
} from '../limits.ts';
import { CONSEQUENCES, type Decision, type Event, type Verdict, VERDICTS } from '../model.ts';

type SlackOutcome = 'ok' | 'rate-limited' | 'refused' | 'failed' | 'unclear';
export type Door = 'ingest' | 'api' | 'slack';
/** Why somebody was not let in. */
export type AuthFailure =
  | 'no-credentials'
  | 'wrong-credentials'
  | 'other-source'
  | 'address'
  | 'no-signature'
  | 'wrong-signature'
  | 'old-signature'
  | 'web-page'
  | 'unknown-host';
type RulesOutcome = 'loaded' | 'refused';

/** Read when /metrics is asked for. */
export interface Levels {
  /** Alerts and incidents in memory; open ones were told and are not over. */
  readonly alerts: number;
  readonly incidents: number;
  readonly incidentsOpen: number;
  /** Services of incidents in memory that the catalog does not know: counted when asked, and only then. */
  readonly unknownServices: () => number;
  /** Deliveries that are not decided yet: their senders wait for an answer. */
  readonly waiting: number;
  /** Jobs of the inbox that were given up, and are kept. */
  readonly setAside: number;
  /** Lanes that are decided here. */
  readonly leads: number;
  /** Effects that are not carried out yet, and how long the oldest waits. */
  readonly outbox: number;
  readonly outboxOldestMs: number;
}

export interface Metrics {
  /** Counts what came in, once it is accepted. */
  alertsIn(source: string, events: readonly Event[]): void;
  /** One event: its verdict if it is an alert's, and what followed. */
  decided(verdict: Verdict | undefined, decisions: readonly Decision[]): void;
  delivery(source: string, outcome: 'accepted' | 'refused' | 'overloaded' | 'failed'): void;
  truncated(source: string, alerts: number): void;
  authFailed(door: Door, reason: AuthFailure): void;
  /** A token was good. `name`: what the configuration calls it. */
  admitted(door: Door, name: string): void;
  limitReached(limit: LimitName): void;
  answered(route: string, status: number, seconds: number): void;
  slackCall(method: string, outcome: SlackOutcome, seconds: number): void;
  committed(seconds: number): void;
  rules(outcome: RulesOutcome, version: string | undefined): void;
  recordingLost(deliveries: number): void;
  /** Where the levels come from, once there is a lane. */
  watch(levels: () => Levels): void;
  /** How far a limit is used up; undefined: that is not known here. */
  watchLimit(limit: FillingName, used: () => number | undefined): void;
  /** Alerts that were not understood, since the start. */
  readonly quarantined: number;
  text(): Promise<string>;
  readonly contentType: string;
}

const FAST_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const SLOW_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * How often the lag of the event loop is looked at, which is the least that its metrics say. The process wakes
 * for each look: with the usual 10 ms these are most of what it does at rest.
 */
const LAG_LOOKED_AT_MS = 100;

export function createMetrics(limits: Capacity = CAPACITY): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({
    register: registry,
    prefix: 'quell_',
    eventLoopMonitoringPrecision: LAG_LOOKED_AT_MS,
  });
  const meters = createMeters(registry);
  const inForce = { ...SHAPE, ...limits };
  for (const name of LIMIT_NAMES) meters.limit.labels(name).set(inForce[name]);
  let levels: (() => Levels) | undefined;
  createLevels(registry, () => levels?.());
  const used = createUsed(registry);
  let version: string | undefined;
  let quarantined = 0;
  return {
    get quarantined() {
      return quarantined;
    },
    alertsIn: (source, events) => {
      const alerts = events.filter(({ kind }) => kind === 'alert' || kind === 'odd').length;
      if (alerts > 0) meters.alertsIn(source).inc(alerts);
    },
    decided: (verdict, decisions) => {
      if (verdict !== undefined) meters.verdicts(verdict).inc();
      if (verdict === 'quarantined') quarantined++;
      for (const { reason } of decisions) {
        if (Object.hasOwn(CONSEQUENCES, reason)) meters.consequences(reason).inc();
      }
    },
    delivery: (source, outcome) => meters.deliveries(source, outcome).inc(),
    truncated: (source, alerts) => meters.truncated(source).inc(alerts),
    authFailed: (door, reason) => meters.authFailures(door, reason).inc(),
    admitted: (door, name) => meters.admissions(door, name).inc(),
    limitReached: (limit) => meters.limitReached(limit).inc(),
    answered: (route, status, seconds) => {
      meters.answers(route, String(status)).inc();
      meters.answerTime(seconds, route);
    },
    slackCall: (method, outcome, seconds) => {
      meters.slackCalls(method, outcome).inc();
      meters.slackTime(seconds, method);
    },
    committed: (seconds) => meters.commitTime(seconds),
    rules: (outcome, loaded) => {
      meters.rules(outcome).inc();
      if (outcome === 'refused' || loaded === undefined || loaded === version) return;
      if (version !== undefined) meters.rulesInfo.remove(version);
      version = loaded;
      meters.rulesInfo.labels(loaded).set(1);
    },
    recordingLost: (deliveries) => meters.recordingLost().inc(deliveries),
    watch: (read) => {
      levels = read;
    },
    watchLimit: (limit, read) => void used.set(limit, read),
    text: whileAsked(() => registry.metrics()),
    contentType: registry.contentType,
  };
}

function createMeters(registry: Registry) {
  const registers = [registry];
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    createCounter(registry, { name: `quell_${name}_total`, help, labelNames });
  const times = (name: string, help: string, buckets: number[], ...labelNames: string[]) =>
    createTimes(registry, { name: `quell_${name}_seconds`, help, labelNames, buckets });
  const meters = {
    authFailures: counter('auth_failures', 'Requests not let in.', 'door', 'reason'),
    admissions: counter('admissions', 'Requests let in with a token.', 'door', 'token'),
    limitReached: counter('limit_reached', 'Times that a limit was reached.', 'limit'),
    limit: new Gauge({
      name: 'quell_limit',
      help: 'Limits, as they are.',
      labelNames: ['limit'],
      registers,
    }),
    alertsIn: counter('alerts_in', 'Alerts accepted, odd ones included.', 'source'),
    verdicts: counter('verdicts', 'Alerts decided, by what became of them.', 'reason'),
    consequences: counter('consequences', 'What followed from alerts and time.', 'reason'),
    deliveries: counter('deliveries', 'Webhooks received.', 'source', 'outcome'),
    truncated: counter('alerts_truncated', 'Alerts that a source left out.', 'source'),
    answers: counter('http_answers', 'HTTP requests answered.', 'route', 'status'),
    answerTime: times('http_answer', 'Time to answer HTTP requests.', FAST_S, 'route'),
    slackCalls: counter('slack_calls', 'Calls to Slack.', 'method', 'outcome'),
    slackTime: times('slack_call', 'Time that calls to Slack took.', SLOW_S, 'method'),
    commitTime: times('commit', 'Time until a commit was on disk.', FAST_S),
    rules: counter('rules_loads', 'Attempts to load the rules.', 'outcome'),
    rulesInfo: new Gauge({
      name: 'quell_rules_info',
      help: 'The version of the rules in force.',
      labelNames: ['version'],
      registers,
    }),
    recordingLost: counter('recording_lost', 'Deliveries that --record could not write.'),
  };
  // What is never counted is shown as 0.
  for (const limit of LIMIT_NAMES) meters.limitReached(limit);
  for (const verdict of Object.keys(VERDICTS)) meters.verdicts(verdict);
  for (const consequence of Object.keys(CONSEQUENCES)) meters.consequences(consequence);
  meters.recordingLost();
  return meters;
}

interface Count {
  readonly labels: readonly string[];
  inc(by?: number): void;
  /** So far. */
  readonly value: number;
}

/**
 * Counts in plain numbers, which prom-client sees when it is asked: it would check and hash the labels
 * at every call, and several counts are made for each alert.
 */
function createCounter(
  registry: Registry,
  about: { readonly name: string; readonly help: string; readonly labelNames: string[] },
): (...labels: string[]) => Count {
  const counts = new Map<string, Count>();
  new Counter({
    ...about,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, value } of counts.values()) this.labels(...labels).inc(value);
    },
  });
  return (...labels) => {
    const key = labels.length === 1 ? (labels[0] ?? '') : labels.join('\n');
    const known = counts.get(key);
    if (known !== undefined) return known;
    const count = createCount(labels);
    counts.set(key, count);
    return count;
  };
}

function createCount(labels: readonly string[]): Count {
  let value = 0;
  return {
    labels,
    inc(by = 1) {
      value += by;
    },
    get value() {
      return value;
    },
  };
}

/** Times that are kept before prom-client gets them. */
const TIMES_MAX = 1_000;

/**
 * Times of one histogram, by its one label or none, kept until there are many or somebody asks: prom-client
 * checks and hashes at every call, and many at once take a fraction of what they would take one by one.
 */
function createTimes(
  registry: Registry,
  about: {
    readonly name: string;
    readonly help: string;
    readonly labelNames: string[];
    readonly buckets: number[];
  },
): (seconds: number, ...labels: string[]) => void {
  const kept = new Map<string, { readonly labels: readonly string[]; readonly times: number[] }>();
  const tell = () => {
    for (const { labels, times } of kept.values()) {
      const child = histogram.labels(...labels);
      for (const seconds of times) child.observe(seconds);
      times.length = 0;
    }
  };
  const histogram = new Histogram({ ...about, registers: [registry], collect: tell });
  return (seconds, ...labels) => {
    const key = labels[0] ?? '';
    const known = kept.get(key);
    if (known === undefined) kept.set(key, { labels, times: [seconds] });
    else if (known.times.push(seconds) >= TIMES_MAX) tell();
  };
}

function createLevels(registry: Registry, read: () => Levels | undefined): void {
  const gauge = (name: string, help: string, value: (levels: Levels) => number): void => {
    new Gauge({
      name: `quell_${name}`,
      help,
      registers: [registry],
      collect() {
        const levels = read();
        if (levels !== undefined) this.set(value(levels));
      },
    });
  };
  gauge('alerts', 'Alerts in memory, firing or lately resolved.', ({ alerts }) => alerts);
  gauge('incidents', 'Incidents in memory, unseen ones included.', ({ incidents }) => incidents);
  gauge('incidents_open', 'Incidents that were told and are not over.', (now) => now.incidentsOpen);
  gauge(
    'services_unknown',
    'Services of incidents in memory that the catalog does not know.',
    ({ unknownServices }) => unknownServices(),
  );
  gauge('deliveries_waiting', 'Deliveries that are not decided yet.', ({ waiting }) => waiting);
  gauge(
    'deliveries_set_aside',
    'Jobs of the inbox that took their instances down, and are kept.',
    ({ setAside }) => setAside,
  );
  gauge('leads', 'Lanes that are decided here.', ({ leads }) => leads);
  gauge('outbox', 'Things to do in Slack that are not done yet.', ({ outbox }) => outbox);
  gauge(
    'outbox_oldest_seconds',
    'How long the oldest thing to do in Slack has waited.',
    ({ outboxOldestMs }) => outboxOldestMs / 1000,
  );
}

/** Readers of what is used of each limit. */
function createUsed(registry: Registry): Map<FillingName, () => number | undefined> {
  const readers = new Map<FillingName, () => number | undefined>();
  new Gauge({
    name: 'quell_limit_used',
    help: 'How far a limit is used up.',
    labelNames: ['limit'],
    registers: [registry],
    collect() {
      for (const limit of FILLING) {
        const used = readers.get(limit)?.();
        if (used === undefined) this.remove(limit);
        else this.set({ limit }, used);
      }
    },
  });
  return readers;
}

/** Who asks while it is being made, gets the same: it takes milliseconds, and everybody may ask. */
function whileAsked<T>(make: () => Promise<T>): () => Promise<T> {
  let making: Promise<T> | undefined;
  return () => {
    making ??= make().finally(() => {
      making = undefined;
    });
    return making;
  };
}
