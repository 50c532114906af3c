/**
 * `quell replay`: what would these rules have done with what came in? Decides it all in virtual time,
 * with the pipeline that runs live, and says what would have been told. With --against it is a
 * rehearsal (rehearse.ts).
 */
import { createWriteStream, openSync, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { misuse } from '../errors.ts';
import type { ReadLine } from '../ingest/packed.ts';
import { parseDelivery } from '../ingest/sources.ts';
import { reactionTo, requestIn } from '../rehearse/rehearsal.ts';
import { createReplay, type Replay, type ReplaySummary, type SentMessage } from '../replay.ts';
import { formatDiagnostics } from '../rules/files/diagnostics.ts';
import { loadRules } from '../rules/files/load.ts';
import type { Rules } from '../rules/rules.ts';
import { survivorOf } from '../state/state.ts';
import { fileError, reportMistakes } from './history.ts';
import type { HistoryFlags } from './history-place.ts';
import { asJson } from './json.ts';
import { rulesDirOf, withHistory, withRules } from './options.ts';
import { prefixOf } from './program.ts';
import { type ReadAhead, readAhead } from './read-ahead.ts';
import { rehearse } from './rehearse.ts';

interface ReplayFlags extends HistoryFlags {
  readonly rules?: string;
  readonly against?: string;
  readonly messages?: string;
  readonly html?: string;
  readonly json?: boolean;
}

export function replayCommand(): Command {
  const command = new Command('replay')
    .summary('decide what came in again, in virtual time; rehearse a change of rules')
    .description(
      'Decides what came in again, in virtual time, with the pipeline that runs live, and prints what ' +
        'would have been told; with --against, what would be different from those rules. Recordings are ' +
        'written by `quell serve --record FILE`: one JSON line for each delivery, {"at","source","body"}; ' +
        '.gz is read as well. Without one, --since reads what the service has kept, also while it runs.',
    )
    .argument('[recording...]', 'files; several are put in order of time');
  return withRules(
    withHistory(command, 'instead of recordings: what the service kept, like 30d'),
    'the rules to decide by',
  )
    .option('--against <dir>', 'say what --rules would change, compared with these rules')
    .option(
      '--html <file>',
      'with --against: write the comparison as a page, to attach to a change',
    )
    .option('--messages <file>', 'write one JSON line for each message that Slack would have got')
    .option('--json', 'print the summary, or the comparison, as JSON')
    .addHelpText('after', HELP)
    .action(async (recordings: string[], flags: ReplayFlags) => {
      process.exitCode = await replay(recordings, flags);
    });
}

const HELP = `
Exit code: 0 well; 1 some lines could not be read, or, with --against, something that people
acknowledged would not be told any more; 2 the rules or a file cannot be used.`;

async function replay(recordings: readonly string[], flags: ReplayFlags): Promise<number> {
  const { against, html, messages } = flags;
  const history = readAhead(recordings, flags);
  const rules = rulesDirOf(flags.rules, process.env);
  if (against === undefined && html !== undefined) throw misuse('--html goes with --against');
  if (against === undefined) return replayOne(history, rules, flags);
  if (messages !== undefined) throw misuse('--messages does not go with --against');
  return rehearse(history, { rules, against, html, json: flags.json === true });
}

async function replayOne(history: ReadAhead, dir: string, flags: ReplayFlags): Promise<number> {
  const loaded = await loadRules(dir);
  if (loaded.kind === 'refused') {
    process.stderr.write(`${formatDiagnostics(loaded.errors, { prefix: prefixOf(dir) })}\n`);
    return 2;
  }
  const output = flags.messages === undefined ? undefined : openMessageFile(flags.messages);
  const run = createReplay({ rules: loaded.rules, onMessage: output?.write });
  const mistakes: string[] = [];
  await history.read([loaded.rules], (line, place) => {
    const mistake = playLine(line, place, run, loaded.rules);
    if (mistake !== undefined) mistakes.push(`${place}  ${mistake}`);
  });
  const summary = run.finish();
  await output?.end();
  reportMistakes(mistakes);
  process.stdout.write(flags.json === true ? asJson(summary) : `${inWords(summary)}\n`);
  return mistakes.length === 0 ? 0 : 1;
}

/** What is wrong with the line, if it cannot be read. */
function playLine(line: ReadLine, place: string, run: Replay, rules: Rules): string | undefined {
  if (line.kind === 'bad') return line.error;
  if (line.kind === 'alerts') {
    run.play(line.events, line.at);
    return undefined;
  }
  if (line.kind === 'reaction') {
    run.passTo(line.at);
    // Under these rules nobody may have been told of it by then: so nobody could react.
    if (survivorOf(run.state, line.incident)?.toldAt !== undefined)
      run.play([reactionTo(line.incident, line)], line.at);
    return undefined;
  }
  if (line.kind === 'request' || line.kind === 'silence') {
    run.play([line.kind === 'silence' ? line.event : requestIn(line.incident, line)], line.at);
    return undefined;
  }
  const context = { source: line.source, delivery: place, at: line.at };
  const parsed = parseDelivery(line.body, context, rules.mappings);
  if (parsed.kind === 'refused') return parsed.error;
  run.play(parsed.events, line.at);
  return undefined;
}

function openMessageFile(path: string): {
  write: (message: SentMessage) => void;
  end: () => Promise<void>;
} {
  const stream: WriteStream = createWriteStream(path, { fd: createFile(path) });
  let failure: unknown;
  stream.on('error', (error) => {
    failure = error;
  });
  let waiting = '';
  return {
    write(message) {
      waiting += `${JSON.stringify(message)}\n`;
      if (waiting.length < 65_536) return;
      stream.write(waiting);
      waiting = '';
    },
    async end() {
      stream.end(waiting);
      await finished(stream).catch((error: unknown) => {
        throw fileError(`cannot write ${path}`, failure ?? error);
      });
    },
  };
}

function createFile(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw fileError(`cannot write ${path}`, error);
  }
}

function inWords(summary: ReplaySummary): string {
  const { posts, updates, replies, firings, verdicts, consequences } = summary;
  const fewer =
    firings === 0 ? '' : `  (${((1 - posts / firings) * 100).toFixed(1)} % fewer than firings)`;
  const count = (name: keyof typeof consequences) => consequences[name] ?? 0;
  const rows: readonly (readonly [string, number, string])[] = [
    ['deliveries', summary.deliveries, ''],
    ['alerts in them', summary.alerts, ''],
    ['  firings', firings, ''],
    ['  repeats', verdicts.repeat + verdicts.stale, ''],
    ['  silenced', verdicts.silenced, ''],
    ['  inhibited', verdicts.inhibited, ''],
    ['  not understood', verdicts.quarantined, ''],
    ['messages', posts, fewer],
    ...Object.entries(summary.byChannel).map(
      ([name, number]) => [`  ${name}`, number, ''] as const,
    ),
    ['updates of them', updates, ''],
    ['thread lines', replies, ''],
    ['never told: transient', count('transient'), ''],
    ['never told: by route', count('dropped'), ''],
    ['told in a digest', count('digested'), ''],
    ['  and what is chronic', count('chronic'), ''],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(
      ([name, number, more]) =>
        `${name.padEnd(width)}  ${number.toLocaleString('en-GB').padStart(9)}${more}`,
    )
    .join('\n');
}
