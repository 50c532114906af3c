/** The inbox of a lane: what it refuses when too much waits, and what becomes of jobs that took their workers down. */
import { setTimeout } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { type Capacity, CAPACITY } from '../../src/limits.ts';
import { type InboxJob, openInbox } from '../../src/queue/inbox.ts';
import { keepRows, readRows, sendRows } from '../../src/queue/job-rows.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { connect } from '../../src/store/redis/connection.ts';
import { startRedis } from '../support/redis.ts';
import { alertEvent } from '../support/story.ts';
import { within } from '../support/within.ts';

const redis = await startRedis();
afterAll(() => redis.dispose());

async function open(tag: string, waitingMax: number, more: Partial<Capacity> = {}) {
  const address = readRedisUrl(redis.url);
  if (address === undefined) throw new Error('no address');
  const ignore = (): void => undefined;
  const prompt = connect(address, 'prompt', ignore);
  const blocking = connect(address, 'blocking', ignore);
  const connections = { prompt, blocking, tag };
  const limits = { ...CAPACITY, waiting: waitingMax, ...more };
  const failures: string[] = [];
  const failed = (_: string, { message }: Error): void => void failures.push(message);
  const inbox = await openInbox({ ...connections, limits, trouble: ignore, failed });
  const queue = new Queue('inbox', { connection: { url: redis.url }, prefix: tag });
  onTestFinished(async () => {
    await inbox.close();
    await queue.close();
    await Promise.all([prompt.close(), blocking.close()]);
  });
  return { inbox, queue, client: prompt.client, failures };
}

const eventsOf = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ kind: 'unsilence', id: `${n}`, by: 'ada' }) as const);

test('when about as many events wait as may, in however many jobs, more are refused until some are decided', async () => {
  for (const [perJob, least, most] of [
    [1, 100, 100],
    [100, 12, 60],
  ] as const) {
    const { inbox } = await open(`{full-${perJob}:default}`, 1_000);
    let jobs = 0;
    const addAll = async (): Promise<void> => {
      for (;;) {
        await inbox.add(7, eventsOf(perJob));
        jobs++;
      }
    };
    await expect(addAll()).rejects.toMatchObject({
      code: 'overloaded',
      retryable: true,
      message: expect.stringMatching(/about \d+ events wait .*\(limit waiting\)$/),
    });
    expect(jobs).toBeGreaterThanOrEqual(least);
    expect(jobs).toBeLessThanOrEqual(most);
    const decider = inbox.decide(async () => undefined);
    const empty = async (): Promise<void> => {
      while (inbox.waiting > 0) await inbox.look();
    };
    await within(20, 'all is decided', empty());
    await decider.stop();
    await inbox.add(7, eventsOf(perJob));
  }
});

test('when about as many bytes wait as may, more are refused until some are decided; one delivery is always taken', async () => {
  const { inbox } = await open('{heavy:default}', 1_000_000, { bodies: 100_000 });
  const heavy = (bytes: number) => [
    alertEvent({ alertname: 'A' }, { annotations: { text: 'x'.repeat(bytes) } }),
  ];
  await inbox.add(7, heavy(200_000));
  let jobs = 1;
  const addAll = async (): Promise<void> => {
    for (;;) {
      await inbox.add(7, heavy(10_000));
      jobs++;
    }
  };
  await expect(addAll()).rejects.toMatchObject({
    code: 'overloaded',
    retryable: true,
    message: expect.stringMatching(/about \d+ bytes wait .*\(limit bodies\)$/),
  });
  expect(jobs).toBeLessThan(30);
  const decider = inbox.decide(async () => undefined);
  const empty = async (): Promise<void> => {
    while (inbox.waiting > 0) await inbox.look();
  };
  await within(20, 'all is decided', empty());
  await decider.stop();
  await inbox.add(7, heavy(10_000));
});

test('a job that was set aside is counted, and decided when it is tried again', async () => {
  const TAG = '{set-aside:default}';
  const { inbox, queue, client } = await open(TAG, 1_000);
  await inbox.add(7, [{ kind: 'unsilence', id: 's', by: 'ada' }]);
  // As BullMQ does with one whose workers died too often.
  const [id] = await client.lrange(`${TAG}:inbox:wait`, 0, 0);
  await client.hset(`${TAG}:inbox:${id}`, 'stc', '99');
  await client.rpoplpush(`${TAG}:inbox:wait`, `${TAG}:inbox:active`);
  const decided = new Promise<InboxJob>((resolve) => {
    const decider = inbox.decide(async (job) => resolve(job));
    onTestFinished(() => decider.stop());
  });
  const counted = async (): Promise<void> => {
    while (inbox.setAside === 0) {
      await setTimeout(50);
      await inbox.look();
    }
  };
  await within(20, 'it is set aside and counted', counted());
  expect(inbox.waiting).toBe(0);

  await queue.retryJobs({ state: 'failed' });
  expect(await within(20, 'it is decided', decided)).toMatchObject({
    at: 7,
    events: [{ kind: 'unsilence', id: 's', by: 'ada' }],
    again: true,
  });
});

