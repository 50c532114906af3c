/**
 * `quell serve` as a process of its own, as it is built: what a test can start, stop and kill.
 *
 * It gets nothing of the developer's own settings: no token, no Slack but the stand-in.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type Child, startChild } from './child.ts';
import { filesUnder } from './project-files.ts';
import { scratchDir } from './scratch-dir.ts';
import { within } from './within.ts';

export interface QuellOptions {
  /** A folder of its own when none is given. */
  readonly dataDir?: string;
  /** The shipped ones when none is given. */
  readonly rulesDir?: string;
  /** 0: whichever is free. */
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Another version's main.js; this one's, as it is built, when none is given. */
  readonly main?: string | undefined;
}

export interface Quell extends Child {
  readonly url: string;
  readonly port: number;
  /** What the read API answers. */
  get(path: string): Promise<unknown>;
  post(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Sums over all samples of metrics, or the sample that is named with its labels; of one instant. */
  metrics(...names: readonly string[]): Promise<readonly number[]>;
  /**
   * Resolves when nothing waits to be decided, and nothing to be done in Slack. Another process cannot
   * tell us when that is, so it is asked again and again.
   */
  settled(): Promise<void>;
}

const BUILT = 'dist/main.js';
const ASK_EVERY_MS = 50;
const NOT_OURS = /^(?:QUELL|SLACK)_/;

export async function startQuell(options: QuellOptions = {}): Promise<Quell> {
  const { env = {}, rulesDir = 'rules', port = 0, main = BUILT } = options;
  if (main === BUILT) checkBuilt();
  const dataDir = options.dataDir ?? scratchDir('data');
  const blank = Object.keys(process.env).filter((name) => NOT_OURS.test(name));
  const child = startChild({
    name: 'quell serve',
    command: process.execPath,
    args: [
      resolve(main),
      'serve',
      `--port=${port}`,
      `--data-dir=${resolve(dataDir)}`,
      `--rules-dir=${resolve(rulesDir)}`,
    ],
    // Where no quell.yaml is.
    cwd: scratchDir('cwd'),
    env: { ...Object.fromEntries(blank.map((name) => [name, ''])), ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const listening = child.line(/"url":"http:[^"]+:(\d+)".*Quell is ready/);
  const [, heard = ''] = await within(60, 'Quell listens', listening, child.tail);
  return quellAt(child, Number(heard));
}

/** `npm test` builds first; whoever runs vitest directly may test what is no longer there. */
export function checkBuilt(): void {
  const builtAt = statSync(BUILT, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newer = filesUnder('src', '.ts').find((path) => statSync(path).mtimeMs > builtAt);
  if (newer !== undefined) throw new Error(`${BUILT} is older than ${newer}: npm run build`);
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
        await setTimeout(ASK_EVERY_MS);
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
