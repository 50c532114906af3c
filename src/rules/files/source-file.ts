/**
 * Places in a rules file: where a value stands, and the diagnostic that points there.
 */
import { type Document, isMap, isNode, isScalar, isSeq } from 'yaml';
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

export function lineStartsOf(text: string): readonly number[] {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return starts;
}

/** From 1: the number of lines that begin at or before an offset. */
export function lineAt({ lineStarts }: SourceFile, offset: number): number {
  let low = 0;
  let high = lineStarts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return Math.max(1, low);
}
