#!/usr/bin/env node
/**
 * The command line: one line for each command, nothing else. Only the command that is called is loaded:
 * a check before each commit must not wait for the modules of the service. Nothing is loaded before it is
 * known that this Node can: an older one would end with a stack.
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { Command } from 'commander';

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./commands/serve.ts')).serveCommand(),
  check: async () => (await import('./commands/check.ts')).checkCommand(),
  test: async () => (await import('./commands/test.ts')).testCommand(),
  explain: async () => (await import('./commands/explain.ts')).explainCommand(),
  replay: async () => (await import('./commands/replay.ts')).replayCommand(),
  suggest: async () => (await import('./commands/suggest.ts')).suggestCommand(),
  report: async () => (await import('./commands/report.ts')).reportCommand(),
  import: async () => (await import('./commands/import.ts')).importCommand(),
  migrate: async () => (await import('./commands/migrate.ts')).migrateCommand(),
};

/**
 * V8 compiles functions together with all that they call, up to a limit. By one that is less than half of the
 * usual its threads take about a fifth less, and what they compiled is no slower: measured on half a million alerts.
 */
const COMPILED_TOGETHER = '--max-inlined-bytecode-size-cumulative=400';

async function run(): Promise<void> {
  setFlagsFromString(COMPILED_TOGETHER);
  const [commander, { runProgram }] = await Promise.all([
    import('commander'),
    import('./commands/program.ts'),
  ]);
  const program = new commander.Command('quell').description(
    'Turns a flood of monitoring alerts into one actionable Slack message per incident.',
  );
  const called = process.argv[2] ?? '';
  const loading = Object.hasOwn(COMMANDS, called) ? [COMMANDS[called]] : Object.values(COMMANDS);
  for (const load of loading) if (load !== undefined) program.addCommand(await load());
  await runProgram(program, process.argv);
}

/** The oldest Node that package.json admits, as it stands there: `20.19.0`. */
function oldestNode(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  // Our own package.json, which lies beside dist/ and src/.
  const { engines } = JSON.parse(text) as { readonly engines: { readonly node: string } };
  return engines.node.replace('>=', '');
}

const oldest = oldestNode();
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const [majorMin = 0, minorMin = 0] = oldest.split('.').map(Number);
if (major > majorMin || (major === majorMin && minor >= minorMin)) await run();
else {
  process.stderr.write(`Quell needs Node ${oldest} or later; this is ${process.versions.node}\n`);
  process.exitCode = 2;
}
