/**
 * `quell import ALERTMANAGER.YML`: makes rules of an Alertmanager configuration, and says what could
 * not be carried over. Exit code 0 written, 1 nothing to make rules of, or the folder has mistakes
 * then, 2 could not read or write.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { AppError } from '../errors.ts';
import { importAlertmanager } from '../importing/alertmanager.ts';
import { formatDiagnostics } from '../rules/files/diagnostics.ts';
import { loadRules, readTextFile, reasonOf } from '../rules/files/load.ts';
import type { RulesFile } from '../rules/files/source-file.ts';
import { prefixOf } from './program.ts';

interface ImportFlags {
  readonly out: string;
  readonly force?: boolean;
}

export function importCommand(): Command {
  return new Command('import')
    .summary('make rules of an Alertmanager configuration')
    .description(
      'Makes rules files of an alertmanager.yml: routes with the channels of their Slack receivers, ' +
        'time intervals and inhibit rules. Says what could not be carried over, and why.',
    )
    .argument('<file>', 'the configuration, alertmanager.yml')
    .option('--out <dir>', 'folder to write to', 'rules')
    .option('--force', 'overwrite files that are there')
    .addHelpText(
      'after',
      '\nExit code: 0 written; 1 the file is no configuration of Alertmanager, or the folder has mistakes now; 2 could not read or write.',
    )
    .action(async (path: string, flags: ImportFlags) => {
      const { output, exitCode } = await runImport(path, flags);
      process.stdout.write(`${output}\n`);
      process.exitCode = exitCode;
    });
}

export async function runImport(
  path: string,
  { out, force = false }: ImportFlags,
): Promise<{ readonly output: string; readonly exitCode: 0 | 1 }> {
  const file = { name: basename(path), text: await read(path) };
  const imported = importAlertmanager(file, schemaLine(out));
  const noted = imported.notes.map(({ file, line, message }) => {
    const place = file === basename(path) ? path : file;
    return `${place}:${line}  ${message}`;
  });
  if (imported.kind === 'refused') {
    return { output: [...noted, 'Nothing was written.'].join('\n'), exitCode: 1 };
  }
  await write(imported.files, out, force);
  const mistakes = await mistakesIn(out);
  const names = imported.files.map(({ name }) => join(out, name)).join(', ');
  const output = [
    ...noted,
    ...(noted.length > 0 ? [''] : []),
    `Written: ${names}.`,
    ...(mistakes === undefined ? [] : [`With what else is in ${out}:`, mistakes]),
    `Next: list your services in ${join(out, 'services.yaml')} (who depends on whom, who owns what), run`,
    `  quell check ${out}`,
    'and add Quell to Alertmanager as a receiver: docs/alertmanager.md.',
  ].join('\n');
  return { output, exitCode: mistakes === undefined ? 0 : 1 };
}

/** Other files of the folder may state the same. */
async function mistakesIn(dir: string): Promise<string | undefined> {
  const result = await loadRules(dir);
  return result.kind === 'refused'
    ? formatDiagnostics(result.errors, { prefix: prefixOf(dir) })
    : undefined;
}

async function read(path: string): Promise<string> {
  const found = await readTextFile(path);
  if (found.kind === 'text') return found.text;
  throw new AppError('file-unusable', `${path}: ${found.message}`, { retryable: false });
}

const SCHEMA = fileURLToPath(new URL('../../schema/rules.schema.json', import.meta.url));

/**
 * By which an editor completes and explains. Relative where the package lies within the project, so that
 * it holds for everybody who has the project.
 */
function schemaLine(out: string): string {
  const isWithin = !relative(process.cwd(), SCHEMA).startsWith('..');
  const path = isWithin ? relative(out, SCHEMA).replaceAll('\\', '/') : SCHEMA;
  return `# yaml-language-server: $schema=${path}\n`;
}

/** All or nothing: what is there stays, unless it is to be overwritten. */
async function write(files: readonly RulesFile[], out: string, force: boolean): Promise<void> {
  const present = files.map(({ name }) => join(out, name)).filter((path) => existsSync(path));
  if (present.length > 0 && !force) {
    const exist = present.length === 1 ? 'exists' : 'exist';
    const message = `${present.join(', ')} ${exist} already: choose another folder with --out, or overwrite with --force`;
    throw new AppError('file-unusable', message, { retryable: false });
  }
  try {
    await mkdir(out, { recursive: true });
    for (const { name, text } of files) await writeFile(join(out, name), text);
  } catch (error) {
    const message = `${out} cannot be written: ${reasonOf(error)}`;
    throw new AppError('file-unusable', message, { retryable: false, cause: error });
  }
}
