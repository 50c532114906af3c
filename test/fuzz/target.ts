/**
 * What is fuzzed: the whole service over its real HTTP server, with rules, a store in memory and a
 * Slack that takes everything. After each input it is asked whether anything happened that must not.
 */
import { createHmac } from 'node:crypto';
import { gunzipSync, inflateSync } from 'node:zlib';
import { createReader } from '../../src/ingest/read-apart.ts';
import { readLine } from '../../src/ingest/recording.ts';
import { NO_MAPPINGS, parseBytes, parseDelivery } from '../../src/ingest/sources.ts';
import type { Effect } from '../../src/model.ts';
import { compileRules } from '../../src/rules/compile.ts';
import { formatDiagnostics } from '../../src/rules/files/diagnostics.ts';
import { slackEventsHandler } from '../../src/slack/events-http.ts';
import { renderMessage } from '../../src/slack/message.ts';
import { buildView } from '../../src/view.ts';
import { NOW, type Service, startService } from '../support/service.ts';
import { expectSound } from '../support/sound-message.ts';
import { faultsOfPage } from '../support/sound-page.ts';
import { SHOP } from '../support/story.ts';
import { threadMs, watchTurns } from '../support/turns.ts';
import { type Input, inputOf, MAPPED } from './inputs.ts';
import { createWire, type Reply, type Wire } from './wire.ts';

/** Node 20 loads no TypeScript in a thread: as it was built. */
const APART = new URL('../../dist/ingest/apart-thread.js', import.meta.url);
const SECRET = '0123456789abcdef0123456789abcdef';
const RULES = `${SHOP}
ingest:
  ${MAPPED}:
    status: { from: heartbeat.status, resolved: ['1'] }
    startsAt: heartbeat.time
    labels: { alertname: '=Down', service: monitor.name, url: monitor.url }
    annotations: { summary: heartbeat.msg }
links:
  dashboard: https://grafana.example.com/{service}/{environment}
  logs: https://logs.example.com/{transaction}
  silence: https://alerts.example.com/{alertname}?filter={matchers}
`;

export interface Taken {
  /** What went wrong with it; empty when nothing did. */
  readonly faults: readonly string[];
  /** For how long it kept the process from everything else. The machine may have been slow. */
  readonly turnMs: number;
}

export interface Target {
  take(input: Input): Promise<Taken>;
  /** Time passes; every message and page is looked at. */
  look(): Promise<readonly string[]>;
  stop(): Promise<readonly string[]>;
}

export async function startTarget(): Promise<Target> {
  let passed = 0;
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const service: Service = await startService({
    yaml: RULES,
    limits: { body: 10 * 1024 * 1024 },
    read: createReader(APART),
    clockRuns: true,
    slackEvents: slackEventsHandler({
      signingSecret: SECRET,
      submit: (event) => service.lane.submit(NOW + passed, [event]),
      now: () => NOW + passed,
      log: silent,
      refused: () => undefined,
    }),
  });
  service.lane.attach({
    enqueue: (effects) => takeAll(service, effects),
    restore: () => undefined,
    abandon: async () => undefined,
  });
  const wire = createWire(service.http.server);
  return {
    async take(input) {
      const turns = watchTurns();
      const check = await takeOne(service, wire, input, NOW + passed);
      const turnMs = turns.stop();
      const faults = check();
      if (Object.keys(Object.prototype).length > 0) faults.push('Object.prototype was changed');
      return { faults, turnMs };
    },
    async look() {
      passed += 7 * 60_000;
      await service.pass(7 * 60_000);
      return [...lookAtMessages(service, NOW + passed), ...(await lookAtPages(service, wire))];
    },
    async stop() {
      await service.lane.settled();
      const text = await service.metrics.text();
      const sum = (name: string) =>
        [...text.matchAll(new RegExp(`^${name}\\{[^\\n]*\\} (\\d+)`, 'gm'))].reduce(
          (total, [, count]) => total + Number(count),
          0,
        );
      await service.stop();
      const [taken, decided] = [sum('quell_alerts_in_total'), sum('quell_verdicts_total')];
      return taken === decided ? [] : [`${taken} alerts were taken, ${decided} decided`];
    },
  };
}

