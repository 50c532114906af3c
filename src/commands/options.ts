/**
 * Options that several commands have: the rules they go by, and the past they look at. Each is said once, so that it
 * is called the same everywhere.
 */
import { type Command, Option } from 'commander';
import { openSources } from '../config/sources.ts';
import { misuse } from '../errors.ts';

/** `what` these rules are to the command. */
export function withRules(command: Command, what: string): Command {
  return (
    command
      .option('--rules <dir>', `${what} (QUELL_RULES_DIR, ./rules)`)
      // What follows from the name of the variable.
      .addOption(new Option('--rules-dir <dir>').hideHelp())
      .on('option:rules-dir', (dir: string) => command.setOptionValue('rules', dir))
  );
}

/** For commands that look back at what came in; `since` says how far. */
export function withHistory(command: Command, since: string): Command {
  return command
    .option('--since <duration>', since)
    .option('--data-dir <dir>', 'the data directory of the service (QUELL_DATA_DIR, ./data)')
    .option('--url <url>', 'ask a service elsewhere instead; QUELL_API_TOKEN is shown to it');
}

/** The folder may stand by itself after commands that are about nothing else. Throws an AppError when it is named twice. */
export function namedOnce(argument: string | undefined, option: string | undefined) {
  if (argument !== undefined && option !== undefined && argument !== option)
    throw misuse(`name one rules folder: ${option} (--rules), or ${argument}`);
  return option ?? argument;
}

/** As `serve` finds them: what was given, else QUELL_RULES_DIR, else quell.yaml, else ./rules. */
export function rulesDirOf(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const found = openSources({ flags: { rules: given }, env, file: undefined }).find('rules');
  return (found.kind === 'found' ? found.value : undefined) ?? './rules';
}
