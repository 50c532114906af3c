/**
 * Who may post: tokens, signatures and address ranges, each for one source or for all.
 *
 * A source is admitted when every proof that is configured for it holds. With neither a token nor a
 * signing secret configured everybody may post: the service then listens on loopback only.
 */
import type { IncomingMessage } from 'node:http';
import type { Instant } from '../model.ts';
import type { AuthFailure } from '../telemetry/metrics.ts';
import { clientAddress, createRanges, type Ranges } from './address.ts';
import { createMatcher, credentialIn, type Token } from './credentials.ts';
import { isSigned, type Signature, verify } from './signature.ts';

export interface IngestToken extends Token {
  /** The source it is for; undefined: every source. */
  readonly source: string | undefined;
}

export interface SourceRange {
  /** Undefined: every source. */
  readonly source: string | undefined;
  readonly range: string;
}

export interface IngestAuth {
  readonly tokens: readonly IngestToken[];
  readonly signatures: readonly Signature[];
  /** A source that is named here is taken from its ranges only. */
  readonly ranges: readonly SourceRange[];
  /** Ranges of proxies whose X-Forwarded-For is believed. */
  readonly proxies: readonly string[];
}

type Admission =
  /** `token`: the one that was shown. `signature`: still to be verified, with the body. */
  | {
      readonly kind: 'admitted';
      readonly token: IngestToken | undefined;
      readonly signature: Signature | undefined;
    }
  | { readonly kind: 'refused'; readonly reason: AuthFailure; readonly error: string };

export type Admit = (message: IncomingMessage, source: string) => Admission;

export function isSecured({ tokens, signatures }: IngestAuth): boolean {
  return tokens.length + signatures.length > 0;
}

export function createAdmission(auth: IngestAuth): Admit {
  const { tokens, signatures } = auth;
  const match = createMatcher(tokens);
  const fromWhere = createAddressCheck(auth);
  const signed = new Map(signatures.map((signature) => [signature.source, signature]));
  const named = new Set(tokens.map(({ source }) => source));
  return (message, source) => {
    const refusal = fromWhere(message, source);
    if (refusal !== undefined) return refusal;
    const signature = signed.get(source);
    if (!isSecured(auth)) return { kind: 'admitted', token: undefined, signature };
    if (signature !== undefined && !isSigned(signature, message.headers)) {
      const { header, timestampHeader } = signature;
      const headers = timestampHeader === undefined ? header : `${header} and ${timestampHeader}`;
      return refused('no-signature', `requests of this source are signed: ${headers} is missing`);
    }
    if (signature !== undefined && !named.has(source)) {
      return { kind: 'admitted', token: undefined, signature };
    }
    const credential = credentialIn(message.headers.authorization);
    if (credential === undefined) return refused('no-credentials', NEEDED);
    const shown = match(credential);
    const token = shown.find((one) => one.source === undefined || one.source === source);
    if (token !== undefined) return { kind: 'admitted', token, signature };
    return shown.length === 0
      ? refused('wrong-credentials', 'these credentials are none of QUELL_INGEST_TOKENS')
      : refused('other-source', `these credentials are not for the source "${source}"`);
  };
}

const NEEDED = 'a bearer token or basic credentials of QUELL_INGEST_TOKENS are needed';

type Refused = Extract<Admission, { kind: 'refused' }>;

function refused(reason: AuthFailure, error: string): Refused {
  return { kind: 'refused', reason, error };
}

function createAddressCheck({ ranges, proxies }: IngestAuth) {
  const isProxy = createRanges(proxies);
  const textsOf = (source: string | undefined) =>
    ranges.filter((one) => one.source === source).map(({ range }) => range);
  const bySource = new Map<string | undefined, Ranges>(
    ranges.map(({ source }) => [source, createRanges(textsOf(source))]),
  );
  return (message: IncomingMessage, source: string): Refused | undefined => {
    const allowed = bySource.get(source) ?? bySource.get(undefined);
    if (allowed === undefined) return undefined;
    const address = clientAddress(message, isProxy);
    if (allowed(address)) return undefined;
    const from = address ?? 'an address that is not known';
    return refused('address', `the source "${source}" is not taken from ${from}`);
  };
}

const SIGNATURE_ERRORS = {
  'no-signature': 'the signature is missing',
  'wrong-signature': 'the signature is not that of this body',
  'old-signature': 'the signature is older than 5 minutes, or from the future: check both clocks',
} as const;

/** What is wrong with the signature, now that the body is there. */
export function objectToSignature(
  signature: Signature,
  message: IncomingMessage,
  body: Uint8Array,
  now: Instant,
): Refused | undefined {
  const verdict = verify(signature, message.headers, body, now);
  return verdict === 'right' ? undefined : refused(verdict, SIGNATURE_ERRORS[verdict]);
}
