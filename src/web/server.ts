/**
 * The HTTP server: alerts in, pages and read API out, health, metrics and reload.
 *
 * Ingest is tried first and outside the web framework, because it is nearly all of the traffic.
 * `close` stops listening, lets requests in flight end, and then drops idle connections: nothing that
 * was answered is lost, nothing that was not answered is pretended.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '../errors.ts';
import type { FrontHandler } from '../ingest/http.ts';
import { type Capacity, over, SHAPE } from '../limits.ts';
import { createApp, type AppDeps } from './app.ts';

export interface HttpServerDeps extends AppDeps {
  /** Tried before everything else. */
  readonly ingest: FrontHandler;
  readonly limits: Pick<Capacity, 'requests' | 'connections'>;
}

export interface HttpServer {
  readonly server: Server;
  /** Resolves with the port, which is another one than asked for when that was 0. */
  listen(host: string, port: number): Promise<number>;
  close(): Promise<void>;
}

/** Longer than senders keep idle connections, so that it is them who close, and no request meets a closed one. */
const KEEP_ALIVE_MS = 120_000;
/** How often idle connections are looked for while closing, and when the rest are cut. */
const CLOSE_EVERY_MS = 25;
const CLOSE_AFTER_MS = 10_000;

export function createHttpServer(deps: HttpServerDeps): HttpServer {
  const app = createApp(deps);
  const { limits, metrics } = deps;
  let closing = false;
  const going = countRequests();
  metrics.watchRequests(() => going.all);
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (closing) response.shouldKeepAlive = false;
    const ofConnection = going.begin(request, response);
    if (ofConnection > SHAPE.pipelined) {
      // What the parser has read already still comes here, and finds the connection closed.
      if (!request.socket.destroyed) metrics.limitReached('pipelined');
      request.socket.destroy();
      return;
    }
    // Probes are answered all the same: an overloaded service is not a dead one.
    if (going.all > limits.requests && request.url?.startsWith('/-/') !== true) {
      metrics.limitReached('requests');
      refuse(request, response);
    } else if (!deps.ingest(request, response)) app(request, response);
  };
  const server = createServer(
    {
      headersTimeout: SHAPE['headers-time'],
      requestTimeout: SHAPE['request-time'],
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 5_000,
      noDelay: true,
    },
    handle,
  );
  server.maxConnections = limits.connections;
  server.on('drop', () => metrics.limitReached('connections'));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') metrics.limitReached('request-time');
    answerBroken(error, socket);
  });
  return {
    server,
    listen: (host, port) => listen(server, host, port),
    close: () => {
      closing = true;
      return close(server);
    },
  };
}

/**
 * Requests that are being answered. A response that waits for those before it on its connection never hears
 * that this was closed: so they are counted by connection, which takes with it what is left of them.
 */
function countRequests() {
  const connections = new WeakMap<Socket, { going: number }>();
  let all = 0;
  const opened = (socket: Socket) => {
    const connection = { going: 0 };
    connections.set(socket, connection);
    socket.once('close', () => {
      all -= connection.going;
      connection.going = 0;
    });
    return connection;
  };
  return {
    get all() {
      return all;
    },
    /** Returns how many there are on its connection now. */
    begin({ socket }: IncomingMessage, response: ServerResponse): number {
      const connection = connections.get(socket) ?? opened(socket);
      all++;
      connection.going++;
      response.once('close', () => {
        if (connection.going === 0) return;
        all--;
        connection.going--;
      });
      return connection.going;
    },
  };
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  const error = over('requests', 'too many requests at once: try again');
  response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '5' });
  response.end(`${JSON.stringify({ error })}\n`);
}

const BROKEN: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
};

/** What is no HTTP request has no response object either. */
function answerBroken(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = BROKEN[error.code ?? ''] ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
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
