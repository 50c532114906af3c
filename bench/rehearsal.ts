/**
 * How long a rehearsal of a month takes, and how long what history suggests, on what the service keeps.
 * From the call to the exit, start-up included.
 * Run: npm run build && npx tsx bench/rehearsal.ts [rounds]. Results: bench/REHEARSAL.md.
 *
 * A month is one of bench/noise, moved by whole weeks into the past; somebody takes on what is critical
 * and marks each fifth other message. The one of 22 services has as many alerts a day as was asked for, 635
 * and a few more; the one of 45 is what the noise is measured on. Seconds of CPU stand beside those of the clock, because other work
 * on the machine only adds to the latter.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { SentMessage } from '../src/replay.ts';
import { generate, writeGenerated } from './noise/generate.ts';

const DAYS = 30;
const SERVICES = [22, 45] as const;
/** The month ends within the last week. */
const SINCE = '38d';
const MINUTE = 60_000;
const WEEK = 7 * 24 * 60 * MINUTE;
const ROUNDS = 5;

/** What somebody might try at 5 p.m. */
const TRIED = `hold:
  - match: ['severity=~"warning|high"', 'tier!="1"']
    for: 20m
correlate:
  - match: ['severity="critical"']
    by: [severity]
route:
  channel: '#alerts'
  routes:
    - match: ['alertname="DiskFillingUp"']
      channel: '#capacity'
    - match: ['tier="3"', 'severity!="critical"']
      urgency: digest
`;

interface Line {
  readonly at: number;
  readonly text: string;
}

/** The data directory of a service that kept the month, and two sets of rules. Returns the number of firings. */
function prepare(dir: string, services: number): number {
  const generated = generate({ seed: '21', days: DAYS, services, labels: 'plain' });
  writeGenerated(generated, dir);
  const tried = join(dir, 'tried');
  cpSync(join(dir, 'rules'), tried, { recursive: true });
  writeFileSync(join(tried, 'tried.yaml'), TRIED);
  const messages = join(dir, 'messages.jsonl');
  quell(
    'replay',
    join(dir, 'recording.jsonl'),
    '--rules',
    join(dir, 'rules'),
    '--messages',
    messages,
  );
  const weeks = Math.floor((Date.now() - Date.parse(generated.truth.to)) / WEEK);
  const lines = [...linesOf(join(dir, 'recording.jsonl')), ...reactions(messages)]
    .map(({ at, text }) => ({ at: at + weeks * WEEK, text: moved(text, weeks * WEEK) }))
    .sort((one, other) => one.at - other.at);
  writeDays(join(dir, 'data', 'recorded'), lines);
  return generated.truth.firings.filter(({ seenAt }) => seenAt !== undefined).length;
}

function linesOf(path: string): readonly Line[] {
  const texts = readFileSync(path, 'utf8')
    .split('\n')
    .filter((text) => text !== '');
  return texts.map((text) => ({ at: Date.parse(text.slice(7, 31)), text }));
}

function reactions(messages: string): readonly Line[] {
  const posts = readFileSync(messages, 'utf8')
    .split('\n')
    .filter((text) => text.includes('"action":"post"'))
    // What quell itself wrote.
    .map((text) => JSON.parse(text) as SentMessage);
  return posts.flatMap(({ at, incident, severity, alerts }, number) => {
    const marked = number % 5 === 0 ? ['wastebasket'] : [];
    return (severity === 'critical' ? ['eyes'] : marked).map((reaction) => {
      const then = Date.parse(at) + 2 * MINUTE;
      const about = alerts.map(({ labels }) => ({ source: 'alertmanager', labels }));
      const line = { at: new Date(then).toISOString(), reaction, incident, user: 'U0ANN' };
      return { at: then, text: JSON.stringify({ ...line, removed: false, alerts: about }) };
    });
  });
}

/** Every instant in it, later by `byMs`. */
function moved(text: string, byMs: number): string {
  return text.replace(/2026-\d\d-\d\dT[\d:.]+Z/g, (iso) =>
    new Date(Date.parse(iso) + byMs).toISOString(),
  );
}

function writeDays(dir: string, lines: readonly Line[]): void {
  const days = new Map<string, string[]>();
  for (const { at, text } of lines) {
    const day = new Date(at).toISOString().slice(0, 10);
    days.set(day, [...(days.get(day) ?? []), text]);
  }
  mkdirSync(dir, { recursive: true });
  for (const [day, texts] of days)
    writeFileSync(join(dir, `${day}.jsonl.gz`), gzipSync(`${texts.join('\n')}\n`));
}

interface Run {
  readonly seconds: number;
  readonly cpu: number;
  readonly output: string;
}

/** Ends with a line on stderr that says how much CPU it took. */
const METER =
  'data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();process.stderr.write(`cpu ${user+system}\\n`)})';

function quell(...args: readonly string[]): Run {
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', METER, 'dist/main.js', ...args],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (status === 2 || status === null) throw new Error(`quell ${args.join(' ')}: ${stderr}`);
  const cpu = Number(/cpu (\d+)\n$/.exec(stderr)?.[1]) / 1e6;
  return { seconds: (performance.now() - began) / 1_000, cpu, output: stdout };
}

function report(name: string, runs: readonly Run[]): void {
  const best = (pick: (run: Run) => number) => Math.min(...runs.map(pick)).toFixed(1);
  console.log(`| ${name} | ${best(({ seconds }) => seconds)} | ${best(({ cpu }) => cpu)} |`);
}

/** Prints a row for each command. */
function measure(services: number, rounds: readonly unknown[]): void {
  const dir = mkdtempSync(join(tmpdir(), 'quell-bench-'));
  const firings = prepare(dir, services);
  const month = `${services} services, ${Math.round(firings / DAYS)} firings a day`;
  const past = ['--since', SINCE, '--data-dir', join(dir, 'data')];
  const [rules, tried] = [join(dir, 'rules'), join(dir, 'tried')];
  const rehearse = ['replay', ...past, '--rules', tried, '--against', rules];
  const page = join(dir, 'page.html');
  report(
    `${month}: quell replay --since --rules --against --html`,
    rounds.map(() => quell(...rehearse, '--html', page)),
  );
  report(
    `${month}: quell suggest --since`,
    rounds.slice(0, 2).map(() => quell('suggest', ...past, '--rules', rules)),
  );
  if (process.env['KEEP'] === undefined) rmSync(dir, { recursive: true });
  else console.log(dir);
}

const load = loadavg()[0]?.toFixed(1);
console.log(`${cpus()[0]?.model}, ${cpus().length} CPUs, Node ${process.version}, load ${load}`);
console.log(`\n${DAYS} days of\n\n| | s | CPU s |\n|---|---|---|`);
for (const services of SERVICES)
  measure(services, Array.from({ length: Number(process.argv[2] ?? ROUNDS) }));
