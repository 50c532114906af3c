/** What was measured, as text, and on which machine. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function machine(): string {
  const [cpu] = cpus();
  const redis = execFileSync('redis-server', ['--version']).toString();
  const version = /v=([\d.]+)/.exec(redis)?.[1] ?? '';
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = (loadavg()[0] ?? 0).toFixed(1);
  return `${new Date().toISOString().slice(0, 10)}, ${cpu?.model}, ${cpus().length} CPUs, ${memory} GB, Node ${process.version}, Redis ${version}. Load of the machine before it began: ${load}.`;
}

export function markdown({ title, head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [`## ${title}`, '', line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
