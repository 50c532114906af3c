/**
 * A program that a test runs beside itself: Prometheus, Alertmanager, Quell.
 *
 * Waiting is for a line that it writes, or for its end; whoever waits for a line that cannot come any
 * more is told what the program said last. Every child is killed when the test process ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';

export interface ChildOptions {
  /** What failures call it. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** One line for whoever does not have the program. */
  readonly missing?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Child {
  readonly pid: number | undefined;
  /** The lines it wrote so far, on both streams. */
  readonly lines: readonly string[];
  /** The match in the first line that has one, written already or still to come. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
  /** The last lines, for a failure's message. */
  readonly tail: () => string;
  readonly exited: Promise<Exit>;
  /** Resolves when it is gone. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
}

const TAIL_LINES = 30;
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function startChild(options: ChildOptions): Child {
  const { name, command, args, env = {}, cwd } = options;
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  running.add(child);
  const lines: string[] = [];
  const watchers = new Set<(ended?: Error) => void>();
  const tell = (ended?: Error) => {
    for (const look of watchers) look(ended);
  };
  for (const stream of [child.stdout, child.stderr]) {
    readLines(stream, (line) => {
      lines.push(line);
      tell();
    });
  }
  const tail = () => lines.slice(-TAIL_LINES).join('\n');
  const exited = new Promise<Exit>((resolve) => {
    const ended = (exit: Exit, why: string) => {
      running.delete(child);
      tell(new Error(`${name} ${why}. It said last:\n${tail()}`));
      resolve(exit);
    };
    child.once('error', (error) =>
      ended({ code: null, signal: null }, `cannot be run (${error.message})${hint(options)}`),
    );
    child.once('close', (code, signal) =>
      ended({ code, signal }, `ended with ${signal ?? `code ${code}`}`),
    );
  });
  return {
    pid: child.pid,
    lines,
    line: (pattern) => lineOf(lines, pattern, watchers),
    tail,
    exited,
    kill(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
  };
}

function hint({ missing }: ChildOptions): string {
  return missing === undefined ? '' : `: ${missing}`;
}

function lineOf(
  lines: readonly string[],
  pattern: RegExp,
  watchers: Set<(ended?: Error) => void>,
): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let looked = 0;
    const look = (ended?: Error) => {
      for (; looked < lines.length; looked++) {
        const match = pattern.exec(lines[looked] ?? '');
        if (match === null) continue;
        watchers.delete(look);
        resolve(match);
        return;
      }
      if (ended !== undefined) reject(ended);
    };
    watchers.add(look);
    look();
  });
}

function readLines(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const parts = (rest + decoder.write(chunk)).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) take(part);
  });
  stream.on('end', () => {
    if (rest !== '') take(rest);
  });
}
