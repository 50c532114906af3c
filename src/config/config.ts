/**
 * The configuration: flags, then environment, then `quell.yaml`. Read once, as a whole, frozen.
 *
 * All problems are told at once, each with the setting by the name it was given and what would be
 * right. Secrets come by environment or from a file that `..._FILE` (in quell.yaml `..._file`) names,
 * never from a flag or from quell.yaml itself; no problem repeats one.
 */
import { z } from 'zod';
import {
  ApiTokens,
  capacityHere,
  HeaderName,
  IngestRanges,
  IngestTokens,
  Limits,
  Proxies,
  SignatureHeaders,
  signaturesOf,
  SigningSecrets,
} from './access.ts';
import { splitOf } from './lanes.ts';
import { type ConfigSources, misspelt, openSources, type Read, readerOf } from './sources.ts';
import { type IngestAuth, isSecured } from '../ingest/auth.ts';
import type { Token } from '../ingest/credentials.ts';
import type { Capacity } from '../limits.ts';
import { parseDuration } from '../rules/duration.ts';
import type { Split } from '../split.ts';
import { readRedisUrl, REDIS_URL_EXPECTED, type RedisAddress } from '../store/redis/address.ts';
import { LOG_LEVELS, type LogLevel } from '../telemetry/log.ts';

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly rulesDir: string;
  /** Without a slash at the end. */
  readonly publicUrl: string | undefined;
  readonly retentionMs: number;
  readonly logLevel: LogLevel;
  readonly limits: Capacity;
  /** File that every accepted delivery is appended to. */
  readonly record: string | undefined;
  /** Who may post alerts. */
  readonly ingest: IngestAuth;
  /** Who may read them, and reload. */
  readonly api: ApiAuth;
  /** Where the state is instead of in `dataDir`, for several instances that are one service. */
  readonly redis: RedisAddress | undefined;
  /** How alerts are split into lanes. */
  readonly split: Split;
  readonly slack: {
    readonly botToken: string | undefined;
    readonly appToken: string | undefined;
    readonly signingSecret: string | undefined;
    /** Ends in a slash. */
    readonly apiUrl: string | undefined;
  };
}

interface ApiAuth {
  readonly tokens: readonly Token[];
  /** In lower case: a trusted proxy names in it whom it let in. */
  readonly userHeader: string | undefined;
}

type ReadConfig =
  /** `notes`: what an operator should know, for the log at the start. */
  | { readonly kind: 'config'; readonly config: Config; readonly notes: readonly string[] }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

const RETENTION_MIN_MS = 3_600_000;

export function readConfig(sources: ConfigSources): ReadConfig {
  const places = openSources(sources);
  const problems: string[] = [...places.problems];
  const read = readerOf(places, problems);
  const ingest = readIngestAuth(read, problems);
  const api: ApiAuth = Object.freeze({
    tokens: read('apiToken', ApiTokens) ?? [],
    userHeader: read('userHeader', HeaderName),
  });
  const given = {
    host: read('host', Host),
    port: read('port', Port) ?? 0,
    dataDir: read('dataDir', Directory.default('./data')) ?? '',
    rulesDir: read('rules', Directory.default('./rules')) ?? '',
    publicUrl: read('publicUrl', PublicUrl),
    retentionMs: read('retention', Retention) ?? 0,
    logLevel: read('logLevel', Level) ?? 'info',
    limits: read('limits', Limits) ?? capacityHere(),
    record: read('record', Directory.optional()),
    ingest,
    api,
    redis: read('redisUrl', RedisUrl),
    split: Object.freeze(splitOf(read, problems)),
    slack: Object.freeze({
      botToken: read('slackBotToken', BotToken),
      appToken: read('slackAppToken', AppToken),
      signingSecret: read('slackSigningSecret', SigningSecret),
      apiUrl: read('slackApiUrl', ApiUrl),
    }),
  };
  problems.push(...combined(given));
  if (problems.length > 0) return { kind: 'refused', problems };
  const isOpen = !isSecured(ingest) || !isGuarded(api);
  const host = given.host ?? (isOpen ? '127.0.0.1' : '0.0.0.0');
  const config = Object.freeze({ ...given, host });
  return {
    kind: 'config',
    config,
    notes: [...misspelt(sources.env), ...notesOn(config, given.host)],
  };
}

function readIngestAuth(read: Read, problems: string[]): IngestAuth {
  const secrets = read('ingestSigningSecrets', SigningSecrets) ?? [];
  const signing = signaturesOf(secrets, read('ingestSignatureHeaders', SignatureHeaders) ?? []);
  problems.push(...signing.problems);
  return Object.freeze({
    tokens: read('ingestTokens', IngestTokens) ?? [],
    signatures: signing.signatures,
    ranges: read('ingestRanges', IngestRanges) ?? [],
    proxies: read('trustedProxies', Proxies) ?? [],
  });
}

/** Can nobody but this machine reach it? */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Does it ask who reads? */
function isGuarded({ tokens, userHeader }: ApiAuth): boolean {
  return tokens.length > 0 || userHeader !== undefined;
}

