/**
 * Reads a rules folder: every `*.yaml` and `*.yml` in it, except `*.test.yaml` and hidden files.
 * Nothing is thrown for what is in the folder: what cannot be read becomes a diagnostic.
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, codeOf } from '../../errors.ts';
import { over, SHAPE } from '../../limits.ts';
import { type LoadResult, compileRules } from '../compile.ts';
import type { Diagnostic } from './diagnostics.ts';
import { originOf } from './git.ts';
import { TOO_LARGE } from './read-source.ts';
import type { Seen } from '../compile/seen.ts';
import type { RulesFile } from './source-file.ts';

/** Rejects with rules-dir when there is no such folder. */
export async function loadRules(dir: string, seen?: Seen): Promise<LoadResult> {
  const { files, names, problems } = await readFolder(dir, isRulesFile);
  const incomplete = problems.length > 0;
  const origin = await originOf(dir, isRulesFile);
  const result = compileRules(files, { now: Date.now(), incomplete, seen, origin });
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

interface Folder {
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
  let size = 0;
  for (const name of names.slice(0, SHAPE['rules-files'])) {
    const read = await readTextFile(join(dir, name));
    if (read.kind === 'unreadable')
      problems.push({ ...unreadable(name, read.message, read.hint), ...read.at });
    else if ((size += read.text.length) > SHAPE['rules-bytes']) {
      // Nothing of it is looked at: to read so much takes longer than anybody waits.
      const message = over('rules-bytes', 'the files of a folder have at most 4 MB together');
      return { files: [], names, problems: [unreadable(name, message)] };
    } else files.push({ name, text: read.text });
  }
  const filesMax = SHAPE['rules-files'];
  if (names.length > filesMax)
    problems.push(unreadable('.', over('rules-files', `more than ${filesMax} files`)));
  return { files, names, problems };
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return await readdir(dir);
  } catch (cause) {
    const reason = reasonOf(cause);
    const hint = reason === NO_FOLDER ? '; name the folder that it is in' : '';
    const message = `cannot read the rules folder ${dir}: ${reason}${hint}`;
    throw new AppError('rules-dir', message, { retryable: false, cause });
  }
}

/** What looks like rules and is not read: said by `quell check`, because nothing else would. */
export async function overlookedIn(dir: string): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  const entries = await readdir(dir, { withFileTypes: true });
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const { name } = entry;
    if (name.startsWith('.')) continue;
    if (entry.isDirectory() && (await hasYaml(join(dir, name)))) {
      const hint = 'all files of rules stand in one folder';
      found.push(overlooked(`${name}/`, 'rules in folders below are not read', hint));
    } else if (!entry.isDirectory() && /\.ya?ml$/i.test(name) && !isYaml(name)) {
      found.push(overlooked(name, 'this is not read', 'its name must end in .yaml or .yml'));
    }
  }
  return found;
}

/** A folder that may not be read is no place for rules. */
async function hasYaml(dir: string): Promise<boolean> {
  try {
    return (await namesIn(dir)).some(isYaml);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return false;
  }
}

function overlooked(file: string, message: string, hint: string): Diagnostic {
  return { ...unreadable(file, message, hint), severity: 'warning' };
}

export type ReadText =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'unreadable';
      readonly message: string;
      readonly hint?: string;
      /** Where in it, from 1; without one it is about the file. */
      readonly at?: Pick<Diagnostic, 'line' | 'column'>;
    };

/**
 * A file of at most 2 MB as UTF-8, or why not, in words. `hint` is for who looks at a folder of rules. A
 * pipe without a writer, or a device without an end, must not hold it up: it asks what was opened.
 */
export async function readTextFile(path: string): Promise<ReadText> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = await file.stat();
      if (!found.isFile()) return whatItIs(found);
      return found.size > SHAPE['rules-file'] ? LARGE : textOf(await bytesOf(file, found.size));
    } finally {
      await file.close();
    }
  } catch (cause) {
    const code = codeOf(cause);
    if (code === undefined) throw cause;
    const message = `cannot be read: ${reasonOf(cause)}`;
    if (code !== 'ENOENT') return { kind: 'unreadable', message };
    return { kind: 'unreadable', message, hint: 'the link leads to a file that is not there' };
  }
}

/** As many as it had when it was opened, however it grows meanwhile. */
async function bytesOf(file: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = Buffer.alloc(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await file.read(bytes, at, size - at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

const LARGE: ReadText = {
  kind: 'unreadable',
  message: TOO_LARGE,
  hint: 'split it: all files of the folder are read as one',
};

function textOf(bytes: Uint8Array): ReadText {
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    const [first, second] = bytes;
    const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
    const message = isUtf16 ? 'this is UTF-16, not UTF-8' : 'this is no UTF-8 text';
    const at = isUtf16 ? { line: 1, column: 1 } : firstBadByte(bytes);
    return { kind: 'unreadable', message, hint: 'save it as UTF-8', at };
  }
}

/** What cannot be decoded becomes one character that is in no file by intent. */
function firstBadByte(bytes: Uint8Array): Pick<Diagnostic, 'line' | 'column'> {
  const lines = (new TextDecoder('utf-8').decode(bytes).split('\uFFFD', 1)[0] ?? '').split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

function whatItIs(found: Stats): ReadText {
  const kind = 'unreadable';
  if (found.isDirectory())
    return {
      kind,
      message: 'this is a folder, not a file',
      hint: 'rules in folders below are not read',
    };
  return { kind, message: found.isFIFO() ? 'this is a pipe, not a file' : 'this is no file' };
}

const NO_FOLDER = 'it is no folder';

/** In words, of an error of the file system. */
export function reasonOf(cause: unknown): string {
  switch (codeOf(cause)) {
    case 'ENOENT':
      return 'there is none';
    case 'EACCES':
    case 'EPERM':
      return `no permission for user ${process.geteuid?.() ?? 'unknown'}, as whom this runs`;
    case 'ENOTDIR':
      return NO_FOLDER;
    case 'ENOSPC':
      return 'no space is left';
    case 'EROFS':
      return 'it can only be read';
    case 'ELOOP':
      return 'its symbolic links lead in a circle';
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}

/** A file that could not even be read. */
export function unreadable(file: string, message: string, hint?: string): Diagnostic {
  return {
    file,
    line: 1,
    column: 1,
    severity: 'error',
    message,
    hint,
    excerpt: undefined,
    width: 1,
  };
}
