/**
 * Reads one rules file as YAML. Any bytes give either data or diagnostics, never an exception and
 * never a wait: size, nesting and aliases are limited, and what the YAML library throws ends here.
 */
import { type CST, Composer, type Document, Lexer, Parser, isMap, isScalar } from 'yaml';
import { over, SHAPE } from '../../limits.ts';
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
import { plainDocument } from './plain-yaml.ts';
import { plainData } from './yaml-data.ts';
import { depthGauge, isMark } from './yaml-depth.ts';
import { firstLineOf, syntaxErrors } from './yaml-errors.ts';

export const TOO_LARGE = over('rules-file', 'it has more than 2 MB');

type ReadSource =
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
  if (text.length > SHAPE['rules-file']) return refuse(bare, 0, TOO_LARGE, 'split it');
  const nul = text.indexOf('\0');
  if (nul >= 0)
    return refuse(bare, nul, 'a NUL byte: this is no text file', 'it must be UTF-8 text');
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
  const plain = plainDocument(bare.text);
  if (plain !== undefined) return { kind: 'document', document: plain };
  try {
    const { documents, tooDeepAt } = compose(bare.text);
    if (tooDeepAt !== undefined) return refuse(bare, tooDeepAt, 'nested deeper than rules can be');
    const [document, second] = documents;
    if (document === undefined) return { kind: 'empty' };
    const errors = syntaxErrors(bare, [...document.errors, ...(second?.errors ?? [])]);
    if (errors.length > 0) return { kind: 'refused', errors };
    if (second === undefined) return { kind: 'document', document };
    const hint = 'take out the line "---", or use two files';
    return refuse(bare, second.range[0], 'a second YAML document in one file', hint);
  } catch (error) {
    // The library throws on input that it was not made for; whatever it is, the file cannot be used.
    return refuse(bare, 0, `this YAML cannot be read: ${firstLineOf(error)}`);
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
    // The library compares each key with each other; yaml-data.ts does not.
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
  const plain = plainData(document);
  if (plain.kind === 'refused') {
    const { span, message, hint } = plain;
    return { kind: 'refused', errors: [diagnose(source, span, 'error', message, hint)] };
  }
  const errors = plain.duplicates.map(({ name, span, first }) => {
    const message = `the key "${name.slice(0, 60)}" stands twice: also in line ${lineAt(source, first)}`;
    return diagnose(source, span, 'error', message, 'put both contents under one key');
  });
  // At the border: the root is a mapping, which became a plain object.
  return { kind: 'data', source, data: plain.data as Record<string, unknown>, errors };
}
