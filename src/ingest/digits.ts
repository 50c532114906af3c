/**
 * Integers beyond 2^53, as trace and order IDs are in some tools: JSON.parse gives them other digits, so that two of
 * them may be one, and people look for one that there is not. As texts they stay what they are.
 */
import { type ReadJson, readJson } from './json.ts';

/** What these send is text, and times that are: it need not be looked through. */
const TEXT_ONLY: ReadonlySet<string> = new Set(['alertmanager', 'grafana', 'prometheus']);

/** As readJson, with large integers as texts where a source may have some. */
export function readJsonOf(source: string, text: string): ReadJson {
  return readJson(mayHaveLarge(source, text) ? withDigits(text) : text);
}

export function mayHaveLarge(source: string, text: string): boolean {
  return !TEXT_ONLY.has(source) && SIXTEEN.test(text);
}

/** The least integer that a number cannot tell from its neighbour has as many. */
const SIXTEEN = /\d{16}/;

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
