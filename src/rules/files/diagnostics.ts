/**
 * What is wrong with a rules file, as data, and the text that teaches: file, line, column, what is
 * wrong, the line itself with the place marked, and what would be right.
 */

export interface Diagnostic {
  /** Name of the file within the rules folder. */
  readonly file: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint: string | undefined;
  /** The line as it stands in the file; undefined when there is none to show. */
  readonly excerpt: string | undefined;
  /** How many characters of the line are meant. */
  readonly width: number;
}

const EXCERPT_MAX = 110;
/** Formats and separators could rearrange the text around them. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  options: { readonly prefix?: string } = {},
): string {
  return diagnostics.map((one) => formatDiagnostic(one, options.prefix ?? '')).join('\n');
}

function formatDiagnostic(diagnostic: Diagnostic, prefix: string): string {
  const { file, line, column, severity, message, hint, excerpt, width } = diagnostic;
  const note = severity === 'warning' ? 'warning: ' : '';
  const head = `${prefix}${file}:${line}:${column}  ${note}${printable(message)}`;
  if (excerpt === undefined) return hint === undefined ? head : `${head}\n    ${printable(hint)}`;
  const shown = window(excerpt, column - 1);
  const gutter = `    ${line} | `;
  const marked = Math.max(1, Math.min(width, shown.text.length - shown.at));
  const mark = ' '.repeat(gutter.length + shown.at) + '^'.repeat(marked);
  const tail = hint === undefined ? mark : `${mark}  ${printable(hint)}`;
  return `${head}\n${gutter}${shown.text}\n${tail}`;
}

/** The part of a long line around the place that is meant. */
function window(line: string, at: number): { readonly text: string; readonly at: number } {
  const place = Math.min(at, line.length);
  const from = place < EXCERPT_MAX - 30 ? 0 : place - 40;
  const cut = line.slice(from, from + EXCERPT_MAX);
  const left = from > 0 ? '…' : '';
  const right = from + EXCERPT_MAX < line.length ? '…' : '';
  return { text: left + printable(cut) + right, at: place - from + left.length };
}

/** Same length as before, so that the marks stay under what they mark. */
function printable(text: string): string {
  return text.replaceAll('\t', ' ').replace(UNPRINTABLE, (char) => '·'.repeat(char.length));
}

export function inOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...diagnostics].sort(
    (a, b) =>
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  );
}

/** `2 errors, 1 warning in 4 files` */
export function summarise(result: {
  readonly errors: number;
  readonly warnings: number;
  readonly files: number;
}): string {
  const parts = [counted(result.errors, 'error'), counted(result.warnings, 'warning')];
  const said = parts.filter((part) => !part.startsWith('0 '));
  const found = said.length === 0 ? 'no errors' : said.join(', ');
  return `${found} in ${counted(result.files, 'file')}`;
}

/** `1 error`, `2 errors` */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
