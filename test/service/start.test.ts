/** While the service starts: probes and senders are answered before the store is there. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { AppError } from '../../src/errors.ts';
import { startService } from '../../src/service/service.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { within } from '../support/within.ts';

function configOf(env: Readonly<Record<string, string>>) {
  const dirs = { QUELL_DATA_DIR: scratchDir('data'), QUELL_RULES_DIR: 'rules' };
  const read = readConfig({ flags: {}, env: { ...dirs, ...env }, file: undefined });
  if (read.kind === 'refused') throw new Error(read.problems.join('\n'));
  return read.config;
}

/** Takes connections, and says nothing until it hangs up. */
async function silentServer() {
  const server = createServer();
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const hangUp = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(hangUp);
  return { port, hangUp };
}

async function freePort(): Promise<number> {
  const { port, hangUp } = await silentServer();
  hangUp();
  return port;
}

async function answered(url: string): Promise<Response> {
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer !== undefined) return answer;
    await setTimeout(20);
  }
}

test('before the store is open the process is alive and not ready, and accepts nothing', async () => {
  const redis = await silentServer();
  const port = await freePort();
  const config = configOf({
    QUELL_PORT: String(port),
    QUELL_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
  });
  const started = startService(config, createLog('silent')).catch((error: unknown) => error);
  const url = `http://127.0.0.1:${port}`;
  const healthy = await within(30, 'the port answers', answered(`${url}/-/healthy`));
  expect([healthy.status, await healthy.text()]).toEqual([200, 'OK']);
  const post = { method: 'POST', body: '{"name":"Down"}' };
  const asked = [
    ['/-/ready', {}],
    ['/metrics', {}],
    ['/', {}],
    ['/v1/ingest/generic', post],
    ['/api/v2/alerts', post],
    ['/slack/events', post],
  ] as const;
  const answers = asked.map(async ([path, init]) => {
    const answer = await fetch(url + path, init);
    expect([path, answer.status, answer.headers.get('retry-after')]).toEqual([path, 503, '5']);
    expect(await answer.json()).toEqual({ error: 'Quell is starting: try again' });
  });
  await within(60, 'all are answered', Promise.all(answers));
  // What cannot be opened ends the start, and the port is free again.
  redis.hangUp();
  expect(await within(60, 'the start ends', started)).toBeInstanceOf(AppError);
  await expect(fetch(url)).rejects.toThrow();
});

test('what comes while it starts waits for the store, and is accepted then', async () => {
  const port = await freePort();
  const started = startService(configOf({ QUELL_PORT: String(port) }), createLog('silent'));
  const url = `http://127.0.0.1:${port}`;
  // Tried until the port is open, which it is before the store.
  const alerts = JSON.stringify([{ labels: { alertname: 'Down', service: 'payments' } }]);
  const post = async (): Promise<Response> => {
    const init = { method: 'POST', body: alerts, headers: { 'content-type': 'application/json' } };
    const answer = await fetch(`${url}/api/v2/alerts`, init).catch(() => undefined);
    if (answer !== undefined) return answer;
    await setTimeout(2);
    return post();
  };
  const answer = await within(30, 'the alert is answered', post());
  expect(answer.status).toBe(200);
  const service = await started;
  onTestFinished(() => service.stop());
  const kept = await fetch(`${url}/v1/alerts`);
  expect(await kept.text()).toContain('"Down"');
});
