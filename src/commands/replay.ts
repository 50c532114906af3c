/**
 * `quell replay`: what would these rules have done with this recording? Decides it all in virtual
 * time, with the pipeline that runs live, and says what would have been told.
 */
import { createWriteStream, openSync, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { Command } from 'commander';
import { AppError } from '../errors.ts';
import { type Recorded, readRecordingInBatches } from '../ingest/recording.ts';
import { parseDelivery } from '../ingest/sources.ts';
import type { Event } from '../model.ts';
import { createReplay, type Replay, type ReplaySummary, type SentMessage } from '../replay.ts';
import { formatDiagnostics } from '../rules/diagnostics.ts';
import { loadRules } from '../rules/load.ts';
import type { Rules } from '../rules/rules.ts';
import { rulesDirOf } from './program.ts';

/** Lines with mistakes that are shown; all are counted. */
const MISTAKES_SHOWN = 5;

interface ReplayFlags {
  readonly rules?: string;
  readonly messages?: string;
  readonly json?: boolean;
}

export function replayCommand(): Command {
  return new Command('replay')
    .summary('decide a recording in virtual time and say what would have been told')
    .description(
      'Decides recorded deliveries in virtual time, with the pipeline that runs live, and prints what ' +
        'would have been told. Recordings are written by `quell serve --record FILE`: one JSON line for ' +
        'each delivery, {"at","source","body"}; .gz is read as well.',
    )
    .argument('<recording...>', 'files, in order of time')
    .option('--rules <dir>', 'the rules to decide by (QUELL_RULES_DIR, ./rules)')
    .option('--messages <file>', 'write one JSON line for each message that Slack would have got')
    .option('--json', 'print the summary as JSON')
    .addHelpText('after', HELP)
    .action(async (recordings: string[], flags: ReplayFlags) => {
      process.exitCode = await replay(recordings, flags);
    });
}

const HELP = `
Exit code: 0 well, 1 some lines could not be read, 2 the rules or a file cannot be used.`;

async function replay(recordings: readonly string[], flags: ReplayFlags): Promise<number> {
  const loaded = await loadRules(rulesDirOf(flags.rules, process.env));
  if (loaded.kind === 'refused') {
    process.stderr.write(`${formatDiagnostics(loaded.errors)}\n`);
    return 2;
  }
  const output = flags.messages === undefined ? undefined : openMessageFile(flags.messages);
  const run = createReplay({ rules: loaded.rules, onMessage: output?.write });
  const mistakes: string[] = [];
  for (const path of recordings) {
    try {
      await playFile(path, run, loaded.rules, mistakes);
    } catch (error) {
      throw fileError(`cannot read ${path}`, error);
    }
  }
  const summary = run.finish();
  await output?.end();
  report(summary, mistakes, flags.json === true);
  return mistakes.length === 0 ? 0 : 1;
}

async function playFile(
  path: string,
  run: Replay,
  rules: Rules,
  mistakes: string[],
): Promise<void> {
  for await (const lines of readRecordingInBatches(path)) {
    for (const line of lines) playLine(path, line, run, rules, mistakes);
  }
}

function playLine(
  path: string,
  line: Recorded,
  run: Replay,
  rules: Rules,
  mistakes: string[],
): void {
  switch (line.kind) {
    case 'delivery': {
      const context = { source: line.source, delivery: `${path}:${line.line}`, at: line.at };
      const parsed = parseDelivery(line.body, context, rules.mappings);
      if (parsed.kind === 'parsed') run.play(parsed.events, line.at);
      else mistakes.push(`${path}:${line.line}  ${parsed.error}`);
      break;
    }
    case 'reaction':
      run.play([reactionOf(line)], line.at);
      break;
    case 'bad':
      mistakes.push(`${path}:${line.line}  ${line.error}`);
      break;
  }
}

function reactionOf(line: Extract<Recorded, { kind: 'reaction' }>): Event {
  return {
    kind: 'reaction',
    added: !line.removed,
    emoji: line.reaction,
    user: line.user,
    on: { incident: line.incident },
    orderedAt: line.at,
  };
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

function report(summary: ReplaySummary, mistakes: readonly string[], json: boolean): void {
  for (const mistake of mistakes.slice(0, MISTAKES_SHOWN)) process.stderr.write(`${mistake}\n`);
  if (mistakes.length > MISTAKES_SHOWN)
    process.stderr.write(
      `... and ${mistakes.length - MISTAKES_SHOWN} more lines that could not be read\n`,
    );
  process.stdout.write(
    json ? `${JSON.stringify(summary, undefined, 2)}\n` : `${inWords(summary)}\n`,
  );
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
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(
      ([name, number, more]) =>
        `${name.padEnd(width)}  ${number.toLocaleString('en-GB').padStart(9)}${more}`,
    )
    .join('\n');
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'no permission',
  EISDIR: 'it is a folder',
  ENOSPC: 'no space is left',
  Z_DATA_ERROR: 'it is no gzip file, or damaged',
  Z_BUF_ERROR: 'it ends too early',
};

/** What a file or zlib reports has a code; anything else is passed on. */
function fileError(what: string, error: unknown): unknown {
  if (error instanceof RangeError) return unusable(what, error.message, error);
  if (!(error instanceof Error && 'code' in error)) return error;
  return unusable(what, REASONS[String(error.code)] ?? error.message, error);
}

function unusable(what: string, why: string, cause: Error): AppError {
  return new AppError('file-unusable', `${what}: ${why}`, { retryable: false, cause });
}
