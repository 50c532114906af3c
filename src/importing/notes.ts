/**
 * What could not be carried over, line by line. The line itself is never repeated: configurations of
 * Alertmanager hold secrets.
 */
import { lineAt, type Path, type SourceFile, spanOf } from '../rules/source-file.ts';

export interface Note {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface Notes {
  /** `path` leads to what is meant. */
  readonly add: (path: Path, message: string) => void;
  readonly lineOf: (path: Path) => number;
  /** In the order of their lines. */
  readonly all: () => readonly Note[];
}

export function createNotes(source: SourceFile): Notes {
  const notes: Note[] = [];
  const lineOf = (path: Path): number => lineAt(source, spanOf(source, path, 'key').start);
  return {
    lineOf,
    add(path, message) {
      notes.push({ file: source.name, line: lineOf(path), message });
    },
    all: () => notes.toSorted((one, other) => one.line - other.line),
  };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
