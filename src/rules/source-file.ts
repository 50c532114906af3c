/**
 * One rules file, read as YAML, that can say where each of its values stands.
 *
 * Any bytes give either data or diagnostics, never an exception: sizes, nesting and aliases are
 * limited, and what the YAML library throws ends here.
 */
import {
  type Document,
  type YAMLError,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseAllDocuments,
} from 'yaml';
import type { Diagnostic } from './diagnostics.ts';

export type Path = readonly (string | number)[];

/** A rules file as a person gave it; `name` is relative to the folder. */
export interface RulesFile {
  readonly name: string;
  readonly text: string;
}

export interface SourceFile {
  readonly name: string;
  readonly text: string;
  /** Offset at which each line begins. */
  readonly lineStarts: readonly number[];
  readonly document: Document | undefined;
}

/** A value in a file. */
export interface Place {
  readonly source: SourceFile;
  readonly path: Path;
}

/** A part of the file's text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export const FILE_BYTES_MAX = 2 * 1024 * 1024;
const ALIASES_MAX = 200;
const DEPTH_MAX = 40;
const VALUES_MAX = 500_000;
const SYNTAX_ERRORS_MAX = 5;

export type ReadSource =
  | { readonly kind: 'data'; readonly source: SourceFile; readonly data: Record<string, unknown> }
  | { readonly kind: 'empty' }
  | { readonly kind: 'refused'; readonly errors: readonly Diagnostic[] };

export function readSource(file: RulesFile): ReadSource {
  const text = file.text.startsWith('\uFEFF') ? file.text.slice(1) : file.text;
  const bare: SourceFile = {
    name: file.name,
    text,
    lineStarts: lineStartsOf(text),
    document: undefined,
  };
  const refuse = (message: string, hint?: string): ReadSource => ({
    kind: 'refused',
    errors: [diagnose(bare, { start: 0, end: 0 }, 'error', message, hint)],
  });
  if (text.length > FILE_BYTES_MAX) return refuse('a rules file has at most 2 MB', 'split it');
  const nul = text.indexOf('\0');
  if (nul >= 0) {
    return refuse('this is no text file: it contains NUL bytes', 'rules files are UTF-8 text');
  }
  const parsed = parse(bare);
  if (parsed.kind !== 'document') return parsed;
  const source: SourceFile = { ...bare, document: parsed.document };
  const { contents } = parsed.document;
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return { kind: 'empty' };
  }
  if (!isMap(contents)) {
    const span = spanOf(source, [], 'value');
    const hint = 'a rules file has keys like "services:" or "hold:" at its beginning';
    const message = 'a rules file is a mapping, not a list or a plain text';
    return { kind: 'refused', errors: [diagnose(source, span, 'error', message, hint)] };
  }
  return toData(source, parsed.document);
}

type Parsed =
  | { readonly kind: 'document'; readonly document: Document }
  | { readonly kind: 'empty' }
  | { readonly kind: 'refused'; readonly errors: readonly Diagnostic[] };

function parse(bare: SourceFile): Parsed {
  const refused = (...errors: readonly Diagnostic[]): Parsed => ({ kind: 'refused', errors });
  try {
    const documents = parseAllDocuments(bare.text, {
      prettyErrors: false,
      logLevel: 'silent',
      stringKeys: true,
      version: '1.2',
    });
    const [document, second] = Array.isArray(documents) ? documents : [];
    if (document === undefined) return { kind: 'empty' };
    const errors = [...document.errors, ...(second?.errors ?? [])].slice(0, SYNTAX_ERRORS_MAX);
    if (errors.length > 0) return refused(...errors.map((error) => syntaxError(bare, error)));
    if (second === undefined) return { kind: 'document', document };
    const at = second.range[0];
    const message = 'a second YAML document in one file';
    return refused(
      diagnose(
        bare,
        { start: at, end: at },
        'error',
        message,
        'take out the line "---", or use two files',
      ),
    );
  } catch (error) {
    // The library throws on input that it was not made for; whatever it is, the file cannot be used.
    const reason = error instanceof RangeError ? 'nested too deep' : messageOf(error);
    return refused(
      diagnose(
        bare,
        { start: 0, end: 0 },
        'error',
        `this YAML cannot be read: ${reason}`,
        undefined,
      ),
    );
  }
}

function toData(source: SourceFile, document: Document): ReadSource {
  try {
    // At the border: the root is a mapping, which becomes a plain object.
    const data = document.toJS({ maxAliasCount: ALIASES_MAX }) as Record<string, unknown>;
    if (isModest(data)) return { kind: 'data', source, data };
    throw new RangeError(`nested more than ${DEPTH_MAX} deep, or too large`);
  } catch (error) {
    const reason = /alias/i.test(messageOf(error))
      ? 'its aliases (*name) expand to too much'
      : messageOf(error);
    const message = `this YAML cannot be read: ${reason}`;
    const span = { start: 0, end: 0 };
    return { kind: 'refused', errors: [diagnose(source, span, 'error', message, undefined)] };
  }
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}

const SYNTAX_HINTS: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  TAB_AS_INDENT: 'YAML is indented with spaces, never with tabs',
  DUPLICATE_KEY: 'each key stands once; put both contents under one',
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
  const duplicate = error.code === 'DUPLICATE_KEY';
  const message = duplicate ? 'this key stands twice in one mapping' : messageOf(error);
  return diagnose(source, { start, end }, 'error', message, hint);
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

// ---------------------------------------------------------------------------------------------

/** Where a value, or the key before it, stands. Steps of the path that are not in the file are skipped. */
export function spanOf(source: SourceFile, path: Path, which: 'value' | 'key'): Span {
  let at: Step = { key: undefined, node: source.document?.contents };
  for (const step of path) at = descend(at.node, step) ?? at;
  const wanted = which === 'key' && isNode(at.key) ? at.key : at.node;
  const range = isNode(wanted) ? wanted.range : undefined;
  if (range === undefined || range === null) return { start: 0, end: 0 };
  return { start: range[0], end: range[1] };
}

