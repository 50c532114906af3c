/**
 * `quell suggest`: what the last weeks suggest to change, as patches that a person applies. Exit code
 * 0: nothing to suggest. 1: something. 2: the rules or the history cannot be used.
 */
import { relative } from 'node:path';
import { Command } from 'commander';
import { compileRules } from '../rules/compile.ts';
import type { Rules } from '../rules/rules.ts';
import { propose } from '../suggest/propose.ts';
import { withoutRunbook } from '../suggest/report.ts';
import { type Candidate, candidatesOf, patchOf, together, weigh } from '../suggest/suggest.ts';
import { surveyOf } from '../suggest/survey.ts';
import { renderSuggestions, type Suggested } from '../suggest/text.ts';
import {
  type History,
  type HistoryFlags,
  openHistory,
  reportMistakes,
  withSince,
} from './history.ts';
import { rulesDirOf } from './program.ts';
import { decideAgain, save } from './rehearse.ts';
import { type LoadedFolder, loadFolder } from './rules-folder.ts';

interface SuggestFlags extends HistoryFlags {
  readonly rules?: string;
  readonly patch?: string;
  readonly json?: boolean;
}

export function suggestCommand(): Command {
  return new Command('suggest')
    .summary('what the last weeks suggest to change in the rules, with evidence and effect')
    .description(
      'Looks at what came in and what people did with it, and proposes changes of the rules: holds, ' +
        'digests, dependencies, names. Each comes with its figures, a patch, and its effect when it is ' +
        'decided on the same history. Nothing is changed: apply what you agree with.',
    )
    .argument('[recording...]', 'files, in order of time, instead of what the service kept')
    .option('--since <duration>', 'how far to look back at what the service kept (30d)')
    .option('--data-dir <dir>', 'the data directory of the service (QUELL_DATA_DIR, ./data)')
    .option('--url <url>', 'ask a service elsewhere instead; QUELL_API_TOKEN is shown to it')
    .option('--rules <dir>', 'the rules in force (QUELL_RULES_DIR, ./rules)')
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
  const history = openHistory(recordings, withSince(recordings, flags), Date.now(), process.env);
  const folder = await loadFolder(rulesDirOf(flags.rules, process.env));
  if (folder === undefined) return 2;
  const { suggested, patch } = await find(history, folder);
  if (flags.patch !== undefined) await save(flags.patch, patch);
  process.stdout.write(flags.json === true ? asJson(suggested) : renderSuggestions(suggested));
  return suggested.suggestions.length === 0 ? 0 : 1;
}

/** Read three times: to see what there is, to try each proposal, and to try all that are left at once. */
async function find(
  history: History,
  folder: LoadedFolder,
): Promise<{ readonly suggested: Suggested; readonly patch: string }> {
  const { rules, files, dir } = folder;
  const { rehearsed, mistakes } = await decideAgain(history, rules, []);
  reportMistakes(mistakes);
  const survey = surveyOf(rehearsed.now, rehearsed.judged, rules.catalog);
  const candidates = candidatesOf(propose(survey, rules), files);
  const { rehearsed: tried } = await decideAgain(history, rules, candidates.map(rulesOf));
  const path = pathOf(dir);
  const weighed = candidates.flatMap((candidate, index) => {
    const effect = tried.comparisons[index];
    const verdict = effect === undefined ? undefined : weigh(candidate, effect, files, path);
    return verdict === undefined ? [] : [{ candidate, verdict }];
  });
  const kept = weighed.filter(({ verdict }) => verdict.kind === 'suggested');
  const all = together(
    kept.map(({ candidate }) => candidate.proposal),
    files,
  );
  const joint = compileRules(all);
  const isMany = kept.length > 1 && joint.kind === 'loaded';
  const once = isMany ? await decideAgain(history, rules, [joint.rules]) : undefined;
  const suggested: Suggested = {
    history: history.name,
    survey,
    suggestions: weighed.flatMap(({ verdict }) =>
      verdict.kind === 'suggested' ? [verdict.suggestion] : [],
    ),
    losing: weighed.flatMap(({ verdict }) => (verdict.kind === 'loses' ? [verdict] : [])),
    together: once?.rehearsed.comparisons[0],
  };
  return { suggested, patch: patchOf(files, all, path) };
}

function rulesOf({ rules }: Candidate): Rules {
  return rules;
}

/** As a patch names files: from here, if the folder is below it; else from within the folder. */
function pathOf(dir: string): string {
  const path = relative(process.cwd(), dir);
  return path.startsWith('..') ? '' : path;
}

function asJson({ history, survey, suggestions, losing, together: all }: Suggested): string {
  const { from, to, firings, messages, acknowledged, marked, kinds } = survey;
  const json = {
    history,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    firings: firings.length,
    messages,
    acknowledged,
    marked,
    suggestions,
    losing: losing.map(({ title, lost }) => ({ title, lost })),
    together: all ?? null,
    withoutRunbook: withoutRunbook(kinds).map(({ name, messages: told, services }) => ({
      name,
      messages: told,
      services: [...services.keys()],
    })),
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}
