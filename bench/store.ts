/**
 * What the embedded store costs: CPU for accepts and commits of several sizes, memory and time with
 * 100,000 records. Run: npx tsx bench/store.ts [directory]
 *
 * CPU is that of the whole process, kernel included, on all its threads; what it was before the first
 * measurement is not counted. Figures and what was tried besides: bench/STORE.md.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, readdirSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Decision } from '../src/model.ts';
import type { Commit, StateRecord, Store } from '../src/store/contract.ts';
import { openEmbeddedStore } from '../src/store/embedded.ts';

const RECORDS = 100_000;
const LANE = 'default';

async function main(): Promise<void> {
  const dir = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'quell-bench-'));
  console.log(`${cpus()[0]?.model}, ${cpus().length} CPUs, Node ${process.version}, ${dir}`);
  const records = Array.from({ length: RECORDS }, (_, index) => alertRecord(index, 0));
  const bytes = JSON.stringify(records[5]?.value).length;
  console.log(`records of ${bytes} bytes; ${memory()} before the store was opened`);
  let store = await openEmbeddedStore(dir);
  await accepts(store);
  await commits(store, records);
  console.log(`${memory()}, files ${megabytes(sizeOf(dir))}, after all commits`);
  await store.close();

  records.length = 0;
  let began = performance.now();
  store = await openEmbeddedStore(dir);
  const opened = performance.now() - began;
  began = performance.now();
  const snapshot = await store.load(LANE);
  let loaded = 0;
  for (const { value } of snapshot.records) if (value !== undefined) loaded += 1;
  const took = performance.now() - began;
  console.log(
    `open ${opened.toFixed(0)} ms, load of ${loaded} records ${took.toFixed(0)} ms, ${memory()}`,
  );
  await store.close();
  rmSync(dir, { recursive: true });
}

async function accepts(store: Store): Promise<void> {
  const small = Buffer.alloc(800, 'a');
  const large = Buffer.alloc(50_000, 'a');
  const accept = async (body: Uint8Array): Promise<void> => {
    const seqs = await store.accept(LANE, [
      { at: Date.now(), delivery: 'd-4711', source: 'prometheus', body },
    ]);
    accepted.push(...seqs);
  };
  await measure('accept 800 B, one after another', 2_000, 1, () => accept(small));
  await measure('accept 800 B, 8 at a time', 8_000, 8, async () => {
    await Promise.all(Array.from({ length: 8 }, () => accept(small)));
  });
  await measure('accept 50 kB (64 alerts), one after another', 1_000, 1, () => accept(large));
}

const accepted: number[] = [];
let version = 0;

async function commits(store: Store, records: readonly StateRecord[]): Promise<void> {
  await commit(store, { decided: accepted.splice(0) });
  for (const [size, count] of [
    [1, 2_000],
    [64, RECORDS],
    [1_000, RECORDS],
    [64, RECORDS],
  ] as const) {
    let at = 0;
    await measure(`put, ${size} in a commit`, count, size, async () => {
      const put = records.slice(at, at + size);
      at += put.length;
      await commit(store, { put, wakeAt: 1 });
    });
    console.log(`    ${memory()}`);
  }
  await measure('put with a decision, 64 in a commit', RECORDS, 64, async (turn) => {
    const put = records.slice(turn * 64, turn * 64 + 64);
    const decisions = put.map(({ key }, index) => decision(turn * 64 + index, key, turn));
    await commit(store, { put, decisions });
  });
  console.log(`    ${memory()}`);
  await measure(
    'request: accept, decide, commit of 1, one after another',
    2_000,
    1,
    async (turn) => {
      await acceptAndCommit(store, records.slice(turn, turn + 1));
    },
  );
  let turn = 0;
  let going: Promise<void> | undefined;
  const waiting: number[] = [];
  const lane = async (): Promise<void> => {
    while (waiting.length > 0) {
      const decided = waiting.splice(0);
      await commit(store, { decided, put: records.slice(turn, turn + decided.length) });
      turn = (turn + decided.length) % (RECORDS - 100);
    }
  };
  await measure('request: accept, decide, commit of 1, 8 at a time', 20_000, 8, async () => {
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        waiting.push(...(await store.accept(LANE, [item(800)])));
        going ??= lane().finally(() => {
          going = undefined;
        });
      }),
    );
  });
  await going;
  await measure('webhook: accept 50 kB, commit of 64', 64_000, 64, (round) =>
    acceptAndCommit(store, records.slice(round * 64, round * 64 + 64)),
  );
}

async function acceptAndCommit(store: Store, put: readonly StateRecord[]): Promise<void> {
  const decided = await store.accept(LANE, [item(put.length * 800)]);
  await commit(store, { decided, put });
}

function item(bytes: number): { at: number; delivery: string; source: string; body: Uint8Array } {
  return { at: 1, delivery: 'd-4711', source: 'prometheus', body: Buffer.alloc(bytes, 'a') };
}

async function commit(store: Store, change: Partial<Commit>): Promise<void> {
  const result = await store.commit(LANE, {
    version,
    decided: [],
    put: [],
    remove: [],
    decisions: [],
    rules: 'a1b2c3',
    closed: [],
    effects: [],
    effectsDone: [],
    wakeAt: undefined,
    ...change,
  });
  if (result.kind === 'stale') throw new Error('stale');
  version = result.version;
}

/** `turn` is called until `count` are done, `each` at a time. */
async function measure(
  what: string,
  count: number,
  each: number,
  turn: (index: number) => Promise<void>,
): Promise<void> {
  const before = process.cpuUsage();
  const began = performance.now();
  for (let index = 0; index * each < count; index++) await turn(index);
  const { user, system } = process.cpuUsage(before);
  const wall = ((performance.now() - began) * 1_000) / count;
  console.log(
    `${what.padEnd(58)} CPU ${us((user + system) / count)} (kernel ${us(system / count)}), wall ${us(wall)} each`,
  );
}

