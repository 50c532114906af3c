/**
 * Where settings come from: the one table of their names, and the order in which places are asked.
 *
 * Flags, environment, `quell.yaml`. An empty value is no value. A secret is never given by flag or in
 * quell.yaml, because `ps` and repositories show those; a file that holds it is named instead.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { z } from 'zod';
import { codeOf } from '../errors.ts';
import { didYouMean, nearest } from '../rules/did-you-mean.ts';
import type { Diagnostic } from '../rules/files/diagnostics.ts';
import { reasonOf } from '../rules/files/load.ts';
import { readSource } from '../rules/files/read-source.ts';

export interface ConfigSources {
  /** As the command line parsed them: `dataDir` for --data-dir. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of the file; undefined: `quell.yaml` if there is one. */
  readonly file: string | undefined;
}

/** Setting (and flag) -> environment variable. In quell.yaml it is that in lower case without `quell_`. */
export const SETTINGS = {
  host: 'QUELL_HOST',
  port: 'QUELL_PORT',
  dataDir: 'QUELL_DATA_DIR',
  rules: 'QUELL_RULES_DIR',
  publicUrl: 'QUELL_PUBLIC_URL',
  retention: 'QUELL_RETENTION',
  logLevel: 'QUELL_LOG_LEVEL',
  limits: 'QUELL_LIMITS',
  record: 'QUELL_RECORD',
  redisUrl: 'QUELL_REDIS_URL',
  laneBy: 'QUELL_LANE_BY',
  lanes: 'QUELL_LANES',
  ingestTokens: 'QUELL_INGEST_TOKENS',
  ingestSigningSecrets: 'QUELL_INGEST_SIGNING_SECRETS',
  ingestSignatureHeaders: 'QUELL_INGEST_SIGNATURE_HEADERS',
  ingestRanges: 'QUELL_INGEST_RANGES',
  apiToken: 'QUELL_API_TOKEN',
  trustedProxies: 'QUELL_TRUSTED_PROXIES',
  userHeader: 'QUELL_USER_HEADER',
  slackBotToken: 'SLACK_BOT_TOKEN',
  slackAppToken: 'SLACK_APP_TOKEN',
  slackSigningSecret: 'SLACK_SIGNING_SECRET',
  slackApiUrl: 'SLACK_API_URL',
} as const;
type Settings = typeof SETTINGS;
export type Setting = keyof Settings;

const SECRETS: ReadonlySet<Setting> = new Set([
  'redisUrl',
  'ingestTokens',
  'ingestSigningSecrets',
  'apiToken',
  'slackBotToken',
  'slackAppToken',
  'slackSigningSecret',
]);

export type Found =
  /** `name`: what the setting is called where it was found. */
  | { readonly kind: 'found'; readonly name: string; readonly value: string | undefined }
  | { readonly kind: 'refused'; readonly problem: string };

interface ConfigPlaces {
  readonly problems: readonly string[];
  find(setting: Setting): Found;
}

export function openSources({ flags, env, file }: ConfigSources): ConfigPlaces {
  const path = file ?? 'quell.yaml';
  const yaml = file === undefined && !existsSync(path) ? NO_FILE : readYaml(path);
  return {
    problems: yaml.problems,
    find: (setting) => {
      const variable = SETTINGS[setting];
      const key = keyOf(variable);
      const inYaml = (name: string) => ({ name: `${path}: ${name}`, value: yaml.values.get(name) });
      const secret = SECRETS.has(setting);
      const plain = secret
        ? [{ name: variable, value: env[variable] }]
        : [
            { name: flagOf(setting), value: flags[setting] },
            { name: variable, value: env[variable] },
            inYaml(key),
          ];
      const named = [{ name: `${variable}_FILE`, value: env[`${variable}_FILE`] }];
      return choose(variable, plain, secret ? [...named, inYaml(`${key}_file`)] : []);
    },
  };
}

/** Variables of ours that are almost one that is known. Kubernetes sets others, as QUELL_SERVICE_HOST. */
export function misspelt(env: ConfigSources['env']): readonly string[] {
  const variables: readonly string[] = Object.values(SETTINGS);
  const own = variables.filter((name) => name.startsWith(OURS));
  const known = own
    .flatMap((name) => [name, `${name}_FILE`])
    .map((name) => name.slice(OURS.length));
  return Object.keys(env).flatMap((name) => {
    const rest = name.slice(OURS.length);
    if (!name.startsWith(OURS) || known.includes(rest)) return [];
    const meant = nearest(rest, known);
    return meant === undefined ? [] : [`${name} is no setting: did you mean ${OURS}${meant}?`];
  });
}

