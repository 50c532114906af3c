/**
 * Settings that say who may do what, and how much of it: tokens, signatures, address ranges, limits.
 *
 * All are lists of `name=value`. No problem repeats a value that may be a secret.
 */
import { getHeapStatistics } from 'node:v8';
import { z } from 'zod';
import type { IngestToken, SourceRange } from '../ingest/auth.ts';
import { isRange } from '../ingest/address.ts';
import { digestOf, isHashed, type Token } from '../ingest/credentials.ts';
import { GRAFANA_HEADER, type Signature } from '../ingest/signature.ts';
import { CAPACITY, type Capacity, CAPACITY_NAMES, type CapacityName, IN_BYTES } from '../limits.ts';

const ENTRIES_MAX = 100;
const API_TOKEN_MIN = 8;

type Issues = z.core.$RefinementCtx;

/** A list, separated by commas or line ends; `read` returns undefined for an entry that is not well. */
function listOf<T>(what: string, read: (entry: string) => T | undefined) {
  return z
    .string()
    .default('')
    .transform((text, issues: Issues): readonly T[] => {
      const entries = text
        .split(/[,\n]/)
        .map((entry) => entry.trim())
        .filter((entry) => entry !== '');
      if (entries.length > ENTRIES_MAX) issues.addIssue(`has more than ${ENTRIES_MAX} entries`);
      return entries.flatMap((entry, index) => {
        const value = read(entry);
        if (value === undefined) issues.addIssue(`entry ${index + 1} must be ${what}`);
        return value === undefined ? [] : [value];
      });
    });
}

/** `name=rest`; a token may itself end in =, as base64 does. */
const NAMED = /^([\w./-]{1,64})=(.*[^=].*)$/;

/** `alertmanager=$TOKEN` or `prometheus=prom:$PASSWORD` with a variable that is not set: everybody could guess it. */
const EMPTY = /^[a-z\d._/-]+=+$|:$/;

/** `source=token`, `source/name=token`, `source=user:password`, or a token for every source. */
function readIngestToken(entry: string): IngestToken | undefined {
  if (/\s/.test(entry) || EMPTY.test(entry)) return undefined;
  const [, place, rest] = NAMED.exec(entry) ?? [];
  if (place === undefined || rest === undefined) {
    if (/^=|^[^=]*=$/.test(entry) && entry.length < 8) return undefined;
    return { source: undefined, name: undefined, digest: digestOf(entry) };
  }
  const [source = '', name, ...more] = place.split('/');
  if (source === '' || name === '' || more.length > 0) return undefined;
  const fullName = name === undefined ? undefined : place;
  return { source, name: fullName, digest: digestOf(rest) };
}

export const IngestTokens = listOf(
  'source=token, source/name=token, source=user:password, or a token for every source, without blanks; a token may be given as sha256:<64 hex digits>',
  readIngestToken,
);

function readApiToken(entry: string): (Token & { readonly clear: string | undefined }) | undefined {
  if (/\s/.test(entry) || EMPTY.test(entry)) return undefined;
  const [, name, rest] = NAMED.exec(entry) ?? [];
  const secret = rest ?? entry;
  if (secret.length < API_TOKEN_MIN) return undefined;
  const clear = isHashed(secret) ? undefined : secret;
  return { name: rest === undefined ? undefined : name, digest: digestOf(secret), clear };
}

const API_TOKEN = `token or name=token, a token of at least ${API_TOKEN_MIN} characters without blanks; it may be given as sha256:<64 hex digits>`;

export const ApiTokens = listOf<Token>(API_TOKEN, (entry) => {
  const token = readApiToken(entry);
  return token === undefined ? undefined : { name: token.name, digest: token.digest };
});

/** The first API token that is given in clear: a client shows it. */
export function clearApiToken(text: string | undefined): string | undefined {
  for (const entry of text?.split(/[,\n]/) ?? []) {
    const token = readApiToken(entry.trim());
    if (token?.clear !== undefined) return token.clear;
  }
  return undefined;
}

interface OfSource {
  readonly source: string;
  readonly value: string;
}

const SOURCE = /^([\w.-]{1,64})=(\S+)$/;