test('however large a delivery is, no text in Redis is, and it is decided as one', async () => {
  const TAG = '{large:default}';
  const { inbox, client } = await open(TAG, 1_000_000);
  const large = (text: string) =>
    Array.from({ length: 1_000 }, (_, n) =>
      alertEvent({ alertname: `A${n}` }, { annotations: { text: text.repeat(10_000) } }),
    );
  const events = [...large('x'), ...large('é')];
  await inbox.add(7, events);
  const keys = (await client.keys(`${TAG}:inbox:*`)).filter((key) => key.endsWith(':logs'));
  const [rows = ''] = keys;
  const id = rows.split(':').at(-2) ?? '';
  expect(keys).toHaveLength(1);
  expect(await client.ttl(rows), 'they stay').toBe(-1);
  const texts = await client.lrange(rows, 0, -1);
  expect(texts.length).toBeGreaterThan(15);
  for (const text of [...texts, await client.hget(`${TAG}:inbox:${id}`, 'data')]) {
    expect(text?.length).toBeLessThan(1_100_000);
  }

  const decided = new Promise<InboxJob>((resolve) => {
    const decider = inbox.decide(async (job) => resolve(job));
    onTestFinished(() => decider.stop());
  });
  expect(await within(20, 'it is decided', decided)).toEqual({ id, at: 7, events, again: false });
  const gone = async (): Promise<void> => {
    while ((await client.exists(rows)) > 0) await setTimeout(20);
  };
  await within(20, 'nothing of it is left', gone());
});

test('of a job that could not be written nothing stays for good', async () => {
  const TAG = '{unwritten:default}';
  const { inbox, client } = await open(TAG, 1_000);
  // BullMQ's script fails on it, after the rows were written.
  await client.set(`${TAG}:inbox:wait`, 'no list');
  await expect(inbox.add(7, eventsOf(1))).rejects.toMatchObject({ code: 'store-unavailable' });
  const [rows = ''] = (await client.keys(`${TAG}:inbox:*`)).filter((key) => key.endsWith(':logs'));
  expect(rows).not.toBe('');
  const leaves = async (): Promise<void> => {
    while ((await client.ttl(rows)) < 0) await setTimeout(20);
  };
  await within(5, 'its rows go after a while', leaves());
});

test('of a row that was the last thing an instance sent nothing stays for good', async () => {
  const { client } = await open('{crash:default}', 1_000);
  let sent = 0;
  const dying = new Proxy(client, {
    get(target, name, self) {
      const command: unknown = Reflect.get(target, name, self);
      if (typeof command !== 'function') return command;
      return (...args: unknown[]): unknown =>
        sent++ === 0 ? Reflect.apply(command, target, args) : new Promise(() => undefined);
    },
  });
  void sendRows(dying, '{crash:default}:rows', eventsOf(1));
  const there = async (): Promise<void> => {
    while ((await client.llen('{crash:default}:rows')) === 0) await setTimeout(20);
  };
  await within(5, 'the row is there', there());
  expect(await client.ttl('{crash:default}:rows')).toBeGreaterThan(0);
});

test('a row that is sent again when its job is there already takes nothing from that', async () => {
  const { client } = await open('{late:default}', 1_000);
  const rows = '{late:default}:rows';
  await (await sendRows(client, rows, eventsOf(1))).written;
  await keepRows(client, rows);
  await (await sendRows(client, rows, eventsOf(1))).written;
  expect(await client.ttl(rows)).toBe(-1);
});

test('rows that were sent twice, because an answer was lost, are read once and in order', async () => {
  const { client } = await open('{twice:default}', 1_000);
  // A cluster client sends again what was on its way when the connection ended, whether it was done or not.
  let done = 0;
  const again = new Proxy(client, {
    get(target, name, self) {
      if (name !== 'eval' || done++ > 0) return Reflect.get(target, name, self) as unknown;
      return async (...args: Parameters<typeof target.eval>) => {
        await target.eval(...args);
        return target.eval(...args);
      };
    },
  });
  const events = ['A', 'B', 'C'].map((alertname) =>
    alertEvent({ alertname }, { annotations: { text: 'x'.repeat(1_100_000) } }),
  );
  const { count, written } = await sendRows(again, '{twice:default}:rows', events);
  await written;
  expect(count).toBe(3);
  expect(await client.llen('{twice:default}:rows')).toBe(4);
  expect(await readRows(client, '{twice:default}:rows', count)).toEqual(events);
});

test('a job whose sender was not told that it is here holds up nobody', async () => {
  const TAG = '{untold:default}';
  const { inbox, client, failures } = await open(TAG, 1_000);
  await inbox.add(7, eventsOf(1));
  const [rows = ''] = (await client.keys(`${TAG}:inbox:*`)).filter((key) => key.endsWith(':logs'));
  await client.del(rows);
  await inbox.add(8, eventsOf(2));
  const decided = new Promise<InboxJob>((resolve) => {
    const decider = inbox.decide(async (job) => resolve(job));
    onTestFinished(() => decider.stop());
  });
  expect(await within(20, 'the next is decided', decided)).toMatchObject({ at: 8 });
  expect(failures).toEqual([expect.stringMatching(/what it says is gone/)]);
});

test('what an instance wrote itself is decided as it wrote it, and as any other instance would', async () => {
  const TAG = '{own:default}';
  const mine = await open(TAG, 1_000);
  const other = await open(TAG, 1_000);
  const seen: InboxJob[] = [];
  let heard: () => void = () => undefined;
  const decider = mine.inbox.decide(async (job) => {
    seen.push(job);
    heard();
  });
  onTestFinished(() => decider.stop());
  const event = alertEvent(
    { alertname: 'A', ['__proto__']: 'x', half: '\ud800', nul: '\0' },
    { annotations: { text: 'line\nline' } },
  );
  for (const { inbox } of [mine, other]) {
    const next = new Promise<void>((resolve) => (heard = resolve));
    await inbox.add(7, [event]);
    await within(20, 'it is decided', next);
  }
  expect(seen.map(({ events }) => events[0] === event)).toEqual([true, false]);
  expect(seen[1]?.events).toEqual([event]);
});