/** Slack takes everything at once. */
function takeAll({ lane }: Service, effects: readonly Effect[]): void {
  for (const { id, kind, channel } of effects) {
    const incident = lane.state.incidents.get(id.split(':')[1] ?? '');
    const ts = kind === 'message' ? '1710000000.000100' : '1710000000.000200';
    const revision = incident?.revision ?? 0;
    const outcome = { kind: 'sent', message: { channel, ts }, revision } as const;
    void lane.submit(0, [{ kind: 'delivered', effect: id, outcome }]);
  }
}

/** Does what is to be done with it, and returns how to see whether all went well. */
async function takeOne(
  service: Service,
  wire: Wire,
  input: Input,
  now: number,
): Promise<() => string[]> {
  switch (input.kind) {
    case 'request': {
      const before = service.submitted.length;
      const reply = await wire.exchange(written(input));
      const events = service.submitted.slice(before).flatMap((one) => one.events).length;
      return () => faultsOfReply(input, reply, events);
    }
    case 'delivery': {
      const { source, body } = input;
      const context = { source, delivery: 'd', at: now };
      const parsed = parseBytes(body, context, service.rules.mappings);
      if (parsed.kind === 'refused') return () => (parsed.error === '' ? ['no error'] : []);
      const { events } = parsed;
      service.metrics.alertsIn(source, events);
      // Answered with the next look: one commit for many, as under load.
      void service.lane.submit(now, events);
      return () => {
        const most = alertsIn({ headers: [], body }) ?? 0;
        const taken = events.filter((event) => event.kind === 'alert').length;
        return taken > most ? [`${taken} of at most ${most} alerts`] : [];
      };
    }
    case 'slack': {
      const timestamp = String(Math.floor(now / 1000));
      const signature = createHmac('sha256', SECRET).update(`v0:${timestamp}:`).update(input.body);
      const headers: [string, string][] = [
        ['x-slack-request-timestamp', timestamp],
        ['x-slack-signature', `v0=${signature.digest('hex')}`],
      ];
      const request = { method: 'POST', path: '/slack/events', headers, body: input.body } as const;
      const { status } = await wire.exchange(written(request));
      return () => ([200, 400].includes(status) ? [] : [`Slack's event was answered ${status}`]);
    }
    case 'raw': {
      const { status } = await wire.once(input.bytes);
      return () => (status >= 500 && status !== 501 ? [`answered ${status}`] : []);
    }
    case 'rules': {
      const result = compileRules([{ name: 'fuzz.yaml', text: input.text }]);
      if (result.kind === 'refused') {
        const told = formatDiagnostics(result.errors);
        return () => (told === '' ? ['refused without a word'] : []);
      }
      // Whatever loads is lived with for a while.
      service.lane.useRules(result.rules);
      await service.lane.settled();
      return () => [];
    }
    case 'recording': {
      const line = readLine(input.line, 1);
      if (line?.kind === 'delivery') {
        const context = { source: line.source, delivery: 'd', at: line.at };
        parseDelivery(line.body, context, NO_MAPPINGS);
      }
      return () => [];
    }
  }
}

type Request = Pick<Extract<Input, { kind: 'request' }>, 'method' | 'path' | 'headers' | 'body'>;

