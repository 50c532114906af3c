/**
 * `quell suggest`: what the last weeks suggest to change, as patches that a person applies. Exit code
 * 0: nothing to suggest. 1: something. 2: the rules or the history cannot be used.
 */
import { relative } from 'node:path';
import { Command } from 'commander';
import type { Rehearsed } from '../rehearse/rehearsal.ts';
import { withoutRunbook } from '../suggest/report.ts';
import { findSuggestions, type Suggested } from '../suggest/suggest.ts';
import { renderSuggestions } from '../suggest/text.ts';
import { reportMistakes } from './history.ts';
import { type HistoryFlags, withSince } from './history-place.ts';
import { asJson } from './json.ts';
import { rulesDirOf, withHistory, withRules } from './options.ts';
import { readAhead } from './read-ahead.ts';
import { decideAgain, save } from './rehearse.ts';
import { loadFolder } from './rules-folder.ts';

interface SuggestFlags extends HistoryFlags {
  readonly rules?: string;
  readonly patch?: string;
  readonly json?: boolean;
}

export function suggestCommand(): Command {
  const command = new Command('suggest')
    .summary('what the last weeks suggest to change in the rules, with evidence and effect')
    .description(
      'Looks at what came in and what people did with it, and proposes changes of the rules: holds, ' +
        'digests, dependencies, names. Each comes with its figures, a patch, and its effect when it is ' +
        'decided on the same history. Nothing is changed: apply what you agree with.',
    )
    .argument('[recording...]', 'files, instead of what the service kept');
  return withRules(
    withHistory(command, 'how far to look back at what the service kept (30d)'),
    'the rules in force',
  )
    .option('--patch <file>', 'write all suggestions as one patch')
    .option('--json', 'print the suggestions as JSON')
    .addHelpText('after', HELP)
    .action(async (recordings: string[], flags: SuggestFlags) => {
      process.exitCode = await suggest(recordings, flags);
    });
}

const HELP = `
Apply one: copy its patch into a file, then \`git apply FILE\` or \`patch -p1 < FILE\`.

Exit code: 0 nothing to suggest, 1 there are suggestions, 2 the rules or the history cannot be used.`;

async function suggest(recordings: readonly string[], flags: SuggestFlags): Promise<number> {
  const history = readAhead(recordings, withSince(recordings, flags));
  const folder = await loadFolder(rulesDirOf(flags.rules, process.env));
  if (folder === undefined) return 2;
  const { rules, files, dir } = folder;
  let past: Rehearsed | undefined;
  const suggested = await findSuggestions({ rules, files, path: pathOf(dir) }, async (tried) => {
    const { rehearsed, mistakes } = await decideAgain(history, rules, tried, past);
    if (past === undefined) reportMistakes(mistakes);
    past ??= rehearsed;
    return rehearsed;
  });
  if (flags.patch !== undefined) await save(flags.patch, suggested.patch);
  process.stdout.write(
    flags.json === true
      ? inJson(suggested, history.name)
      : renderSuggestions(suggested, history.name),
  );
  return suggested.suggestions.length === 0 ? 0 : 1;
}

/** As a patch names files: from here, if the folder is below it; else from within the folder. */
function pathOf(dir: string): string {
  const path = relative(process.cwd(), dir);
  return path.startsWith('..') ? '' : path;
}

function inJson({ survey, suggestions, losing, together }: Suggested, history: string): string {
  const { from, to, firings, messages, acknowledged, marked, kinds } = survey;
  const json = {
    history,
    from,
    to,
    firings: firings.length,
    messages,
    acknowledged,
    marked,
    // Single messages are for `quell replay --against`, once a suggestion is taken up.
    suggestions: suggestions.map(({ effect: { changes: _changes, ...effect }, ...said }) => ({
      ...said,
      effect,
    })),
    losing: losing.map(({ title, lost }) => ({ title, lost })),
    together: together ?? null,
    withoutRunbook: withoutRunbook(kinds).map(({ name, messages: told, services }) => ({
      name,
      messages: told,
      services: [...services.keys()],
    })),
  };
  return asJson(json);
}
