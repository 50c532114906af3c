#!/usr/bin/env node
/**
 * The command line: one line for each command, nothing else. Only the command that is called is loaded:
 * a check before each commit must not wait for the modules of the service.
 */
import { Command } from 'commander';
import { runProgram } from './commands/program.ts';

const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./commands/serve.ts')).serveCommand(),
  check: async () => (await import('./commands/check.ts')).checkCommand(),
  test: async () => (await import('./commands/test.ts')).testCommand(),
  explain: async () => (await import('./commands/explain.ts')).explainCommand(),
  replay: async () => (await import('./commands/replay.ts')).replayCommand(),
  report: async () => (await import('./commands/report.ts')).reportCommand(),
  import: async () => (await import('./commands/import.ts')).importCommand(),
  migrate: async () => (await import('./commands/migrate.ts')).migrateCommand(),
  suggest: async () => (await import('./commands/suggest.ts')).suggestCommand(),
};

const program = new Command('quell').description(
  'Turns a flood of monitoring alerts into one actionable Slack message per incident.',
);
const called = process.argv[2] ?? '';
const loading = Object.hasOwn(COMMANDS, called) ? [COMMANDS[called]] : Object.values(COMMANDS);
for (const load of loading) if (load !== undefined) program.addCommand(await load());
await runProgram(program, process.argv);
