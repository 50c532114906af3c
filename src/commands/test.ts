/**
 * `quell test`: do the rules do what their tests say? Exit code 0 yes, 1 no, 2 could not run.
 */
import { Command, Option } from 'commander';
import { AppError } from '../errors.ts';
import { type Diagnostic, formatDiagnostics, summarise } from '../rules/files/diagnostics.ts';
import { isTestFile, loadRules, readFolder } from '../rules/files/load.ts';
import { TEST_FORMATS, type TestFormat, printResults } from '../rule-tests/print.ts';
import { runTests } from '../rule-tests/run.ts';
import { namedOnce, rulesDirOf, withRules } from './options.ts';
import { prefixOf } from './program.ts';

interface TestFlags {
  readonly rules?: string;
  readonly format: TestFormat;
  readonly filter?: string;
}

interface Tested {
  readonly output: string;
  readonly exitCode: 0 | 1 | 2;
}

export function testCommand(): Command {
  const command = new Command('test')
    .summary('run the tests of rules files')
    .description(
      'Runs the *.test.yaml beside the rules: alerts with relative times go in, the messages and ' +
        'decisions that come out are compared, in virtual time, with the pipeline that runs live.',
    )
    .argument('[dir]', 'the same as --rules');
  return withRules(command, 'the rules, with their tests beside them')
    .option('--filter <text>', 'only tests with this in their name, or in the name of their file')
    .addOption(
      new Option('--format <format>', 'how to print what came of them')
        .choices([...TEST_FORMATS])
        .default('text'),
    )
    .addHelpText(
      'after',
      '\nExit code: 0 all passed, 1 some failed, 2 none ran: no tests, or rules or tests with mistakes.',
    )
    .action(async (dir: string | undefined, flags: TestFlags) => {
      const rules = rulesDirOf(namedOnce(dir, flags.rules), process.env);
      const { output, exitCode } = await test(rules, flags);
      const stream = exitCode === 2 ? process.stderr : process.stdout;
      stream.write(`${output}\n`);
      process.exitCode = exitCode;
    });
}

export async function test(dir: string, { format, filter }: TestFlags): Promise<Tested> {
  try {
    return await testFolder(dir, format, filter?.toLowerCase() ?? '');
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { output: error.message, exitCode: 2 };
  }
}

async function testFolder(dir: string, format: TestFormat, filter: string): Promise<Tested> {
  const prefix = prefixOf(dir);
  const loaded = await loadRules(dir);
  if (loaded.kind === 'refused') return refused(loaded.errors, loaded.files.length, prefix);
  const { files, problems, names } = await readFolder(dir, isTestFile);
  if (problems.length > 0) return refused(problems, names.length, prefix);
  const run = runTests(files, loaded.rules, ({ name, place }) =>
    `${place.source.name} ${name}`.toLowerCase().includes(filter),
  );
  if (run.kind === 'refused') return refused(run.errors, names.length, prefix);
  const { results } = run;
  if (results.length === 0) return { output: nothing(dir, names.length, filter), exitCode: 2 };
  const isWell = results.every(({ failures }) => failures.length === 0);
  return { output: printResults(results, format, prefix), exitCode: isWell ? 0 : 1 };
}

function refused(errors: readonly Diagnostic[], files: number, prefix: string): Tested {
  const found = summarise({ errors: errors.length, warnings: 0, files });
  const output = `${formatDiagnostics(errors, { prefix })}\n${found}: no test was run.`;
  return { output, exitCode: 2 };
}

function nothing(dir: string, files: number, filter: string): string {
  if (files === 0) return `no tests in ${dir}: write some in files named *.test.yaml`;
  return filter === '' ? `no tests in the *.test.yaml of ${dir}` : `no test is called "${filter}"`;
}
