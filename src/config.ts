/**
 * The configuration: flags, then environment, then `quell.yaml`. Read once, as a whole, frozen.
 *
 * All problems are told at once, each with the setting by the name it was given and what would be
 * right. Secrets come by environment or from a file that `..._FILE` (in quell.yaml `..._file`) names,
 * never from a flag or from quell.yaml itself; no problem repeats one.
 */
import { z } from 'zod';
import { type ConfigSources, openSources, type Setting } from './config-sources.ts';
import type { IngestToken } from './ingest/auth.ts';
import { parseDuration } from './rules/duration.ts';
import { LOG_LEVELS, type LogLevel } from './telemetry/log.ts';

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly rulesDir: string;
  /** Without a slash at the end. */
  readonly publicUrl: string | undefined;
  readonly retentionMs: number;
  readonly logLevel: LogLevel;
  readonly bodyMax: number;
  /** File that every accepted delivery is appended to. */
  readonly record: string | undefined;
  readonly ingestTokens: readonly IngestToken[];
  /** Asked for by the page, the read API and reload. */
  readonly apiToken: string | undefined;
  readonly slack: {
    readonly botToken: string | undefined;
    readonly appToken: string | undefined;
    readonly signingSecret: string | undefined;
    /** Ends in a slash. */
    readonly apiUrl: string | undefined;
  };
}

export type ReadConfig =
  /** `notes`: what an operator should know, for the log at the start. */
  | { readonly kind: 'config'; readonly config: Config; readonly notes: readonly string[] }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

const RETENTION_MIN_MS = 3_600_000;
const BODY_MIN = 1024;
const BODY_MAX = 1024 ** 3;

export function readConfig(sources: ConfigSources): ReadConfig {
  const places = openSources(sources);
  const problems: string[] = [...places.problems];
  const read = <T>(setting: Setting, schema: z.ZodType<T, string | undefined>): T | undefined => {
    const found = places.find(setting);
    if (found.kind === 'refused') {
      problems.push(found.problem);
      return undefined;
    }
    const result = schema.safeParse(found.value);
    if (result.success) return result.data;
    for (const { message } of result.error.issues) problems.push(`${found.name} ${message}`);
    return undefined;
  };
  const ingestTokens = read('ingestTokens', IngestTokens) ?? [];
  const given = {
    host: read('host', Host),
    port: read('port', Port) ?? 0,
    dataDir: read('dataDir', Directory.default('./data')) ?? '',
    rulesDir: read('rulesDir', Directory.default('./rules')) ?? '',
    publicUrl: read('publicUrl', PublicUrl),
    retentionMs: read('retention', Retention) ?? 0,
    logLevel: read('logLevel', Level) ?? 'info',
    bodyMax: read('bodyLimit', Size) ?? 0,
    record: read('record', Directory.optional()),
    apiToken: read('apiToken', Secret),
    slack: Object.freeze({
      botToken: read('slackBotToken', BotToken),
      appToken: read('slackAppToken', AppToken),
      signingSecret: read('slackSigningSecret', SigningSecret),
      apiUrl: read('slackApiUrl', ApiUrl),
    }),
  };
  read('redisUrl', NoRedis);
  problems.push(...combined(given.slack));
  if (problems.length > 0) return { kind: 'refused', problems };
  const host = given.host ?? (ingestTokens.length > 0 ? '0.0.0.0' : '127.0.0.1');
  const config = Object.freeze({ ...given, host, ingestTokens: Object.freeze(ingestTokens) });
  return { kind: 'config', config, notes: notesOn(config, given.host) };
}

/** Can nobody but this machine reach it? */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function combined(slack: Config['slack']): readonly string[] {
  if (slack.appToken === undefined || slack.botToken !== undefined) return [];
  return [
    'SLACK_APP_TOKEN is set but SLACK_BOT_TOKEN is not: both are needed to post and to listen',
  ];
}

function notesOn(config: Config, hostGiven: string | undefined): readonly string[] {
  const { host, ingestTokens, apiToken, slack } = config;
  const notes: string[] = [];
  const open = ingestTokens.length === 0;
  if (open && hostGiven === undefined) {
    notes.push(
      'no QUELL_INGEST_TOKENS: listening on loopback only, where everybody may post alerts',
    );
  } else if (open && !isLoopback(host)) {
    notes.push(`no QUELL_INGEST_TOKENS: whoever reaches ${host} may post alerts`);
  }
  if (apiToken === undefined && !isLoopback(host)) {
    notes.push(`no QUELL_API_TOKEN: whoever reaches ${host} may read the page and the API`);
  }
  if (slack.botToken === undefined) {
    notes.push('no SLACK_BOT_TOKEN: messages are shown in the log and on the page, not posted');
  } else if (slack.appToken === undefined && slack.signingSecret === undefined) {
    notes.push('neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET: reactions are not heard');
  }
  return notes;
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

const PublicUrl = z
  .string()
  .refine(isHttpUrl, {
    error: 'must be the address that people reach Quell at, like https://quell.example.com',
  })
  .transform((text) => text.replace(/\/+$/, ''))
  .optional();

const ApiUrl = z
  .string()
  .refine(isHttpUrl, { error: 'must be a URL like https://slack.com/api/' })
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

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
};

const Size = z
  .string()
  .default('10mb')
  .transform((text, context) => {
    const [, count, unit = ''] = /^(\d{1,12})\s*(b|kb|mb|gb|)$/i.exec(text.trim()) ?? [];
    const bytes = Number(count) * (UNITS[unit.toLowerCase()] ?? Number.NaN);
    if (bytes >= BODY_MIN && bytes <= BODY_MAX) return bytes;
    context.addIssue('must be a size from 1kb to 1gb, like 10mb');
    return z.NEVER;
  });

const Secret = z.string().min(8, 'must be at least 8 characters long').optional();

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

const NoRedis = z.undefined({
  error: 'is not supported by this version, which keeps its state in QUELL_DATA_DIR; unset it',
});

const TOKENS_MAX = 100;

const IngestTokens = z
  .string()
  .default('')
  .transform((text, context): readonly IngestToken[] => {
    const parts = text.split(/[,\n]/).map((part) => part.trim());
    const filled = parts.filter((part) => part !== '');
    if (filled.length > TOKENS_MAX) context.addIssue(`has more than ${TOKENS_MAX} entries`);
    return filled.map((part, index) => {
      const token = readIngestToken(part);
      if (token !== undefined) return token;
      context.addIssue(
        `entry ${index + 1} must be name=token, name=user:password, or a token for every source, without blanks`,
      );
      return z.NEVER;
    });
  });

/** `source=token`, `source=user:password`, or either without a source. */
function readIngestToken(part: string): IngestToken | undefined {
  if (/\s/.test(part)) return undefined;
  // A token may itself end in =, as base64 does.
  const [, name, rest] = /^([\w.-]{1,64})=(.*[^=].*)$/.exec(part) ?? [];
  const secret = rest ?? part;
  if (name === undefined && /^=|^[^=]*=$/.test(part) && part.length < 8) return undefined;
  return { source: name, scheme: secret.includes(':') ? 'basic' : 'bearer', secret };
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
