/**
 * What is measured, part by part. Each starts its own Redis, and returns the rows of a table.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '../noise/random.ts';
import { type Body, bodies } from '../speed/alerts.ts';
import { openConnection } from '../speed/load.ts';
import type { Server } from '../speed/process.ts';
import { type Deployment, startDeployment, startRedisUnderLoad } from './deployment.ts';
import { daysOfHistory } from './history.ts';

export interface Setting {
  /** Distinct alerts of the throughput and memory parts. */
  readonly alerts: number;
}

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const PARTS: Readonly<Record<string, (setting: Setting) => Promise<Table>>> = {
  instances,
  services,
  memory,
  history,
};

const BATCH = 64;
const CONNECTIONS = 8;
const SERVICES = 2_000;
const DAYS = 14;
/** What the largest user of a year's records had. */
const ALERTS_PER_DAY = 635;

/** One lane: how much more do more instances cost? */
async function instances({ alerts }: Setting): Promise<Table> {
  const rows: string[][] = [];
  for (const count of [1, 2, 4]) {
    const redis = await startRedisUnderLoad();
    const one = await startDeployment(redis, 'scale', count);
    rows.push([String(count), ...(await load([one], redis.cpu, alerts))]);
    console.log(rows.at(-1)?.join('  '));
    await one.stop();
    await redis.stop();
  }
  return {
    title: `One lane, ${alerts} distinct alerts in batches of ${BATCH}, spread over the instances`,
    head: ['instances', ...LOAD_HEAD],
    rows,
  };
}

/** Several services of one instance each, that share nothing but the Redis. */
async function services({ alerts }: Setting): Promise<Table> {
  const rows: string[][] = [];
  for (const count of [1, 2, 4]) {
    const redis = await startRedisUnderLoad();
    const all: Deployment[] = [];
    for (let index = 0; index < count; index++) {
      all.push(await startDeployment(redis, `scale-${index}`, 1));
    }
    rows.push([String(count), ...(await load(all, redis.cpu, alerts))]);
    console.log(rows.at(-1)?.join('  '));
    for (const one of all) await one.stop();
    await redis.stop();
  }
  return {
    title: `Services with a lane each on one Redis, ${alerts} distinct alerts in all`,
    head: ['services', ...LOAD_HEAD],
    rows,
  };
}

const LOAD_HEAD = [
  'alerts/s, answered',
  'alerts/s, decided',
  'CPU s per 100,000: Redis',
  'leaders, each',
  'others, each',
];

async function load(
  deployments: readonly Deployment[],
  redisCpu: () => number,
  alerts: number,
): Promise<readonly string[]> {
  const all = deployments.flatMap(({ instances: some }) => some);
  const leaders = new Set<Server>();
  for (const one of deployments) leaders.add(await one.leader());
  const share = alerts / deployments.length;
  const posts = deployments.map((one, index) => ({
    ports: one.instances.map(({ port }) => port),
    bodies: bodies({ distinct: share, services: SERVICES, tag: `scale-${index}` }, share, BATCH),
  }));
  const before = { redis: redisCpu(), each: all.map((one) => one.cpu()) };
  const began = performance.now();
  await Promise.all(posts.map((one) => postRound(one.ports, one.bodies)));
  const answered = (performance.now() - began) / 1_000;
  while ((await decidedBy(deployments)) < alerts) await sleep(20);
  const decided = (performance.now() - began) / 1_000;
  const used = all.map((one, index) => ({
    leads: leaders.has(one),
    cpu: one.cpu() - (before.each[index] ?? 0),
  }));
  const per = (cpus: readonly number[], of: number): string => {
    if (cpus.length === 0) return '-';
    const mean = cpus.reduce((sum, cpu) => sum + cpu, 0) / cpus.length;
    return ((mean * 100_000) / of).toFixed(2);
  };
  return [
    (alerts / answered).toFixed(0),
    (alerts / decided).toFixed(0),
    per([redisCpu() - before.redis], alerts),
    per(
      used.filter(({ leads }) => leads).map(({ cpu }) => cpu),
      share,
    ),
    per(
      used.filter(({ leads }) => !leads).map(({ cpu }) => cpu),
      share,
    ),
  ];
}

async function decidedBy(deployments: readonly Deployment[]): Promise<number> {
  let sum = 0;
  for (const one of deployments) sum += await one.decided();
  return sum;
}

async function postRound(ports: readonly number[], all: readonly Body[]): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, index) => {
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
  const one = await startDeployment(redis, 'scale', 2);
  const leader = await one.leader();
  const other = one.instances.find((instance) => instance !== leader) ?? leader;
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

async function usedBy({ client }: { readonly client: { info(section: string): Promise<string> } }) {
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
