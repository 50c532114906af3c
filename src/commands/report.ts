/**
 * `quell report`: the noise report of the last weeks. Exit code 0, or 2 when the rules or the history
 * cannot be used.
 */
import { Command } from 'commander';
import { noiseReport, renderReport } from '../suggest/report.ts';
import { surveyOf } from '../suggest/survey.ts';
import { reportMistakes } from './history.ts';
import { type HistoryFlags, withSince } from './history-place.ts';
import { asJson } from './json.ts';
import { rulesDirOf, withHistory, withRules } from './options.ts';
import { readAhead } from './read-ahead.ts';
import { decideAgain } from './rehearse.ts';
import { loadFolder } from './rules-folder.ts';

interface ReportFlags extends HistoryFlags {
  readonly rules?: string;
  readonly json?: boolean;
}

export function reportCommand(): Command {
  const command = new Command('report')
    .summary('what cost attention in the last weeks without being worth it')
    .description(
      'The noise report: what people marked 🗑️, what talks most, what nobody ever acknowledged, what ' +
        'fires all the time or comes and goes, what has no runbook. Decides what came in again, under ' +
        'the rules in force.',
    )
    .argument('[recording...]', 'files, instead of what the service kept');
  return withRules(
    withHistory(command, 'how far to look back at what the service kept (30d)'),
    'the rules in force',
  )
    .option('--json', 'print the report as JSON')
    .addHelpText('after', HELP)
    .action(async (recordings: string[], flags: ReportFlags) => {
      process.exitCode = await report(recordings, flags);
    });
}

const HELP = `
Exit code: 0 well, 1 some lines could not be read, 2 the rules or the history cannot be used.`;

async function report(recordings: readonly string[], flags: ReportFlags): Promise<number> {
  const history = readAhead(recordings, withSince(recordings, flags));
  const folder = await loadFolder(rulesDirOf(flags.rules, process.env));
  if (folder === undefined) return 2;
  const { rehearsed, mistakes } = await decideAgain(history, folder.rules, []);
  reportMistakes(mistakes);
  const noise = noiseReport(surveyOf(rehearsed.now, rehearsed.judged, folder.rules.catalog));
  process.stdout.write(flags.json === true ? asJson(noise) : renderReport(noise, history.name));
  return mistakes.length === 0 ? 0 : 1;
}
