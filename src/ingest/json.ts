/**
 * JSON.parse with an error that says where: line, column and what stands there is what a sender needs
 * to find its mistake. The text itself is not repeated: it may hold secrets.
 */
export type ReadJson =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'bad'; readonly error: string };

export function readJson(text: string): ReadJson {
  try {
    const value: unknown = JSON.parse(text);
    return { kind: 'json', value };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: 'bad', error: whatIsWrong(text) };
  }
}

/** A body is UTF-8; a byte order mark before it is skipped. */
export function textOf(body: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = body;
  const text = Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** Characters that are looked through for what is wrong: whoever sends more looks for himself. */
const LOOKED_THROUGH_MAX = 200_000;

function whatIsWrong(whole: string): string {
  if (whole.trim() === '') return 'not JSON: the body is empty';
  const text = whole.slice(0, LOOKED_THROUGH_MAX);
  const at = badAt(text);
  if (at >= LOOKED_THROUGH_MAX) return `not JSON: it goes wrong after character ${at}`;
  if (at >= text.trimEnd().length) return `not JSON: it ends too early, at character ${at + 1}`;
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - before.lastIndexOf('\n');
  return `not JSON: unexpected character at line ${line} column ${column}`;
}

type Token = '{' | '}' | '[' | ']' | ',' | ':' | 'text' | 'scalar';
type Expecting = 'value' | 'first value' | 'name' | 'first name' | 'colon' | 'after';

const BEGIN = { '{': 'first name', '[': 'first value', text: 'after', scalar: 'after' } as const;
/** What may come where, and what is expected then. */
const GRAMMAR: Readonly<Record<Expecting, Partial<Readonly<Record<Token, Expecting>>>>> = {
  value: BEGIN,
  'first value': { ...BEGIN, ']': 'after' },
  name: { text: 'colon' },
  'first name': { text: 'colon', '}': 'after' },
  colon: { ':': 'value' },
  after: { ',': 'value', '}': 'after', ']': 'after' },
};
const CLOSER: Partial<Readonly<Record<Token, Token>>> = { '{': '}', '[': ']' };

/** The offset of the first character that no JSON can have there. Runs for bad bodies only. */
export function badAt(text: string): number {
  const open: Token[] = [];
  let expecting: Expecting = 'value';
  let at = skipBlanks(text, 0);
  while (at < text.length) {
    const token = tokenAt(text, at);
    if (token === undefined) return at;
    const next: Expecting | undefined = GRAMMAR[expecting][token.kind];
    if (next === undefined) return at;
    if (token.badAt !== undefined) return token.badAt;
    if (!nest(open, token.kind)) return at;
    expecting = token.kind === ',' && open.at(-1) === '}' ? 'name' : next;
    at = skipBlanks(text, token.end);
  }
  return at;
}

/** Keeps what is to be closed; false when the token does not fit it. */
function nest(open: Token[], token: Token): boolean {
  const closer = CLOSER[token];
  if (closer !== undefined) open.push(closer);
  if (token === '}' || token === ']') return open.pop() === token;
  return token !== ',' || open.length > 0;
}

interface Found {
  readonly kind: Token;
  readonly end: number;
  /** Where it goes wrong inside. */
  readonly badAt: number | undefined;
}

function tokenAt(text: string, at: number): Found | undefined {
  const char = text[at] ?? '';
  // One of the six characters that are tokens by themselves.
  if ('{}[],:'.includes(char)) return { kind: char as Token, end: at + 1, badAt: undefined };
  if (char === '"') return stringAt(text, at);
  const scalar = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/.exec(
    text.slice(at, at + 400),
  );
  return scalar === null
    ? undefined
    : { kind: 'scalar', end: at + scalar[0].length, badAt: undefined };
}

function stringAt(text: string, start: number): Found {
  let at = start + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 34) return { kind: 'text', end: at + 1, badAt: undefined };
    if (code < 32) return { kind: 'text', end: at, badAt: at };
    if (code === 92) {
      const escape = /^\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(at, at + 6));
      if (escape === null) return { kind: 'text', end: at, badAt: at };
      at += escape[0].length;
    } else at++;
  }
  return { kind: 'text', end: at, badAt: at };
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\n\r'.includes(text[at] ?? '')) at++;
  return at;
}
