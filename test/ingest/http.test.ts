import { connect } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import type { Lane } from '../../src/lane/lane.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { type Service, type ServiceOptions, startService, withSubmit } from '../support/service.ts';
import { sampleOf, samplesOf } from './samples.ts';

const ALERT = {
  labels: { alertname: 'HighLoad', service: 'checkout' },
  startsAt: '2026-11-21T01:20:00Z',
};
const WEBHOOK = { version: '4', alerts: [{ ...ALERT, status: 'firing' }] };
const ALERTMANAGER = '/v1/ingest/alertmanager';
const V2 = '/api/v2/alerts';

let running: Service | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(options: ServiceOptions = {}): Promise<Service> {
  running = await startService(options);
  return running;
}

function submitting(submit: Lane['submit']): ServiceOptions {
  return { lane: (lane) => withSubmit(lane, submit) };
}

test('a webhook is answered with what became of it, and decided', async () => {
  const service = await start();
  const answer = await service.post(ALERTMANAGER, WEBHOOK);
  expect(answer.status).toBe(200);
  const delivery = answer.headers.get('x-quell-delivery');
  expect(await answer.json()).toEqual({
    accepted: 1,
    quarantined: 0,
    truncated: 0,
    errors: [],
    warnings: [],
    delivery,
  });
  await service.lane.settled();
  const [alert] = service.lane.state.alerts.values();
  expect(alert).toMatchObject({ source: 'alertmanager', status: 'firing', labels: ALERT.labels });
  expect(service.submitted).toMatchObject([{ events: [{ kind: 'alert', delivery }] }]);
});

test('Prometheus and amtool are answered as by an Alertmanager', async () => {
  const service = await start();
  const { bytes } = sampleOf('prometheus', 'firing-batch.json');
  for (const [path, type] of [
    [V2, 'application/json'],
    [`${V2}/`, 'application/json; charset=utf-8'],
  ] as const) {
    const answer = await service.post(path, bytes, { 'content-type': type });
    expect([answer.status, await answer.text(), answer.headers.get('content-length')]).toEqual([
      200,
      '',
      '0',
    ]);
  }
  expect((await service.post(V2, '[]')).status).toBe(200);
  for (const [body, type, status, code] of [
    ['{', 'application/json', 400, 400],
    ['{}', 'application/json', 400, 400],
    ['', 'application/json', 422, 602],
    ['[]', 'text/plain', 415, 415],
    [JSON.stringify([{ labels: { a: 1 } }]), 'application/json', 400, 400],
  ] as const) {
    const answer = await service.post(V2, body, { 'content-type': type });
    expect(answer.status, body).toBe(status);
    expect(await answer.json()).toEqual({ code, message: expect.any(String) });
  }
});

test('one odd alert among good ones: the good ones are taken, the odd one is kept and named', async () => {
  const service = await start();
  const answer = await service.post(ALERTMANAGER, {
    alerts: [...WEBHOOK.alerts, { labels: { a: 1 } }],
  });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    accepted: 1,
    quarantined: 1,
    errors: ['alerts[1].labels.a: expected a string, got number'],
  });
  expect((await service.post(V2, [ALERT, { labels: {} }])).status).toBe(200);
  await service.lane.settled();
  expect(service.metrics.quarantined).toBe(2);
  const { items } = await service.store.decisions({ lane: 'default', limit: 10 });
  expect(items.filter(({ reason }) => reason === 'quarantined').length).toBe(2);
});

test('the answer to generic JSON names misspelt fields and unknown severities, each once', async () => {
  const service = await start();
  const odd = { name: 'A', sevrity: 'critical', lables: {}, extra: 1, severity: 'urgent' };
  const answer = await service.post('/v1/ingest/generic', [odd, odd, { name: 'B' }]);
  expect([answer.status, await answer.json()]).toMatchObject([
    200,
    {
      accepted: 3,
      warnings: [
        'the field "sevrity" was left out: did you mean "severity"?',
        'the field "lables" was left out: did you mean "labels"?',
        'the severity "urgent" is not known: it counts as warning',
      ],
    },
  ]);
});

test('a delivery of which nothing is understood is a 400, and kept all the same', async () => {
  const service = await start();
  const answer = await service.post('/v1/ingest/generic', { service: 'checkout' });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({
    accepted: 0,
    quarantined: 1,
    errors: [expect.stringContaining('alert.name')],
  });
  expect(service.submitted.length).toBe(1);
});

