/** The service as a process: rules that change under it, an end that loses nothing, a folder of its own. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startChild } from '../support/child.ts';
import { type Quell, startQuell } from '../support/quell-process.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { within } from '../support/within.ts';

const timeout = 120_000;

/** A copy of the shipped ones. */
function ownRules(): string {
  const dir = join(scratchDir('rules'), 'rules');
  cpSync('rules', dir, { recursive: true });
  return dir;
}

test('a broken edit of the rules leaves the old ones in force, and reload says what is wrong where', {
  timeout,
}, async () => {
  const rulesDir = ownRules();
  const services = join(rulesDir, 'services.yaml');
  const good = readFileSync(services, 'utf8');
  const quell = await startQuell({ rulesDir });

  writeFileSync(
    services,
    good.replace('dependsOn: [payments-db, fraud-check]', 'dependsOn: [payment-db]'),
  );
  const refused = await quell.post('/-/reload');
  expect(refused.status).toBe(400);
  const diagnostics = await refused.text();
  expect(diagnostics).toMatch(/services\.yaml:\d+:\d+ +unknown service "payment-db"/);
  expect(diagnostics).toContain('did you mean "payments-db"');
  expect(diagnostics).toMatch(/\nThe rules in force are unchanged \(\w+\)\.\n$/);
  const logged = quell.line(/"folder":".*unknown service .*those in force stay/);
  await within(60, 'the log has the mistakes', logged, quell.tail);
  writeFileSync(services, good);
  expect((await quell.post('/-/reload')).status).toBe(200);
  await within(60, 'the log says that all is well', quell.line(/well again/), quell.tail);
  const [loads] = await quell.metrics('quell_rules_loads_total{outcome="loaded"}');
  expect(loads).toBeGreaterThanOrEqual(2);
  await firing(quell, 'payments-db', 'payments');
  expect(await titles(quell)).toEqual(['payments-db is down']);

  writeFileSync(services, good.replace('capability: Checkout', 'capability: Shop'));
  const taken = await quell.post('/-/reload');
  expect({ status: taken.status, text: await taken.text() }).toEqual({
    status: 200,
    text: expect.stringMatching(/^rules \w+ are in force\n$/) as string,
  });
  await within(60, 'the lane has them', quell.line(/other rules are in force/), quell.tail);
  expect(await titles(quell)).toEqual(['payments-db is down']);
});

test('an edit takes effect when the file is saved, without a word to anybody', {
  timeout,
}, async () => {
  const rulesDir = ownRules();
  const quell = await startQuell({ rulesDir });
  writeFileSync(join(rulesDir, 'more.yaml'), 'services:\n  - name: brand-new\n    tier: 1\n');
  await within(60, 'they are in force', quell.line(/other rules are in force/), quell.tail);
});

test('events of Slack without what they need are answered with what to set', {
  timeout,
}, async () => {
  const quell = await startQuell();
  const answer = await quell.post('/slack/events', {});
  expect(answer.status).toBe(404);
  expect(await answer.text()).toContain('set SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET');
});

test('a Slack that is away is not taken for a bad token, and each remark is made once', {
  timeout,
}, async () => {
  const quell = await startQuell({
    env: { SLACK_BOT_TOKEN: 'xoxb-test', SLACK_API_URL: 'http://127.0.0.1:1/' },
  });
  await within(60, 'it is said', quell.line(/Slack cannot be reached/), quell.tail);
  expect(quell.lines.filter((line) => /check SLACK_BOT_TOKEN/.test(line))).toEqual([]);
  expect(quell.lines.filter((line) => /neither SLACK_APP_TOKEN/.test(line))).toHaveLength(1);
});

test('SIGTERM: a request in flight is answered, nothing new is taken, and a start finds all of it', {
  timeout,
}, async () => {
  const dataDir = scratchDir('data');
  const quell = await startQuell({ dataDir });
  const body = JSON.stringify(webhook(['payments-db']));
  const socket = connect(quell.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    `POST /v1/ingest/alertmanager HTTP/1.1\r\nHost: quell\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  socket.write(body.slice(0, 20));
  // Connections are taken in order: when this one is answered, the other is known.
  expect((await fetch(`${quell.url}/-/ready`)).status).toBe(200);

  const ended = quell.kill('SIGTERM');
  await within(30, 'it stops taking requests', quell.line(/asked to stop/), quell.tail);
  await expect(fetch(`${quell.url}/-/ready`)).rejects.toThrow('fetch failed');
  socket.write(body.slice(20));
  expect(await answerOn(socket)).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(await within(30, 'it ends', ended, quell.tail)).toEqual({ code: 0, signal: null });

  const again = await startQuell({ dataDir });
  expect(await titles(again)).toEqual(['payments-db is down']);
});

test('SIGTERM to npm start ends the service too, and not npm alone', { timeout }, async () => {
  const args = ['start', '--', '--port=0', `--data-dir=${scratchDir('data')}`];
  const npm = startChild({ name: 'npm start', command: 'npm', args, env: { QUELL_HOST: '' } });
  await within(60, 'it listens', npm.line(/Quell is ready/), npm.tail);
  void npm.kill('SIGTERM');
  await within(30, 'the service ends', npm.line(/"message":"stopped"/), npm.tail);
});

test('SIGTERM: a connection on which nothing was ever asked is cut, while a request in flight ends', {
  timeout,
}, async () => {
  const quell = await startQuell();
  const silent = connect(quell.port, '127.0.0.1');
  const cut = once(silent, 'close');
  await once(silent, 'connect');
  const inFlight = connect(quell.port, '127.0.0.1');
  await once(inFlight, 'connect');
  const body = JSON.stringify(webhook(['payments-db']));
  inFlight.write(
    `POST /v1/ingest/alertmanager HTTP/1.1\r\nHost: quell\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  // Connections are taken in order: when this one is answered, the others are known.
  expect((await fetch(`${quell.url}/-/ready`)).status).toBe(200);

  const ended = quell.kill('SIGTERM');
  await within(30, 'the silent one is cut', cut, quell.tail);
  inFlight.write(body);
  expect(await answerOn(inFlight)).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(await within(30, 'it ends', ended, quell.tail)).toEqual({ code: 0, signal: null });
});

test('a data directory has one owner; the second is told so and ends with code 2', {
  timeout,
}, async () => {
  const dataDir = scratchDir('data');
  await startQuell({ dataDir });
  await expect(startQuell({ dataDir })).rejects.toThrow(/ended with code 2.*(?:another|in use)/s);
});

async function firing(quell: Quell, ...services: readonly string[]): Promise<void> {
  const answer = await quell.post('/v1/ingest/alertmanager', webhook(services));
  expect(answer.status).toBe(200);
}

function webhook(services: readonly string[]) {
  return {
    version: '4',
    status: 'firing',
    alerts: services.map((service) => ({
      status: 'firing',
      labels: { alertname: 'Down', service, severity: 'critical', environment: 'production' },
      annotations: { summary: `${service} is down` },
      startsAt: new Date().toISOString(),
      endsAt: '0001-01-01T00:00:00Z',
    })),
  };
}

async function titles(quell: Quell): Promise<readonly string[]> {
  const { items } = (await quell.get('/v1/incidents')) as {
    readonly items: readonly { readonly title: string }[];
  };
  return items.map(({ title }) => title);
}

async function answerOn(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk));
  await once(socket, 'close');
  return text;
}
