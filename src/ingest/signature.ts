/**
 * HMAC signatures, as Grafana and others send them: SHA-256 over the very bytes of the body, in hex.
 *
 * Where the sender names a timestamp header, `timestamp:body` is signed, and an old request is refused:
 * it may be a recording. Without a timestamp a recorded request can be sent again, which Quell takes
 * for the repeat that it is.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Instant } from '../model.ts';

export interface Signature {
  readonly source: string;
  /** Any of them is good, so that one can be changed without a gap. */
  readonly secrets: readonly string[];
  /** Names of headers, in lower case. */
  readonly header: string;
  readonly timestampHeader: string | undefined;
}

export const GRAFANA_HEADER = 'x-grafana-alerting-signature';

export type Verdict = 'right' | 'no-signature' | 'wrong-signature' | 'old-signature';

const FRESH_MS = 5 * 60_000;
/** Seconds are below it until the year 5138, milliseconds above since 1973. */
const SECONDS_MAX = 1e11;

/** What can be said before the body is read. */
export function isSigned({ header, timestampHeader }: Signature, headers: IncomingHttpHeaders) {
  return (
    typeof headers[header] === 'string' &&
    (timestampHeader === undefined || typeof headers[timestampHeader] === 'string')
  );
}

export function verify(
  signature: Signature,
  headers: IncomingHttpHeaders,
  body: Uint8Array,
  now: Instant,
): Verdict {
  if (!isSigned(signature, headers)) return 'no-signature';
  const { secrets, header, timestampHeader } = signature;
  const timestamp = timestampHeader === undefined ? undefined : String(headers[timestampHeader]);
  const given = Buffer.from(
    String(headers[header])
      .trim()
      .replace(/^sha256=/i, ''),
    'hex',
  );
  let right = false;
  for (const secret of secrets) {
    const mac = createHmac('sha256', secret);
    if (timestamp !== undefined) mac.update(`${timestamp}:`);
    const wanted = mac.update(body).digest();
    if (given.length === wanted.length && timingSafeEqual(given, wanted)) right = true;
  }
  if (!right) return 'wrong-signature';
  return timestamp === undefined || isFresh(timestamp, now) ? 'right' : 'old-signature';
}

function isFresh(timestamp: string, now: Instant): boolean {
  if (!/^\d{1,13}$/.test(timestamp)) return false;
  const given = Number(timestamp);
  return Math.abs(now - (given < SECONDS_MAX ? given * 1000 : given)) <= FRESH_MS;
}
