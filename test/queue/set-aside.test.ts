/** Jobs that take their workers down with them: counted on every instance, and decided when they are tried again. */
import { setTimeout } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { type InboxJob, openInbox } from '../../src/queue/inbox.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { connect } from '../../src/store/redis/connection.ts';
import { startRedis } from '../support/redis.ts';
import { within } from '../support/within.ts';

const redis = await startRedis();
afterAll(() => redis.dispose());
const TAG = '{set-aside:default}';

test('a job that was set aside is counted, and decided when it is tried again', async () => {
  const address = readRedisUrl(redis.url);
  if (address === undefined) throw new Error('no address');
  const ignore = (): void => undefined;
  const prompt = connect(address, 'prompt', ignore);
  const blocking = connect(address, 'blocking', ignore);
  const inbox = await openInbox({ prompt, blocking, tag: TAG, trouble: ignore, failed: ignore });
  const queue = new Queue('inbox', { connection: { url: redis.url }, prefix: TAG });
  onTestFinished(async () => {
    await inbox.close();
    await queue.close();
    await Promise.all([prompt.close(), blocking.close()]);
  });
  await inbox.add(7, [{ kind: 'unsilence', id: 's', by: 'ada' }]);
  const { client } = prompt;
  // As BullMQ does with one whose workers died too often.
  await client.hset(`${TAG}:inbox:1`, 'stc', '99');
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
