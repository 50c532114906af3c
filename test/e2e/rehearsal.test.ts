/** A rehearsal on what a real service has kept: while it runs, from elsewhere, and after it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fires, recordingOf } from '../rehearse/support.ts';
import { type Quell, startQuell } from '../support/quell-process.ts';
import { runQuell } from '../support/run-quell.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { startSlackStandIn } from '../support/slack-stand-in.ts';
import { within } from '../support/within.ts';

const timeout = 120_000;
const SERVICES = `services:
  - { name: web, dependsOn: [cache] }
  - { name: store, dependsOn: [disks] }
  - { name: cache }
  - { name: disks }
`;
const NOW = `hold: [{ for: 0s }]\nstorm: { off: true }\n${SERVICES}`;
const NEW = `hold:
  - match: ['service="web"']
    for: 10m
  - for: 0s
storm: { off: true }
${SERVICES}`;

function rulesDir(yaml: string): string {
  const dir = scratchDir('rules');
  writeFileSync(join(dir, 'quiet.yaml'), yaml);
  return dir;
}

const quell = (...args: readonly string[]) => runQuell(args);

async function send(service: Quell, status: 'firing' | 'resolved', name: string): Promise<void> {
  const startsAt = new Date(Date.now() - 1_000).toISOString();
  const labels = { alertname: 'Down', service: name, severity: 'high', env: 'production' };
  const ended = status === 'resolved' ? { endsAt: new Date().toISOString() } : {};
  const alert = { status, labels, annotations: {}, startsAt, ...ended };
  const answer = await service.post('/v1/ingest/alertmanager', { version: '4', alerts: [alert] });
  expect(answer.status).toBe(200);
}

test('what the service keeps is rehearsed while it runs: from its files, from its API, by its recording', {
  timeout,
}, async () => {
  const slack = await startSlackStandIn();
  const dataDir = scratchDir('data');
  const [now, then] = [rulesDir(NOW), rulesDir(NEW)];
  const secret = 'a-signing-secret';
  const record = join(scratchDir('record'), 'r.jsonl');
  const service = await startQuell({
    dataDir,
    rulesDir: now,
    env: {
      SLACK_BOT_TOKEN: 'xoxb-test',
      SLACK_SIGNING_SECRET: secret,
      SLACK_API_URL: slack.url,
      QUELL_API_TOKEN: 'a-token-of-the-api',
      QUELL_RECORD: record,
    },
  });
  slack.sendEventsTo(`${service.url}/slack/events`, secret);
  await send(service, 'firing', 'web');
  await send(service, 'firing', 'store');
  await slack.react('eyes', await slack.message(/web/), 'U1');
  await slack.react('wastebasket', await slack.message(/store/), 'U1');
  await within(
    30,
    'both are taken in',
    service.line(/wastebasket.*reaction taken in/),
    service.tail,
  );
  await send(service, 'resolved', 'web');

  const files = ['--since', '1h', '--data-dir', dataDir];
  const rules = ['--rules', then, '--against', now];
  const page = join(scratchDir('page'), 'r.html');
  const ofFiles = await quell('replay', ...files, ...rules, '--html', page);
  expect(ofFiles.text).toContain('would have hidden 1 of 2 messages; 1 of 1 acknowledged ones');
  expect(ofFiles.text).toMatch(/lost +- +1 {2}of 1 that people acknowledged/);
  expect(ofFiles.text).toContain('quiet.yaml:2  hold {match: [service="web"], for: 10m}');
  expect(ofFiles.code).toBe(1);
  expect(readFileSync(page, 'utf8')).toContain('would have hidden 1 of 2 messages');

  const refused = await quell('replay', '--since', '1h', '--url', service.url, ...rules);
  expect(refused).toMatchObject({ code: 2, text: expect.stringContaining('QUELL_API_TOKEN') });

  await service.kill('SIGTERM');
  expect(await quell('replay', ...files, ...rules)).toEqual(ofFiles);
  const ofRecording = await quell('replay', record, ...rules);
  expect(ofRecording).toEqual(ofFiles);
  const one = await quell('replay', ...files, '--rules', now, '--json');
  expect(JSON.parse(one.text)).toMatchObject({ deliveries: 5, firings: 2, posts: 2 });
});

test('a service elsewhere gives its recording to whoever shows its token', {
  timeout,
}, async () => {
  const now = rulesDir(NOW);
  const service = await startQuell({ rulesDir: now });
  await send(service, 'firing', 'web');
  const answer = await fetch(`${service.url}/v1/recording`);
  expect(answer.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
  expect((await answer.text()).split('\n')).toHaveLength(2);
  const ran = await quell('replay', '--since', '1h', '--url', `${service.url}/`, '--rules', now);
  expect(ran.text).toMatch(/messages +1/);
  expect(ran.code).toBe(0);
});

test.each([
  [[], 'name a recording, or say --since 30d for what Quell kept'],
  [['x.jsonl', '--since', '30d'], 'name recordings, or say --since, not both'],
  [['--since', '30 days'], '--since: '],
  [['--since', '30d'], 'nothing is kept in'],
  [['x.jsonl', '--html', 'x.html'], '--html goes with --against'],
  [['x.jsonl', '--against', 'x', '--messages', 'y'], '--messages does not go with --against'],
  [['--since', '1h', '--url', 'http://127.0.0.1:1'], 'cannot get the recording of'],
])('quell replay %j ends with code 2 and says what to do', { timeout }, async (args, said) => {
  const { code, text } = await quell('replay', ...args, '--rules', rulesDir(NOW));
  expect(code).toBe(2);
  expect(text).toContain(said);
});

test('recordings of several instances are decided in order of time', { timeout }, async () => {
  const dir = scratchDir('recordings');
  const lines = [1, 2, 3, 4, 5, 6].flatMap((hour) =>
    fires(hour * 60, hour * 60 + 5, { name: `A${hour}`, service: 'web' }),
  );
  const recording = recordingOf(lines);
  const parts = {
    all: recording,
    odd: recording.filter((_, index) => index % 3 === 0),
    even: recording.filter((_, index) => index % 3 !== 0),
    none: [],
  };
  for (const [name, texts] of Object.entries(parts))
    writeFileSync(join(dir, `${name}.jsonl`), texts.map((text) => `${text}\n`).join(''));
  const rules = rulesDir(NOW);
  const run = (...names: readonly string[]) =>
    quell('replay', ...names.map((name) => join(dir, `${name}.jsonl`)), '--rules', rules, '--json');
  const whole = await run('all');
  expect(JSON.parse(whole.text)).toMatchObject({ deliveries: 12, posts: 6 });
  expect(await run('even', 'none', 'odd')).toEqual(whole);
});
