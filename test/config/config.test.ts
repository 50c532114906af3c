import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { capacityHere } from '../../src/config/access.ts';
import { type Config, readConfig } from '../../src/config/config.ts';
import { digestOf } from '../../src/ingest/credentials.ts';

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

test('addresses that are shown and logged may hold no password, which is not repeated', () => {
  for (const name of ['SLACK_API_URL', 'QUELL_PUBLIC_URL']) {
    const [problem, ...others] = problems({ env: { [name]: 'https://ann:s3cret@example.com/' } });
    expect(others).toEqual([]);
    expect(problem).toMatch(new RegExp(`^${name}.* must have no user and password in it`));
    expect(problem).not.toContain('s3cret');
  }
});

test('with nothing given there is a default for everything, on loopback, and it says so', () => {
  expect(good({})).toEqual({
    host: '127.0.0.1',
    port: 8080,
    dataDir: './data',
    rulesDir: './rules',
    publicUrl: undefined,
    retentionMs: 90 * 86_400_000,
    logLevel: 'info',
    limits: capacityHere(),
    record: undefined,
    split: { by: [], lanes: [] },
    ingest: { tokens: [], signatures: [], ranges: [], proxies: [] },
    api: { tokens: [], userHeader: undefined },
    slack: {
      botToken: undefined,
      appToken: undefined,
      signingSecret: undefined,
      apiUrl: undefined,
    },
  });
  expect(notes({})).toEqual([
    'no QUELL_INGEST_TOKENS and no QUELL_API_TOKEN: listening on loopback only, where everybody may post alerts and read',
    'no SLACK_BOT_TOKEN: messages are shown in the log and on the page, not posted',
  ]);
});

test('it listens to others only when both doors have a lock, unless a host is given', () => {
  const ingest = { QUELL_INGEST_TOKENS: 'secret-token' };
  const signed = { QUELL_INGEST_SIGNING_SECRETS: 'grafana=0123456789abcdef' };
  const api = { QUELL_API_TOKEN: 'secret-token' };
  const proxy = { QUELL_USER_HEADER: 'X-User', QUELL_TRUSTED_PROXIES: '10.0.0.1' };
  for (const [env, host] of [
    [{}, '127.0.0.1'],
    [ingest, '127.0.0.1'],
    [api, '127.0.0.1'],
    [{ QUELL_INGEST_RANGES: '10.0.0.0/8', ...api }, '127.0.0.1'],
    [{ ...ingest, ...api }, '0.0.0.0'],
    [{ ...signed, ...api }, '0.0.0.0'],
    [{ ...ingest, ...proxy }, '0.0.0.0'],
    [{ ...ingest, ...api, QUELL_HOST: '::1' }, '::1'],
  ] as const) {
    expect(good({ env }).host, JSON.stringify(env)).toBe(host);
  }
  expect(notes({ env: ingest })).toContain(
    'no QUELL_API_TOKEN: listening on loopback only, where everybody may read',
  );
  expect(notes({ env: api })).toContain(
    'no QUELL_INGEST_TOKENS: listening on loopback only, where everybody may post alerts',
  );
  expect(notes({ env: { QUELL_HOST: '0.0.0.0' } })).toEqual(
    expect.arrayContaining([
      'no QUELL_INGEST_TOKENS: whoever reaches 0.0.0.0 may post alerts',
      'no QUELL_API_TOKEN: whoever reaches 0.0.0.0 may read the page and the API, and reload',
    ]),
  );
});

test('a variable that is almost one of ours is named', () => {
  const env = { QUELL_PORTT: '1', QUELL_INGEST_TOKEN: 'x', QUELL_API_TOKENS_FILE: '/x' };
  const others = { QUELL_SERVICE_HOST: 'x', QUELL_PORT_8080_TCP_PORT: '1', QUELL_PORT: '0' };
  const cluster = { QUELL_SERVICE_PORT_HTTP: '1', QUELL_PORT_8080_TCP: 'tcp://1.2.3.4:8080' };
  const own = notes({ env: { ...env, ...others, ...cluster } });
  expect(own.filter((note) => note.includes('no setting'))).toEqual([
    'QUELL_PORTT is no setting: did you mean QUELL_PORT?',
    'QUELL_INGEST_TOKEN is no setting: did you mean QUELL_INGEST_TOKENS?',
    'QUELL_API_TOKENS_FILE is no setting: did you mean QUELL_API_TOKEN_FILE?',
  ]);
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
    QUELL_LIMITS: 'body=512kb, open-alerts=7',
    QUELL_PORT: '0',
  };
  expect(good({ env })).toMatchObject({
    publicUrl: 'https://quell.example.com',
    slack: { apiUrl: 'http://localhost:9000/api/' },
    limits: { ...capacityHere(), body: 524_288, 'open-alerts': 7 },
    port: 0,
  });
});

