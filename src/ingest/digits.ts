/**
 * Integers beyond 2^53, as some tools use for trace and order IDs. JSON.parse changes their digits, so two IDs may
 * become one, or one that nobody has. They are kept as texts.
 */
import { type ReadJson, readJson } from './json.ts';

/** As readJson, with large integers as texts. */
export function readJsonOf(text: string): ReadJson {
  return readJson(mayHaveLarge(text) ? withDigits(text) : text);
}

/** The least integer that a number cannot tell from its neighbour has as many digits. */
const LARGE = 16;

/** Has it so many digits in a row? Most have none: one character of each sixteen says so, a fifth of the work of a pattern. */
export function mayHaveLarge(text: string): boolean {
  let at = LARGE - 1;
  while (at < text.length) {
    if (!isDigit(text, at)) {
      at += LARGE;
      continue;
    }
    let from = at;
    while (isDigit(text, from - 1)) from--;
    while (isDigit(text, at + 1)) at++;
    if (at - from + 1 >= LARGE) return true;
    at += LARGE + 1;
  }
  return false;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= ZERO && code <= NINE;
}

const [ZERO, NINE] = [48, 57];

/** What is no JSON stays none, and goes wrong at another character at most. */
export function withDigits(json: string): string {
  const parts: string[] = [];
  let taken = 0;
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(json); found !== null; found = TOKEN.exec(json)) {
    const [token] = found;
    if (token === '"') TOKEN.lastIndex = endOfText(json, TOKEN.lastIndex);
    else if (/^-?[1-9]\d*$/.test(token) && !Number.isSafeInteger(Number(token))) {
      parts.push(json.slice(taken, found.index), '"', token, '"');
      taken = TOKEN.lastIndex;
    }
  }
  return taken === 0 ? json : parts.join('') + json.slice(taken);
}

const TOKEN = /"|-?\d[\d.eE+-]*/g;

/** After the quote that ends it. */
function endOfText(json: string, from: number): number {
  for (let at = from; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
  return json.length;
}

const QUOTE = 34;
const BACKSLASH = 92;
