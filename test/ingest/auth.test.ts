import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { Writable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { clientAddress, createRanges } from '../../src/ingest/address.ts';
import { digestOf } from '../../src/ingest/credentials.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { NOW, type Service, type ServiceOptions, startService } from '../support/service.ts';

const ALERTMANAGER = '/v1/ingest/alertmanager';
const GRAFANA = '/v1/ingest/grafana';
const V2 = '/api/v2/alerts';
const ALERT = { labels: { alertname: 'HighLoad' }, startsAt: '2026-11-21T01:20:00Z' };
const WEBHOOK = { alerts: [{ ...ALERT, status: 'firing' }] };

let running: Service | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(options: ServiceOptions): Promise<Service> {
  running = await startService(options);
  return running;
}

function token(source: string | undefined, secret: string, name?: string) {
  return { source, name, digest: digestOf(secret) };
}

function basic(pair: string): string {
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

test('with tokens, only their owners may post, each for its source', async () => {
  const tokens = [
    token('alertmanager', 'abc'),
    token('prometheus', 'prom:s3cret'),
    token(undefined, 'master'),
  ];
  const service = await start({ auth: { tokens } });
  for (const [path, authorization, status] of [
    [ALERTMANAGER, 'Bearer abc', 200],
    [ALERTMANAGER, 'bearer abc', 200],
    [ALERTMANAGER, 'Bearer master', 200],
    [ALERTMANAGER, 'Bearer abcd', 401],
    [ALERTMANAGER, 'Bearer', 401],
    [ALERTMANAGER, 'abc', 401],
    [ALERTMANAGER, '', 401],
    [ALERTMANAGER, `Bearer ${digestOf('abc')}`, 401],
    [ALERTMANAGER, `Bearer sha256:${digestOf('abc')}`, 401],
    [ALERTMANAGER, basic('prom:s3cret'), 403],
    ['/v1/ingest/generic', 'Bearer abc', 403],
    ['/v1/ingest/generic', 'Bearer master', 400],
    [V2, basic('prom:s3cret'), 200],
    [V2, basic('prom:S3cret'), 401],
    [V2, basic('prom:'), 401],
  ] as const) {
    const body = path === V2 ? [ALERT] : path.includes('generic') ? {} : WEBHOOK;
    const answer = await service.post(path, body, { authorization });
    expect(answer.status, `${path} ${authorization}`).toBe(status);
    expect(answer.headers.has('www-authenticate')).toBe(status === 401);
  }
  const metrics = await service.metrics.text();
  expect(metrics).toContain('quell_auth_failures_total{door="ingest",reason="no-credentials"} 3');
  expect(metrics).toContain('quell_auth_failures_total{door="ingest",reason="other-source"} 2');
});

test('while a token is changed both are good, and it shows which of them is still used', async () => {
  const tokens = [
    token('grafana', 'old-token', 'grafana/2025'),
    token('grafana', 'new-token', 'grafana/2026'),
  ];
  const service = await start({ auth: { tokens } });
  for (const secret of ['old-token', 'new-token', 'new-token']) {
    const answer = await service.post(GRAFANA, WEBHOOK, { authorization: `Bearer ${secret}` });
    expect(answer.status).toBe(200);
  }
  const metrics = await service.metrics.text();
  expect(metrics).toContain('quell_admissions_total{door="ingest",token="grafana/2025"} 1');
  expect(metrics).toContain('quell_admissions_total{door="ingest",token="grafana/2026"} 2');
});

const SECRET = '0123456789abcdef';

function signature(text: string, secret = SECRET): string {
  return createHmac('sha256', secret).update(text).digest('hex');
}

function signing(timestampHeader?: string): ServiceOptions {
  const header = 'x-grafana-alerting-signature';
  const secrets = [SECRET, 'another-secret-of-it'];
  return { auth: { signatures: [{ source: 'grafana', secrets, header, timestampHeader }] } };
}

test('a signed source is believed with the right signature of these very bytes', async () => {
  const service = await start(signing());
  const body = JSON.stringify(WEBHOOK);
  const right = signature(body);
  for (const [given, status] of [
    [right, 200],
    [right.toUpperCase(), 200],
    [`sha256=${right}`, 200],
    [signature(body, 'another-secret-of-it'), 200],
    [signature(`${body} `), 401],
    [signature(body, 'a-secret-of-nobody'), 401],
    [right.slice(0, 62), 401],
    [`${right}00`, 401],
    ['', 401],
    ['\u00e9'.repeat(64), 401],
  ] as const) {
    const answer = await service.post(GRAFANA, body, { 'x-grafana-alerting-signature': given });
    expect(answer.status, given).toBe(status);
  }
  const none = await service.post(GRAFANA, body);
  expect(none.status).toBe(401);
  expect(await none.json()).toMatchObject({
    error: 'requests of this source are signed: x-grafana-alerting-signature is missing',
  });
  // As soon as one source has a lock, no other is open.
  expect((await service.post(ALERTMANAGER, body)).status).toBe(401);
  expect(service.submitted.length).toBe(4);
});

test('with a timestamp the signature covers it, and an old request is refused', async () => {
  const service = await start(signing('x-grafana-alerting-timestamp'));
  const body = JSON.stringify(WEBHOOK);
  const seconds = Math.floor(NOW / 1000);
  for (const [timestamp, signed, status] of [
    [`${seconds}`, `${seconds}:${body}`, 200],
    [`${NOW}`, `${NOW}:${body}`, 200],
    [`${seconds - 290}`, `${seconds - 290}:${body}`, 200],
    [`${seconds - 310}`, `${seconds - 310}:${body}`, 401],
    [`${seconds + 310}`, `${seconds + 310}:${body}`, 401],
    [`${seconds}`, body, 401],
    [`${seconds}`, `${seconds - 1}:${body}`, 401],
    ['soon', `soon:${body}`, 401],
  ] as const) {
    const answer = await service.post(GRAFANA, body, {
      'x-grafana-alerting-signature': signature(signed),
      'x-grafana-alerting-timestamp': timestamp,
    });
    expect(answer.status, `${timestamp} ${signed.slice(0, 20)}`).toBe(status);
  }
  const unsigned = await service.post(GRAFANA, body, {
    'x-grafana-alerting-signature': signature(body),
  });
  expect(unsigned.status).toBe(401);
  const metrics = await service.metrics.text();
  expect(metrics).toMatch(/quell_auth_failures_total\{door="ingest",reason="old-signature"\} 3/);
});

test('a signed source that has a token too must show both; signed bodies are not compressed', async () => {
  const { auth } = signing();
  const service = await start({ auth: { ...auth, tokens: [token('grafana', 'abc')] } });
  const body = JSON.stringify(WEBHOOK);
  const signed = { 'x-grafana-alerting-signature': signature(body) };
  expect((await service.post(GRAFANA, body, signed)).status).toBe(401);
  expect((await service.post(GRAFANA, body, { authorization: 'Bearer abc' })).status).toBe(401);
  const both = { ...signed, authorization: 'Bearer abc' };
  expect((await service.post(GRAFANA, body, both)).status).toBe(200);
  expect((await service.post(GRAFANA, body, { ...both, 'content-encoding': 'gzip' })).status).toBe(
    415,
  );
});

test('a source is taken from its ranges only; others from theirs', async () => {
  const ranges = [
    { source: 'grafana', range: '10.0.0.0/8' },
    { source: 'alertmanager', range: '127.0.0.0/8' },
    { source: 'alertmanager', range: '2001:db8::/32' },
  ];
  const service = await start({ auth: { ranges } });
  const refused = await service.post(GRAFANA, WEBHOOK);
  expect([refused.status, await refused.json()]).toEqual([
    403,
    expect.objectContaining({ error: 'the source "grafana" is not taken from 127.0.0.1' }),
  ]);
  expect((await service.post(ALERTMANAGER, WEBHOOK)).status).toBe(200);
  expect((await service.post('/v1/ingest/generic', { name: 'A' })).status).toBe(200);
  // Who is no trusted proxy may write there what he likes.
  const forged = { 'x-forwarded-for': '10.1.1.1' };
  expect((await service.post(GRAFANA, WEBHOOK, forged)).status).toBe(403);
});

test('behind a trusted proxy the address is the last one that is no proxy', async () => {
  const ranges = [{ source: undefined, range: '10.0.0.0/8' }];
  const proxies = ['127.0.0.1', '192.0.2.0/24'];
  const service = await start({ auth: { ranges, proxies } });
  for (const [forwarded, status] of [
    ['10.1.1.1', 200],
    ['10.1.1.1:5555', 200],
    ['203.0.113.9, 10.1.1.1', 200],
    ['10.1.1.1, 192.0.2.9', 200],
    ['10.1.1.1, 203.0.113.9', 403],
    ['10.1.1.1, 203.0.113.9, 192.0.2.9', 403],
    ['10.1.1.1, unknown', 403],
    ['::ffff:10.1.1.1', 200],
    ['', 403],
  ] as const) {
    const answer = await service.post(GRAFANA, WEBHOOK, { 'x-forwarded-for': forwarded });
    expect(answer.status, forwarded).toBe(status);
  }
  expect((await service.post(GRAFANA, WEBHOOK)).status).toBe(403);
});

test('addresses of both families are in their ranges, and what is no address in none', () => {
  const inRange = createRanges(['10.0.0.0/8', '2001:db8::/32', '192.0.2.7']);
  for (const [address, expected] of [
    ['10.255.0.1', true],
    ['::ffff:10.0.0.1', true],
    ['11.0.0.1', false],
    ['2001:db8:1::1', true],
    ['2001:db9::1', false],
    ['192.0.2.7', true],
    ['192.0.2.8', false],
    ['nowhere', false],
    [undefined, false],
  ] as const) {
    expect(inRange(address), String(address)).toBe(expected);
  }
  const message = { socket: { remoteAddress: '10.0.0.1' }, headers: {} };
  // As much of a request as is looked at.
  expect(clientAddress(message as Parameters<typeof clientAddress>[0], inRange)).toBe('10.0.0.1');
});

test('a web page that posts from its reader’s browser is turned away', async () => {
  const service = await start({});
  for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'http://evil.example' }]) {
    expect((await postRaw(service, headers)).status).toBe(403);
  }
});

/** fetch does not let a program say where it comes from. */
function postRaw(service: Service, headers: Record<string, string>): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const sending = httpRequest(
      `${service.url}${ALERTMANAGER}`,
      { method: 'POST', headers },
      (answer) => {
        answer.resume();
        resolve({ status: answer.statusCode ?? 0 });
      },
    );
    sending.on('error', reject);
    sending.end(JSON.stringify(WEBHOOK));
  });
}

test('refusals do not fill the log, nor the metrics with names that strangers made up', async () => {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const service = await start({
    auth: { tokens: [token(undefined, 'abc')] },
    log: createLog('info', destination),
  });
  for (let i = 0; i < 40; i++) {
    expect((await service.post(`/v1/ingest/made-up-${i}`, '{}')).status).toBe(401);
    expect((await service.get(`/v1/ingest/made-up-${i}`)).status).toBe(405);
  }
  expect(lines.length).toBe(20);
  await service.pass(61_000);
  await service.post('/v1/ingest/again', '{}');
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
    status: 401,
    leftOut: 30,
    message: 'delivery refused',
  });
  const metrics = await service.metrics.text();
  expect(metrics).toContain('quell_deliveries_total{source="unknown",outcome="refused"} 81');
  expect(metrics).not.toContain('made-up');
});
