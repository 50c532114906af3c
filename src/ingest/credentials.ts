/**
 * Tokens as Quell keeps them: hashed, and compared in constant time.
 *
 * A token is kept as its SHA-256, whether it was given in clear or as `sha256:<64 hex digits>`. A plain
 * hash is enough for tokens because they are random; it would not be for words that people choose.
 */
import { hash, timingSafeEqual } from 'node:crypto';

export interface Token {
  /** Who has it, for logs and metrics; undefined: it was given without a name. */
  readonly name: string | undefined;
  /** SHA-256 of the token, or of `user:password`: 64 hex digits. */
  readonly digest: string;
}

const HEADER_MAX = 8_192;
const HASHED = /^sha256:([0-9a-f]{64})$/i;

export function digestOf(secret: string): string {
  const [, hashed] = HASHED.exec(secret) ?? [];
  return hashed?.toLowerCase() ?? hash('sha256', secret, 'hex');
}

/** In clear, so that a client can show it. */
export function isHashed(secret: string): boolean {
  return HASHED.test(secret);
}

/** What `Authorization` shows: a bearer token, or `user:password`. Undefined when it is neither. */
export function credentialIn(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length > HEADER_MAX) return undefined;
  const [, scheme, value] = /^(bearer|basic) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  return scheme.toLowerCase() === 'bearer' ? value : Buffer.from(value, 'base64').toString('utf8');
}

/** Those of the tokens that the credential is. All are compared, so that time tells nothing. */
export function createMatcher<T extends Token>(
  tokens: readonly T[],
): (credential: string) => readonly T[] {
  const known = tokens.map((token) => ({ token, digest: Buffer.from(token.digest, 'hex') }));
  return (credential) => {
    const given = hash('sha256', credential, 'buffer');
    const matching: T[] = [];
    for (const { token, digest } of known) {
      if (timingSafeEqual(digest, given)) matching.push(token);
    }
    return matching;
  };
}
