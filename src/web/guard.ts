/**
 * Who may read, and change anything: asked before every page, the API and reload.
 *
 * Let in are a bearer token, basic credentials with the token as password, the cookie of the login
 * form, and whoever a trusted proxy names. With neither tokens nor such a proxy everybody is let in who
 * reaches a service that by then listens on loopback only. Web pages of others may change nothing,
 * whatever their reader's browser shows.
 */
import { isIP } from 'node:net';
import type { Request, RequestHandler, Response } from 'express';
import { createRanges } from '../ingest/address.ts';
import { createMatcher, credentialIn, type Token } from '../ingest/credentials.ts';
import type { Log } from '../telemetry/log.ts';
import type { AuthFailure, Metrics } from '../telemetry/metrics.ts';
import { createSeldom } from '../telemetry/seldom.ts';

export interface GuardOptions {
  readonly tokens: readonly Token[];
  /** In lower case: header in which a trusted proxy names whom it let in. */
  readonly userHeader: string | undefined;
  /** Ranges of trusted proxies. */
  readonly proxies: readonly string[];
  readonly publicUrl: string | undefined;
  /** It listens on loopback only: other names for this machine are then a trick of a web page. */
  readonly loopbackOnly: boolean;
}

interface GuardDeps {
  readonly access: GuardOptions;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
}

export interface Guard {
  /** Is this an API token? */
  readonly isToken: (secret: string) => boolean;
  readonly asksForTokens: boolean;
  /** Whether cookies can be kept to encrypted connections. */
  readonly isEncrypted: (request: Request) => boolean;
  readonly isFromElsewhere: (request: Request) => boolean;
  readonly hasCookie: (request: Request) => boolean;
  readonly refused: (request: Request, reason: AuthFailure) => void;
  /** `ask` answers who showed nothing, or what is not known. */
  readonly handler: (
    ask: (request: Request, response: Response, reason: AuthFailure) => void,
  ) => RequestHandler;
}

export const COOKIES = ['__Host-quell', 'quell'] as const;
/** Lines about refusals of one kind in a minute. */
const REFUSALS_LOGGED_MAX = 10;
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);

export function createGuard({ access, log, metrics, now }: GuardDeps): Guard {
  const match = createMatcher(access.tokens);
  const isProxy = createRanges(access.proxies);
  const seldom = createSeldom({ now, max: REFUSALS_LOGGED_MAX });
  const publicHost = access.publicUrl === undefined ? undefined : new URL(access.publicUrl).host;
  const isOpen = access.tokens.length === 0 && access.userHeader === undefined;
  const isFromElsewhere = (request: Request): boolean => fromElsewhere(request, publicHost);
  const refused = (request: Request, reason: AuthFailure): void => {
    metrics.authFailed('api', reason);
    // Everybody who comes to log in.
    if (reason === 'no-credentials') return;
    const leftOut = seldom(reason);
    if (leftOut === undefined) return;
    const more = leftOut > 0 ? { leftOut } : {};
    const from = request.socket.remoteAddress;
    log.warn({ reason, method: request.method, from, ...more }, 'a reader was not let in');
  };
  const isNamedByProxy = (request: Request): boolean =>
    access.userHeader !== undefined &&
    isProxy(request.socket.remoteAddress) &&
    (request.get(access.userHeader) ?? '').trim() !== '';
  /** Undefined: let in. */
  const objection = (request: Request): AuthFailure | undefined => {
    if (isOpen) {
      const isStrange = access.loopbackOnly && !isThisMachine(request, publicHost);
      return isStrange ? 'unknown-host' : undefined;
    }
    if (isNamedByProxy(request)) return undefined;
    const secret = passwordOf(request) ?? cookieOf(request);
    if (secret === undefined) return 'no-credentials';
    const [token] = match(secret);
    if (token === undefined) return 'wrong-credentials';
    if (token.name !== undefined) metrics.admitted('api', token.name);
    return undefined;
  };
  return {
    isToken: (secret) => match(secret).length > 0,
    asksForTokens: access.tokens.length > 0,
    isEncrypted: (request) =>
      access.publicUrl?.startsWith('https:') === true ||
      (isProxy(request.socket.remoteAddress) && request.get('x-forwarded-proto') === 'https'),
    isFromElsewhere,
    hasCookie: (request) => cookieOf(request) !== undefined,
    refused,
    handler: (ask) => (request, response, next) => {
      if (!READING.has(request.method) && isFromElsewhere(request)) {
        refused(request, 'web-page');
        response.status(403).json({ error: 'web pages of others may not change anything here' });
        return;
      }
      const reason = objection(request);
      if (reason === undefined) return next();
      refused(request, reason);
      if (reason === 'unknown-host') {
        const error =
          'this Quell is for its own machine only, under the name localhost: set QUELL_PUBLIC_URL to use another name, or QUELL_API_TOKEN';
        response.status(403).json({ error });
      } else ask(request, response, reason);
    },
  };
}

/** A bearer token; of basic credentials the password, with any name. */
function passwordOf(request: Request): string | undefined {
  const authorization = request.get('authorization');
  const credential = credentialIn(authorization);
  if (credential === undefined) return authorization === undefined ? undefined : '';
  if (!/^basic /i.test(authorization ?? '')) return credential;
  return credential.slice(credential.indexOf(':') + 1);
}

function cookieOf(request: Request): string | undefined {
  for (const part of (request.get('cookie') ?? '').split(';')) {
    const [name = '', value = ''] = part.trim().split('=', 2);
    if (COOKIES.some((known) => known === name)) {
      return Buffer.from(value, 'base64url').toString('utf8');
    }
  }
  return undefined;
}

/** Browsers say where a request comes from; programs say nothing, and are let through. */
function fromElsewhere(request: Request, publicHost: string | undefined): boolean {
  const site = request.get('sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const origin = request.get('origin');
  if (origin === undefined) return false;
  const host = URL.canParse(origin) ? new URL(origin).host : undefined;
  return host === undefined || (host !== request.get('host') && host !== publicHost);
}

/** A page can give its own name the address 127.0.0.1, but not have the browser call it localhost. */
function isThisMachine(request: Request, publicHost: string | undefined): boolean {
  const host = request.get('host') ?? '';
  if (host === publicHost || !URL.canParse(`http://${host}`)) return host === publicHost;
  const { hostname } = new URL(`http://${host}`);
  const name = hostname.replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name) !== 0;
}
