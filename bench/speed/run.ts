/**
 * Quell side by side with the real Alertmanager, under the same load on the same machine.
 *
 *     npm run build && npx tsx bench/speed/run.ts [cpu told single memory resent latency restart listing growth replay]
 *         [--alerts 100000] [--connections 4] [--only Quell] [--main dist/main.js] [--write]
 *
 * Without names all parts run. `--write` puts the tables into bench/speed/RESULTS.md. CPU is what the
 * kernel counts for the server's process; nothing else should run on the machine meanwhile.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { PARTS, type Setting, type Table } from './parts.ts';
import { alertmanager, quell } from './servers.ts';
import { startSink } from './sink.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    alerts: { type: 'string', default: '100000' },
    connections: { type: 'string', default: '4' },
    only: { type: 'string' },
    main: { type: 'string', default: 'dist/main.js' },
    write: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const sink = await startSink();
  const all = [alertmanager(sink), quell(sink, values.main)];
  const contenders = all.filter(({ name }) => values.only === undefined || name === values.only);
  const setting: Setting = {
    main: values.main,
    contenders,
    sink,
    alerts: Number(values.alerts),
    connections: Number(values.connections),
  };
  const tables: Table[] = [];
  for (const name of positionals.length > 0 ? positionals : Object.keys(PARTS)) {
    const part = PARTS[name];
    if (part === undefined) throw new Error(`no part is called ${name}`);
    console.log(`${name} ...`);
    tables.push(await part(setting));
  }
  for (const contender of all) contender.remove();
  sink.close();
  const text = [machine(), ...tables.map(markdown)].join('\n\n');
  console.log(`\n${text}`);
  if (values.write) writeFileSync('bench/speed/RESULTS.md', `${HEADING}\n\n${text}\n`);
}

const HEADING = `# Speed, side by side with Alertmanager

Written by \`npm run build && npx tsx bench/speed/run.ts --write\`; how, of which commits, and what it means: [README.md](README.md).`;

function machine(): string {
  const [cpu] = cpus();
  const version = execFileSync('prometheus-alertmanager', ['--version'], { stdio: 'pipe' });
  const name = version.toString().split('\n')[0] ?? '';
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${new Date().toISOString().slice(0, 10)}, ${cpu?.model}, ${cpus().length} CPUs, ${memory} GB, Node ${process.version}, ${name.slice(0, 60)}`;
}

function markdown({ title, head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [`## ${title}`, '', line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

await main();