function readOfSource(entry: string, isWell: (value: string) => boolean): OfSource | undefined {
  const [, source, value] = SOURCE.exec(entry) ?? [];
  if (source === undefined || value === undefined || !isWell(value)) return undefined;
  return { source, value };
}

const SIGNING_SECRET_MIN = 16;

export const SigningSecrets = listOf(
  `source=secret, a secret of at least ${SIGNING_SECRET_MIN} characters`,
  (entry) => readOfSource(entry, ({ length }) => length >= SIGNING_SECRET_MIN),
);

const HEADER = /^[A-Za-z0-9-]{1,100}$/;

export const SignatureHeaders = listOf(
  'source=Header, or source=Header/Timestamp-Header',
  (entry) =>
    readOfSource(entry, (value) => {
      const headers = value.split('/');
      return headers.length <= 2 && headers.every((header) => HEADER.test(header));
    }),
);

/** Secrets and headers of each source, together. */
export function signaturesOf(
  secrets: readonly OfSource[],
  headers: readonly OfSource[],
): { readonly signatures: readonly Signature[]; readonly problems: readonly string[] } {
  const sources = [...new Set(secrets.map(({ source }) => source))];
  const problems = headers
    .filter(({ source }) => !sources.includes(source))
    .map(
      ({ source }) =>
        `QUELL_INGEST_SIGNATURE_HEADERS names "${source}", which has no secret in QUELL_INGEST_SIGNING_SECRETS`,
    );
  const signatures = sources.map((source): Signature => {
    const named = headers
      .find((one) => one.source === source)
      ?.value.toLowerCase()
      .split('/');
    return {
      source,
      secrets: secrets.filter((one) => one.source === source).map(({ value }) => value),
      header: named?.[0] ?? GRAFANA_HEADER,
      timestampHeader: named?.[1],
    };
  });
  return { signatures, problems };
}

export const IngestRanges = listOf(
  'a range like 10.0.0.0/8 or 2001:db8::/32, or source=range',
  (entry): SourceRange | undefined => {
    const [, source, value] = SOURCE.exec(entry) ?? [];
    const range = value ?? entry;
    return isRange(range) ? { source, range } : undefined;
  },
);

export const Proxies = listOf('an address or a range like 10.0.0.0/8', (entry) =>
  isRange(entry) ? entry : undefined,
);

export const HeaderName = z
  .string()
  .regex(HEADER, 'must be the name of a header, like X-Forwarded-User')
  .transform((name) => name.toLowerCase())
  .optional();

// ---------------------------------------------------------------------------------------------

const UNITS: Readonly<Record<string, number>> = { kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
const LEAST = 1;
const MOST = 64 * 1024 ** 3;
const BODY_MIN = 1024;
const BODY_MAX = 1024 ** 3;

function readLimit(entry: string): { name: CapacityName; value: number } | undefined {
  const [, given, digits, unit = ''] = /^([a-z-]+)=(\d{1,12})(kb|mb|gb|)$/i.exec(entry) ?? [];
  const name = CAPACITY_NAMES.find((known) => known === given);
  if (name === undefined) return undefined;
  const isBytes = IN_BYTES.has(name);
  if (unit !== '' && !isBytes) return undefined;
  const value = Number(digits) * (UNITS[unit.toLowerCase()] ?? 1);
  const [least, most] = name === 'body' ? [BODY_MIN, BODY_MAX] : [LEAST, MOST];
  return value >= least && value <= most ? { name, value } : undefined;
}

export const Limits = listOf(
  `name=number, names are ${CAPACITY_NAMES.join(', ')}; ${[...IN_BYTES].join(', ')} are sizes from 1kb, like 10mb, and body is at most 1gb`,
  readLimit,
).transform(
  (changes): Capacity =>
    Object.freeze({
      ...capacityHere(),
      ...Object.fromEntries(changes.map(({ name, value }) => [name, value])),
    }),
);

/** Of what Node may take (`--max-old-space-size`): the worst texts take twice what they weigh. */
const HEAP_SHARE = 1 / 4;

/** The defaults, as far as this process can keep them: on a small machine Node takes little memory. */
export function capacityHere(): Capacity {
  const bytes = Math.floor(getHeapStatistics().heap_size_limit * HEAP_SHARE);
  return { ...CAPACITY, 'alert-bytes': Math.min(CAPACITY['alert-bytes'], bytes) };
}
