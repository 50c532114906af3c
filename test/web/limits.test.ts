import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { digestOf } from '../../src/ingest/credentials.ts';
import { CAPACITY, FILLING, LIMIT_NAMES, SHAPE } from '../../src/limits.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { type Service, type ServiceOptions, startService, withSubmit } from '../support/service.ts';

const GENERIC = '/v1/ingest/generic';

let running: Service | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(options: ServiceOptions): Promise<Service> {
  running = await startService(options);
  return running;
}

async function reached(service: Service, limit: string): Promise<number> {
  const text = await service.metrics.text();
  return Number(
    new RegExp(`quell_limit_reached_total\\{limit="${limit}"\\} (\\d+)`).exec(text)?.[1],
  );
}

/** Rows of the table of limits: the names in each, and whether it says that they fill up. */
function documented() {
  const page = readFileSync('docs/operations.md', 'utf8');
  const [, table = ''] = /^## Limits\n(.*?)^## /ms.exec(page) ?? [];
  const rows = [...table.matchAll(/^\| ((?:`[a-z-]+`(?:, )?)+) \|.*?\| (yes)? ?\|/gm)];
  return rows.flatMap(([, cell = '', fills]) =>
    [...cell.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => ({ name, fills: fills === 'yes' })),
  );
}

test('docs/operations.md names exactly the limits that there are, those that can be changed first', () => {
  expect(documented().map(({ name }) => name)).toEqual(LIMIT_NAMES);
  const filling = documented().filter(({ fills }) => fills);
  expect(filling.map(({ name }) => name)).toEqual(FILLING);
});

test('every limit has its metrics from the start: what it is, how often it was reached, and how full it is if it fills up', async () => {
  const metrics = createMetrics({ ...CAPACITY, 'open-alerts': 7 });
  for (const name of FILLING) metrics.watchLimit(name, () => name.length);
  const text = await metrics.text();
  for (const name of LIMIT_NAMES) {
    const limit = { ...CAPACITY, ...SHAPE, 'open-alerts': 7 }[name];
    expect(text).toContain(`quell_limit{limit="${name}"} ${limit}`);
    expect(text).toContain(`quell_limit_reached_total{limit="${name}"} 0`);
    const used = text.includes(`quell_limit_used{limit="${name}"} ${name.length}\n`);
    expect(used, name).toBe(FILLING.some((filling) => filling === name));
  }
});

test('what fills up is told as it fills', async () => {
  const service = await start({ yaml: 'services:\n  - name: one\n' });
  const annotations = { text: 'x'.repeat(5_000) };
  for (const name of ['A', 'B', 'C']) await service.post(GENERIC, { name, annotations });
  await service.post(GENERIC, { name: 'C', status: 'resolved', annotations });
  const endsAt = new Date(service.now() + 60_000).toISOString();
  const startsAt = new Date(service.now()).toISOString();
  const matchers = [{ name: 'a', value: 'b', isRegex: false, isEqual: true }];
  const silence = { matchers, startsAt, endsAt, createdBy: 'ada', comment: 'upgrade' };
  expect((await service.post('/api/v2/silences', silence)).status).toBe(200);
  const used = async (name: string) => {
    const text = await service.metrics.text();
    return Number(new RegExp(`quell_limit_used\\{limit="${name}"\\} (\\d+)`).exec(text)?.[1]);
  };
  expect(await used('open-alerts')).toBe(2);
  expect(await used('alert-bytes')).toBeGreaterThan(10_000);
  expect(await used('alert-bytes')).toBeLessThan(11_000);
  expect(await used('silences')).toBe(1);
  expect(await used('services')).toBe(1);
  expect(await used('connections')).toBeGreaterThan(0);
  expect([await used('waiting'), await used('bodies'), await used('requests')]).toEqual([0, 0, 0]);
  await service.pass(60_000);
  expect(await used('silences')).toBe(0);
});

