/**
 * A rules folder for commands that work with its texts as well as with what they mean.
 */
import { compileRules } from '../rules/compile.ts';
import { formatDiagnostics } from '../rules/files/diagnostics.ts';
import { isRulesFile, readFolder } from '../rules/files/load.ts';
import type { Rules } from '../rules/rules.ts';
import type { RulesFile } from '../rules/files/source-file.ts';
import { prefixOf } from './program.ts';

export interface LoadedFolder {
  readonly dir: string;
  readonly rules: Rules;
  readonly files: readonly RulesFile[];
}

/** Undefined when it has mistakes: they are told by then. Rejects when there is no such folder. */
export async function loadFolder(dir: string): Promise<LoadedFolder | undefined> {
  const { files, problems } = await readFolder(dir, isRulesFile);
  const result = compileRules(files, { incomplete: problems.length > 0 });
  const errors = [...problems, ...(result.kind === 'refused' ? result.errors : [])];
  if (result.kind === 'loaded' && errors.length === 0) return { dir, rules: result.rules, files };
  process.stderr.write(`${formatDiagnostics(errors, { prefix: prefixOf(dir) })}\n`);
  return undefined;
}
