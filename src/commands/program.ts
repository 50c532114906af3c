/**
 * What all commands have in common: how they end. 0 well, 2 could not do it (a usage error, or a thing
 * outside Quell went wrong, in one line); what else a code means each command says itself.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { type Command, CommanderError } from 'commander';
import { AppError, codeOf } from '../errors.ts';

export async function runProgram(program: Command, args: readonly string[]): Promise<void> {
  program.version(version(), '-V, --version', 'print the version').exitOverride();
  process.stdout.on('error', (error: Error) => {
    // Whoever reads, as `head` does, has enough.
    if (codeOf(error) !== 'EPIPE') throw error;
  });
  // Commands that are added take nothing over by themselves.
  for (const command of program.commands) command.copyInheritedSettings(program);
  try {
    await program.parseAsync(args);
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else if (error instanceof AppError) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 2;
    } else throw error;
  }
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  // Our own package.json, which lies beside dist/ and src/.
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** What stands before the names of files in a folder: paths as the editor and the terminal know them. */
export function prefixOf(dir: string): string {
  const path = relative(process.cwd(), dir);
  if (path === '') return '';
  return `${path.startsWith('..') ? dir.replace(/\/+$/, '') : path}/`;
}