test('many who ask for the metrics at once have one text made for them, and who asks later a new one', async () => {
  const metrics = createMetrics();
  let made = 0;
  metrics.watchLimit('requests', () => ++made);
  const all = await Promise.all(Array.from({ length: 100 }, () => metrics.text()));
  expect([made, new Set(all).size]).toEqual([1, 1]);
  expect(await metrics.text()).not.toBe(all[0]);
  expect(made).toBe(2);
});

test('what is over a limit of its shape is refused or set apart, named and counted', async () => {
  const service = await start({ limits: { body: 2_000_000 } });
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`l${i}`, 'x']));
  for (const [body, limit] of [
    [{ name: 'A', labels: many }, 'labels'],
    [{ name: 'A', annotations: many }, 'annotations'],
    [{ name: 'A', labels: { a: 'x'.repeat(8_193) } }, 'label-value'],
    [{ name: 'A', labels: { ['x'.repeat(513)]: 'a' } }, 'label-name'],
    [{ name: 'A', annotations: { a: 'x'.repeat(65_537) } }, 'annotation-value'],
    [{ name: 'A', annotations: { a: LONG, b: LONG, c: LONG } }, 'alert-text'],
    [Array.from({ length: 10_001 }, () => ({ name: 'A' })), 'alerts'],
    ['x'.repeat(2_000_001), 'body'],
    [Array.from({ length: 110 }, (_, n) => ({ name: 'A', labels: namesOfItsOwn(n) })), 'names'],
    [`[${'[],'.repeat(200_000)}[]]`, 'values'],
  ] as const) {
    const answer = await service.post(GENERIC, body);
    expect([answer.status, await answer.text()], limit).toEqual([
      limit === 'body' ? 413 : 400,
      expect.stringContaining(`(limit ${limit})`),
    ]);
    expect(await reached(service, limit), limit).toBe(1);
  }
  const mixed = await service.post(GENERIC, [{ name: 'A' }, { name: 'B', labels: many }]);
  expect([mixed.status, await mixed.json()]).toEqual([
    200,
    expect.objectContaining({ accepted: 1, quarantined: 1 }),
  ]);
});

const LONG = 'x'.repeat(50_000);

function namesOfItsOwn(n: number) {
  return Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`label-${n}-${i}`, 'x']));
}

test.each([
  ['open-alerts', 2, '2 alerts are in memory and fire', 'x'],
  ['alert-bytes', 100_000, 'what fires takes 100000 bytes of memory', 'x'.repeat(60_000)],
] as const)(
  'when %s are used up by what fires, news is 503 and what ends is taken',
  async (...of) => {
    const [limit, max, full, text] = of;
    const service = await start({ limits: { [limit]: max } });
    const post = (service_: string, status = 'firing') =>
      service.post(GENERIC, { name: 'Down', service: service_, status, annotations: { text } });
    expect((await post('one')).status).toBe(200);
    expect((await post('two')).status).toBe(200);
    const refused = await post('three');
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([
      503,
      '5',
      expect.objectContaining({ error: `${full}: try again later (limit ${limit})` }),
    ]);
    expect((await post('one')).status).toBe(200);
    expect((await post('one', 'resolved')).status).toBe(200);
    expect((await post('three')).status).toBe(200);
    expect(service.lane.state.alerts.size).toBe(2);
    expect(await reached(service, limit)).toBe(1);
  },
);

test('more requests at once than the limit are told to come back; probes are answered', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let waiting = 0;
  let arrived: () => void = () => undefined;
  const both = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const service = await start({
    limits: { requests: 2 },
    lane: (lane) =>
      withSubmit(lane, () => {
        if (++waiting === 2) arrived();
        return held;
      }),
  });
  const first = [1, 2].map(() => service.post(GENERIC, { name: 'A' }));
  await both;
  const refused = await service.post(GENERIC, { name: 'A' });
  expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([
    503,
    '5',
    { error: 'too many requests at once: try again (limit requests)' },
  ]);
  expect((await service.get('/')).status).toBe(503);
  expect((await service.get('/-/healthy')).status).toBe(200);
  release();
  for (const answer of await Promise.all(first)) expect(answer.status).toBe(200);
  expect((await service.post(GENERIC, { name: 'A' })).status).toBe(200);
  expect(await reached(service, 'requests')).toBe(2);
});