const OURS = 'QUELL_';

/** Reads one setting; undefined when it is none, or wrong: then there is a problem more. */
export type Read = <T>(setting: Setting, schema: z.ZodType<T, string | undefined>) => T | undefined;

export function readerOf(places: ConfigPlaces, problems: string[]): Read {
  return (setting, schema) => {
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
}

interface Given {
  readonly name: string;
  readonly value: string | undefined;
}

function choose(variable: string, plain: readonly Given[], files: readonly Given[]): Found {
  const value = plain.find(isGiven);
  const file = files.find(isGiven);
  if (value !== undefined && file !== undefined && file.name === `${variable}_FILE`) {
    return { kind: 'refused', problem: `${variable} and ${variable}_FILE are both set: keep one` };
  }
  if (value !== undefined) return { kind: 'found', name: value.name, value: value.value?.trim() };
  if (file?.value === undefined) return { kind: 'found', name: variable, value: undefined };
  const read = readText(file.value);
  if (read.kind === 'refused') return { kind: 'refused', problem: `${file.name}: ${read.problem}` };
  return { kind: 'found', name: `${variable} (in ${file.value})`, value: read.text.trim() };
}

function isGiven({ value }: Given): boolean {
  return value !== undefined && value.trim() !== '';
}

function keyOf(variable: string): string {
  return variable.replace(/^QUELL_/, '').toLowerCase();
}

function flagOf(setting: string): string {
  return `--${setting.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

// ---------------------------------------------------------------------------------------------

interface Yaml {
  readonly values: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
}

const NO_FILE: Yaml = { values: new Map(), problems: [] };
const FILE_MAX = 1024 * 1024;

function readYaml(path: string): Yaml {
  const read = readText(path);
  if (read.kind === 'refused') return { ...NO_FILE, problems: [read.problem] };
  const source = readSource({ name: path, text: read.text }, '"port:" or "rules_dir:"');
  if (source.kind === 'empty') return NO_FILE;
  if (source.errors.length > 0) return { ...NO_FILE, problems: source.errors.map(inOneLine) };
  if (source.kind === 'refused') return NO_FILE;
  const values = new Map<string, string>();
  const problems: string[] = [];
  for (const [key, value] of Object.entries(source.data)) {
    const problem = keyProblem(key, value);
    if (problem === undefined) values.set(key, String(value));
    else problems.push(`${path}: ${problem}`);
  }
  return { values, problems };
}

/** Without the line itself and names of anchors, where somebody may have written a secret. */
function inOneLine({ file, line, column, message, hint }: Diagnostic): string {
  const told = `${message}${hint === undefined ? '' : `: ${hint}`}`;
  return `${file}:${line}:${column}: ${told.replace(/([*&])[^\s:]+/g, '$1…')}`;
}

function keyProblem(key: string, value: unknown): string | undefined {
  for (const [setting, variable] of Object.entries(SETTINGS)) {
    // Object.entries forgets what the keys are.
    const secret = SECRETS.has(setting as Setting);
    if (key === keyOf(variable) && secret) {
      return `${key}: a secret does not stand here; write ${key}_file, or set ${variable}`;
    }
    if (key !== keyOf(variable) && !(secret && key === `${keyOf(variable)}_file`)) continue;
    if (typeof value === 'string' || typeof value === 'number') return undefined;
    return `${key}: expected a text or a number`;
  }
  const hint = didYouMean(key, knownKeys());
  return `unknown setting "${key}"${hint === undefined ? '' : `: ${hint}`}`;
}

function knownKeys(): readonly string[] {
  return Object.entries(SETTINGS).map(([setting, variable]) =>
    // As above.
    SECRETS.has(setting as Setting) ? `${keyOf(variable)}_file` : keyOf(variable),
  );
}

type ReadText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly problem: string };

function readText(path: string): ReadText {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length <= FILE_MAX) return { kind: 'text', text };
    return { kind: 'refused', problem: `${path} is larger than ${FILE_MAX} bytes` };
  } catch (error) {
    // Every failure of the file system has a code.
    if (codeOf(error) === undefined) throw error;
    return { kind: 'refused', problem: `${path} cannot be read: ${reasonOf(error)}` };
  }
}
