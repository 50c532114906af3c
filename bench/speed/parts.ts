/**
 * What is measured, part by part. Each part starts its own servers and returns the rows of a table.
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AlertSet, bodies, single as oneAlert } from './alerts.ts';
import { openConnection, postAll } from './load.ts';
import { replay } from './replay.ts';
import { type Contender, writeRules } from './servers.ts';
import type { Sink } from './sink.ts';
import { listAll, openMany, quantile, quiet, report } from './steps.ts';

export interface Setting {
  /** Quell as it is built: dist/main.js. */
  readonly main: string;
  readonly contenders: readonly Contender[];
  readonly sink: Sink;
  /** 100,000 unless it should be quick. */
  readonly alerts: number;
  readonly connections: number;
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const PARTS: Readonly<Record<string, (setting: Setting) => Promise<Table>>> = {
  cpu,
  told,
  single,
  memory,
  resent,
  latency,
  restart,
  listing,
  growth,
  replay: async ({ main }) => replay(main, ROUNDS),
};

/** Other work on a machine only adds to what a server takes, so the least of some runs says most. */
const ROUNDS = 3;

/** CPU of the server for the same alerts in batches, with few and many distinct. */
function cpu(setting: Setting): Promise<Table> {
  return work(setting, [64, 1_000]);
}

/** The same one by one. */
function single(setting: Setting): Promise<Table> {
  return work(setting, [1]);
}

async function work(setting: Setting, sizes: readonly number[]): Promise<Table> {
  const { contenders, alerts, connections } = setting;
  const rows: string[][] = [];
  for (const each of sizes) {
    for (const distinct of [1_000, 10_000, 100_000]) {
      const runs = contenders.map((): Run[] => []);
      for (let round = 0; round < ROUNDS; round++) {
        for (const [index, contender] of contenders.entries())
          runs[index]?.push(await workOnce(setting, contender, each, distinct));
      }
      for (const [index, { name }] of contenders.entries()) {
        const of = each === 1 ? 'one by one' : `of ${each}`;
        rows.push([name, of, String(distinct), ...leastOf(runs[index] ?? [])]);
        report(rows.at(-1));
      }
    }
  }
  return {
    title: `CPU for ${alerts} alerts over ${connections} connections, the least of ${ROUNDS} runs each`,
    head: ['server', 'batches', 'distinct', 'CPU s', 'posted in s', 'RSS MB'],
    rows,
  };
}

const TOLD_MS = 240_000;

/**
 * All alerts are distinct and come once: the load, and what follows from it in four minutes (they time out after
 * five). Alertmanager waits for more of a group for as long as it does by default, and tells of all of them then.
 */
async function told({ contenders, alerts, connections }: Setting): Promise<Table> {
  const rows: string[][] = [];
  for (const contender of contenders) {
    const server = await contender.start({ fresh: true, groupWait: '30s' });
    const prepared = bodies({ distinct: alerts, services: 2_000, tag: 'cpu' }, alerts, 64);
    const used: number[] = [];
    const rss: number[] = [];
    const before = server.cpu();
    await postAll(server.port, prepared, connections);
    await quiet(server);
    const began = performance.now();
    for (let minute = 0; minute * 60_000 <= TOLD_MS; minute++) {
      await sleep(began + minute * 60_000 - performance.now());
      used.push(server.cpu() - before);
      rss.push(server.memory().rss);
    }
    rows.push([
      contender.name,
      ...used.map((seconds) => seconds.toFixed(2)),
      ...[rss[0], rss[1], rss.at(-1), server.memory().peak].map((mb = 0) => mb.toFixed(0)),
    ]);
    report(rows.at(-1));
    await server.stop('SIGKILL');
  }
  return {
    title: `${alerts} distinct alerts sent once in batches of 64, and the four minutes after`,
    head: [
      'server',
      'CPU s right after',
      'after 1 minute',
      '2',
      '3',
      '4',
      'RSS MB right after',
      'after 1 minute',
      'at the end',
      'peak',
    ],
    rows,
  };
}