test('what was read and is not decided yet counts as being in flight', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let arrived: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const submit = () => {
    arrived();
    return held;
  };
  const service = await start({
    limits: { body: 1_500, bodies: 2_000 },
    lane: (lane) => withSubmit(lane, submit),
  });
  const alert = { name: 'A', annotations: { text: 'x'.repeat(1_000) } };
  const waiting = service.post(GENERIC, alert);
  await first;
  const refused = await service.post(GENERIC, alert);
  expect([refused.status, await refused.text()]).toEqual([
    503,
    expect.stringContaining('(limit bodies)'),
  ]);
  release();
  expect((await waiting).status).toBe(200);
  expect((await service.post(GENERIC, alert)).status).toBe(200);
});

test('who only says that something is signed takes no place from those who showed a token', async () => {
  const header = 'x-signature';
  const secrets = ['a secret that nobody knows'];
  const signatures = [{ source: 'grafana', secrets, header, timestampHeader: undefined }];
  const tokens = [{ source: 'generic', name: undefined, digest: digestOf('known') }];
  const service = await start({
    limits: { body: 1_500, bodies: 2_000 },
    auth: { tokens, signatures },
  });
  const { port } = new URL(service.url);
  const isRead = new Promise<void>((resolve) => {
    service.http.server.once('request', (arrived) => arrived.once('data', () => resolve()));
  });
  const unfinished = request({ port, path: '/v1/ingest/grafana', method: 'POST', agent: false });
  unfinished.on('error', () => undefined);
  unfinished.setHeader(header, '00');
  unfinished.setHeader('content-length', 1_500);
  unfinished.write('x'.repeat(1_499));
  await isRead;
  const signed = { [header]: '00' };
  const other = await service.post('/v1/ingest/grafana', { name: 'x'.repeat(500) }, signed);
  expect([other.status, await other.text()]).toEqual([
    503,
    expect.stringContaining('(limit bodies)'),
  ]);
  const alert = { name: 'A', annotations: { text: 'x'.repeat(1_200) } };
  const known = { authorization: 'Bearer known' };
  expect((await service.post(GENERIC, alert, known)).status).toBe(200);
  unfinished.destroy();
});

test('a client that hangs up takes with it the requests that it sent ahead and were never answered', async () => {
  const service = await start({ limits: { requests: 100 } });
  const ahead = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(50);
  for (let times = 0; times < 4; times++) await sendAndLeave(service, ahead);
  expect((await service.get('/v1/alerts')).status).toBe(200);
  expect(await going(service)).toBe(0);
});

test('a connection on which too many requests are sent ahead is closed', async () => {
  const service = await start({});
  const request = 'GET /-/ready HTTP/1.1\r\nHost: a\r\n\r\n';
  const [there] = await send(service, request.repeat(2_000));
  await closed(there);
  expect(await reached(service, 'pipelined')).toBe(1);
  expect(await going(service)).toBe(0);
});

test('a connection whose client takes no answers is closed, and gives its places back', async () => {
  const service = await start({ answerTimeMs: 300 });
  const [there, here] = await sendUnread(service, 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await going(service)).toBeGreaterThan(0);
  await closed(there);
  expect(await reached(service, 'answer-time')).toBe(1);
  expect(await going(service)).toBe(0);
  here.destroy();
});