interface Step {
  readonly key: unknown;
  readonly node: unknown;
}

function descend(node: unknown, step: string | number): Step | undefined {
  if (isMap(node)) {
    const wanted = String(step);
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === wanted);
    return pair === undefined ? undefined : { key: pair.key, node: pair.value ?? pair.key };
  }
  if (!isSeq(node) || typeof step !== 'number') return undefined;
  const item = node.items[step];
  return item === undefined ? undefined : { key: undefined, node: item };
}

/** A part of a text value: `offset` counts in the value, which may stand in quotes. */
export function spanWithin(place: Place, value: string, offset: number, length: number): Span {
  const whole = spanOf(place.source, place.path, 'value');
  const { text } = place.source;
  const quote = text[whole.start] === '"' || text[whole.start] === "'" ? 1 : 0;
  const start = whole.start + quote + offset;
  const written = text.slice(start, start + length);
  if (length === 0 || written !== value.slice(offset, offset + length)) return whole;
  return { start, end: start + length };
}

/** `quiet.yaml:9` */
export function refOf(place: Place, which: 'value' | 'key' = 'value'): string {
  return `${place.source.name}:${lineAt(place.source, spanOf(place.source, place.path, which).start)}`;
}

export function diagnose(
  source: SourceFile,
  span: Span,
  severity: Diagnostic['severity'],
  message: string,
  hint: string | undefined,
): Diagnostic {
  const { text } = source;
  const start = Math.min(Math.max(0, span.start), text.length);
  const line = lineAt(source, start);
  const lineStart = source.lineStarts[line - 1] ?? 0;
  const newline = text.indexOf('\n', start);
  const lineEnd = newline < 0 ? text.length : newline;
  const excerpt = text.slice(lineStart, lineEnd).replace(/\r$/, '');
  return {
    file: source.name,
    line,
    column: start - lineStart + 1,
    severity,
    message,
    hint,
    excerpt: excerpt.trim() === '' ? undefined : excerpt.slice(0, 10_000),
    width: Math.max(1, Math.min(span.end, lineEnd) - start),
  };
}

function lineStartsOf(text: string): readonly number[] {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return starts;
}

/** From 1: the number of lines that begin at or before an offset. */
function lineAt({ lineStarts }: SourceFile, offset: number): number {
  let low = 0;
  let high = lineStarts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return Math.max(1, low);
}
