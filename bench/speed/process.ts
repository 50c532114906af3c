/**
 * A server under measurement: started on a free port, asked of the kernel what it used.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Server {
  readonly name: string;
  readonly port: number;
  /** CPU seconds so far, in user and kernel mode, on all threads. */
  cpu(): number;
  /** In MB. */
  memory(): Memory;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface Memory {
  readonly rss: number;
  readonly anon: number;
  readonly file: number;
  readonly peak: number;
}

export interface ServerOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Its output goes there, as it would under a supervisor. */
  readonly log: string;
}

const TICKS = Number(execFileSync('getconf', ['CLK_TCK']).toString());
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Resolves when it says that it is ready. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { name, command, args, port, env, log } = options;
  const output = openSync(log, 'a');
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  running.add(child);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running.delete(child);
      resolve();
    });
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} cannot be started: is it installed?`);
  while ((await status(port, '/-/ready')) !== 200) {
    if (child.exitCode !== null) throw new Error(`${name} ended; see ${log}`);
    await sleep(5);
  }
  return {
    name,
    port,
    cpu: () => cpuOf(pid),
    memory: () => memoryOf(pid),
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await exited;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

/** Undefined when nobody answers. */
export function status(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', () => resolve(undefined));
  });
}

export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1_024) / 1e6;
  return {
    rss: field('VmRSS'),
    anon: field('RssAnon'),
    file: field('RssFile'),
    peak: field('VmHWM'),
  };
}
