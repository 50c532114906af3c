/**
 * What came in, for commands that decide it again: recordings, the recording that a service keeps in
 * its data directory (also while it runs), or the same from a service elsewhere.
 *
 * The thread that reads ahead waits for everything that is imported here: neither rules nor settings.
 */
import { AppError, codeOf } from '../errors.ts';
import { journalDir } from '../ingest/journal.ts';
import { readJournal } from '../ingest/journal-read.ts';
import { type Recorded, readLine, textsInBatches } from '../ingest/recording.ts';
import { ask } from './ask.ts';
import type { HistoryPlace } from './history-place.ts';

export interface History {
  /** For people. */
  readonly name: string;
  /** Calls back for each line, oldest first; `place` names it in messages. Rejects with an AppError. */
  readonly read: (each: (line: Recorded, place: string) => void) => Promise<void>;
}

type PlaceOf<Kind> = Extract<HistoryPlace, { readonly kind: Kind }>;

export function openHistory(place: HistoryPlace): History {
  switch (place.kind) {
    case 'recordings':
      return ofRecordings(place.paths);
    case 'data-dir':
      return ofDataDir(place);
    case 'service':
      return ofService(place);
  }
}

function ofRecordings(paths: readonly string[]): History {
  return {
    name: paths.join(', '),
    async read(each) {
      const open = await Promise.all(paths.map(openRecording));
      for (let turn = earliest(open); turn !== undefined; turn = earliest(open)) {
        const until = Math.min(...open.filter((one) => one !== turn).map(nextAt));
        while (turn.line !== undefined && nextAt(turn) <= until) {
          each(turn.line, `${turn.path}:${turn.line.line}`);
          if (!advance(turn)) await readOn(turn);
        }
      }
    },
  };
}

/** A recording that is being read. Lines become objects one by one: many at once cost much memory. */
interface OpenRecording {
  readonly path: string;
  readonly batches: AsyncIterator<readonly string[]>;
  texts: readonly string[];
  /** Of the texts. */
  next: number;
  /** In the file. */
  number: number;
  /** The next line; undefined at the end. */
  line: Recorded | undefined;
}

async function openRecording(path: string): Promise<OpenRecording> {
  const batches = textsInBatches(path, 'all')[Symbol.asyncIterator]();
  const recording = { path, batches, texts: [], next: 0, number: 0, line: undefined };
  await readOn(recording);
  return recording;
}

/** False when no line is left of what was read of the file. */
function advance(recording: OpenRecording): boolean {
  recording.line = undefined;
  while (recording.line === undefined && recording.next < recording.texts.length) {
    recording.line = readLine(recording.texts[recording.next++] ?? '', ++recording.number);
  }
  return recording.line !== undefined;
}

async function readOn(recording: OpenRecording): Promise<void> {
  try {
    do {
      const { value, done } = await recording.batches.next();
      if (done === true) return;
      recording.texts = value;
      recording.next = 0;
    } while (!advance(recording));
  } catch (error) {
    const hint = codeOf(error) === 'EISDIR' ? '; rules are named with --rules' : '';
    throw fileError(`cannot read ${recording.path}`, error, hint);
  }
}

/** The recording whose next line is the oldest: those of several instances are read side by side. */
function earliest(recordings: readonly OpenRecording[]): OpenRecording | undefined {
  let first: OpenRecording | undefined;
  for (const one of recordings) {
    if (one.line === undefined) continue;
    if (first === undefined || nextAt(one) < nextAt(first)) first = one;
  }
  return first;
}

/** A line that cannot be read is told at once. */
function nextAt({ line }: OpenRecording): number {
  if (line === undefined) return Infinity;
  return line.kind === 'bad' ? -Infinity : line.at;
}

function ofDataDir({ dataDir, span, since }: PlaceOf<'data-dir'>): History {
  const dir = journalDir(dataDir);
  return {
    name: `the last ${since} of ${dataDir}`,
    async read(each) {
      try {
        await eachText(readJournal(dir, span), dir, each);
      } catch (error) {
        if (error instanceof AppError) throw error;
        if (isMissing(error)) throw nothingKept(dir, error);
        throw fileError(`cannot read ${dir}`, error);
      }
    },
  };
}

async function eachText(
  batches: AsyncIterable<readonly string[]>,
  place: string,
  each: (line: Recorded, place: string) => void,
): Promise<void> {
  let number = 0;
  for await (const texts of batches) {
    for (const text of texts) {
      const line = readLine(text, ++number);
      if (line !== undefined) each(line, `${place}:${number}`);
    }
  }
}

function nothingKept(dir: string, cause: Error): AppError {
  const message = `nothing is kept in ${dir}: name the data directory of the service with --data-dir, or ask it with --url`;
  return new AppError('no-data', message, { retryable: false, cause });
}

// ---------------------------------------------------------------------------------------------

const TIMEOUT_MS = 300_000;

function ofService({ base, token, span, since }: PlaceOf<'service'>): History {
  const unreached = `cannot get the recording of ${base}: is it running there? Or read its files with --data-dir`;
  return {
    name: `the last ${since} of ${base}`,
    async read(each) {
      const query = new URLSearchParams({ from: String(span.from), to: String(span.to) });
      const readAll = async (answer: Response) => {
        if (!answer.ok || answer.body === null) throw unanswered(base, answer.status);
        await eachText(linesOf(answer.body), `${base}/v1/recording`, each);
      };
      const options = { timeoutMs: TIMEOUT_MS, unreached };
      await ask({ base, token }, `/v1/recording?${query}`, readAll, options);
    },
  };
}

function unanswered(base: string, status: number): AppError {
  const hint = status === 401 ? ': set QUELL_API_TOKEN' : ': is it Quell, and of this version?';
  return new AppError('cannot-ask', `${base} answers ${status}${hint}`, { retryable: false });
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<readonly string[]> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield lines;
  }
  yield [rest];
}

// ---------------------------------------------------------------------------------------------

/** Lines with mistakes that are shown; all are counted. */
const MISTAKES_SHOWN = 5;

export function reportMistakes(mistakes: readonly string[]): void {
  for (const mistake of mistakes.slice(0, MISTAKES_SHOWN)) process.stderr.write(`${mistake}\n`);
  const more = mistakes.length - MISTAKES_SHOWN;
  if (more > 0) process.stderr.write(`... and ${more} more lines that could not be read\n`);
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'no permission',
  EISDIR: 'it is a folder',
  ENOSPC: 'no space is left',
  Z_DATA_ERROR: 'it is no gzip file, or damaged',
  Z_BUF_ERROR: 'it ends too early',
};

function isMissing(error: unknown): error is Error {
  return codeOf(error) === 'ENOENT';
}

/** What a file or zlib reports has a code; anything else is passed on. */
export function fileError(what: string, error: unknown, hint = ''): unknown {
  if (error instanceof RangeError) return unusable(what, error.message, error);
  const code = codeOf(error);
  if (!(error instanceof Error) || code === undefined) return error;
  return unusable(what, (REASONS[code] ?? error.message) + hint, error);
}

function unusable(what: string, why: string, cause: Error): AppError {
  return new AppError('file-unusable', `${what}: ${why}`, { retryable: false, cause });
}
