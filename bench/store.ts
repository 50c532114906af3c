/**
 * What the embedded store costs: CPU for commits of several sizes, memory and time with 100,000
 * records. Run: node --expose-gc --import tsx bench/store.ts [directory]
 *
 * CPU is that of the whole process, kernel included, on all its threads; each figure is the best of
 * several rounds, since other work on the machine can only add to it. Results: bench/STORE.md.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Decision } from '../src/model.ts';
import type { Commit, StateRecord, Store } from '../src/store/contract.ts';
import { openEmbeddedStore } from '../src/store/embedded.ts';

const RECORDS = 100_000;
const LANE = 'default';
const ROUNDS = 5;

let version = 0;

async function main(): Promise<void> {
  const dir = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'quell-bench-'));
  console.log(`${cpus()[0]?.model}, ${cpus().length} CPUs, Node ${process.version}`);
  const records = Array.from({ length: RECORDS }, (_, index) => alertRecord(index));
  console.log(`records of ${JSON.stringify(records[5]?.value).length} bytes`);
  console.log(`before anything was opened: ${memory()}`);
  const store = await openEmbeddedStore(dir);
  await putAll(store, records);
  console.log(`with ${RECORDS} records: ${memory()}, files ${megabytes(sizeOf(dir))}`);
  await putSome(store, records);
  console.log(`after all commits: ${memory()}, files ${megabytes(sizeOf(dir))}`);
  await store.close();
  records.length = 0;
  await reload(dir);
  rmSync(dir, { recursive: true });
}

async function putAll(store: Store, records: readonly StateRecord[]): Promise<void> {
  const before = process.cpuUsage();
  for (let at = 0; at < RECORDS; at += 64) await commit(store, { put: records.slice(at, at + 64) });
  console.log(`first put of all, 64 in a commit: ${us(cpuSince(before) / RECORDS)} CPU each`);
}

async function putSome(store: Store, records: readonly StateRecord[]): Promise<void> {
  for (const [size, count] of [
    [1, 2_000],
    [8, 8_000],
    [64, 20_000],
    [1_000, 20_000],
  ] as const) {
    await measure(`put again in commits of ${size}`, count, async (at) => {
      const put = Array.from({ length: size }, (_, index) => recordAt(records, at + index));
      await commit(store, { put });
      return size;
    });
  }
  await measure('put with a decision in commits of 1', 2_000, async (at) => {
    const decisions = [decisionOf(at, at)];
    await commit(store, { put: [recordAt(records, at)], decisions });
    return 1;
  });
  await measure('put with a decision in commits of 64', 20_000, async (at) => {
    const put = Array.from({ length: 64 }, (_, index) => recordAt(records, at + index));
    const decisions = put.map((_, index) => decisionOf(at + index, at));
    await commit(store, { put, decisions });
    return 64;
  });
  await measure('commit that changes nothing', 2_000, async () => {
    await commit(store, {});
    return 1;
  });
}

/** In an order that has nothing to do with that of the keys. */
function recordAt(records: readonly StateRecord[], index: number): StateRecord {
  const record = records[(index * 7_919) % RECORDS];
  if (record === undefined) throw new Error(`no record ${index}`);
  return record;
}

async function reload(dir: string): Promise<void> {
  let began = performance.now();
  const store = await openEmbeddedStore(dir);
  const opened = performance.now() - began;
  began = performance.now();
  const { records } = await store.load(LANE);
  const loaded = [...records];
  const took = performance.now() - began;
  console.log(
    `open ${opened.toFixed(0)} ms, load of ${loaded.length} records ${took.toFixed(0)} ms; ${memory()}`,
  );
  await store.close();
  console.log(`closed: ${memory()}`);
}

async function commit(store: Store, change: Partial<Commit>): Promise<void> {
  const result = await store.commit(LANE, {
    version,
    put: [],
    remove: [],
    decisions: [],
    rules: 'a1b2c3',
    closed: [],
    effects: [],
    effectsDone: [],
    wakeAt: undefined,
    jobs: [],
    ...change,
  });
  if (result.kind === 'stale') throw new Error('stale');
  version = result.version;
}

let done = 0;

/** `turn` does something from a number on, and says how much it did. History is written in the end. */
async function measure(
  what: string,
  count: number,
  turn: (at: number) => Promise<number>,
): Promise<void> {
  let best = { cpu: Infinity, kernel: 0, wall: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    const began = performance.now();
    let did = 0;
    while (did < count) {
      const more = await turn(done);
      did += more;
      done += more;
    }
    const { user, system } = process.cpuUsage(before);
    const wall = (performance.now() - began) * 1_000;
    if (user + system < best.cpu * did) {
      best = { cpu: (user + system) / did, kernel: system / did, wall: wall / did };
    }
  }
  console.log(
    `${what.padEnd(40)} CPU ${us(best.cpu)} each (kernel ${us(best.kernel)}), wall ${us(best.wall)}`,
  );
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
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
function alertRecord(index: number): StateRecord {
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
    since: 1_700_000_000_000,
    expiresAt: 1_700_000_300_000,
    episodes: 1,
    heldUntil: 1_700_000_060_000,
    holdRule: 'built-in',
  };
  return { key: `alert:${value.fingerprint}`, value };
}

function decisionOf(index: number, turn: number): Decision {
  return {
    at: 1_700_000_000_000 + turn,
    reason: 'joined',
    fingerprint: `fingerprint-${index}`,
    service: `service-${index % 2_000}`,
    incident: `incident-${index % 1_000}`,
    delivery: `delivery-${turn}`,
    because: 'checkout -> payments, 1 hop, 38 s later',
    rule: 'quiet.yaml:9',
    why: undefined,
  };
}

await main();
