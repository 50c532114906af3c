/**
 * Reads one rules file as YAML. Any bytes give either data or diagnostics, never an exception and
 * never a wait: size, nesting and aliases are limited, and what the YAML library throws ends here.
 */
import {
  type CST,
  Composer,
  type Document,
  Lexer,
  Parser,
  type YAMLError,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
} from 'yaml';
import type { Diagnostic } from './diagnostics.ts';
import {
  type RulesFile,
  type SourceFile,
  type Span,
  diagnose,
  lineAt,
  lineStartsOf,
  spanOf,
} from './source-file.ts';
import { depthGauge, isMark } from './yaml-depth.ts';

export const FILE_BYTES_MAX = 2 * 1024 * 1024;
const ALIASES_MAX = 1_000;
const DEPTH_MAX = 40;
const VALUES_MAX = 500_000;
const SYNTAX_ERRORS_MAX = 5;
const DUPLICATES_MAX = 50;

export type ReadSource =
  | {
      readonly kind: 'data';
      readonly source: SourceFile;
      readonly data: Record<string, unknown>;
      /** Keys that stand twice: the file cannot be used, but the rest of it can be checked. */
      readonly errors: readonly Diagnostic[];
    }
  | { readonly kind: 'empty' }
  | { readonly kind: 'refused'; readonly errors: readonly Diagnostic[] };

/** `keys` is shown to whoever wrote a list or a text: the keys that such a file begins with. */
export function readSource(file: RulesFile, keys = '"services:" or "hold:"'): ReadSource {
  const text = file.text.startsWith('\uFEFF') ? file.text.slice(1) : file.text;
  const bare: SourceFile = {
    name: file.name,
    text,
    lineStarts: lineStartsOf(text),
    document: undefined,
  };
  if (text.length > FILE_BYTES_MAX)
    return refuse(bare, 0, 'a rules file has at most 2 MB', 'split it');
  const nul = text.indexOf('\0');
  if (nul >= 0)
    return refuse(bare, nul, 'a NUL byte: this is no text file', 'rules files are UTF-8 text');
  const parsed = parse(bare);
  if (parsed.kind !== 'document') return parsed;
  const source: SourceFile = { ...bare, document: parsed.document };
  const { contents } = parsed.document;
  if (contents === null || (isScalar(contents) && contents.value === null))
    return { kind: 'empty' };
  if (isMap(contents)) return toData(source, parsed.document);
  const hint = `it has keys like ${keys} at its beginning`;
  const message = 'this file is a mapping, not a list or a plain text';
  return refuse(source, spanOf(source, [], 'value').start, message, hint);
}

function refuse(
  source: SourceFile,
  at: number,
  message: string,
  hint?: string,
): Extract<ReadSource, { readonly kind: 'refused' }> {
  const span: Span = { start: at, end: at + 1 };
  return { kind: 'refused', errors: [diagnose(source, span, 'error', message, hint)] };
}

type Parsed =
  | { readonly kind: 'document'; readonly document: Document }
  | { readonly kind: 'empty' }
  | { readonly kind: 'refused'; readonly errors: readonly Diagnostic[] };

function parse(bare: SourceFile): Parsed {
  try {
    const { documents, tooDeepAt } = compose(bare.text);
    if (tooDeepAt !== undefined) return refuse(bare, tooDeepAt, 'nested deeper than rules can be');
    const [document, second] = documents;
    if (document === undefined) return { kind: 'empty' };
    const errors = [...document.errors, ...(second?.errors ?? [])].slice(0, SYNTAX_ERRORS_MAX);
    if (errors.length > 0) {
      return { kind: 'refused', errors: errors.map((error) => syntaxError(bare, error)) };
    }
    if (second === undefined) return { kind: 'document', document };
    const hint = 'take out the line "---", or use two files';
    return refuse(bare, second.range[0], 'a second YAML document in one file', hint);
  } catch (error) {
    // The library throws on input that it was not made for; whatever it is, the file cannot be used.
    return refuse(bare, 0, `this YAML cannot be read: ${messageOf(error)}`);
  }
}

interface Composed {
  /** At most two: one is too many already. */
  readonly documents: readonly Document.Parsed[];
  /** The offset at which the text becomes deeper than rules can be. */
  readonly tooDeepAt: number | undefined;
}