interface Run {
  readonly used: number;
  readonly seconds: number;
  readonly rss: number;
}

async function workOnce(
  { alerts, connections }: Setting,
  contender: Contender,
  each: number,
  distinct: number,
): Promise<Run> {
  const server = await contender.start({ fresh: true });
  const prepared = bodies({ distinct, services: 2_000, tag: 'cpu' }, alerts, each);
  const before = server.cpu();
  const seconds = await postAll(server.port, prepared, connections);
  await quiet(server);
  const run = { used: server.cpu() - before, seconds, rss: server.memory().rss };
  await server.stop('SIGKILL');
  return run;
}

function leastOf(runs: readonly Run[]): readonly string[] {
  const least = (pick: (run: Run) => number) => Math.min(...runs.map(pick));
  return [
    least(({ used }) => used).toFixed(2),
    least(({ seconds }) => seconds).toFixed(1),
    least(({ rss }) => rss).toFixed(0),
  ];
}

const REST_MS = 60_000;

/** Memory with all alerts open, and what it costs to do nothing with them. */
async function memory({ contenders, alerts, connections }: Setting): Promise<Table> {
  const rows: string[][] = [];
  for (const contender of contenders) {
    const server = await openMany(contender, alerts, connections);
    const { rss, anon, file, peak } = server.memory();
    const before = server.cpu();
    await sleep(REST_MS);
    const share = ((server.cpu() - before) / (REST_MS / 1_000)) * 100;
    rows.push([
      contender.name,
      ...[rss, anon, file, peak, server.memory().rss].map((megabytes) => megabytes.toFixed(0)),
      `${share.toFixed(1)} %`,
    ]);
    report(rows.at(-1));
    await server.stop('SIGKILL');
  }
  return {
    title: `With ${alerts} open alerts`,
    head: [
      'server',
      'RSS MB',
      'anonymous',
      'files',
      'peak',
      'RSS MB after a minute',
      'CPU at rest over a minute',
    ],
    rows,
  };
}

const RESENT_EVERY_MS = 60_000;
const RESENT_ROUNDS = 7;

/**
 * All alerts go on for seven minutes, and are sent again each minute, as Prometheus does. One of
 * Alertmanager's group intervals passes meanwhile: it tells of what came after a group's first message.
 */
async function resent({ contenders, alerts, connections }: Setting): Promise<Table> {
  const rows: string[][] = [];
  for (const contender of contenders) {
    const server = await contender.start({ fresh: true });
    const prepared = bodies({ distinct: alerts, services: 2_000, tag: 'open' }, alerts, 64);
    const began = performance.now();
    const used: number[] = [];
    const rss: number[] = [];
    for (let round = 0; round < RESENT_ROUNDS; round++) {
      const before = server.cpu();
      await postAll(server.port, prepared, connections);
      await sleep(began + (round + 1) * RESENT_EVERY_MS - performance.now());
      used.push(server.cpu() - before);
      rss.push(server.memory().rss);
    }
    const total = used.reduce((sum, seconds) => sum + seconds, 0);
    rows.push([
      contender.name,
      ...[total, used[0] ?? 0, used.at(-1) ?? 0].map((seconds) => seconds.toFixed(1)),
      ...[rss[0] ?? 0, rss.at(-1) ?? 0, server.memory().peak].map((value) => value.toFixed(0)),
    ]);
    report(rows.at(-1));
    await server.stop('SIGKILL');
  }
  return {
    title: `${alerts} alerts that go on, sent each minute for ${RESENT_ROUNDS} minutes`,
    head: [
      'server',
      'CPU s',
      'first minute',
      'last minute',
      'RSS MB after the first',
      'at the end',
      'peak',
    ],
    rows,
  };
}

