import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Config, readConfig } from '../src/config.ts';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quell-config-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

type Env = Record<string, string | undefined>;

interface Given {
  readonly env?: Env;
  readonly flags?: Env;
  readonly file?: string;
}

function read({ env = {}, flags = {}, file }: Given) {
  return readConfig({ env, flags, file });
}

function good(given: Given): Config {
  const result = read(given);
  if (result.kind === 'refused') throw new Error(result.problems.join('\n'));
  return result.config;
}

function notes(given: Given): readonly string[] {
  const result = read(given);
  return result.kind === 'config' ? result.notes : [];
}

function problems(given: Given): readonly string[] {
  const result = read(given);
  return result.kind === 'refused' ? result.problems : [];
}

async function file(name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
}

test('with nothing given there is a default for everything, on loopback, and it says so', () => {
  expect(good({})).toEqual({
    host: '127.0.0.1',
    port: 8080,
    dataDir: './data',
    rulesDir: './rules',
    publicUrl: undefined,
    retentionMs: 90 * 86_400_000,
    logLevel: 'info',
    bodyMax: 10 * 1024 * 1024,
    record: undefined,
    ingestTokens: [],
    apiToken: undefined,
    slack: {
      botToken: undefined,
      appToken: undefined,
      signingSecret: undefined,
      apiUrl: undefined,
    },
  });
  expect(notes({})).toEqual([
    'no QUELL_INGEST_TOKENS: listening on loopback only, where everybody may post alerts',
    'no SLACK_BOT_TOKEN: messages are shown in the log and on the page, not posted',
  ]);
});

test('with ingest tokens it listens to everybody, unless a host is given', () => {
  const env = { QUELL_INGEST_TOKENS: 'secret-token' };
  expect(good({ env }).host).toBe('0.0.0.0');
  expect(good({ env: { ...env, QUELL_HOST: '::1' } }).host).toBe('::1');
  expect(notes({ env: { QUELL_HOST: '0.0.0.0' } })).toContain(
    'no QUELL_INGEST_TOKENS: whoever reaches 0.0.0.0 may post alerts',
  );
});

test('flags come before the environment, and that before the file', async () => {
  const path = await file(
    'quell.yaml',
    'port: 1111\nhost: 10.0.0.1\ndata_dir: /from/file\nretention: 7d\n',
  );
  const env = { QUELL_PORT: '2222', QUELL_DATA_DIR: '/from/env', QUELL_HOST: '' };
  const config = good({ file: path, env, flags: { port: '3333' } });
  expect(config).toMatchObject({
    port: 3333,
    dataDir: '/from/env',
    host: '10.0.0.1',
    retentionMs: 7 * 86_400_000,
  });
});

test('values are brought to one shape', () => {
  const env = {
    QUELL_PUBLIC_URL: 'https://quell.example.com/',
    SLACK_API_URL: 'http://localhost:9000/api',
    QUELL_BODY_LIMIT: '512kb',
    QUELL_PORT: '0',
  };
  expect(good({ env })).toMatchObject({
    publicUrl: 'https://quell.example.com',
    slack: { apiUrl: 'http://localhost:9000/api/' },
    bodyMax: 524_288,
    port: 0,
  });
});

test('ingest tokens: for a source, for all, basic, and tokens that hold =', () => {
  const text = 'alertmanager=abc, grafana=user:pass:word,YWJjZGVm==,prometheus=YWJj=,\nplain';
  expect(good({ env: { QUELL_INGEST_TOKENS: text } }).ingestTokens).toEqual([
    { source: 'alertmanager', scheme: 'bearer', secret: 'abc' },
    { source: 'grafana', scheme: 'basic', secret: 'user:pass:word' },
    { source: undefined, scheme: 'bearer', secret: 'YWJjZGVm==' },
    { source: 'prometheus', scheme: 'bearer', secret: 'YWJj=' },
    { source: undefined, scheme: 'bearer', secret: 'plain' },
  ]);
});

