/**
 * `quell serve` as a process of its own, run from source: what a test can start, stop and kill.
 *
 * It gets nothing of the developer's own settings: no token, no Slack but the stand-in.
 */
import { onTestFinished } from 'vitest';
import { type Child, startChild } from './child.ts';
import { scratchDir } from './scratch-dir.ts';
import { within } from './within.ts';

export interface QuellOptions {
  /** A folder of its own when none is given. */
  readonly dataDir?: string;
  readonly rulesDir?: string;
  /** 0: whichever is free. */
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Quell extends Child {
  readonly url: string;
  readonly port: number;
  /** What the read API answers. */
  get(path: string): Promise<unknown>;
  post(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Sums over all samples of metrics, or the sample that is named with its labels; of one instant. */
  metrics(...names: readonly string[]): Promise<readonly number[]>;
  /** Resolves when nothing waits to be decided, and nothing to be done in Slack. Asks, and asks again. */
  settled(): Promise<void>;
}

const FROM_SOURCE = ['--import', 'tsx', 'src/main.ts', 'serve'];
const NOT_OURS = /^(?:QUELL|SLACK)_/;

export async function startQuell(options: QuellOptions = {}): Promise<Quell> {
  const dataDir = options.dataDir ?? scratchDir('data');
  const { rulesDir = 'rules', port = 0, env = {} } = options;
  const blank = Object.keys(process.env).filter((name) => NOT_OURS.test(name));
  const child = startChild({
    name: 'quell serve',
    command: process.execPath,
    args: [...FROM_SOURCE, '--port', String(port), '--data-dir', dataDir, '--rules-dir', rulesDir],
    env: { ...Object.fromEntries(blank.map((name) => [name, ''])), ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const listening = child.line(/"url":"http:[^"]+:(\d+)".*Quell is ready/);
  const [, heard = ''] = await within(60, 'Quell listens', listening, child.tail);
  return quellAt(child, Number(heard));
}

function quellAt(child: Child, port: number): Quell {
  const url = `http://127.0.0.1:${port}`;
  const metrics = async (...names: readonly string[]) => {
    const response = await fetch(`${url}/metrics`);
    const text = await response.text();
    return names.map((name) => sumOf(text, name));
  };
  return {
    ...child,
    url,
    port,
    async get(path) {
      const response = await fetch(`${url}${path}`);
      if (response.ok) return response.json();
      throw new Error(`GET ${path} was answered ${response.status}: ${await response.text()}`);
    },
    post: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    metrics,
    async settled() {
      for (;;) {
        const waiting = await metrics('quell_deliveries_waiting', 'quell_outbox');
        if (waiting.every((count) => count === 0)) return;
      }
    },
  };
}

function sumOf(text: string, name: string): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) {
      sum += Number(line.slice(line.lastIndexOf(' ') + 1));
    }
  }
  return sum;
}