test('ingest tokens: for a source, named, for all, hashed, basic, and tokens that hold =', () => {
  const hashed = `sha256:${digestOf('abc').toUpperCase()}`;
  const text = `alertmanager=abc, grafana=user:pass:word,YWJjZGVm==,prometheus=YWJj=,\nplain,alertmanager/new=${hashed}`;
  expect(good({ env: { QUELL_INGEST_TOKENS: text } }).ingest.tokens).toEqual([
    { source: 'alertmanager', name: undefined, digest: digestOf('abc') },
    { source: 'grafana', name: undefined, digest: digestOf('user:pass:word') },
    { source: undefined, name: undefined, digest: digestOf('YWJjZGVm==') },
    { source: 'prometheus', name: undefined, digest: digestOf('YWJj=') },
    { source: undefined, name: undefined, digest: digestOf('plain') },
    { source: 'alertmanager', name: 'alertmanager/new', digest: digestOf('abc') },
  ]);
  expect(JSON.stringify(good({ env: { QUELL_INGEST_TOKENS: 'very-secret' } }))).not.toContain(
    'very-secret',
  );
});

test.each(['alertmanager=', 'alertmanager/2026-11=', 'prometheus=prom:', 'a=b,kube-prometheus='])(
  'a token that was left out, as of a variable that is not set, is no token: %s',
  (QUELL_INGEST_TOKENS) => {
    const told = problems({ env: { QUELL_INGEST_TOKENS } });
    expect(told[0]).toMatch(/^QUELL_INGEST_TOKENS entry \d must be source=token/);
    expect(problems({ env: { QUELL_API_TOKEN: QUELL_INGEST_TOKENS } })).not.toEqual([]);
  },
);

test('API tokens: several at once, with names, in clear or hashed', () => {
  const text = `let-me-read, ci=let-me-too,ops=sha256:${digestOf('hushhush')}`;
  expect(good({ env: { QUELL_API_TOKEN: text } }).api.tokens).toEqual([
    { name: undefined, digest: digestOf('let-me-read') },
    { name: 'ci', digest: digestOf('let-me-too') },
    { name: 'ops', digest: digestOf('hushhush') },
  ]);
  expect(problems({ env: { QUELL_API_TOKEN: 'let-me-read,ci=short' } })[0]).toMatch(
    /^QUELL_API_TOKEN entry 2 must be token or name=token, a token of at least 8 characters/,
  );
});

test('signatures: secrets of a source, its headers, and headers of nobody', () => {
  const env = {
    QUELL_INGEST_SIGNING_SECRETS:
      'grafana=0123456789abcdef,sentry=fedcba9876543210,grafana=new-0123456789ab',
    QUELL_INGEST_SIGNATURE_HEADERS: 'sentry=Sentry-Hook-Signature/X-Time',
  };
  expect(good({ env }).ingest.signatures).toEqual([
    {
      source: 'grafana',
      secrets: ['0123456789abcdef', 'new-0123456789ab'],
      header: 'x-grafana-alerting-signature',
      timestampHeader: undefined,
    },
    {
      source: 'sentry',
      secrets: ['fedcba9876543210'],
      header: 'sentry-hook-signature',
      timestampHeader: 'x-time',
    },
  ]);
  const headers = { QUELL_INGEST_SIGNATURE_HEADERS: 'sentry=X-Signature' };
  expect(problems({ env: headers })).toEqual([
    'QUELL_INGEST_SIGNATURE_HEADERS names "sentry", which has no secret in QUELL_INGEST_SIGNING_SECRETS',
  ]);
  expect(problems({ env: { QUELL_INGEST_SIGNING_SECRETS: 'grafana=hush' } }).join()).not.toContain(
    'hush',
  );
});

test('ranges, proxies and the header of a proxy', () => {
  const env = {
    QUELL_INGEST_RANGES: 'grafana=10.0.0.0/8,2001:db8::/32',
    QUELL_TRUSTED_PROXIES: '192.0.2.7',
    QUELL_USER_HEADER: 'X-Forwarded-User',
  };
  const { ingest, api } = good({ env });
  expect(ingest.ranges).toEqual([
    { source: 'grafana', range: '10.0.0.0/8' },
    { source: undefined, range: '2001:db8::/32' },
  ]);
  expect([ingest.proxies, api.userHeader]).toEqual([['192.0.2.7'], 'x-forwarded-user']);
  for (const range of ['10.0.0.0/33', '10.0.0', 'example.com', '::1/129', '10.0.0.0/8/8']) {
    expect(problems({ env: { QUELL_INGEST_RANGES: range } }).length, range).toBe(1);
  }
  expect(problems({ env: { QUELL_USER_HEADER: 'X-User' } })).toEqual([
    'QUELL_USER_HEADER is set but QUELL_TRUSTED_PROXIES is not: anybody could send that header',
  ]);
});

test('limits are held to names and numbers that make sense', () => {
  for (const text of ['body=10', 'body=2gb', 'waiting=10mb', 'waiting=0', 'boddy=1mb', 'body=']) {
    expect(problems({ env: { QUELL_LIMITS: text } }).length, text).toBe(1);
  }
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
    'SLACK_BOT_TOKEN_FILE: /no/such/file cannot be read: there is none',
  ]);
});

