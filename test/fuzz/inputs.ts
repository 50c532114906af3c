/**
 * One hostile input for each seed: a request to any door of the service, an event of Slack, a rules
 * file, or a line of a recording. The seed alone says what it is.
 */
import { gzipSync } from 'node:zlib';
import { createRandom, type Random } from '../support/random.ts';
import { samplesOf } from '../ingest/samples.ts';
import { mutate, record, text, time, TRICKS, value, word } from './hostile.ts';

export type Input =
  | {
      readonly kind: 'request';
      readonly method: 'GET' | 'POST';
      readonly path: string;
      readonly headers: readonly (readonly [string, string])[];
      readonly body: Buffer;
    }
  /** The body of a request, past the server: parsed and decided. */
  | { readonly kind: 'delivery'; readonly source: string; readonly body: Buffer }
  /** Signed with the secret of the service. */
  | { readonly kind: 'slack'; readonly body: Buffer }
  /** Bytes that need not be HTTP. */
  | { readonly kind: 'raw'; readonly bytes: Buffer }
  | { readonly kind: 'rules'; readonly text: string }
  | { readonly kind: 'recording'; readonly line: string };

export const MAPPED = 'uptime-kuma';
const DOORS = [
  '/v1/ingest/alertmanager',
  '/v1/ingest/grafana',
  '/v1/ingest/prometheus',
  '/v1/ingest/generic',
  `/v1/ingest/${MAPPED}`,
  '/api/v2/alerts',
] as const;

const SOURCES = ['alertmanager', 'grafana', 'prometheus', 'generic', MAPPED] as const;

const SAMPLES = [...samplesOf('alertmanager'), ...samplesOf('prometheus')].map(
  ({ bytes }) => bytes,
);
const [FIRST_SAMPLE = Buffer.from('{}'), ...MORE_SAMPLES] = SAMPLES;

/** One in so many is large enough to hurt. */
const MONSTER_EVERY = 1_000;

export function inputOf(seed: number): Input {
  const random = createRandom(seed);
  if (seed % MONSTER_EVERY === 0) return post(random, monster(seed / MONSTER_EVERY));
  const send = random.chance(PAST_THE_SERVER) ? hand : post;
  const kind = random.below(100);
  if (kind < 35) return send(random, json(random, delivery(random)));
  if (kind < 55) return send(random, mutate(random, random.pick([FIRST_SAMPLE, ...MORE_SAMPLES])));
  if (kind < 65) return send(random, bytes(random));
  if (kind < 73) return send(random, json(random, value(random, 5)));
  if (kind < 84) return read(random);
  if (kind < 92) return { kind: 'slack', body: json(random, slackEvent(random)) };
  if (kind < 95) return { kind: 'rules', text: rules(random) };
  if (kind < 98) return { kind: 'recording', line: recorded(random) };
  return { kind: 'raw', bytes: raw(random) };
}

/** Most bodies need no server to be tried, which costs more than they do. */
const PAST_THE_SERVER = 0.7;

function hand(random: Random, body: Buffer): Input {
  return { kind: 'delivery', source: random.pick(SOURCES), body };
}

function bytes(random: Random): Buffer {
  return Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256)));
}

/** Mostly well written; sometimes with a byte wrong. JSON.stringify writes lone surrogates as escapes. */
function json(random: Random, given: unknown): Buffer {
  const written = Buffer.from(JSON.stringify(given) ?? '');
  return random.chance(0.1) ? mutate(random, written) : written;
}

function delivery(random: Random): unknown {
  const alerts = Array.from({ length: random.below(4) }, () => alert(random));
  switch (random.below(5)) {
    case 0:
      return alerts;
    case 1:
      return alerts[0];
    case 2:
      return { heartbeat: value(random), monitor: { name: text(random), url: text(random) } };
    default:
      return {
        version: '4',
        status: random.pick(['firing', 'resolved', text(random)]),
        truncatedAlerts: random.pick([0, 3, -1, 'x', 1e300]),
        alerts: random.chance(0.95) ? alerts : value(random),
        [text(random)]: value(random),
      };
  }
}

function alert(random: Random): unknown {
  if (random.chance(0.05)) return value(random);
  const labels = {
    ...record(random, 3, () => (random.chance(0.95) ? text(random) : value(random))),
    alertname: random.pick(['Down', 'HighLoad', text(random)]),
    service: random.pick([word(random), text(random)]),
    severity: random.pick(['critical', 'warning', 'info', text(random)]),
    environment: random.pick(['production', 'staging', text(random)]),
    host: random.pick(['node-7', text(random)]),
    transaction_id: random.pick([`tid_${random.below(50)}`, text(random)]),
  };
  const annotations = {
    ...record(random, 2, () => (random.chance(0.95) ? text(random) : value(random))),
    summary: text(random),
    description: text(random),
    runbook_url: text(random),
    dashboard_url: text(random),
  };
  return {
    name: labels.alertname,
    status: random.pick(['firing', 'firing', 'resolved', text(random)]),
    labels: random.chance(0.95) ? labels : value(random),
    annotations: random.chance(0.95) ? annotations : value(random),
    startsAt: time(random),
    endsAt: time(random),
    generatorURL: random.chance(0.9) ? text(random) : value(random),
    url: text(random),
  };
}

