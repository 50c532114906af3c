/**
 * A long list, put into words and written in steps: between two of them others have their turn.
 *
 * A socket that takes everything at once says so before anybody else has had a turn: waiting for
 * `drain` is no pause, and each step ends with one.
 */
import { setImmediate } from 'node:timers/promises';
import type { Response } from 'express';

/** How long it works between two turns of everybody else. */
const STEP_MS = 5;

/** Resolves at once, or after a turn of everybody else when it is time for one. */
export function createPause(): () => Promise<void> | undefined {
  let began = performance.now();
  return () => {
    if (performance.now() - began < STEP_MS) return undefined;
    return setImmediate().then(() => {
      began = performance.now();
    });
  };
}

/** A JSON array, between `open` and `close`; what is undefined is left out. */
export async function streamArray(
  response: Response,
  items: Iterable<unknown>,
  { open, close } = { open: '[', close: ']\n' },
): Promise<void> {
  await streamText(response, arrayText(items, open, close));
}

export function* arrayText(items: Iterable<unknown>, open = '[', close = ']'): Generator<string> {
  yield open;
  let separator = '';
  for (const item of items) {
    // Nothing to show, but work was done.
    if (item === undefined) yield '';
    else {
      yield `${separator}${JSON.stringify(item)}`;
      separator = ',';
    }
  }
  yield close;
}

/** JSON in pieces. Ends early when nobody reads it any more. */
export async function streamText(response: Response, pieces: Iterable<string>): Promise<void> {
  response.type('application/json');
  const pause = createPause();
  let text = '';
  for (const piece of pieces) {
    text += piece;
    const turn = pause();
    if (turn === undefined) continue;
    await turn;
    if (text !== '' && !response.write(text)) await drained(response);
    text = '';
    if (response.destroyed) return;
  }
  response.end(text);
}

/** Resolves when more can be written, or nobody reads it any more. */
function drained(response: Response): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.on('drain', go);
    response.on('close', go);
    if (response.destroyed) go();
  });
}
