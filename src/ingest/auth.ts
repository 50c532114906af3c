/**
 * Who may post: a bearer token or basic credentials for each source.
 *
 * Secrets are compared as SHA-256 digests in constant time, so that neither their content nor their
 * length shows in how long the answer takes. With no token configured everybody may post: the service
 * then listens on loopback only.
 */
import { hash, timingSafeEqual } from 'node:crypto';

export interface IngestToken {
  /** The source it is for; undefined: every source. */
  readonly source: string | undefined;
  readonly scheme: 'bearer' | 'basic';
  /** The token, or `user:password`. */
  readonly secret: string;
}

/** `elsewhere`: the credentials are good, but for another source. */
export type Admission = 'admitted' | 'unknown' | 'elsewhere';
export type Admit = (authorization: string | undefined, source: string) => Admission;

const HEADER_MAX = 8_192;

export function createAdmission(tokens: readonly IngestToken[]): Admit {
  if (tokens.length === 0) return () => 'admitted';
  const known = tokens.map(({ source, scheme, secret }) => ({
    source,
    digest: digestOf(scheme, secret),
  }));
  return (authorization, source) => {
    const given = authorization === undefined ? undefined : readCredentials(authorization);
    if (given === undefined) return 'unknown';
    let admission: Admission = 'unknown';
    for (const token of known) {
      if (!timingSafeEqual(token.digest, given)) continue;
      if (token.source === undefined || token.source === source) return 'admitted';
      admission = 'elsewhere';
    }
    return admission;
  };
}

function readCredentials(authorization: string): Buffer | undefined {
  if (authorization.length > HEADER_MAX) return undefined;
  const [, scheme, value] = /^(bearer|basic) +(\S+) *$/i.exec(authorization) ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === 'bearer') return digestOf('bearer', value);
  return digestOf('basic', Buffer.from(value, 'base64').toString('utf8'));
}

function digestOf(scheme: IngestToken['scheme'], secret: string): Buffer {
  return hash('sha256', `${scheme} ${secret}`, 'buffer');
}