test('who takes an answer slowly, but takes it, gets all of it', async () => {
  const service = await start({ answerTimeMs: 20_000 });
  for (let n = 0; n < 20; n++) await service.post(GENERIC, manyAlerts(n));
  const expected = await (await service.get('/v1/alerts?limit=1000')).text();
  expect(expected.length).toBeGreaterThan(5_000_000);
  const answer = await service.get('/v1/alerts?limit=1000');
  let length = 0;
  for await (const chunk of answer.body ?? []) {
    length += chunk.length;
    await setTimeout(1);
  }
  expect(length).toBe(Buffer.byteLength(expected));
  expect(await reached(service, 'answer-time')).toBe(0);
});

function manyAlerts(n: number) {
  const annotations = { text: 'x'.repeat(5_500) };
  return Array.from({ length: 50 }, (_, i) => ({ name: `A${n}-${i}`, annotations }));
}

/** Sends it ahead until an answer waits to be taken, and reads nothing. */
async function sendUnread(service: Service, request: string): Promise<readonly [Socket, Socket]> {
  const [there, here] = await send(service, request);
  here.pause();
  while (there.writableLength === 0) {
    const arrived = once(service.http.server, 'request');
    here.write(request);
    await arrived;
    while (there.writableLength === 0 && (await going(service)) > 0) await setTimeout(1);
  }
  return [there, here];
}

test('one connection more than the limit is closed at once, and taken when another one is over', async () => {
  const service = await start({ limits: { connections: 1 } });
  const [there, here] = await send(service, '');
  const { port } = new URL(service.url);
  const refused = connect(Number(port), '127.0.0.1').on('error', () => undefined);
  await closed(refused);
  expect(await reached(service, 'connections')).toBe(1);
  here.destroy();
  await closed(there);
  expect((await service.get('/-/healthy')).status).toBe(200);
});

test.each([
  ['headers-time', 'headersTimeout', 'POST /v1/ingest/generic HTTP/1.1\r\nHost: a\r\n'],
  [
    'request-time',
    'requestTimeout',
    'POST /v1/ingest/generic HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{',
  ],
] as const)('who takes longer than %s is answered 408 and closed', async (limit, time, text) => {
  const service = await start({ slownessLookedAtMs: 20 });
  const { server } = service.http;
  expect(server[time]).toBe(SHAPE[limit]);
  server.headersTimeout = 100;
  server.requestTimeout = 200;
  expect(await exchange(service, text)).toMatch(/^HTTP\/1.1 408 Request Timeout/);
  expect(await reached(service, limit)).toBe(1);
});

test('what is no HTTP, or has too large headers, is answered so and closed', async () => {
  const service = await start({});
  for (const [text, status] of [
    ['\u0000\u0001\u0002 nonsense\r\n\r\n', '400 Bad Request'],
    [`GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, '431 Request Header Fields Too Large'],
    [
      'POST /v1/ingest/generic HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n',
      '400 Bad Request',
    ],
    [
      'POST /v1/ingest/generic HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      '400 Bad Request',
    ],
  ] as const) {
    expect(await exchange(service, text), status).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
  }
  expect((await service.get('/-/healthy')).status).toBe(200);
});

async function going(service: Service): Promise<number> {
  const [, count] =
    /^quell_limit_used\{limit="requests"\} (\d+)/m.exec(await service.metrics.text()) ?? [];
  return Number(count);
}

/** Hangs up when the first of what it sent is being answered, and has read nothing. */
async function sendAndLeave(service: Service, text: string): Promise<void> {
  const arrived = once(service.http.server, 'request');
  const [there, here] = await send(service, text);
  here.pause();
  await arrived;
  here.destroy();
  await closed(there);
}

/** Whatever error there was before. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}

/** Both ends of a new connection, on which this is sent. */
async function send(service: Service, text: string): Promise<readonly [Socket, Socket]> {
  const accepted = once(service.http.server, 'connection');
  const here = connect(Number(new URL(service.url).port), '127.0.0.1');
  // It is closed while it still sends.
  here.on('error', () => undefined);
  here.write(text);
  const [there] = await accepted;
  return [there, here];
}

function exchange(service: Service, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1', () => {
      socket.write(text, 'latin1');
    });
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