function post(random: Random, body: Buffer): Input {
  const path = random.chance(0.97) ? random.pick(DOORS) : `/v1/ingest/${odd(random)}`;
  const headers: [string, string][] = [['content-type', 'application/json']];
  const isBomb = body[0] === 0x1f && body[1] === 0x8b;
  if (isBomb) headers.push(['content-encoding', 'gzip']);
  else if (random.chance(0.05)) {
    headers.push(['content-encoding', random.pick(['gzip', 'deflate', 'br', 'identity', 'x'])]);
  }
  if (random.chance(0.1)) headers.push(['authorization', inHeader(text(random))]);
  if (random.chance(0.05)) headers.push([random.pick(HEADERS), inHeader(text(random))]);
  return { kind: 'request', method: 'POST', path, headers, body };
}

const HEADERS = [
  'x-forwarded-for',
  'content-type',
  'cookie',
  'accept',
  'origin',
  'sec-fetch-site',
  'host',
  'x-slack-signature',
  'x-grafana-alerting-signature',
] as const;

const PLACES = [
  '/',
  '/decisions',
  '/incidents',
  '/alerts',
  '/silences',
  '/login',
  '/metrics',
  '/v1/alerts',
  '/v1/incidents',
  '/v1/decisions',
  '/-/ready',
  '/slack/events',
] as const;
const PARAMETERS = [
  'state',
  'service',
  'environment',
  'severity',
  'match',
  'incident',
  'from',
  'to',
  'limit',
  'cursor',
  'reason',
  'next',
] as const;

function read(random: Random): Input {
  const place = random.pick([
    random.pick(PLACES),
    `/incidents/${odd(random)}`,
    `/v1/incidents/${odd(random)}`,
    `/alerts/${odd(random)}`,
    `/v1/alerts/${odd(random)}/explain`,
    `/${odd(random)}`,
  ]);
  const query = Array.from({ length: random.below(4) }, () => {
    const name = random.chance(0.9) ? random.pick(PARAMETERS) : odd(random);
    return `${name}=${odd(random)}`;
  }).join('&');
  const accept = random.pick(['text/html', 'application/json', '*/*']);
  const headers: [string, string][] = [['accept', accept]];
  if (random.chance(0.2)) headers.push([random.pick(HEADERS), inHeader(text(random))]);
  const path = query === '' ? place : `${place}?${query}`;
  return { kind: 'request', method: 'GET', path, headers, body: Buffer.alloc(0) };
}

/** Part of an address: mostly encoded as it should be. */
function odd(random: Random): string {
  const given = random.chance(0.7) ? text(random).slice(0, 400) : JSON.stringify(value(random, 1));
  if (random.chance(0.8)) return encodeURIComponent(given.replaceAll(/\p{Cs}/gu, '\ufffd'));
  return given.replaceAll(/[^\x21-\x7e]/g, '%E0%A4').slice(0, 400);
}

function inHeader(given: string): string {
  return given.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '').slice(0, 400);
}

function slackEvent(random: Random): unknown {
  if (random.chance(0.2)) return value(random, 4);
  const ts = random.pick(['1710000000.000100', text(random), '0', '999999999999.9']);
  const event = {
    type: random.pick(['reaction_added', 'reaction_removed', text(random)]),
    user: random.pick(['U1', 'W2', text(random)]),
    reaction: random.pick([
      'eyes',
      'white_check_mark',
      'no_bell',
      'eyes::skin-tone-2',
      text(random),
    ]),
    item: random.chance(0.9)
      ? { type: 'message', channel: random.pick(['C1', text(random)]), ts }
      : value(random),
    event_ts: random.pick(['1710000042.123456', text(random)]),
  };
  return {
    type: random.pick(['event_callback', 'event_callback', 'url_verification', text(random)]),
    challenge: text(random),
    event_id: text(random),
    event: random.chance(0.95) ? event : value(random),
    authorizations: random.chance(0.8) ? [{ user_id: 'U9', is_bot: true }] : value(random),
  };
}

function recorded(random: Random): string {
  if (random.chance(0.2)) return text(random);
  const line = {
    at: time(random),
    source: random.pick(['alertmanager', 'generic', text(random)]),
    body: random.chance(0.8) ? delivery(random) : value(random, 5),
    reaction: random.chance(0.2) ? text(random) : undefined,
    incident: random.chance(0.2) ? text(random) : undefined,
    user: random.chance(0.2) ? text(random) : undefined,
  };
  return json(random, line).toString();
}