test('all problems are told at once, each with what would be right', () => {
  const env = {
    QUELL_PORT: '80800',
    QUELL_RETENTION: '10mins',
    QUELL_LOG_LEVEL: 'loud',
    QUELL_LIMITS: 'body=1tb',
    QUELL_PUBLIC_URL: 'quell.example.com',
    QUELL_REDIS_URL: 'http://localhost',
    SLACK_BOT_TOKEN: 'xoxp-1',
    SLACK_APP_TOKEN: 'xoxb-1',
    SLACK_SIGNING_SECRET: 'short',
  };
  const told = problems({ env }).join('\n');
  for (const expected of [
    'QUELL_PORT must be a port number from 0 to 65535',
    'QUELL_RETENTION is how long history is kept, like 90d: "10mins" is no duration: write 10m',
    'QUELL_LOG_LEVEL must be one of fatal, error, warn, info',
    'QUELL_LIMITS entry 1 must be name=number, names are body, bodies, requests,',
    'QUELL_PUBLIC_URL must be the address that people reach Quell at, like https://',
    'QUELL_REDIS_URL must be like redis://host:6379,',
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
    QUELL_INGEST_SIGNING_SECRETS: 'hush',
    QUELL_REDIS_URL: 'redis://:hush@local host',
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
    /list\.yaml:1:1: this file is a mapping, .*: it has keys like "port:"/,
  );
  expect(problems({ file: await file('bad.yaml', 'port: "80') })[0]).toMatch(
    /bad\.yaml:1:7: this " is never closed$/,
  );
  expect(problems({ file: join(dir, 'missing.yaml') })[0]).toMatch(
    /missing\.yaml cannot be read: there is none$/,
  );
  expect(good({ file: await file('empty.yaml', '# nothing\n') }).port).toBe(8080);
});

test('what is no YAML is told by its place, never by what stands there', async () => {
  for (const text of [
    'api_token: [hush',
    'api_token: "hush',
    'api_token: hush: hush',
    'api_token: hush\n- hush',
    'api_token: hush\n\thush: x',
    'api_token: &hush hush\nport: *hush2',
    'api_token: !hush hush\n  hush',
    'api_token: hush\napi_token: hush',
    '- hush',
    'hush',
    '{ api_token: hush',
    'api_token: @hush',
    'api_token: `hush`',
  ]) {
    const path = await file('secret.yaml', text);
    const told = problems({ file: path });
    expect(told.length, text).toBeGreaterThan(0);
    expect(told.join('\n'), text).not.toContain('hush');
  }
});

test('an app token without a bot token is a mistake; reactions need a way in', () => {
  expect(problems({ env: { SLACK_APP_TOKEN: 'xapp-1' } })[0]).toMatch(/SLACK_BOT_TOKEN is not/);
  expect(notes({ env: { SLACK_BOT_TOKEN: 'xoxb-1' } })).toContain(
    'no QUELL_PUBLIC_URL: messages have no link to why they were sent',
  );
  expect(notes({ env: { SLACK_BOT_TOKEN: 'xoxb-1' } })).toContain(
    'neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET: reactions are not heard',
  );
});

test('lanes: a label and those of its values that have one, in a Redis', () => {
  const QUELL_REDIS_URL = 'redis://localhost';
  const env = (QUELL_LANE_BY: string, QUELL_LANES: string) => ({ QUELL_LANE_BY, QUELL_LANES });
  const split = (by: string, lanes: string) => ({ env: { QUELL_REDIS_URL, ...env(by, lanes) } });
  expect(good(split('environment, env', 'production,staging')).split).toEqual({
    by: ['environment', 'env'],
    lanes: ['production', 'staging'],
  });
  for (const [by, lanes, said] of [
    ['environment', '', /QUELL_LANE_BY and QUELL_LANES belong together/],
    ['', 'production', /QUELL_LANE_BY and QUELL_LANES belong together/],
    ['a,,b', 'production', /QUELL_LANE_BY must be the label that decides/],
    ['environment', 'production,default', /QUELL_LANES must be values of the label/],
    ['environment', 'one,one', /QUELL_LANES must be values of the label/],
    ['environment', 'north america', /QUELL_LANES must be values of the label/],
  ] as const) {
    expect(problems(split(by, lanes))[0]).toMatch(said);
  }
  expect(problems({ env: env('environment', 'production') })).toEqual([
    'QUELL_LANES is set but QUELL_REDIS_URL is not: in a data directory one process decides everything, in one lane',
  ]);
});

test('what Kubernetes puts in QUELL_PORT for a Service named quell is no port', () => {
  expect(good({ env: { QUELL_PORT: 'tcp://10.0.0.7:8080' } }).port).toBe(8080);
});

test('the configuration cannot be changed', () => {
  const config = good({});
  expect(
    Object.isFrozen(config) &&
      Object.isFrozen(config.slack) &&
      Object.isFrozen(config.ingest) &&
      Object.isFrozen(config.limits),
  ).toBe(true);
});
