/**
 * What is measured, part by part. Each starts its own Redis, and returns the rows of a table.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../noise/random.ts';
import { type Body, bodies } from '../speed/alerts.ts';
import { openConnection } from '../speed/load.ts';
import type { Server } from '../speed/process.ts';
import { clusterOf, startDeployment, startRedisUnderLoad } from './deployment.ts';
import { daysOfHistory } from './history.ts';
import { large } from './large.ts';
import type { Table } from './markdown.ts';

export interface Setting {
  /** Distinct alerts of the throughput and memory parts. */
  readonly alerts: number;
}

export const PARTS: Readonly<Record<string, (setting: Setting) => Promise<Table>>> = {
  instances,
  following,
  lanes,
  memory,
  history,
  large,
};

const BATCH = 64;
/** To each instance. */
const CONNECTIONS = 8;
/** To ask what was decided costs an instance something, too. */
const LOOK_EVERY_MS = 250;
/** Alerts that are not counted: until then every process is busy with compiling itself. */
const WARM_UP = 10_000;
const SERVICES = 2_000;
const DAYS = 14;
/** What the largest user of a year's records had. */
const ALERTS_PER_DAY = 635;

/** One lane: how much more do more instances cost? */
async function instances({ alerts }: Setting): Promise<Table> {
  return {
    title: `One lane, ${alerts} distinct alerts in batches of ${BATCH}, spread over the instances`,
    head: ['instances', ...LOAD_HEAD],
    rows: await rowsOf(async (count) => load({ instances: count, lanes: 1 }, alerts)),
  };
}

/** What an instance needs that does nothing but follow. */
async function following({ alerts }: Setting): Promise<Table> {
  const row = await load({ instances: 2, lanes: 1, onlyToLeaders: true }, alerts);
  return {
    title: `One lane, ${alerts} distinct alerts in batches of ${BATCH}, all to the instance that leads`,
    head: ['instances', ...LOAD_HEAD],
    rows: [['2', ...row]],
  };
}

/** As many lanes as instances: how much more do they decide together? */
async function lanes({ alerts }: Setting): Promise<Table> {
  return {
    title: `As many lanes as instances, ${alerts} distinct alerts in batches of ${BATCH} of one lane each`,
    head: ['lanes and instances', ...LOAD_HEAD],
    rows: await rowsOf(async (count) => load({ instances: count, lanes: count }, alerts)),
  };
}

async function rowsOf(
  measure: (count: number) => Promise<readonly string[]>,
): Promise<readonly (readonly string[])[]> {
  const rows: string[][] = [];
  for (const count of [1, 2, 4]) {
    rows.push([String(count), ...(await measure(count))]);
    console.log(rows.at(-1)?.join('  '));
  }
  return rows;
}

const LOAD_HEAD = [
  'alerts/s, answered',
  'alerts/s, decided',
  'CPU s per 100,000: Redis',
  'leaders, each',
  'others, each',
];

interface Load {
  readonly instances: number;
  readonly lanes: number;
  readonly onlyToLeaders?: boolean;
}

/** CPU of an instance is for 100,000 alerts that all instances together got. */
async function load(
  { instances: count, lanes: split, onlyToLeaders = false }: Load,
  alerts: number,
): Promise<readonly string[]> {
  const redis = await startRedisUnderLoad();
  const deployment = await startDeployment(redis, count, split);
  const all = deployment.instances;
  const leaders = new Set<Server>(await deployment.leaders());
  const ports = (onlyToLeaders ? [...leaders] : all).map(({ port }) => port);
  await postRound(ports, mixed('warm', split, WARM_UP));
  while ((await deployment.decided()) < WARM_UP) await sleep(LOOK_EVERY_MS);
  const posts = mixed('lane', split, alerts);
  const before = { redis: redis.cpu(), each: all.map((one) => one.cpu()) };
  const began = performance.now();
  await postRound(ports, posts);
  const answered = (performance.now() - began) / 1_000;
  while ((await deployment.decided()) < WARM_UP + alerts) await sleep(LOOK_EVERY_MS);
  const decided = (performance.now() - began) / 1_000;
  const redisUsed = redis.cpu() - before.redis;
  const used = all.map((one, index) => ({
    leads: leaders.has(one),
    cpu: one.cpu() - (before.each[index] ?? 0),
  }));
  await deployment.stop();
  await redis.stop();
  const per = (cpus: readonly number[]): string => {
    if (cpus.length === 0) return '-';
    const mean = cpus.reduce((sum, cpu) => sum + cpu, 0) / cpus.length;
    return ((mean * 100_000) / alerts).toFixed(2);
  };
  return [
    (alerts / answered).toFixed(0),
    (alerts / decided).toFixed(0),
    per([redisUsed]),
    per(used.filter(({ leads }) => leads).map(({ cpu }) => cpu)),
    per(used.filter(({ leads }) => !leads).map(({ cpu }) => cpu)),
  ];
}