test('bad JSON and wrong shapes are refused with the field', async () => {
  const service = await start();
  for (const [body, error, field] of [
    ['{"alerts":[}', 'not JSON: unexpected character at line 1 column 12', 'body'],
    ['', 'not JSON: the body is empty', 'body'],
    ['[]', "body: expected Alertmanager's webhook, an object, got array", 'body'],
    ['{"alerts":{}}', 'alerts: expected an array, got object', 'alerts'],
  ] as const) {
    const answer = await service.post(ALERTMANAGER, body);
    expect(answer.status, body).toBe(400);
    expect(await answer.json()).toMatchObject({ error, field });
  }
  expect(service.submitted).toEqual([]);
});

test('other methods and unknown sources are told what would be right', async () => {
  const service = await start();
  const read = await service.get(ALERTMANAGER);
  expect([read.status, read.headers.get('allow')]).toEqual([405, 'POST']);
  const unknown = await service.post('/v1/ingest/alertmanger', WEBHOOK);
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({
    error:
      'there is no source "alertmanger": expected one of alertmanager, generic, grafana, prometheus',
  });
  expect((await service.post('/v1/ingest/event', { kind: 'tick' })).status).toBe(404);
  expect((await service.post('/v1/ingest/a/b', {})).status).toBe(404);
});

test('a mapping of the rules opens its own address', async () => {
  const yaml = `
ingest:
  uptime:
    labels: { alertname: '=Down', service: monitor.name }
`;
  const service = await start({ yaml });
  expect((await service.post('/v1/ingest/uptime', { monitor: { name: 'checkout' } })).status).toBe(
    200,
  );
  await service.lane.settled();
  expect([...service.lane.state.alerts.values()]).toMatchObject([
    { labels: { alertname: 'Down', service: 'checkout' } },
  ]);
});

test('gzip and deflate are inflated, within the limit', async () => {
  const service = await start({ limits: { body: 2_000 } });
  const body = JSON.stringify(WEBHOOK);
  for (const [encoding, bytes, status] of [
    ['gzip', gzipSync(body), 200],
    ['deflate', deflateSync(body), 200],
    ['identity', Buffer.from(body), 200],
    ['gzip', Buffer.from(body), 400],
    ['gzip', gzipSync(body).subarray(0, 40), 400],
    ['gzip', gzipSync(Buffer.alloc(50_000_000, ' ')), 413],
    ['br', Buffer.from(body), 415],
  ] as const) {
    const answer = await service.post(ALERTMANAGER, bytes, { 'content-encoding': encoding });
    expect(answer.status, `${encoding} ${status}`).toBe(status);
  }
});

test('a body over the limit is refused, with or without a length', async () => {
  const service = await start({ limits: { body: 2_000 } });
  const large = JSON.stringify({ alerts: [], padding: 'x'.repeat(3_000) });
  expect((await service.post(ALERTMANAGER, large)).status).toBe(413);
  const chunked = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let i = 0; i < 30; i++)
        controller.enqueue(Buffer.from(large.slice(i * 100, i * 100 + 100)));
      controller.close();
    },
  });
  const answer = await fetch(`${service.url}${ALERTMANAGER}`, {
    method: 'POST',
    body: chunked,
    duplex: 'half',
  } as RequestInit);
  expect(answer.status).toBe(413);
  expect((await service.post(ALERTMANAGER, WEBHOOK)).status).toBe(200);
});

test('what cannot be accepted now is 503 with Retry-After', async () => {
  const overloaded = new AppError('overloaded', 'too much waits to be decided', {
    retryable: true,
  });
  const service = await start(submitting(() => Promise.reject(overloaded)));
  for (const [path, body] of [
    [ALERTMANAGER, WEBHOOK],
    [V2, [ALERT]],
  ] as const) {
    const answer = await service.post(path, body);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
  }
});

test('before the lane is loaded everything is 503', async () => {
  const service = await start({ lane: () => undefined });
  expect((await service.post(ALERTMANAGER, WEBHOOK)).status).toBe(503);
  expect((await service.get('/v1/alerts')).status).toBe(503);
});

test('what fails for another reason is 500, and says nothing of the reason to the sender', async () => {
  const lines: string[] = [];
  const log = createLog('error', { write: (line) => void lines.push(line) });
  const service = await start({
    ...submitting(() => Promise.reject(new Error('disk password is x'))),
    log,
  });
  const answer = await service.post(ALERTMANAGER, WEBHOOK);
  expect(answer.status).toBe(500);
  expect(await answer.text()).not.toContain('password');
  expect(lines.join('')).toContain('a delivery could not be accepted');
});

test('2xx is answered only after the delivery is on disk', async () => {
  let onDisk: () => void = () => undefined;
  const written = new Promise<void>((resolve) => {
    onDisk = resolve;
  });
  let answered = false;
  let submitted: () => void = () => undefined;
  const came = new Promise<void>((resolve) => {
    submitted = resolve;
  });
  const service = await start(
    submitting(() => {
      submitted();
      return written;
    }),
  );
  const answer = service.post(ALERTMANAGER, WEBHOOK).then((response) => {
    answered = true;
    return response.status;
  });
  await came;
  await service.get('/-/healthy');
  expect(answered).toBe(false);
  onDisk();
  expect(await answer).toBe(200);
});

