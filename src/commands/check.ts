/**
 * `quell check [DIR]`: are the rules files well? Exit code 0 well, 1 errors found, 2 could not look.
 */
import { Command, Option } from 'commander';
import { AppError } from '../errors.ts';
import type { LoadResult } from '../rules/compile.ts';
import { type Diagnostic, formatDiagnostics, summarise } from '../rules/diagnostics.ts';
import { loadRules } from '../rules/load.ts';
import { prefixOf, rulesDirOf } from './program.ts';

export const CHECK_FORMATS = ['text', 'json', 'github'] as const;
export type CheckFormat = (typeof CHECK_FORMATS)[number];

export interface Checked {
  readonly output: string;
  readonly exitCode: 0 | 1 | 2;
}

export function checkCommand(): Command {
  return new Command('check')
    .description('check rules files; say what is wrong where, and what would be right')
    .argument('[dir]', 'folder of the rules files (QUELL_RULES_DIR, ./rules)')
    .addOption(
      new Option('--format <format>', 'how to print what was found')
        .choices([...CHECK_FORMATS])
        .default('text'),
    )
    .addHelpText(
      'after',
      '\nExit code: 0 well (warnings allowed), 1 errors found, 2 the folder cannot be read.',
    )
    .action(async (dir: string | undefined, options: { readonly format: CheckFormat }) => {
      const folder = rulesDirOf(dir, process.env);
      const { output, exitCode } = await check(folder, options.format);
      const stream = exitCode === 2 ? process.stderr : process.stdout;
      stream.write(`${output}\n`);
      process.exitCode = exitCode;
    });
}

export async function check(dir: string, format: CheckFormat): Promise<Checked> {
  try {
    const result = await loadRules(dir);
    return { output: print(result, dir, format), exitCode: result.kind === 'refused' ? 1 : 0 };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { output: error.message, exitCode: 2 };
  }
}

function print(result: LoadResult, dir: string, format: CheckFormat): string {
  switch (format) {
    case 'text':
      return toText(result, prefixOf(dir));
    case 'json':
      return toJson(result);
    case 'github':
      return toGithub(result, prefixOf(dir));
  }
}

function problemsOf(result: LoadResult): readonly Diagnostic[] {
  return result.kind === 'refused' ? [...result.errors, ...result.warnings] : result.warnings;
}

function toText(result: LoadResult, prefix: string): string {
  const problems = problemsOf(result);
  const lines = problems.length === 0 ? [] : [formatDiagnostics(problems, { prefix })];
  return [...lines, `${conclusion(result)}.`].join('\n');
}

function conclusion(result: LoadResult): string {
  const summary = summarise({
    errors: result.kind === 'refused' ? result.errors.length : 0,
    warnings: result.warnings.length,
    files: result.files.length,
  });
  if (result.kind === 'refused') return summary;
  if (result.files.length === 0) return `${summary}: the built-in rules apply`;
  const services = result.rules.catalog.services.size;
  return `${summary}; ${services} ${services === 1 ? 'service' : 'services'}, version ${result.rules.version}`;
}

function toJson(result: LoadResult): string {
  const found = {
    ok: result.kind === 'loaded',
    version: result.kind === 'loaded' ? result.rules.version : null,
    files: result.files,
    errors: result.kind === 'refused' ? result.errors : [],
    warnings: result.warnings,
  };
  return JSON.stringify(found, undefined, 2);
}

/** Workflow commands, which GitHub shows at the line in a pull request. */
function toGithub(result: LoadResult, prefix: string): string {
  const lines = problemsOf(result).map((one) => {
    const place = [
      `file=${escapeProperty(prefix + one.file)}`,
      `line=${one.line}`,
      `col=${one.column}`,
      `endColumn=${one.column + one.width}`,
    ];
    const text = one.hint === undefined ? one.message : `${one.message}\n${one.hint}`;
    return `::${one.severity} ${place.join(',')}::${escapeMessage(text)}`;
  });
  return [...lines, `${conclusion(result)}.`].join('\n');
}

function escapeMessage(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
