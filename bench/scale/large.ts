/**
 * How long a delivery of ten megabytes, taken in by one instance and decided by another, keeps each of them from
 * everything else: the processor's time of the longest turn of its event loop. What else the machine does counts little.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '../speed/process.ts';
import { startDeployment, startRedisUnderLoad } from './deployment.ts';
import type { Table } from './markdown.ts';

/** Runs in each instance: adds up its main thread's time between two looks, and keeps the longest, in ms. */
const WATCH = `
import { existsSync, writeFileSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
const now = () => Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
const file = process.env.TURNS_DIR + '/' + process.env.QUELL_PORT;
let last = now();
let longest = 0;
function look() {
  longest = Math.max(longest, now() - last);
  last = now();
}
if (isMainThread) {
  setInterval(look, 2).unref();
  setInterval(() => {
    // Whoever takes the file away asks for a new one.
    if (!existsSync(file)) longest = 0;
    writeFileSync(file, String(longest));
  }, 100).unref();
}`;

/** After this who follows has read it, and each has written what it took. */
const WRITTEN_MS = 1_500;
const WARM_UPS = 2;

const DELIVERIES: Readonly<Record<string, (tag: string) => string>> = {
  '9,900 alerts of 1 kB': (tag) =>
    many(9_900, (i) => alert(`"alertname":"A${tag}","i":"${i}"`, `"t":"${'x'.repeat(900)}"`)),
  '4,000 alerts with 107 labels': (tag) =>
    many(4_000, (i) => alert(`"alertname":"B${tag}","i":"${i}",${labels(105, i)}`, '')),
  '75 alerts of 130 kB': (tag) =>
    many(75, (i) =>
      alert(`"alertname":"C${tag}","i":"${i}"`, `${long('a', 'x')},${long('b', 'y')}`),
    ),
  '75 alerts of 130 kB, nothing of it ASCII': (tag) =>
    many(75, (i) => alert(`"alertname":"D${tag}","i":"${i}"`, long('a', 'é'))),
  '10,000 alerts of 50 bytes': (tag) =>
    many(10_000, (i) => alert(`"alertname":"E${tag}-${i}"`, '')),
};

function many(count: number, one: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => one(index)).join(',');
}

function alert(of: string, annotations: string): string {
  return `{"labels":{${of}},"annotations":{${annotations}},"status":"firing"}`;
}

function labels(count: number, index: number): string {
  return many(count, (label) => `"l${label}":"value ${(label * index) % 97}"`);
}

function long(name: string, character: string): string {
  return `"${name}":"${character.repeat(64_000)}"`;
}

export async function large(): Promise<Table> {
  const dir = mkdtempSync(join(tmpdir(), 'quell-turns-'));
  const redis = await startRedisUnderLoad();
  const deployment = await startDeployment(redis, 3, 1, [], {
    TURNS_DIR: dir,
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(WATCH)}`,
  });
  const [leader] = await deployment.leaders();
  const [ingests, follows] = deployment.instances.filter((one) => one !== leader);
  if (leader === undefined || ingests === undefined || follows === undefined)
    throw new Error('nobody leads, or nobody follows');
  const all = [ingests, leader, follows];
  const rows: string[][] = [];
  const each = Object.entries(DELIVERIES);
  const [first] = each;
  const warm = first === undefined ? [] : Array.from({ length: WARM_UPS }, () => first);
  for (const [index, [name, make]] of [...warm, ...each].entries()) {
    const before = await deployment.decided();
    for (const { port } of all) rmSync(join(dir, String(port)), { force: true });
    await sleep(WRITTEN_MS);
    const body = `{"alerts":[${make(String(index))}]}`;
    const sent = await post(ingests, body);
    while ((await deployment.decided()) < before + sent) await sleep(250);
    await sleep(WRITTEN_MS);
    if (index < WARM_UPS) continue;
    const turns = all.map(({ port }) => Number(readFileSync(join(dir, String(port)), 'utf8')));
    rows.push([name, (body.length / 1e6).toFixed(1), ...turns.map((ms) => ms.toFixed(0))]);
    console.log(rows.at(-1)?.join('  '));
  }
  await deployment.stop();
  await redis.stop();
  rmSync(dir, { recursive: true });
  return {
    title: 'One large delivery: the longest turn of each instance, in ms of its processor',
    head: ['delivery', 'million characters', 'takes it in', 'leads', 'follows'],
    rows,
  };
}

/** How many alerts it took. */
async function post({ port }: Server, body: string): Promise<number> {
  const url = `http://127.0.0.1:${port}/v1/ingest/generic`;
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  // What docs/ingest.md says of the answer.
  return ((await response.json()) as { accepted: number }).accepted;
}
