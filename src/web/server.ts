/**
 * The HTTP server: alerts in, pages and read API out, health, metrics and reload.
 *
 * Ingest is tried first and outside the web framework, because it is nearly all of the traffic.
 * `close` stops listening, lets requests in flight end, and then drops idle connections: nothing that
 * was answered is lost, nothing that was not answered is pretended.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '../errors.ts';
import type { FrontHandler } from '../ingest/http.ts';
import { type Capacity, over, SHAPE } from '../limits.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createApp, type AppDeps } from './app.ts';
import { createStarting, unavailable } from './starting.ts';

interface HttpServerOptions {
  readonly limits: Pick<Capacity, 'requests' | 'connections'>;
  readonly metrics: Metrics;
  /** Instead of the limit `answer-time`: for tests. */
  readonly answerTimeMs?: number;
  /** How often it is looked for requests that come too slowly: for tests. */
  readonly slownessLookedAtMs?: number;
}

interface Handlers extends AppDeps {
  /** Tried before everything else. */
  readonly ingest: FrontHandler;
}

export interface HttpServer {
  readonly server: Server;
  /** From now on requests are answered, those first that waited for it. */
  open(handlers: Handlers): void;
  /** Resolves with the port, which is another one than asked for when that was 0. */
  listen(host: string, port: number): Promise<number>;
  close(): Promise<void>;
}

/** Longer than senders keep idle connections, so that it is them who close, and no request meets a closed one. */
const KEEP_ALIVE_MS = 120_000;
/** How often idle connections are looked for while closing, and when the rest are cut. */
const CLOSE_EVERY_MS = 25;
const CLOSE_AFTER_MS = 10_000;
/** How often answers are looked at within the time that clients have to take them. */
const LOOKS = 6;

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { limits, metrics } = options;
  const answerTimeMs = options.answerTimeMs ?? SHAPE['answer-time'];
  const starting = createStarting();
  let { answer } = starting;
  let closing = false;
  const going = countRequests();
  const open = new Set<Socket>();
  metrics.watchLimit('requests', () => going.all);
  metrics.watchLimit('connections', () => open.size);
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
    } else answer(request, response);
  };
  const server = createServer(
    {
      headersTimeout: SHAPE['headers-time'],
      requestTimeout: SHAPE['request-time'],
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: options.slownessLookedAtMs ?? 5_000,
      noDelay: true,
    },
    handle,
  );
  const neverTaken = (socket: Duplex): void => {
    metrics.limitReached('answer-time');
    socket.destroy();
  };
  const looking = setInterval(() => {
    for (const socket of going.overdue(performance.now() - answerTimeMs)) neverTaken(socket);
  }, answerTimeMs / LOOKS);
  looking.unref();
  // Of the part of an answer that is being sent. Idle connections have a time of their own.
  server.setTimeout(answerTimeMs, (socket) =>
    going.on(socket) ? neverTaken(socket) : socket.destroy(),
  );
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.maxConnections = limits.connections;
  server.on('drop', () => metrics.limitReached('connections'));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // Once its headers are there, a request is being answered.
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
      metrics.limitReached(going.on(socket) ? 'request-time' : 'headers-time');
    answerBroken(error, socket);
  });
  return {
    server,
    open: (handlers) => {
      answer = answering(handlers);
      starting.end(answer);
    },
    listen: (host, port) => listen(server, host, port),
    close: () => {
      closing = true;
      clearInterval(looking);
      starting.giveUp();
      return close(server, open);
    },
  };
}

/**
 * Requests that are being answered. A response that waits for those before it on its connection never hears
 * that this was closed: so they are kept by connection, which takes with it what is left of them.
 */
function countRequests() {
  const connections = new Map<Duplex, Set<ServerResponse>>();
  /** Since when an answer was seen to be complete, and not taken. */
  const completeSince = new WeakMap<ServerResponse, number>();
  let all = 0;
  const opened = (socket: Socket) => {
    const responses = new Set<ServerResponse>();
    connections.set(socket, responses);
    socket.once('close', () => {
      all -= responses.size;
      connections.delete(socket);
    });
    return responses;
  };
  return {
    get all() {
      return all;
    },
    /** Returns how many there are on its connection now. */
    begin({ socket }: IncomingMessage, response: ServerResponse): number {
      // Read ahead on a connection that is closed: it holds no place.
      if (socket.closed) return 0;
      const responses = connections.get(socket) ?? opened(socket);
      responses.add(response);
      all++;
      response.once('close', () => {
        if (connections.has(socket) && responses.delete(response)) all--;
      });
      return responses.size;
    },
    on: (socket: Duplex): boolean => (connections.get(socket)?.size ?? 0) > 0,
    /** Connections with answers that were complete then, and are not taken: their clients do not read. */
    *overdue(before: number): Generator<Duplex> {
      for (const [socket, responses] of connections) {
        for (const response of responses) {
          if (!response.writableEnded) continue;
          const since = completeSince.get(response);
          if (since === undefined) completeSince.set(response, performance.now());
          else if (since <= before) {
            yield socket;
            break;
          }
        }
      }
    },
  };
}

function answering({ ingest, ...deps }: Handlers): RequestListener {
  const app = createApp(deps);
  return (request, response) => {
    if (!ingest(request, response)) app(request, response);
  };
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  unavailable(request, response, over('requests', 'too many requests at once: try again'));
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

function close(server: Server, open: ReadonlySet<Socket>): Promise<void> {
  const closeIdle = (): void => {
    server.closeIdleConnections();
    // Node takes these for busy until `headersTimeout`: browsers and proxies open some ahead.
    for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
  };
  return new Promise((resolve) => {
    const idle = setInterval(closeIdle, CLOSE_EVERY_MS);
    const last = setTimeout(() => server.closeAllConnections(), CLOSE_AFTER_MS);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(last);
      resolve();
    });
    closeIdle();
  });
}
