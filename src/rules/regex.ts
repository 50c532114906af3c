/**
 * User patterns, on a linear-time engine (RE2), with limits on pattern and subject.
 *
 * Anchored like Alertmanager's. A pattern that is only words (`a|b|c`) becomes a set look-up; the
 * answers of any other are remembered for each distinct value, because labels repeat.
 */
import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js';
import { remember } from './remember.ts';

export const PATTERN_MAX = 2_000;
export const SUBJECT_MAX = 4_096;
const MEMORY_MAX = 2_000;
const LITERALS = /^[\w \-/:@#%&=~,;<>'"!|]*$/;

type CompiledRegex =
  | { readonly kind: 'regex'; readonly test: (value: string) => boolean }
  | BadRegex;
export interface BadRegex {
  readonly kind: 'refused';
  readonly message: string;
  readonly hint: string | undefined;
  /** Where in the pattern it goes wrong, if that can be told. */
  readonly offset: number;
  readonly length: number;
}

/** True for a value that the pattern matches as a whole. */
export function compileAnchored(pattern: string): CompiledRegex {
  const words = alternatives(pattern);
  if (words !== undefined) return { kind: 'regex', test: (value) => words.has(value) };
  const compiled = compileRe2(pattern);
  if (compiled.kind === 'refused') return compiled;
  const { re } = compiled;
  const test = remember(MEMORY_MAX, (value) => re.testExact(value.slice(0, SUBJECT_MAX)));
  return { kind: 'regex', test };
}

type CompiledSearch =
  | { readonly kind: 'search'; readonly find: (text: string) => readonly string[] }
  | BadRegex;

/** All that the pattern captures in a text: the group `id`, else the first group, else the whole match. */
export function compileSearch(pattern: string, matchesMax: number): CompiledSearch {
  const compiled = compileRe2(pattern);
  if (compiled.kind === 'refused') return compiled;
  const { re } = compiled;
  const group = 'id' in re.namedGroups() ? 'id' : Math.min(1, re.groupCount());
  const prefix = literalPrefix(pattern);
  function find(text: string): readonly string[] {
    if (prefix !== '' && !text.includes(prefix)) return [];
    const found: string[] = [];
    const matcher = re.matcher(text.slice(0, SUBJECT_MAX));
    while (found.length < matchesMax && matcher.find()) {
      const value = matcher.group(group);
      if (value) found.push(value);
    }
    return found;
  }
  return { kind: 'search', find };
}

/** The values that a pattern of words lists; undefined when it says more than that. */
export function wordsOf(pattern: string): readonly string[] | undefined {
  const words = alternatives(pattern);
  return words === undefined ? undefined : [...words];
}

/** The words of `a|b|c` or `(a|b|c)`; undefined for anything that needs an engine. */
function alternatives(pattern: string): ReadonlySet<string> | undefined {
  const inner = /^\((?!\?)([^()]*)\)$/.exec(pattern)?.[1] ?? pattern;
  return inner.length <= PATTERN_MAX && LITERALS.test(inner)
    ? new Set(inner.split('|'))
    : undefined;
}

/** What any match must begin with; empty when that cannot be told cheaply. */
function literalPrefix(pattern: string): string {
  const bare = pattern.replace(/^\((\?P?<\w+>)?/, '');
  // Alternatives, flags, and groups that may be left out.
  if (/\||^\(|^\?|\)[?*{]/.test(bare)) return '';
  const literal = /^[\w \-/:@#%&=~,;<>'"!]*/.exec(bare)?.[0] ?? '';
  // What follows may make the last character optional.
  return /^[?*{]/.test(bare.slice(literal.length)) ? literal.slice(0, -1) : literal;
}

function compileRe2(pattern: string): { readonly kind: 're'; readonly re: RE2JS } | BadRegex {
  if (pattern.length > PATTERN_MAX) {
    return bad(pattern, `the pattern is longer than ${PATTERN_MAX} characters`, undefined, '');
  }
  try {
    return { kind: 're', re: RE2JS.compile(pattern) };
  } catch (error) {
    if (!(error instanceof RE2JSException) && !(error instanceof RangeError)) throw error;
    if (!(error instanceof RE2JSSyntaxException)) {
      return bad(pattern, 'the pattern is too complex', undefined, '');
    }
    // At the border: the library types `input` as any.
    const input: unknown = error.input;
    const where = typeof input === 'string' ? input : '';
    return bad(pattern, `bad regular expression: ${error.error}`, lacking(where, pattern), where);
  }
}

function bad(pattern: string, message: string, hint: string | undefined, at: string): BadRegex {
  const offset = at === '' || at === pattern ? -1 : pattern.indexOf(at);
  return {
    kind: 'refused',
    message: at === '' || at === pattern ? message : `${message}: ${at.slice(0, 60)}`,
    hint,
    offset: Math.max(0, offset),
    length: offset < 0 ? pattern.length : at.length,
  };
}

/** What people know from other engines and RE2 leaves out, because it cannot be done in linear time. */
function lacking(where: string, pattern: string): string | undefined {
  if (/^\(\?<?[=!]/.test(where)) {
    return 'RE2 has no lookahead or lookbehind: use != or !~ in a second matcher instead';
  }
  if (/^\\[1-9]/.test(where)) return 'RE2 has no back-references';
  if (where.startsWith('(?>') || /^[*+?}]\+/.test(where)) return 'RE2 has no possessive matching';
  if (/^\{\d+/.test(where)) return 'RE2 repeats at most 1000 times';
  if (/^[*?+]/.test(where) && pattern.startsWith(where[0] ?? '')) {
    return 'a pattern is no glob: write .* for "anything"';
  }
  return undefined;
}