/** Token by token, so that nothing is parsed of what lies deeper than it may. */
function compose(text: string): Composed {
  const parser = new Parser();
  const isTooDeep = depthGauge();
  let tooDeepAt: number | undefined;
  function* parsed(): Generator<CST.Token> {
    let offset = 0;
    for (const token of new Lexer().lex(text)) {
      if (isTooDeep(token)) {
        tooDeepAt = offset;
        return;
      }
      if (!isMark(token)) offset += token.length;
      yield* parser.next(token);
    }
    yield* parser.end();
  }
  const documents: Document.Parsed[] = [];
  const composer = new Composer({
    prettyErrors: false,
    logLevel: 'silent',
    stringKeys: true,
    // The library compares each key with each other; duplicateKeys below does not.
    uniqueKeys: false,
    version: '1.2',
  });
  for (const document of composer.compose(parsed())) {
    documents.push(document);
    if (documents.length === 2) break;
  }
  return { documents, tooDeepAt };
}

function toData(source: SourceFile, document: Document): ReadSource {
  try {
    // At the border: the root is a mapping, which becomes a plain object.
    const data = document.toJS({ maxAliasCount: ALIASES_MAX }) as Record<string, unknown>;
    if (!isModest(data)) return refuse(source, 0, 'nested deeper, or larger, than rules can be');
    return { kind: 'data', source, data, errors: duplicateKeys(source, document) };
  } catch (error) {
    const aliases = /alias/i.test(messageOf(error));
    const reason = aliases ? 'its aliases (*name) expand to too much' : messageOf(error);
    return refuse(source, 0, `this YAML cannot be read: ${reason}`);
  }
}

/** In each mapping of the file, however deep. */
function duplicateKeys(source: SourceFile, document: Document): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  const waiting: unknown[] = [document.contents];
  while (waiting.length > 0 && found.length < DUPLICATES_MAX) {
    const node = waiting.pop();
    if (isPair(node)) waiting.push(node.value);
    if (!isCollection(node)) continue;
    for (const item of node.items) waiting.push(item);
    if (!isMap(node)) continue;
    const seen = new Map<string, number>();
    for (const { key } of node.items) {
      if (!isNode(key) || !isScalar(key) || !key.range) continue;
      const [start, end] = key.range;
      const name = String(key.value);
      const first = seen.get(name);
      if (first === undefined) seen.set(name, start);
      else found.push(duplicate(source, name, { start, end }, first));
    }
  }
  return found;
}

function duplicate(source: SourceFile, name: string, span: Span, first: number): Diagnostic {
  const message = `the key "${name.slice(0, 60)}" stands twice: also in line ${lineAt(source, first)}`;
  return diagnose(source, span, 'error', message, 'put both contents under one key');
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}

const SYNTAX_HINTS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  TAB_AS_INDENT: 'YAML is indented with spaces, never with tabs',
  BAD_INDENT: 'keys of one mapping stand in the same column',
  BLOCK_AS_IMPLICIT_KEY: 'a text with ": " in it stands in quotes',
  MULTILINE_IMPLICIT_KEY: 'is a ":" missing in the line before, or a quote?',
  BAD_SCALAR_START: 'a text that begins with @ or ` stands in quotes',
  UNEXPECTED_TOKEN: 'a text with special characters stands in quotes',
  BAD_ALIAS: '* means "the same as the anchor &": a text that begins with * stands in quotes',
};

function syntaxError(source: SourceFile, error: YAMLError): Diagnostic {
  const [start, end] = error.pos;
  const tab = error.code === 'TAB_AS_INDENT' || source.text[start] === '\t';
  const hint = tab ? SYNTAX_HINTS.TAB_AS_INDENT : SYNTAX_HINTS[error.code];
  const quote = /^Missing closing (["'])/.exec(error.message)?.[1];
  if (quote === undefined) return diagnose(source, { start, end }, 'error', messageOf(error), hint);
  const opened = openingQuote(source.text, quote);
  const message = `this ${quote} is never closed`;
  return diagnose(source, { start: opened, end: opened + 1 }, 'error', message, undefined);
}

/** The library reports an open quote at the end of the file, where nobody finds it. */
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

/** False for data nested too deep or too large to be rules: a schema that recurses must not meet it. */
function isModest(data: unknown): boolean {
  let level: readonly unknown[] = [data];
  let seen = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEPTH_MAX) return false;
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      for (const child of Object.values(value)) next.push(child);
    }
    seen += next.length;
    if (seen > VALUES_MAX) return false;
    level = next;
  }
  return true;
}