function combined(given: Pick<Config, 'slack' | 'api' | 'ingest' | 'split' | 'redis'>) {
  const { slack, api, ingest, split, redis } = given;
  const problems: string[] = [];
  if (split.lanes.length > 0 && redis === undefined) {
    problems.push(
      'QUELL_LANES is set but QUELL_REDIS_URL is not: in a data directory one process decides everything, in one lane',
    );
  }
  if (slack.appToken !== undefined && slack.botToken === undefined) {
    problems.push(
      'SLACK_APP_TOKEN is set but SLACK_BOT_TOKEN is not: both are needed to post and to listen',
    );
  }
  if (api.userHeader !== undefined && ingest.proxies.length === 0) {
    problems.push(
      'QUELL_USER_HEADER is set but QUELL_TRUSTED_PROXIES is not: anybody could send that header',
    );
  }
  return problems;
}

function notesOn(config: Config, hostGiven: string | undefined): readonly string[] {
  const { host, ingest, api, slack } = config;
  const notes: string[] = [];
  if (hostGiven === undefined) notes.push(...whyLoopback(ingest, api));
  else if (!isLoopback(host)) {
    if (!isSecured(ingest)) {
      notes.push(`no QUELL_INGEST_TOKENS: whoever reaches ${host} may post alerts`);
    }
    if (!isGuarded(api)) {
      notes.push(
        `no QUELL_API_TOKEN: whoever reaches ${host} may read the page and the API, and reload`,
      );
    }
  }
  if (slack.botToken === undefined) {
    notes.push('no SLACK_BOT_TOKEN: messages are shown in the log and on the page, not posted');
  } else if (slack.appToken === undefined && slack.signingSecret === undefined) {
    notes.push('neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET: reactions are not heard');
  }
  if (slack.botToken !== undefined && config.publicUrl === undefined) {
    notes.push('no QUELL_PUBLIC_URL: messages have no link to why they were sent');
  }
  return notes;
}

function whyLoopback(ingest: IngestAuth, api: ApiAuth): readonly string[] {
  const missing = [
    ...(isSecured(ingest) ? [] : ['QUELL_INGEST_TOKENS']),
    ...(isGuarded(api) ? [] : ['QUELL_API_TOKEN']),
  ];
  if (missing.length === 0) return [];
  const open = isSecured(ingest) ? 'read' : isGuarded(api) ? 'post alerts' : 'post alerts and read';
  return [
    `no ${missing.join(' and no ')}: listening on loopback only, where everybody may ${open}`,
  ];
}

// ---------------------------------------------------------------------------------------------

const Host = z
  .string()
  .regex(/^[\w.:-]{1,255}$/, 'must be a host name or an address, like 0.0.0.0')
  .optional();

const PORT_DEFAULT = '8080';

const Port = z
  .string()
  .default(PORT_DEFAULT)
  // Kubernetes sets QUELL_PORT to this for a Service named "quell".
  .transform((text) => (text.startsWith('tcp://') ? PORT_DEFAULT : text))
  .refine((text) => /^\d{1,5}$/.test(text) && Number(text) <= 65_535, {
    error: 'must be a port number from 0 to 65535; 8080 is the default',
  })
  .transform(Number);

const Directory = z.string().max(4096, 'is too long for a path');

const NO_PASSWORD = 'must have no user and password in it: addresses are shown and logged';

const PublicUrl = z
  .string()
  .refine(isHttpUrl, {
    error: 'must be the address that people reach Quell at, like https://quell.example.com',
  })
  .refine(hasNoPassword, { error: NO_PASSWORD })
  .transform((text) => text.replace(/\/+$/, ''))
  .optional();

const ApiUrl = z
  .string()
  .refine(isHttpUrl, { error: 'must be a URL like https://slack.com/api/' })
  .refine(hasNoPassword, { error: NO_PASSWORD })
  .transform((text) => (text.endsWith('/') ? text : `${text}/`))
  .optional();

const Retention = z
  .string()
  .default('90d')
  .transform((text, context) => {
    const duration = parseDuration(text);
    if (duration.kind === 'duration' && duration.ms >= RETENTION_MIN_MS) return duration.ms;
    const why = duration.kind === 'refused' ? duration.message : 'it is at least 1h';
    context.addIssue(`is how long history is kept, like 90d: ${why}`);
    return z.NEVER;
  });

const Level = z
  .enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` })
  .default('info');

const BotToken = z
  .string()
  .startsWith(
    'xoxb-',
    'must start with xoxb-; it is the "Bot User OAuth Token" under OAuth & Permissions at https://api.slack.com/apps',
  )
  .optional();

const AppToken = z
  .string()
  .startsWith(
    'xapp-',
    'must start with xapp-; make one with the scope connections:write under Basic Information, App-Level Tokens, at https://api.slack.com/apps',
  )
  .optional();

const SigningSecret = z
  .string()
  .regex(
    /^[\w-]{8,128}$/,
    'must be the "Signing Secret" under Basic Information, App Credentials, at https://api.slack.com/apps',
  )
  .optional();

/** The refusal never repeats it: it may hold a password. */
const RedisUrl = z
  .string()
  .transform((text, context) => {
    const address = readRedisUrl(text);
    if (address !== undefined) return address;
    context.addIssue(REDIS_URL_EXPECTED);
    return z.NEVER;
  })
  .optional();

function hasNoPassword(text: string): boolean {
  if (!URL.canParse(text)) return true;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