function us(value: number): string {
  return `${value.toFixed(1).padStart(6)} us`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function memory(): string {
  globalThis.gc?.();
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name: string): string => {
    const kilobytes = Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    return `${name} ${megabytes(kilobytes * 1_024)}`;
  };
  return ['VmRSS', 'RssAnon', 'RssFile', 'VmHWM'].map(field).join(', ');
}

function sizeOf(path: string): number {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

/** An alert as the lane keeps it, about 850 bytes. */
function alertRecord(index: number, at: number): StateRecord {
  const service = `service-${index % 2_000}`;
  const value = {
    fingerprint: `${(index * 2_654_435_761) % 4_294_967_296}`.padStart(16, '0'),
    source: 'prometheus',
    labels: {
      alertname: `HighLatency${index % 50}`,
      service,
      instance: `10.0.${index >> 8}.${index & 255}:9100`,
      cluster: 'eu-west-1a',
      namespace: 'payments',
      pod: `${service}-7c9d8f-${index}`,
      severity: 'warning',
      team: `team-${index % 20}`,
      job: 'node',
      env: 'prod',
    },
    annotations: {
      summary: `Latency of ${service} is above its limit for 5 minutes`,
      description: `p99 latency of ${service} is 2.3 s, above the limit of 1 s. Look at the dashboard.`,
      runbook_url: 'https://runbooks.example.org/latency',
    },
    generatorURL: `http://prometheus:9090/graph?g0.expr=latency_${index}`,
    facts: { name: 'HighLatency', service, known: true, environment: 'prod', severity: 'warning' },
    status: 'firing',
    startsAt: 1_700_000_000_000 + index,
    since: 1_700_000_000_000 + at,
    expiresAt: 1_700_000_300_000 + at,
    episodes: 1,
    heldUntil: 1_700_000_060_000,
    holdRule: 'built-in',
  };
  return { key: `alert:${value.fingerprint}`, value };
}

function decision(index: number, fingerprint: string, turn: number): Decision {
  return {
    at: 1_700_000_000_000 + turn,
    reason: 'joined',
    fingerprint,
    service: `service-${index % 2_000}`,
    incident: `incident-${index % 1_000}`,
    delivery: `delivery-${turn}`,
    because: 'checkout -> payments, 1 hop, 38 s later',
    rule: 'quiet.yaml:9',
    why: undefined,
  };
}

await main();
