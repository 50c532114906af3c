/**
 * Reads a rules folder: every `*.yaml` and `*.yml` in it, except `*.test.yaml` and hidden files.
 * Nothing is thrown for what is in the folder: what cannot be read becomes a diagnostic.
 */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { type LoadResult, compileRules } from './compile.ts';
import type { Diagnostic } from './diagnostics.ts';
import { FILE_BYTES_MAX } from './read-source.ts';
import type { Seen } from './seen.ts';
import type { RulesFile } from './source-file.ts';

const FILES_MAX = 500;

/** Rejects with rules-dir when there is no such folder. */
export async function loadRules(dir: string, seen?: Seen): Promise<LoadResult> {
  const { files, names, problems } = await readFolder(dir, isRulesFile);
  const incomplete = problems.length > 0;
  const result = compileRules(files, { now: Date.now(), incomplete, seen });
  if (problems.length === 0) return result;
  const errors = result.kind === 'refused' ? result.errors : [];
  return {
    kind: 'refused',
    errors: [...problems, ...errors],
    warnings: result.warnings,
    files: names,
  };
}

export function isRulesFile(name: string): boolean {
  return isYaml(name) && !isTestFile(name);
}

/** Tests of rules stand beside them: see rule-tests/. */
export function isTestFile(name: string): boolean {
  return isYaml(name) && /\.test\.ya?ml$/.test(name);
}

function isYaml(name: string): boolean {
  return /\.ya?ml$/.test(name) && !name.startsWith('.');
}

export interface Folder {
  /** In the order of their names. */
  readonly files: readonly RulesFile[];
  /** The names of all that should be there, read or not. */
  readonly names: readonly string[];
  /** What could not be read. */
  readonly problems: readonly Diagnostic[];
}

/** Rejects with rules-dir when there is no such folder. */
export async function readFolder(
  dir: string,
  isWanted: (name: string) => boolean,
): Promise<Folder> {
  const names = (await namesIn(dir)).filter(isWanted).sort();
  const files: RulesFile[] = [];
  const problems: Diagnostic[] = [];
  for (const name of names.slice(0, FILES_MAX)) {
    const read = await readRulesFile(dir, name);
    if (read.kind === 'text') files.push({ name, text: read.text });
    else problems.push(unreadable(name, read.message));
  }
  if (names.length > FILES_MAX) problems.push(unreadable('.', `more than ${FILES_MAX} files`));
  return { files, names, problems };
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (cause) {
    throw new AppError('rules-dir', `cannot read the rules folder ${dir}: ${reasonOf(cause)}`, {
      retryable: false,
      cause,
    });
  }
}

type ReadText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly message: string };

async function readRulesFile(dir: string, name: string): Promise<ReadText> {
  const refused = (message: string): ReadText => ({ kind: 'unreadable', message });
  try {
    const path = join(dir, name);
    const found = await stat(path);
    if (!found.isFile()) return refused('this is no file');
    if (found.size > FILE_BYTES_MAX) return refused('a rules file has at most 2 MB: split it');
    const bytes = await readFile(path);
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (cause) {
    if (cause instanceof TypeError) return refused('this is no UTF-8 text');
    return refused(`cannot be read: ${reasonOf(cause)}`);
  }
}

function reasonOf(cause: unknown): string {
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is none';
    case 'EACCES':
    case 'EPERM':
      return 'no permission';
    case 'ENOTDIR':
      return 'it is no folder';
    case 'ELOOP':
      return 'its symbolic links lead in a circle';
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}

/** A file that could not even be read. */
export function unreadable(file: string, message: string): Diagnostic {
  return {
    file,
    line: 1,
    column: 1,
    severity: 'error',
    message,
    hint: undefined,
    excerpt: undefined,
    width: 1,
  };
}
