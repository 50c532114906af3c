/**
 * A million open alerts and 10,000 services in one lane, two instances: how it fills, what it then takes to
 * post and to look, and to take over.
 *
 *     npm run build && npx tsx bench/scale/million.ts [--alerts 1000000] [--services 10000] [--write]
 *
 * `--write` puts the table into bench/scale/MILLION.md, from which docs/scaling.md says what it says.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bodies, single } from '../speed/alerts.ts';
import { openConnection } from '../speed/load.ts';
import type { Server } from '../speed/process.ts';
import {
  type Deployment,
  metric,
  type RedisUnderLoad,
  startDeployment,
  startRedisUnderLoad,
} from './deployment.ts';
import { machine, markdown } from './markdown.ts';
import { postRound, usedBy } from './parts.ts';

/** The lane is filled in so many steps, each with services of its own. */
const STEPS = 10;
const BATCH = 64;
const POSTS = 200;
const PATHS = ['/v1/alerts?limit=100', '/v1/incidents?limit=100', '/'];

const { values } = parseArgs({
  options: {
    alerts: { type: 'string', default: '1000000' },
    services: { type: 'string', default: '10000' },
    write: { type: 'boolean', default: false },
  },
});
const alerts = Number(values.alerts);
const services = Number(values.services);
const rows: (readonly [what: string, measured: string])[] = [];

function note(what: string, measured: string): void {
  rows.push([what, measured]);
  console.log(`${what}: ${measured}`);
}

const tagOf = (step: number): string => `step-${step}`;

/** The leader first. */
async function fill(
  redis: RedisUnderLoad,
  deployment: Deployment,
  instances: readonly Server[],
): Promise<void> {
  const each = alerts / STEPS;
  for (let step = 0; step < STEPS; step++) {
    const set = { distinct: each, services: services / STEPS, tag: tagOf(step) };
    const posts = bodies(set, each, BATCH);
    const cpus = () => [redis, ...instances].map((one) => one.cpu());
    const before = cpus();
    const began = performance.now();
    await postRound(
      instances.map(({ port }) => port),
      posts,
    );
    while ((await deployment.decided()) < each * (step + 1)) await sleep(100);
    const perSecond = (each / ((performance.now() - began) / 1_000)).toFixed(0);
    const used = cpus().map((cpu, index) =>
      (((cpu - (before[index] ?? 0)) * 100_000) / each).toFixed(1),
    );
    if (step > 0 && step < STEPS - 1) continue;
    const which = step === 0 ? 'the first tenth' : 'the last tenth';
    const each3 = `Redis ${used[0]}, leader ${used[1]}, other ${used[2]}`;
    note(`filling it, ${which}`, `${perSecond} alerts/s; CPU s per 100,000: ${each3}`);
  }
}

/** One alert that was never sent before, again and again. */
async function posting({ port }: Server): Promise<string> {
  const connection = await openConnection(port);
  const set = { distinct: POSTS, services: services / STEPS, tag: tagOf(0), cluster: `at-${port}` };
  const ms: number[] = [];
  for (let index = 0; index < POSTS; index++) ms.push(await connection.post(single(set, index)));
  connection.close();
  ms.sort((one, other) => one - other);
  const [median, most] = [ms[POSTS / 2], ms[Math.floor(POSTS * 0.99)]];
  return `half in ${median?.toFixed(1)} ms, 99 of 100 in ${most?.toFixed(1)} ms`;
}

async function looking({ port }: Server): Promise<string> {
  const took: string[] = [];
  for (const path of PATHS) {
    const began = performance.now();
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    await response.arrayBuffer();
    took.push(`${path} ${(performance.now() - began).toFixed(0)} ms`);
  }
  return took.join(', ');
}

/** From now on, until this one leads and has decided what was sent to it meanwhile. */
async function takesOver(next: Server, gone: Promise<unknown>): Promise<string> {
  const began = performance.now();
  const cpu = next.cpu();
  const seconds = (): string => ((performance.now() - began) / 1_000).toFixed(1);
  await gone;
  while ((await metric(next, 'quell_leads')) < 1) await sleep(50);
  const led = seconds();
  const decided = await metric(next, 'quell_verdicts_total');
  const connection = await openConnection(next.port);
  const set = { distinct: 1, services: 1, tag: tagOf(0), cluster: `over-${next.port}` };
  await connection.post(single(set, 0));
  connection.close();
  while ((await metric(next, 'quell_verdicts_total')) <= decided) await sleep(20);
  return `leads after ${led} s, decides after ${seconds()} s, ${(next.cpu() - cpu).toFixed(1)} CPU s`;
}

function memoryOf(redis: number, all: readonly Server[]): string {
  const each = all.map(
    (one) => `${one.memory().rss.toFixed(0)} (most: ${one.memory().peak.toFixed(0)})`,
  );
  return `Redis ${(redis / 1e6).toFixed(0)} MB, instances ${each.join(' and ')} MB`;
}

async function main(): Promise<void> {
  const before = machine();
  const redis = await startRedisUnderLoad();
  const names = Array.from({ length: services }, (_, index) => {
    const step = Math.floor(index / (services / STEPS));
    return `${tagOf(step)}-service-${index % (services / STEPS)}`;
  });
  const deployment = await startDeployment(redis, 2, 1, names);
  const [leader] = await deployment.leaders();
  const first = deployment.instances.findIndex((one) => one === leader);
  const [led, other] = [deployment.instances[first], deployment.instances[1 - first]];
  if (led === undefined || other === undefined) throw new Error('nobody leads, or nobody follows');
  await fill(redis, deployment, [led, other]);
  note('memory', memoryOf(await usedBy(redis), [led, other]));
  note('a POST of one alert, to the leader', await posting(led));
  note('a POST of one alert, to the other', await posting(other));
  note('pages of the leader', await looking(led));
  note('pages of the other, asked for the first time', await looking(other));
  const killed = led.stop('SIGKILL');
  note('the leader is killed: the other one', await takesOver(other, killed));
  const began = performance.now();
  const fresh = await deployment.replace(first);
  const ready = `ready after ${((performance.now() - began) / 1_000).toFixed(1)} s, ${fresh.cpu().toFixed(1)} CPU s`;
  note('an instance starts', ready);
  const over = await takesOver(fresh, other.stop('SIGKILL'));
  note('the leader is killed at once then: the one that just started', over);
  note('memory', memoryOf(await usedBy(redis), [fresh]));
  await deployment.stop();
  await redis.stop();
  const title = `${alerts} open alerts and ${services} services in one lane, two instances`;
  const text = `${before}\n\n${markdown({ title, head: ['what', 'measured'], rows })}`;
  if (values.write) writeFileSync('bench/scale/MILLION.md', `${HEADING}\n\n${text}\n`);
}

const HEADING = `# Scale: a million open alerts

How: \`npm run build && npx tsx bench/scale/million.ts --write\`. Redis writes its log with appendfsync everysec;
it, both instances and the sender share the machine. Alerts are about 800 bytes, in batches of ${BATCH}, to both instances in turn.`;

await main();