test('a secret may stand in a file that the environment or quell.yaml names', async () => {
  const token = await file('bot', 'xoxb-from-a-file\n');
  const yaml = await file('quell.yaml', `slack_bot_token_file: ${token}\n`);
  expect(good({ file: yaml }).slack.botToken).toBe('xoxb-from-a-file');
  expect(good({ env: { SLACK_BOT_TOKEN_FILE: token } }).slack.botToken).toBe('xoxb-from-a-file');
  expect(good({ file: yaml, env: { SLACK_BOT_TOKEN: 'xoxb-env' } }).slack.botToken).toBe(
    'xoxb-env',
  );
  expect(problems({ env: { SLACK_BOT_TOKEN_FILE: token, SLACK_BOT_TOKEN: 'xoxb-1' } })).toEqual([
    'SLACK_BOT_TOKEN and SLACK_BOT_TOKEN_FILE are both set: keep one',
  ]);
  expect(problems({ env: { SLACK_BOT_TOKEN_FILE: '/no/such/file' } })).toEqual([
    'SLACK_BOT_TOKEN_FILE: /no/such/file cannot be read (ENOENT)',
  ]);
});

test('all problems are told at once, each with what would be right', () => {
  const env = {
    QUELL_PORT: '80800',
    QUELL_RETENTION: '10mins',
    QUELL_LOG_LEVEL: 'loud',
    QUELL_BODY_LIMIT: '1tb',
    QUELL_PUBLIC_URL: 'quell.example.com',
    QUELL_REDIS_URL: 'redis://localhost',
    SLACK_BOT_TOKEN: 'xoxp-1',
    SLACK_APP_TOKEN: 'xoxb-1',
    SLACK_SIGNING_SECRET: 'short',
  };
  const told = problems({ env }).join('\n');
  for (const expected of [
    'QUELL_PORT must be a port number from 0 to 65535',
    'QUELL_RETENTION is how long history is kept, like 90d: "10mins" is no duration: write 10m',
    'QUELL_LOG_LEVEL must be one of fatal, error, warn, info',
    'QUELL_BODY_LIMIT must be a size from 1kb to 1gb, like 10mb',
    'QUELL_PUBLIC_URL must be the address that people reach Quell at, like https://',
    'QUELL_REDIS_URL is not supported by this version',
    'SLACK_BOT_TOKEN must start with xoxb-;',
    'SLACK_APP_TOKEN must start with xapp-;',
    'SLACK_SIGNING_SECRET must be the "Signing Secret"',
  ]) {
    expect(told).toContain(expected);
  }
  expect(problems({ flags: { port: 'x' } })[0]).toMatch(/^--port must be a port number/);
});

test('no problem repeats a secret', () => {
  const secrets = {
    SLACK_BOT_TOKEN: 'hush-bot',
    SLACK_APP_TOKEN: 'hush-app',
    SLACK_SIGNING_SECRET: 'hush hush',
    QUELL_API_TOKEN: 'hush',
    QUELL_INGEST_TOKENS: 'hush hush,=',
    QUELL_REDIS_URL: 'redis://:hush@localhost',
  };
  const told = problems({ env: secrets });
  expect(told.length).toBeGreaterThan(5);
  expect(told.join('\n')).not.toContain('hush');
});

test('quell.yaml is held to its names, and to no secrets', async () => {
  const path = await file('quell.yaml', 'prot: 8080\nslack_bot_token: xoxb-1\ndata_dir: [a]\n');
  expect(problems({ file: path })).toEqual([
    `${path}: unknown setting "prot": did you mean "port"?`,
    `${path}: slack_bot_token: a secret does not stand here; write slack_bot_token_file, or set SLACK_BOT_TOKEN`,
    `${path}: data_dir: expected a text or a number`,
  ]);
  expect(problems({ file: await file('list.yaml', '- port') })[0]).toMatch(
    /expected settings like/,
  );
  expect(problems({ file: await file('bad.yaml', 'port: "80') })[0]).toMatch(/bad\.yaml: /);
  expect(problems({ file: join(dir, 'missing.yaml') })[0]).toMatch(/cannot be read \(ENOENT\)/);
  expect(good({ file: await file('empty.yaml', '# nothing\n') }).port).toBe(8080);
});

test('an app token without a bot token is a mistake; reactions need a way in', () => {
  expect(problems({ env: { SLACK_APP_TOKEN: 'xapp-1' } })[0]).toMatch(/SLACK_BOT_TOKEN is not/);
  expect(notes({ env: { SLACK_BOT_TOKEN: 'xoxb-1' } })).toContain(
    'neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET: reactions are not heard',
  );
});

test('what Kubernetes puts in QUELL_PORT for a Service named quell is no port', () => {
  expect(good({ env: { QUELL_PORT: 'tcp://10.0.0.7:8080' } }).port).toBe(8080);
});

test('the configuration cannot be changed', () => {
  const config = good({});
  expect(
    Object.isFrozen(config) &&
      Object.isFrozen(config.slack) &&
      Object.isFrozen(config.ingestTokens),
  ).toBe(true);
});
