/**
 * `quell check`: are the rules files well? Exit code 0 well, 1 errors found, 2 could not look.
 */
import { Command, Option } from 'commander';
import { AppError } from '../errors.ts';
import type { LoadResult } from '../rules/compile.ts';
import {
  counted,
  type Diagnostic,
  formatDiagnostics,
  summarise,
} from '../rules/files/diagnostics.ts';
import { loadRules, overlookedIn } from '../rules/files/load.ts';
import { missingBySeen } from '../rules/compile/seen.ts';
import type { HistoryFlags } from './history-place.ts';
import { namedOnce, rulesDirOf, withHistory, withRules } from './options.ts';
import { prefixOf } from './program.ts';

export const CHECK_FORMATS = ['text', 'json', 'github'] as const;
type CheckFormat = (typeof CHECK_FORMATS)[number];

interface CheckFlags extends HistoryFlags {
  readonly rules?: string;
  readonly format: CheckFormat;
  readonly seen?: readonly string[];
}

export interface Checked {
  readonly output: string;
  readonly exitCode: 0 | 1 | 2;
}

export function checkCommand(): Command {
  const command = new Command('check')
    .summary('check rules files; say what is wrong where, and what would be right')
    .description(
      'Checks rules files: says what is wrong, where, and what would be right, and warns of what is ' +
        'legal and likely a slip. With recordings, or with what the service kept (also while it runs), ' +
        'it checks them against the alerts of the past too.',
    )
    .argument('[dir]', 'the same as --rules');
  return withRules(
    withHistory(command, 'what the service kept, to check them against, like 30d'),
    'the rules to check',
  )
    .addOption(
      new Option('--format <format>', 'how to print what was found')
        .choices([...CHECK_FORMATS])
        .default('text'),
    )
    .option('--seen <file...>', 'recordings to check them against')
    .addHelpText(
      'after',
      '\nExit code: 0 well (warnings allowed), 1 errors found, 2 the folder or the past cannot be read.',
    )
    .action(async (dir: string | undefined, flags: CheckFlags) => {
      const rules = rulesDirOf(namedOnce(dir, flags.rules), process.env);
      const { output, exitCode } = await check(rules, flags);
      const stream = exitCode === 2 ? process.stderr : process.stdout;
      stream.write(`${output}\n`);
      process.exitCode = exitCode;
    });
}

export async function check(dir: string, flags: CheckFlags): Promise<Checked> {
  try {
    const found = await checkFolder(dir, flags);
    const exitCode = found.result.kind === 'refused' ? 1 : 0;
    return { output: print(found, prefixOf(dir), flags.format), exitCode };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { output: error.message, exitCode: 2 };
  }
}

interface Found {
  readonly result: LoadResult;
  /** Files that look like rules and are not read. */
  readonly overlooked: readonly Diagnostic[];
  /** What the rules lack, by what was seen. */
  readonly missing: readonly Diagnostic[];
  /** Which past it was, in words. */
  readonly past: string | undefined;
}

async function checkFolder(dir: string, flags: CheckFlags): Promise<Found> {
  const first = await loadRules(dir);
  const overlooked = await overlookedIn(dir);
  const { since, dataDir, url, seen: recordings } = flags;
  const isAsked = [since, dataDir, url, recordings].some((flag) => flag !== undefined);
  if (!isAsked || first.kind === 'refused')
    return { result: first, overlooked, missing: [], past: undefined };
  // Whoever checks only the files need not wait for the modules that read the past.
  const { readSeen } = await import('./check-seen.ts');
  const { seen, past } = await readSeen(first.rules, flags);
  const result = await loadRules(dir, seen);
  const missing = result.kind === 'loaded' ? missingBySeen(result.rules, seen) : [];
  return { result, overlooked, missing, past };
}

function print(found: Found, prefix: string, format: CheckFormat): string {
  switch (format) {
    case 'text':
      return toText(found, prefix);
    case 'json':
      return toJson(found);
    case 'github':
      return toGithub(found, prefix);
  }
}

function problemsOf({ result, overlooked }: Found): readonly Diagnostic[] {
  const warnings = [...result.warnings, ...overlooked];
  return result.kind === 'refused' ? [...result.errors, ...warnings] : warnings;
}

function toText(found: Found, prefix: string): string {
  const blocks = [
    formatDiagnostics(problemsOf(found), { prefix }),
    formatDiagnostics(found.missing),
    `${conclusion(found)}.`,
  ];
  return blocks.filter((block) => block !== '').join('\n');
}

function conclusion({ result, overlooked, missing, past }: Found): string {
  const summary = summarise({
    errors: result.kind === 'refused' ? result.errors.length : 0,
    warnings: result.warnings.length + overlooked.length + missing.length,
    files: result.files.length,
  });
  if (result.kind === 'refused') return summary;
  const seen = past === undefined ? '' : `; ${past}`;
  if (result.files.length === 0) return `${summary}: the built-in rules apply${seen}`;
  const services = result.rules.catalog.services.size;
  return `${summary}; ${counted(services, 'service')}, version ${result.rules.version}${seen}`;
}

function toJson({ result, overlooked, missing }: Found): string {
  const found = {
    ok: result.kind === 'loaded',
    version: result.kind === 'loaded' ? result.rules.version : null,
    files: result.files,
    errors: result.kind === 'refused' ? result.errors : [],
    warnings: [...result.warnings, ...overlooked, ...missing],
  };
  return JSON.stringify(found, undefined, 2);
}

/** Workflow commands, which GitHub shows at the line in a pull request. */
function toGithub(found: Found, prefix: string): string {
  const placed = problemsOf(found).map((one) => ({ ...one, file: prefix + one.file }));
  const lines = [...placed, ...found.missing].map((one) => {
    const place = [
      `file=${escapeProperty(one.file)}`,
      `line=${one.line}`,
      `col=${one.column}`,
      `endColumn=${one.column + one.width}`,
    ];
    const text = one.hint === undefined ? one.message : `${one.message}\n${one.hint}`;
    return `::${one.severity} ${place.join(',')}::${escapeMessage(text)}`;
  });
  return [...lines, `${conclusion(found)}.`].join('\n');
}

function escapeMessage(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