function written({ method, path, headers, body }: Request): Buffer {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...(headers.some(([name]) => name === 'host') ? [] : ['host: localhost']),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(method === 'POST' ? [`content-length: ${body.length}`] : []),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

const REFUSED: ReadonlySet<number> = new Set([303, 400, 401, 403, 404, 405, 413, 415, 422, 431]);

function faultsOfReply(
  input: Extract<Input, { kind: 'request' }>,
  { status, body, headers }: Reply,
  events: number,
): string[] {
  const { method, path } = input;
  const what = `${method} ${path.slice(0, 200)} was answered ${status}`;
  if (REFUSED.has(status)) return status === 400 || events === 0 ? [] : [`${what}, but taken`];
  if (status === 503 && body.includes('(limit ')) return [];
  if (status !== 200) return [`${what}: ${body.slice(0, 200)}`];
  if (method === 'POST') {
    const alerts = alertsIn(input);
    const isWell = path.startsWith('/v1/') ? countsOf(body) : events;
    if (alerts === undefined) return [`${what}, and holds no JSON`];
    if (isWell !== events || events > alerts) {
      return [`${what} for ${isWell} of at most ${alerts} alerts; ${events} events`];
    }
    return [];
  }
  const isPage = headers.get('content-type')?.startsWith('text/html') === true;
  return isPage ? faultsOfPage(body).map((fault) => `${what}: ${fault}`) : [];
}

function countsOf(body: string): number {
  // Our own answer.
  const { accepted, quarantined } = JSON.parse(body) as { accepted: number; quarantined: number };
  return accepted + quarantined;
}

/** How many alerts a body can hold at most; counted in another way than the parsers do. */
function alertsIn({ headers, body }: Pick<Request, 'headers' | 'body'>): number | undefined {
  try {
    const encoding = headers.find(([name]) => name === 'content-encoding')?.[1] ?? 'identity';
    const bytes =
      encoding === 'gzip' ? gunzipSync(body) : encoding === 'deflate' ? inflateSync(body) : body;
    const parsed: unknown = JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, ''));
    const inner =
      typeof parsed === 'object' && parsed !== null && Object.hasOwn(parsed, 'alerts')
        ? (parsed as { alerts: unknown }).alerts
        : parsed;
    return Array.isArray(inner) ? inner.length : 1;
  } catch {
    return undefined;
  }
}

/** Looked at each time: the newest. */
const MESSAGES_MAX = 200;

function lookAtMessages({ lane }: Service, now: number): readonly string[] {
  const faults: string[] = [];
  for (const incident of [...lane.state.incidents.values()].slice(-MESSAGES_MAX)) {
    const view = buildView(lane.state, incident, lane.rules, now, 'https://quell.example.com');
    try {
      expectSound(renderMessage(view), view.mention);
    } catch (error) {
      faults.push(`the message of ${incident.id}: ${String(error).slice(0, 500)}`);
    }
  }
  return faults;
}

async function lookAtPages({ lane }: Service, wire: Wire): Promise<readonly string[]> {
  const faults: string[] = [];
  const [incident = ''] = [...lane.state.incidents.keys()].slice(-1);
  const [alert = ''] = [...lane.state.alerts.keys()].slice(-1);
  for (const path of [
    '/',
    '/decisions',
    '/incidents',
    '/alerts',
    `/incidents/${incident}`,
    `/alerts/${alert}`,
  ]) {
    const headers = [['accept', 'text/html']] as const;
    const request = { method: 'GET', path, headers, body: Buffer.alloc(0) } as const;
    const { status, body } = await wire.exchange(written(request));
    if (status !== 200 && status !== 404) faults.push(`${path} was answered ${status}`);
    faults.push(...faultsOfPage(body).map((fault) => `${path}: ${fault}`));
  }
  return faults;
}

/** As often an input is tried until it is found to be quick: a busy machine makes anything slow now and then. */
const TRIES_MAX = 12;

/** A piece of work that every machine can be measured by, and its milliseconds where the limit was set. */
const YARDSTICK = `[${'{"a":"bcdefgh","n":12345},'.repeat(40_000)}0]`;
const YARDSTICK_MS = 15;

/**
 * Milliseconds for which an input keeps the process from everything else, at the least of the tries that it
 * takes to see it within `limitMs`. The yardstick is read before each try: on a machine that takes longer for
 * it, so much more may be taken, or the machine decided the test.
 */
export async function turnOf(input: Input, limitMs: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES_MAX && least > limitMs; i++) {
    const target = await startTarget();
    const began = threadMs();
    JSON.parse(YARDSTICK);
    const slower = Math.max(1, (threadMs() - began) / YARDSTICK_MS);
    const { turnMs } = await target.take(input);
    least = Math.min(least, turnMs / slower);
    await target.stop();
  }
  return Math.round(least);
}

/** One seed on a service of its own: how a seed that failed is looked at again. */
export async function faultsOfSeed(seed: number): Promise<readonly string[]> {
  const target = await startTarget();
  const taken = await target.take(inputOf(seed));
  return [...taken.faults, ...(await target.look()), ...(await target.stop())];
}
