/**
 * What is wrong with a text as YAML, in words for people: what the library says, where they would look for
 * it, with what would be right.
 */
import { Lexer, type YAMLError } from 'yaml';
import type { Diagnostic } from './diagnostics.ts';
import { type SourceFile, diagnose, lineAt } from './source-file.ts';
import { isMark } from './yaml-depth.ts';

const SHOWN_MAX = 5;

/** The first few. What comes after a quote that is never closed is read as what it is not: it is left out. */
export function syntaxErrors(
  source: SourceFile,
  errors: readonly YAMLError[],
): readonly Diagnostic[] {
  const quote = errors.map(unclosedQuote).find((one) => one !== undefined);
  if (quote === undefined) {
    return errors.slice(0, SHOWN_MAX).map((error) => inWords(source, error));
  }
  // The library reports an open quote at the end of the file, where nobody finds it.
  const start = openingQuote(source.text, quote);
  const before = errors.filter(({ pos }) => pos[0] < start).slice(0, SHOWN_MAX - 1);
  const message = `this ${quote} is never closed`;
  return [
    ...before.map((error) => inWords(source, error)),
    diagnose(source, { start, end: start + 1 }, 'error', message, undefined),
  ];
}

export function firstLineOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}

function unclosedQuote({ message }: YAMLError): string | undefined {
  return /^Missing closing (["'])/.exec(message)?.[1];
}

/** The innermost bracket that is open where the library notices that its end is missing. */
function openingBracket(text: string, noticed: number): number {
  let offset = 0;
  const open: number[] = [];
  for (const token of new Lexer().lex(text)) {
    if (isMark(token)) continue;
    if (offset >= noticed) break;
    if (token === '[' || token === '{') open.push(offset);
    else if (token === ']' || token === '}') open.pop();
    offset += token.length;
  }
  return open.at(-1) ?? 0;
}

function openingQuote(text: string, quote: string): number {
  let offset = 0;
  let found = 0;
  for (const token of new Lexer().lex(text)) {
    if (isMark(token)) continue;
    if (token.startsWith(quote)) found = offset;
    offset += token.length;
  }
  return found;
}

interface Words {
  readonly code: YAMLError['code'];
  /** How the library's message begins; without it, of any with this code. */
  readonly begins?: string;
  /** In place of the library's. */
  readonly message?: string;
  readonly hint: string;
}

/** The first that fits counts. */
const WORDS: readonly Words[] = [
  { code: 'TAB_AS_INDENT', hint: 'YAML is indented with spaces, never with tabs' },
  {
    code: 'NON_STRING_KEY',
    message: 'a key is a text, not a list or a mapping',
    hint: 'a text that begins with { or [ stands in quotes',
  },
  {
    code: 'MISSING_CHAR',
    begins: 'Implicit map keys need',
    message: 'a key without a ":" after it',
    hint: 'write it like key: value, with a blank after the colon',
  },
  {
    code: 'MISSING_CHAR',
    begins: 'Sequence item without',
    message: 'no entry of the list above, and no key of its last entry',
    hint: 'an entry begins with "- "; the keys of one stand in the same column',
  },
  { code: 'BAD_INDENT', hint: 'keys of one mapping stand in the same column' },
  {
    code: 'BLOCK_AS_IMPLICIT_KEY',
    hint: 'a text with ": " in it stands in quotes; or is the next line too far to the right?',
  },
  { code: 'MULTILINE_IMPLICIT_KEY', hint: 'is a ":" missing in the line before, or a quote?' },
  { code: 'BAD_SCALAR_START', hint: 'a text that begins with @, ` or % stands in quotes' },
  { code: 'UNEXPECTED_TOKEN', hint: 'a text with special characters stands in quotes' },
  {
    code: 'BAD_ALIAS',
    hint: '* means "the same as the anchor &": a text that begins with * stands in quotes',
  },
];

function inWords(source: SourceFile, error: YAMLError): Diagnostic {
  const [start, end] = error.pos;
  const isTab = source.text[start] === '\t';
  const bracket = /^Flow .* end with a ([\]}])/.exec(error.message)?.[1];
  if (bracket !== undefined && !isTab) return unclosedBracket(source, start, bracket);
  const words = WORDS.find(
    ({ code, begins = '' }) =>
      (isTab ? code === 'TAB_AS_INDENT' : code === error.code) && error.message.startsWith(begins),
  );
  const message = words?.message ?? firstLineOf(error);
  return diagnose(source, { start, end }, 'error', message, words?.hint);
}

function unclosedBracket(source: SourceFile, noticed: number, bracket: string): Diagnostic {
  const start = openingBracket(source.text, noticed);
  const message = `this ${source.text[start]} is never closed`;
  const [own, line] = [lineAt(source, start), lineAt(source, noticed)];
  const hint = line > own ? `a ${bracket} is missing before line ${line}` : undefined;
  return diagnose(source, { start, end: start + 1 }, 'error', message, hint);
}
