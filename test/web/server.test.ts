import { Agent, request as httpRequest } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { type Service, type ServiceOptions, startService, withSubmit } from '../support/service.ts';

const ALERT = { name: 'HighLoad', service: 'checkout' };

let running: Service | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(options: ServiceOptions = {}): Promise<Service> {
  running = await startService(options);
  return running;
}

test('healthy answers always, ready says what is missing', async () => {
  let ready = false;
  const service = await start({ ready: () => ready });
  const healthy = await service.get('/-/healthy');
  expect([healthy.status, await healthy.text()]).toEqual([200, 'OK']);
  const waiting = await service.get('/-/ready');
  expect([waiting.status, await waiting.text()]).toEqual([503, 'not ready: waiting for the lane']);
  ready = true;
  expect((await service.get('/-/ready')).status).toBe(200);
});

test('metrics are in the format of Prometheus', async () => {
  const service = await start();
  await service.post('/v1/ingest/generic', ALERT);
  await service.lane.settled();
  const answer = await service.get('/metrics');
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  expect(text).toContain('quell_alerts_in_total{source="generic"} 1');
  expect(text).toContain('quell_verdicts_total{reason="opened"} 1');
  expect(text).toContain('quell_verdicts_total{reason="repeat"} 0');
  expect(text).toMatch(/quell_nodejs_eventloop_lag_seconds/);
});

test('reload answers with the new version, or with what is wrong', async () => {
  const answers: Awaited<ReturnType<NonNullable<ServiceOptions['reload']>>>[] = [
    { kind: 'loaded', version: '3f2a91c' },
    { kind: 'refused', diagnostics: 'quiet.yaml:5:14  "10mins" is no duration: write 10m' },
  ];
  const service = await start({
    reload: async () => answers.shift() ?? { kind: 'loaded', version: '' },
  });
  const loaded = await service.post('/-/reload', '');
  expect([loaded.status, await loaded.text()]).toEqual([200, 'rules 3f2a91c are in force\n']);
  const refused = await service.post('/-/reload', '');
  expect([refused.status, await refused.text()]).toEqual([
    400,
    'quiet.yaml:5:14  "10mins" is no duration: write 10m\n',
  ]);
  for (const header of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://evil.example' },
    { origin: 'null' },
  ]) {
    expect((await service.post('/-/reload', '', header)).status).toBe(403);
  }
  const asked = await service.get('/-/reload');
  expect([asked.status, asked.headers.get('allow')]).toEqual([405, 'POST']);
  expect(await asked.text()).toContain('post here to load the rules again');
});

test('with an API token pages, API and reload ask for it; probes and ingest do not', async () => {
  const service = await start({ apiToken: 'let-me-read' });
  const basic = `Basic ${Buffer.from('anybody:let-me-read').toString('base64')}`;
  for (const path of ['/', '/v1/alerts', '/v1/incidents', '/incidents/x', '/nowhere']) {
    const refused = await service.get(path);
    expect(refused.status, path).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Basic/);
    for (const authorization of ['Bearer let-me-read', basic]) {
      expect((await service.get(path, { authorization })).status, path).not.toBe(401);
    }
    expect((await service.get(path, { authorization: 'Bearer let-me-in' })).status).toBe(401);
  }
  expect((await service.post('/-/reload', '')).status).toBe(401);
  for (const path of ['/-/healthy', '/-/ready', '/metrics']) {
    expect((await service.get(path)).status, path).toBe(200);
  }
  expect((await service.post('/v1/ingest/generic', ALERT)).status).toBe(200);
});

test('every answer carries the headers that keep a browser from doing more than reading', async () => {
  const service = await start();
  for (const path of ['/', '/v1/alerts', '/nowhere', '/-/healthy']) {
    const { headers } = await service.get(path);
    expect(headers.get('content-security-policy'), path).toContain("default-src 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.has('x-powered-by')).toBe(false);
  }
});

test('what is nowhere is a 404, a path that cannot be read a 400', async () => {
  const service = await start();
  expect((await service.get('/nowhere')).status).toBe(404);
  expect((await service.get('/incidents/%E0%A4%A')).status).toBe(400);
});

test('alerts that are posted to a wrong address are told the right one, whatever tokens there are', async () => {
  for (const options of [{}, { apiToken: 'let-me-read' }]) {
    const service = await start(options);
    for (const path of ['/', '/v1/ingest', '/v1/ingest/a/b', '/api/v1/alerts', '/v1/alerts/']) {
      const answer = await service.post(path, ALERT);
      expect([answer.status, await answer.text()], path).toEqual([
        404,
        expect.stringContaining('alerts go to /v1/ingest/alertmanager'),
      ]);
    }
    for (const path of ['/-/reload/', '/API/v2/silences']) {
      expect((await service.post(path, '')).status, path).not.toBe(404);
    }
    await service.stop();
  }
});

test('a token that is not known is told so, one that is missing is asked for', async () => {
  const service = await start({ apiToken: 'let-me-read' });
  const wrong = await service.get('/v1/alerts', { authorization: 'Bearer let-me-in' });
  expect(await wrong.text()).toContain('this token is none of QUELL_API_TOKEN');
  expect(await (await service.get('/v1/alerts')).text()).toContain('is needed');
});

test("Slack's events go to their handler, with the body unread", async () => {
  const bodies: string[] = [];
  const service = await start({
    apiToken: 'let-me-read',
    slackEvents: (request, response) => {
      request.setEncoding('utf8').on('data', (chunk: string) => bodies.push(chunk));
      request.on('end', () => response.end('seen'));
    },
  });
  const answer = await service.post('/slack/events', '{"type":"url_verification"}');
  expect(await answer.text()).toBe('seen');
  expect(bodies.join('')).toBe('{"type":"url_verification"}');
});

test('closing lets the request in flight end, and takes no new ones', async () => {
  let release: () => void = () => undefined;
  let arrived: () => void = () => undefined;
  const came = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const service = await startService({
    lane: (lane) =>
      withSubmit(lane, () => {
        arrived();
        return new Promise((resolve) => {
          release = resolve;
        });
      }),
  });
  const agent = new Agent({ keepAlive: true });
  await answered(service.url, '/-/healthy', agent);
  const inFlight = service.post('/v1/ingest/generic', ALERT);
  await came;
  let closed = false;
  const closing = service.http.close().then(() => {
    closed = true;
  });
  await expect(fetch(`${service.url}/-/healthy`)).rejects.toThrow();
  expect(closed).toBe(false);
  release();
  expect((await inFlight).status).toBe(200);
  await closing;
  agent.destroy();
  await service.lane.stop();
});

/** A request on a connection that is kept. */
function answered(url: string, path: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    httpRequest(`${url}${path}`, { agent }, (response) => {
      response.resume();
      response.on('end', resolve);
    })
      .on('error', reject)
      .end();
  });
}

test('a port that is taken is an error that says what to do', async () => {
  const service = await start();
  const other = await startService();
  await other.http.close();
  const port = Number(new URL(service.url).port);
  const failure = await other.http.listen('127.0.0.1', port).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(AppError);
  expect(failure).toMatchObject({
    code: 'cannot-listen',
    message: expect.stringContaining('set QUELL_PORT'),
  });
  await other.lane.stop();
});