test('every delivery is counted, and alerts in balance with verdicts', async () => {
  const service = await start();
  for (const { bytes } of samplesOf('alertmanager')) await service.post(ALERTMANAGER, bytes);
  await service.post(V2, [ALERT, { labels: { a: 1 } }]);
  await service.post(ALERTMANAGER, 'nonsense');
  await service.lane.settled();
  const text = await service.metrics.text();
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'gm'))].reduce(
      (total, [, n]) => total + Number(n),
      0,
    );
  expect(sum('quell_alerts_in_total')).toBeGreaterThan(40);
  expect(sum('quell_verdicts_total')).toBe(sum('quell_alerts_in_total'));
  expect(sum('quell_alerts_truncated_total')).toBeGreaterThan(0);
  expect(text).toContain('quell_deliveries_total{source="alertmanager",outcome="refused"} 1');
  await service.post(V2, [{ labels: { a: 1 } }]);
  expect(await service.metrics.text()).toContain(
    'quell_deliveries_total{source="prometheus",outcome="refused"} 1',
  );
  expect(text).toContain('quell_http_answers_total{route="/api/v2/alerts",status="200"} 1');
});

test('each delivery has an id of its own, in answer and log', async () => {
  const lines: string[] = [];
  const log = createLog('debug', { write: (line) => void lines.push(line) });
  const service = await start({ log });
  const ids = new Set<string>();
  for (let i = 0; i < 3; i++) {
    const answer = await service.post(ALERTMANAGER, i === 1 ? '{' : WEBHOOK, {
      authorization: 'Bearer not-to-be-logged',
    });
    const id = answer.headers.get('x-quell-delivery') ?? '';
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-z]+$/);
    expect(lines.some((line) => line.includes(`"delivery":"${id}"`))).toBe(true);
    ids.add(id);
  }
  expect(ids.size).toBe(3);
  expect(lines.join('')).not.toContain('not-to-be-logged');
});

test('a client that goes away in the middle leaves nothing behind', async () => {
  const service = await start();
  const { port } = new URL(service.url);
  await new Promise<void>((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      socket.write(
        `POST ${ALERTMANAGER} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"alerts":[`,
      );
      socket.end();
    });
    socket.on('close', () => resolve());
    socket.resume();
  });
  expect((await service.post(ALERTMANAGER, WEBHOOK)).status).toBe(200);
  expect(service.submitted.length).toBe(1);
});

test('no bytes crash it, and none get a 2xx that hold no alert', async () => {
  const service = await start({ limits: { body: 100_000 } });
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(`{"alerts":${text}}`)),
    fc.json().map((text) => Buffer.from(`{"alerts":[{"labels":${text},"status":"firing"}]}`)),
    fc.json().map((text) => Buffer.from(`[{"labels":{"alertname":"A"},"startsAt":${text}}]`)),
    fc.constant(
      Buffer.from(
        `{"alerts":[{"labels":${'['.repeat(50_000)}${']'.repeat(50_000)}}]}`.slice(0, 99_999),
      ),
    ),
    fc.constant(Buffer.from(`{"alerts":[{"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}]}`)),
  );
  const paths = [ALERTMANAGER, V2, '/v1/ingest/generic', '/v1/ingest/prometheus'];
  await fc.assert(
    fc.asyncProperty(hostile, fc.constantFrom(...paths), async (bytes, path) => {
      const before = service.submitted.length;
      const answer = await service.post(path, bytes);
      const text = await answer.text();
      expect([200, 400, 422]).toContain(answer.status);
      if (answer.status !== 200) return;
      const { alerts, accepted } = holds(bytes.toString('utf8'), text);
      expect(accepted).toBeLessThanOrEqual(alerts);
      expect(service.submitted.length - before).toBe(alerts > 0 ? 1 : 0);
    }),
    { numRuns: 400 },
  );
  expect((await service.post(ALERTMANAGER, WEBHOOK)).status).toBe(200);
});

/** How many alerts a body could hold at most, counted in another way than the parsers do. */
function holds(
  body: string,
  answer: string,
): { readonly alerts: number; readonly accepted: number } {
  const parsed: unknown = JSON.parse(body);
  const inner =
    typeof parsed === 'object' && parsed !== null && 'alerts' in parsed ? parsed.alerts : parsed;
  const alerts = Array.isArray(inner) ? inner.length : 1;
  // Our own answer.
  const accepted = answer === '' ? 0 : (JSON.parse(answer) as { accepted: number }).accepted;
  return { alerts, accepted };
}