const RULE_LINES = [
  'services:',
  '  - name: payments',
  '    dependsOn: [payments-db]',
  '    aliases: ["a", "a"]',
  'hold:',
  '  - for: 10m',
  '  - match: [\'severity="critical"\', \'tier=~"^(a+)+$"\']',
  'route:',
  '  channel: "#alerts"',
  '  routes: [{ match: [], channel: owner }]',
  'maintenance:',
  '  - { name: x, every: { weekdays: [sunday], times: [{ start_time: "24:00", end_time: "00:00" }] } }',
  'silences:',
  'correlate: { maxHops: 99 }',
  'normalise: &a { service: [labels.service, *a] }',
  'teams: [{ name: __proto__ }]',
  '__proto__: { polluted: true }',
  'constructor: { prototype: { polluted: true } }',
  '? [a, b]',
  '<<: *a',
  '!!js/function x',
  '--- ',
  '%YAML 1.2',
  '\t- tab',
] as const;

function rules(random: Random): string {
  const lines = Array.from({ length: 1 + random.below(8) }, () => {
    if (random.chance(0.8)) return random.pick(RULE_LINES);
    return `${' '.repeat(random.below(6))}${word(random)}: ${JSON.stringify(value(random, 2))}`;
  });
  const written = lines.join('\n');
  if (random.chance(0.3)) return mutate(random, Buffer.from(written)).toString();
  return random.chance(0.1) ? json(random, value(random, 6)).toString() : written;
}

function raw(random: Random): Buffer {
  const method = random.pick(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PRI', 'get', '']);
  const head = [
    `${method} ${random.pick(['/', '*', '/v1/ingest/generic', 'http://evil.example/', '//x', ''])} HTTP/${random.pick(['1.1', '1.0', '2.0', '9'])}`,
    `Host: ${inHeader(text(random))}`,
    random.pick([
      'Content-Length: 5',
      'Content-Length: -1',
      'Content-Length: 5\r\nContent-Length: 6',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: chunked\r\nContent-Length: 3',
      'Upgrade: websocket\r\nConnection: Upgrade',
      `${inHeader(text(random))}`,
    ]),
    'Connection: close',
    '',
    random.pick(['', 'abcde', '5\r\nabcde\r\n0\r\n\r\n', 'ffffffffffffffff\r\n', text(random)]),
  ].join('\r\n');
  return random.chance(0.5)
    ? mutate(random, Buffer.from(head, 'latin1'))
    : Buffer.from(head, 'latin1');
}

/** A few kilobytes that inflate to 60 MB. */
const BOMB = gzipSync(Buffer.alloc(60_000_000, ' '));

/** What is large, deep or many, each kind in its turn. */
function monster(turn: number): Buffer {
  const of = (alerts: string) => Buffer.from(`{"alerts":[${alerts}]}`);
  switch (turn % 15) {
    case 0:
      return of(`{"labels":{"alertname":"${'x'.repeat(10_000_000)}"},"status":"firing"}`);
    case 1:
      return of(`{"labels":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`);
    case 2:
      return of(`{"labels":${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}}`);
    case 3:
      return BOMB;
    case 4: {
      return of(`{"labels":{${many(10_000, (i) => `"l${i}":"x"`)}},"status":"firing"}`);
    }
    case 5:
      return of('{"labels":{}},'.repeat(600_000));
    case 6:
      return of(Array.from({ length: 10_000 }, () => '{"labels":{}}').join(','));
    case 7:
      return Buffer.alloc(9_000_000, Buffer.from([0xed, 0xa0, 0x80, 0x00, 0xff]));
    case 8:
      return of(`{"labels":{"alertname":"A"},"annotations":{${entries(127, 60_000)}}}`);
    case 9:
      return of(`{"labels":{"alertname":"${'\n\u00e9'.repeat(4_000_000)}"}}`);
    case 10:
      return of(many(580_000, (i) => `"text ${i}"`));
    case 11:
      return of(many(9_900, (i) => `{"${'x'.repeat(1_000)}${i}":1}`));
    case 12:
      return of(many(4_000, (i) => `{"labels":{"alertname":"A${i}",${labels(110, i)}}}`));
    case 13:
      return of(many(10_000, (i) => `{"labels":{"alertname":"A${i}"},"status":"firing"}`));
    default:
      return Buffer.from(`${'[{"a":"'.repeat(300_000)}${TRICKS.join('')}`);
  }
}

function many(count: number, one: (index: number) => string): string {
  return Array.from({ length: count }, (_, i) => one(i)).join(',');
}

function labels(count: number, turn: number): string {
  return many(count, (i) => `"l${i}":"value ${(i * turn) % 97}"`);
}

function entries(count: number, length: number): string {
  const long = '<&'.repeat(length / 2);
  return Array.from({ length: count }, (_, i) => `"a${i}":"${long}"`).join(',');
}
