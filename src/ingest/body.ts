/**
 * Reads the body of a request, whole, within limits.
 *
 * The limit holds for what comes over the wire and for what it inflates to. All bodies that are being read,
 * or wait to be decided, share one budget, so that many slow or large requests cannot take the memory:
 * those over it are told to come back later.
 */
import type { IncomingMessage } from 'node:http';
import { gunzip, inflate } from 'node:zlib';

export type ReadBody =
  /** `release` is called once, when nobody needs the bytes any more: they count until then. */
  | { readonly kind: 'body'; readonly bytes: Buffer; readonly release: () => void }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'busy' }
  /** An encoding other than gzip and deflate. */
  | { readonly kind: 'unknown-encoding'; readonly encoding: string }
  | { readonly kind: 'bad-encoding'; readonly error: string }
  /** The client went away: there is nobody to answer. */
  | { readonly kind: 'gone' };

export interface BodyReader {
  read(request: IncomingMessage, done: (result: ReadBody) => void): void;
  /** Bytes of all bodies that were not released yet. */
  readonly inFlight: number;
}

interface BodyLimits {
  readonly bodyMax: number;
  /** Of all requests together. */
  readonly inFlightMax: number;
}

export function createBodyReader({ bodyMax, inFlightMax }: BodyLimits): BodyReader {
  let inFlight = 0;
  return {
    get inFlight() {
      return inFlight;
    },
    read(request, done) {
      const declared = Number(request.headers['content-length'] ?? 0);
      if (declared > bodyMax) return done({ kind: 'too-large' });
      if (inFlight + declared > inFlightMax) return done({ kind: 'busy' });
      const chunks: Buffer[] = [];
      let size = 0;
      let over = false;
      const finish = (result: Unpacked | { readonly kind: 'gone' }): void => {
        if (over) return;
        over = true;
        inFlight -= size;
        // The request may go on for a while, and would keep them.
        chunks.length = 0;
        if (result.kind !== 'body') return done(result);
        const { bytes } = result;
        if (inFlight + bytes.length > inFlightMax) return done({ kind: 'busy' });
        inFlight += bytes.length;
        const release = (): void => {
          inFlight -= bytes.length;
        };
        done({ kind: 'body', bytes, release });
      };
      request.on('data', (chunk: Buffer) => {
        if (over) return;
        size += chunk.length;
        inFlight += chunk.length;
        if (size > bodyMax) finish({ kind: 'too-large' });
        else if (inFlight > inFlightMax) finish({ kind: 'busy' });
        else chunks.push(chunk);
      });
      request.on('end', () => {
        const [first] = chunks;
        const whole = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
        unpack(request.headers['content-encoding'], whole, bodyMax, finish);
      });
      request.on('close', () => {
        if (!request.complete) finish({ kind: 'gone' });
      });
      request.on('error', () => finish({ kind: 'gone' }));
    },
  };
}

type Unpacked =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | Exclude<ReadBody, { readonly kind: 'body' | 'gone' }>;

function unpack(
  contentEncoding: string | undefined,
  bytes: Buffer,
  bodyMax: number,
  done: (result: Unpacked) => void,
): void {
  const encoding = contentEncoding?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return done({ kind: 'body', bytes });
  const inflated = (error: NodeJS.ErrnoException | null, result: Buffer): void => {
    if (error === null) done({ kind: 'body', bytes: result });
    else if (error.code === 'ERR_BUFFER_TOO_LARGE') done({ kind: 'too-large' });
    else done({ kind: 'bad-encoding', error: `not ${encoding}: ${error.message}` });
  };
  // Both stop as soon as the output grows over the limit.
  if (encoding === 'gzip' || encoding === 'x-gzip') {
    return gunzip(bytes, { maxOutputLength: bodyMax }, inflated);
  }
  if (encoding === 'deflate') return inflate(bytes, { maxOutputLength: bodyMax }, inflated);
  return done({ kind: 'unknown-encoding', encoding });
}