/** Bodies of all lanes in turn, each with alerts of one lane, as one Prometheus sends them. */
function mixed(tag: string, split: number, alerts: number): readonly Body[] {
  const share = Math.floor(alerts / split);
  const sets = Array.from({ length: split }, (_, lane) => {
    const count = lane === 0 ? alerts - share * (split - 1) : share;
    const set = { distinct: count, services: SERVICES, tag: `${tag}-${lane}` };
    return bodies({ ...set, cluster: clusterOf(lane) }, count, BATCH);
  });
  const longest = Math.max(...sets.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) =>
    sets.flatMap((set) => set[index] ?? []),
  ).flat();
}

export async function postRound(ports: readonly number[], all: readonly Body[]): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS * ports.length }, async (_, index) => {
      const connection = await openConnection(ports[index % ports.length] ?? 0);
      for (let body = all[next++]; body !== undefined; body = all[next++]) {
        await connection.post(body);
      }
      connection.close();
    }),
  );
}

/** What Redis and an instance need for an alert that is open. */
async function memory({ alerts }: Setting): Promise<Table> {
  const redis = await startRedisUnderLoad();
  const one = await startDeployment(redis, 2);
  const [leader] = await one.leaders();
  const other = one.instances.find((instance) => instance !== leader);
  if (leader === undefined || other === undefined)
    throw new Error('nobody leads, or nobody follows');
  const rows: string[][] = [];
  let posted = 0;
  for (const total of [alerts / 4, alerts]) {
    const before = [await usedBy(redis), leader.memory().rss, other.memory().rss] as const;
    const set = { distinct: total - posted, services: SERVICES, tag: `memory-${total}` };
    await postRound([leader.port], bodies(set, total - posted, BATCH));
    while ((await one.decided()) < total) await sleep(50);
    const bytes = ((await usedBy(redis)) - before[0]) / (total - posted);
    rows.push([
      String(total),
      bytes.toFixed(0),
      (((leader.memory().rss - before[1]) * 1e6) / (total - posted)).toFixed(0),
      (((other.memory().rss - before[2]) * 1e6) / (total - posted)).toFixed(0),
      `${((await usedBy(redis)) / 1e6).toFixed(0)} / ${leader.memory().rss.toFixed(0)} / ${other.memory().rss.toFixed(0)}`,
    ]);
    console.log(rows.at(-1)?.join('  '));
    posted = total;
  }
  await one.stop();
  await redis.stop();
  return {
    title: 'Memory for each open alert, its decisions included, in bytes',
    head: [
      'open alerts',
      'Redis',
      'leader',
      'another instance',
      'all in MB: Redis / leader / other',
    ],
    rows,
  };
}

/** Bytes. */
export async function usedBy({
  client,
}: {
  readonly client: { info(section: string): Promise<string> };
}) {
  return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1] ?? 0);
}

/** What Redis keeps of each day that is over. */
async function history(): Promise<Table> {
  const redis = await startRedisUnderLoad();
  const days = { days: DAYS, perDay: ALERTS_PER_DAY, random: createRandom('history') };
  const bytes = await daysOfHistory(`${redis.url}?prefix=history`, redis.client, days);
  await redis.stop();
  return {
    title: `History: ${ALERTS_PER_DAY} alerts a day for ${DAYS} days, in Redis`,
    head: ['key', 'KB a day'],
    rows: [...bytes].map(([key, size]) => [key, (size / DAYS / 1e3).toFixed(0)]),
  };
}
