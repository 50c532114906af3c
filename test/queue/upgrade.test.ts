/** Two versions on one Redis: what an older one wrote is read, what a newer one wrote is left to it. */
import { EventEmitter, once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/lane/clock.ts';
import type { Lane } from '../../src/lane/lane.ts';
import { CAPACITY } from '../../src/limits.ts';
import type { Event } from '../../src/model.ts';
import { openSharedLane } from '../../src/queue/shared-lane.ts';
import type { Store } from '../../src/store/contract.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { startRedis } from '../support/redis.ts';
import { type Dump, restoreDump } from '../support/redis-dump.ts';
import { alertEvent, rulesOf, SHOP, START } from '../support/story.ts';
import { within } from '../support/within.ts';

const redis = await startRedis();
afterAll(() => redis.dispose());
const client = new Redis(redis.url);
afterAll(() => client.disconnect());
let tests = 0;
/** Keys of a lane that earlier versions wrote. */
const SAMPLES = 'test/samples/redis';

interface Instance {
  readonly lane: Lane;
  readonly store: Store;
  /** Effects that an earlier leader left. */
  readonly toSay: readonly string[];
  /** Resolves when it said this, or has. */
  heard(pattern: RegExp): Promise<void>;
}

function wakeAt(at: number, callback: () => void): () => void {
  const timer = setTimeout(callback, at - Date.now());
  return () => clearTimeout(timer);
}

/** What all instances of a test have the same. */
function platform() {
  const prefix = `upgrade-${tests++}`;
  return { prefix, tag: `{${prefix}:default}` };
}

async function startInstance(
  { prefix }: { readonly prefix: string },
  clock: Clock = { now: Date.now, wakeAt },
): Promise<Instance> {
  const address = readRedisUrl(`${redis.url}?prefix=${prefix}`);
  if (address === undefined) throw new Error('no address');
  const lines: string[] = [];
  const toSay: string[] = [];
  const said = new EventEmitter();
  const say = (line: string): void => {
    lines.push(line);
    said.emit('line');
  };
  const trouble = ({ message }: Error): void => say(message);
  const store = await openRedisStore(address, trouble);
  const lane = await openSharedLane({
    name: 'default',
    address,
    store,
    rules: rulesOf(SHOP),
    clock,
    limits: CAPACITY,
    observer: {
      decided: (_, decisions) => {
        for (const { fingerprint } of decisions) {
          const { facts } = lane.state.alerts.get(fingerprint ?? '') ?? {};
          if (facts !== undefined) say(`decided ${facts.name}`);
        }
      },
      committed: () => undefined,
      failed: () => undefined,
      leads: (now) => say(now ? 'leads' : 'leads no more'),
      jobFailed: (_, error) => trouble(error),
      trouble,
    },
  });
  lane.attach({
    enqueue: () => undefined,
    restore: (effects) => toSay.push(...effects.map(({ id }) => id)),
    abandon: async () => undefined,
  });
  onTestFinished(async () => {
    await lane.stop();
    await store.close();
  });
  return {
    lane,
    store,
    toSay,
    async heard(pattern) {
      while (!lines.some((line) => pattern.test(line))) await once(said, 'line');
    },
  };
}

for (const file of readdirSync(SAMPLES)) {
  test(`what a version of ${file} left in Redis is read, decided and said`, async () => {
    // Written by our own versions: see CONTRIBUTING.md.
    const dump = JSON.parse(readFileSync(join(SAMPLES, file), 'utf8')) as Dump;
    const here = platform();
    await restoreDump(client, here.tag, dump);
    // As if it were that day, and no later.
    const now = Number(dump.lane.hash['wakeAt']);
    const clock = { now: () => now, wakeAt: () => () => undefined };
    const instance = await startInstance(here, clock);
    await within(10, 'it leads', instance.heard(/^leads$/));
    await within(10, 'the job that waited is decided', instance.heard(/^decided Lag$/));
    const { alerts, incidents, silences, heartbeats } = instance.lane.state;
    const known = [...alerts.values()].map(({ facts, status }) => `${facts.name} ${status}`);
    expect(known.sort()).toEqual([
      'Down firing',
      'Errors firing',
      'Full resolved',
      'Lag firing',
      'Slow firing',
    ]);
    const down = [...alerts.values()].find(({ facts }) => facts.name === 'Down');
    expect(incidents.get(down?.incident ?? '')).toMatchObject({ phase: 'open' });
    expect([...silences.values()].map(({ silence }) => silence.comment)).toEqual(['moving']);
    expect([...heartbeats.keys()]).toEqual(['nightly']);
    // Its source says that it is over, and it is the same alert.
    await instance.lane.submit(now, [alertOf('checkout', 'resolved', now)]);
    await within(10, 'it is decided', instance.heard(/^decided Errors$/));
    expect(alerts.size).toBe(5);
    expect(instance.toSay).toEqual([`message:${down?.incident}`]);
    const { items } = await instance.store.decisions({ lane: 'default', limit: 100 });
    expect(items.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['opened', 'joined']));
  });
}

test('an instance that is older than what wrote the state does not start', async () => {
  const here = platform();
  await client.hset(`${here.tag}:lane`, 'version', 7, 'format', 2);
  await expect(startInstance(here)).rejects.toMatchObject({
    code: 'store-format',
    message: expect.stringMatching(/older than what wrote the state .*: upgrade it$/),
  });
});

test('one that follows when a newer one begins to write never leads', async () => {
  const here = platform();
  const leader = await startInstance(here);
  await within(10, 'the first leads', leader.heard(/^leads$/));
  const follower = await startInstance(here);
  await leader.lane.submit(START, [alertOf('checkout', 'firing', START)]);
  await client.hset(`${here.tag}:lane`, 'version', 99, 'format', 2);
  await within(10, 'it finds out', follower.heard(/older than what wrote the state/));
  await leader.lane.stop();
  const lead = new Queue('lead', { connection: client, prefix: here.tag });
  await within(10, 'it had the lead, and gave it back', freed(lead));
  expect(follower.lane.leads).toBe(false);
  expect(await lead.getJobCountByTypes('wait')).toBe(1);
});

test('one that leads when a newer one writes a job leaves it, and the lead, to that', async () => {
  const here = platform();
  const leader = await startInstance(here);
  await within(10, 'it leads', leader.heard(/^leads$/));
  const inbox = new Queue('inbox', { connection: client, prefix: here.tag });
  await inbox.add('deliveries', { format: 3, at: START, news: ['of a kind that is not known'] });
  await within(10, 'it gives the lead back', leader.heard(/no more/));
  expect(await inbox.getJobCountByTypes('wait', 'active', 'failed')).toBe(1);
  expect(await inbox.getJobCountByTypes('failed')).toBe(0);
  const next = await startInstance(here);
  await within(10, 'the next one has the lead', next.heard(/older than what wrote the job/));
});

function alertOf(service: string, status: 'firing' | 'resolved', at: number): Event {
  const labels = { alertname: 'Errors', service, severity: 'critical', environment: 'production' };
  const endsAt = status === 'firing' ? undefined : at;
  return alertEvent(labels, { source: 'generic', startsAt: at, endsAt });
}

/** Another process took the job, and did not keep it: there is nothing that would tell. */
async function freed(lead: Queue): Promise<void> {
  for (;;) {
    const job = await lead.getJob('lead');
    if (job !== undefined && job.attemptsStarted >= 2 && (await job.isWaiting())) return;
  }
}
