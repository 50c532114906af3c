/**
 * Requests that come before the store is open. Nothing can be kept yet, so nothing is accepted: probes hear that
 * the process lives and is not ready, and what else comes waits for the start, which takes a second or two.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

/** Longer starts are of much state; senders try again. */
const WAIT_MS = 5_000;

interface Starting {
  readonly answer: RequestListener;
  /** What waits is answered by `listener`. */
  end(listener: RequestListener): void;
  /** What waits is told to try again. */
  giveUp(): void;
}

export function createStarting(): Starting {
  /** What to do with each request that waits, instead of waiting. */
  const waiting = new Map<ServerResponse, (listener: RequestListener) => void>();
  const wait = (request: IncomingMessage, response: ServerResponse): void => {
    const left = (): void => {
      clearTimeout(timer);
      waiting.delete(response);
      response.off('close', left);
    };
    const goOn = (listener: RequestListener): void => {
      left();
      listener(request, response);
    };
    const timer = setTimeout(goOn, WAIT_MS, tryAgain);
    response.once('close', left);
    waiting.set(response, goOn);
  };
  const end = (listener: RequestListener): void => {
    for (const goOn of waiting.values()) goOn(listener);
  };
  return {
    answer: (request, response) => {
      if (request.url === '/-/healthy') alive(response);
      else if (request.url === '/-/ready') tryAgain(request, response);
      else wait(request, response);
    },
    end,
    giveUp: () => end(tryAgain),
  };
}

function alive(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  response.end('OK');
}

function tryAgain(request: IncomingMessage, response: ServerResponse): void {
  unavailable(request, response, 'Quell is starting: try again');
}

/** 503: Alertmanager and others send again what is answered with it. */
export function unavailable(
  request: IncomingMessage,
  response: ServerResponse,
  error: string,
): void {
  request.resume();
  response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '5' });
  response.end(`${JSON.stringify({ error })}\n`);
}
