/**
 * What could not be carried over, line by line. The line itself is never repeated: configurations of
 * Alertmanager hold secrets.
 */
import { lineAt, type Path, type SourceFile, spanOf } from '../rules/files/source-file.ts';

export interface Note {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface Notes {
  /** `path` leads to what is meant. */
  readonly add: (path: Path, message: string) => void;
  readonly lineOf: (path: Path) => number;
  /** In the order of their lines. What is the same is said once, with all of its lines. */
  readonly all: () => readonly Note[];
}

const LINES_SHOWN = 8;

export function createNotes(source: SourceFile): Notes {
  const found = new Map<string, Set<number>>();
  const lineOf = (path: Path): number => lineAt(source, spanOf(source, path, 'key').start);
  return {
    lineOf,
    add(path, message) {
      const lines = found.get(message) ?? new Set();
      found.set(message, lines.add(lineOf(path)));
    },
    all: () =>
      [...found]
        .map(([message, lines]) => {
          const [line = 1, ...others] = [...lines].sort((one, other) => one - other);
          return { file: source.name, line, message: message + alsoIn(others) };
        })
        .sort((one, other) => one.line - other.line),
  };
}

function alsoIn(lines: readonly number[]): string {
  if (lines.length === 0) return '';
  const more = lines.length > LINES_SHOWN ? ` and ${lines.length - LINES_SHOWN} more` : '';
  const shown = lines.slice(0, LINES_SHOWN).join(', ');
  return ` (also in ${lines.length === 1 ? 'line' : 'lines'} ${shown}${more})`;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A list of texts, or a single one; numbers and booleans are texts that lack their quotes. */
export function textsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.flatMap((one) => textOf(one) ?? []);
}

export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