/** From a single POST to the message, nothing held. */
async function latency({ contenders, sink }: Setting): Promise<Table> {
  const rows: string[][] = [];
  const count = 500;
  const rules = writeRules(count, 'latency');
  const set: AlertSet = { distinct: count, services: count, tag: 'latency', severity: 'critical' };
  for (const contender of contenders) {
    const server = await contender.start({ fresh: true, rules });
    const connection = await openConnection(server.port);
    const took: number[] = [];
    for (let index = 0; index < count; index++) {
      const arrives = sink.wait(`latency-service-${index}`);
      const posted = performance.now();
      await connection.post(oneAlert(set, index));
      took.push((await arrives) - posted);
      await sleep(20);
    }
    connection.close();
    rows.push([contender.name, ...[0.5, 0.9, 0.99, 1].map((share) => quantile(took, share))]);
    report(rows.at(-1));
    await server.stop('SIGKILL');
  }
  rmSync(rules, { recursive: true });
  return {
    title: `From a single POST to its message, ms, ${count} alerts one after another`,
    head: ['server', 'p50', 'p90', 'p99', 'max'],
    rows,
  };
}

/** Killed and started again with all alerts open. Alertmanager keeps none. */
async function restart({ contenders, alerts, connections }: Setting): Promise<Table> {
  const rows: string[][] = [];
  for (const contender of contenders.filter(({ name }) => name === 'Quell')) {
    const server = await openMany(contender, alerts, connections);
    await server.stop('SIGKILL');
    const began = performance.now();
    const again = await contender.start({ fresh: false });
    const seconds = (performance.now() - began) / 1_000;
    const { rss, file, peak } = again.memory();
    rows.push([contender.name, ...[seconds, rss, file, peak].map((value) => value.toFixed(1))]);
    report(rows.at(-1));
    await again.stop('SIGKILL');
  }
  return {
    title: `Ready again after kill -9 with ${alerts} open alerts`,
    head: ['server', 'seconds', 'RSS MB', 'files', 'peak'],
    rows,
  };
}

/** All open alerts listed, page by page, while single alerts are posted. */
async function listing({ contenders, alerts, connections }: Setting): Promise<Table> {
  const rows: string[][] = [];
  for (const contender of contenders) {
    const server = await openMany(contender, alerts, connections);
    const set: AlertSet = { distinct: 1_000, services: 10, tag: 'meanwhile' };
    const connection = await openConnection(server.port);
    const took: number[] = [];
    let going = true;
    const posting = (async () => {
      for (let index = 0; going; index++) {
        took.push(await connection.post(oneAlert(set, index)));
        await sleep(5);
      }
    })();
    const began = performance.now();
    const listed = await listAll(server, contender.name === 'Quell');
    const seconds = (performance.now() - began) / 1_000;
    going = false;
    await posting;
    connection.close();
    rows.push([
      contender.name,
      String(listed),
      seconds.toFixed(1),
      quantile(took, 0.5),
      quantile(took, 1),
      server.memory().peak.toFixed(0),
    ]);
    report(rows.at(-1));
    await server.stop('SIGKILL');
  }
  return {
    title: `Listing ${alerts} open alerts, and how long a POST takes meanwhile`,
    head: ['server', 'listed', 'seconds', 'POST p50 ms', 'POST max ms', 'peak MB'],
    rows,
  };
}

/** The cost of one more alert with little and with much open. */
async function growth({ contenders, alerts, connections }: Setting): Promise<Table> {
  const rows: string[][] = [];
  for (const contender of contenders) {
    for (const [open, services] of [
      [100, 10],
      [alerts, 2_000],
    ] as const) {
      const server = await contender.start({ fresh: true });
      await postAll(
        server.port,
        bodies({ distinct: open, services, tag: 'open' }, open, 64),
        connections,
      );
      await quiet(server);
      const set: AlertSet = { distinct: 20_000, services, tag: 'open-too' };
      const before = server.cpu();
      await postAll(server.port, bodies(set, 20_000, 64), connections);
      await quiet(server);
      const used = ((server.cpu() - before) / 20_000) * 1e6;
      rows.push([contender.name, String(open), String(services), used.toFixed(1)]);
      report(rows.at(-1));
      await server.stop('SIGKILL');
    }
  }
  return {
    title: 'CPU for each of 20,000 new alerts, in batches of 64',
    head: ['server', 'open before', 'services', 'CPU us'],
    rows,
  };
}
