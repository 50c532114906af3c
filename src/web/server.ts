/**
 * The HTTP server: alerts in, pages and read API out, health, metrics and reload.
 *
 * Ingest is tried first and outside the web framework, because it is nearly all of the traffic.
 * `close` stops listening, lets requests in flight end, and then drops idle connections: nothing that
 * was answered is lost, nothing that was not answered is pretended.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../errors.ts';
import type { FrontHandler } from '../ingest/http.ts';
import { createApp, type AppDeps } from './app.ts';

export interface HttpServerDeps extends AppDeps {
  /** Tried before everything else. */
  readonly ingest: FrontHandler;
}

export interface HttpServer {
  readonly server: Server;
  /** Resolves with the port, which is another one than asked for when that was 0. */
  listen(host: string, port: number): Promise<number>;
  close(): Promise<void>;
}

/** A client has this long to send its headers, and its whole request. */
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than senders keep idle connections, so that it is them who close, and no request meets a closed one. */
const KEEP_ALIVE_MS = 120_000;
const CONNECTIONS_MAX = 10_000;
/** How often idle connections are looked for while closing, and when the rest are cut. */
const CLOSE_EVERY_MS = 25;
const CLOSE_AFTER_MS = 10_000;

export function createHttpServer(deps: HttpServerDeps): HttpServer {
  const app = createApp(deps);
  let closing = false;
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (closing) response.shouldKeepAlive = false;
    if (!deps.ingest(request, response)) app(request, response);
  };
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5_000,
      noDelay: true,
    },
    handle,
  );
  server.maxConnections = CONNECTIONS_MAX;
  return {
    server,
    listen: (host, port) => listen(server, host, port),
    close: () => {
      closing = true;
      return close(server);
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      reject(listenError(error, host, port));
    };
    server.once('error', failed);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', failed);
      // A server that listens on a port has an address of this kind.
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): AppError {
  const why =
    error.code === 'EADDRINUSE'
      ? 'something else listens there: stop it, or set QUELL_PORT to another'
      : `${error.code ?? error.message}: check QUELL_HOST and QUELL_PORT`;
  const message = `cannot listen on ${host}:${port}: ${why}`;
  return new AppError('cannot-listen', message, { retryable: false, cause: error });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const idle = setInterval(() => server.closeIdleConnections(), CLOSE_EVERY_MS);
    const last = setTimeout(() => server.closeAllConnections(), CLOSE_AFTER_MS);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(last);
      resolve();
    });
    server.closeIdleConnections();
  });
}
