/**
 * `quell explain`: why was this alert told, or not? Asks the running service, or reads its files.
 * Exit code 0: explained. 1: no such alert. 2: could not ask.
 */
import { Command } from 'commander';
import { AppError } from '../errors.ts';
import { around, type Explanation, type OtherJson } from '../web/explanation.ts';
import { askFiles, askService, type Answers } from './explain-source.ts';
import { readMoment, renderIncident, renderStory } from './explain-text.ts';
import { rulesDirOf, withRules } from './options.ts';

interface ExplainFlags {
  readonly at?: string;
  readonly url?: string;
  readonly dataDir?: string;
  readonly rules?: string;
  readonly json?: boolean;
}

const OTHERS_SHOWN = 5;
/** Of what is no terminal. */
const WIDTH = 100;

export function explainCommand(): Command {
  const command = new Command('explain')
    .summary('say what was done with an alert, and why')
    .description(
      'Says what was done with an alert, and why: received, held, joined, told, acknowledged; and which ' +
        'rule would have to be different. Asks the running service; with --data-dir it reads the files ' +
        'of one that is not running.',
    )
    .argument(
      '<alert>',
      'fingerprint, incident, heartbeat, link to a Slack message, service, or a matcher like \'HighLoad{service="checkout"}\'',
    );
  return withRules(command, 'the rules that go with --data-dir')
    .option(
      '--at <time>',
      'what happened around then: 02:43, "10 min ago", 2026-01-31 02:43, or RFC 3339',
    )
    .option('--url <url>', 'the service (http://localhost:8080, or the port of QUELL_PORT)')
    .option('--data-dir <dir>', 'read these files instead of asking the service')
    .option('--json', 'print what the API answers')
    .addHelpText('after', HELP)
    .action(async (alert: string, flags: ExplainFlags) => {
      const width = process.stdout.columns ?? WIDTH;
      const { output, problem, exitCode } = await explain(alert, flags, {
        width,
        env: process.env,
      });
      if (output !== '') process.stdout.write(output);
      if (problem !== '') process.stderr.write(`${problem}\n`);
      process.exitCode = exitCode;
    });
}

const HELP = `
Examples:
  quell explain 'HighErrorRate{service="checkout"}' --at 02:43
  quell explain 7Q2K4M1X
  quell explain https://example.slack.com/archives/C0123ABCD/p1769827290000100

Environment:
  QUELL_API_TOKEN        shown to the service when it asks for one; or QUELL_API_TOKEN_FILE

Exit code: 0 explained, 1 no such alert, 2 could not ask.`;

interface Explained {
  readonly output: string;
  readonly problem: string;
  readonly exitCode: 0 | 1 | 2;
}

export interface Around {
  /** Columns of the terminal. */
  readonly width: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export async function explain(
  wanted: string,
  flags: ExplainFlags,
  around: Around,
): Promise<Explained> {
  const at = flags.at === undefined ? undefined : readMoment(flags.at, Date.now());
  if (at === 'odd')
    return failed(`--at: "${flags.at}" is no time: write 02:43, "10 min ago" or 2026-01-31 02:43`);
  try {
    const answers =
      flags.dataDir === undefined
        ? askService(flags.url, around.env)
        : await askFiles(flags.dataDir, rulesDirOf(flags.rules, around.env));
    try {
      return await tell(answers, wanted, at, flags.json === true ? undefined : around.width);
    } finally {
      await answers.close();
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return failed(error.message);
  }
}

/** Without a width as JSON. */
async function tell(
  answers: Answers,
  of: string,
  at: number | undefined,
  width: number | undefined,
): Promise<Explained> {
  const answer = await answers.explain({ of, at });
  if (answer.kind === 'unknown') return { output: '', problem: answer.message, exitCode: 1 };
  const { explanation } = answer;
  const output = width === undefined ? json(explanation) : inWords(explanation, width, at);
  return { output, problem: '', exitCode: 0 };
}

function inWords(explanation: Explanation, width: number, at: number | undefined): string {
  if (explanation.about === 'incident') return renderIncident(explanation, width);
  return renderStory(explanation, width, around(at)) + others(explanation.others);
}

function json(answer: unknown): string {
  return `${JSON.stringify(answer, undefined, 2)}\n`;
}

function others(alerts: readonly OtherJson[]): string {
  if (alerts.length === 0) return '';
  const lines = alerts
    .slice(0, OTHERS_SHOWN)
    .map(({ fingerprint, name, service }) => `  ${fingerprint}  ${name} of ${service}`);
  const more = alerts.length > OTHERS_SHOWN ? [`  and ${alerts.length - OTHERS_SHOWN} more`] : [];
  return `\nOthers that match:\n${[...lines, ...more].join('\n')}\n`;
}

function failed(problem: string): Explained {
  return { output: '', problem, exitCode: 2 };
}
