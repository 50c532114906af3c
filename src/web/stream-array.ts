/**
 * A long list, put into words and written in steps: between two of them others have their turn.
 */
import { setImmediate } from 'node:timers/promises';
import type { Response } from 'express';

/** Items looked at between two turns of everybody else. */
export const STEP = 100;

/** A JSON array, between `open` and `close`; what is undefined is left out. Ends early when nobody reads it any more. */
export async function streamArray(
  response: Response,
  items: Iterable<unknown>,
  { open, close } = { open: '[', close: ']\n' },
): Promise<void> {
  response.type('application/json');
  let text = open;
  let separator = '';
  let looked = 0;
  for (const item of items) {
    if (item !== undefined) {
      text += `${separator}${JSON.stringify(item)}`;
      separator = ',';
    }
    if (++looked % STEP !== 0) continue;
    const isFlowing = text === '' || response.write(text);
    text = '';
    if (response.destroyed) return;
    if (isFlowing) await setImmediate();
    else await drained(response);
  }
  response.end(`${text}${close}`);
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
  });
}
