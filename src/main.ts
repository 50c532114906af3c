#!/usr/bin/env node
/**
 * The command line: one line for each command, nothing else.
 */
import { Command } from 'commander';
import { checkCommand } from './commands/check.ts';
import { explainCommand } from './commands/explain.ts';
import { runProgram } from './commands/program.ts';
import { replayCommand } from './commands/replay.ts';
import { serveCommand } from './commands/serve.ts';
import { testCommand } from './commands/test.ts';

await runProgram(
  new Command('quell')
    .description(
      'Turns a flood of monitoring alerts into one actionable Slack message per incident.',
    )
    .addCommand(serveCommand())
    .addCommand(checkCommand())
    .addCommand(testCommand())
    .addCommand(explainCommand())
    .addCommand(replayCommand()),
  process.argv,
);
