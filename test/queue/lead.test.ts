/** Who leads a lane, when the line of the one that leads is cut: it knows by its own clock before anybody else can lead. */
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { seekLead } from '../../src/queue/lead.ts';
import { LOCK_MS } from '../../src/queue/queues.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { connect } from '../../src/store/redis/connection.ts';
import { startRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { within } from '../support/within.ts';

const redis = await startRedis();
afterAll(() => redis.dispose());

/** `gained` is called each time that it begins to lead. */
async function seeker(port: number, tag: string, gained: () => void) {
  const address = readRedisUrl(`redis://127.0.0.1:${port}`);
  if (address === undefined) throw new Error('no address');
  const trouble = (): void => undefined;
  const prompt = connect(address, 'prompt', trouble);
  const blocking = connect(address, 'blocking', trouble);
  const lead = await seekLead({
    prompt,
    blocking,
    tag: `{${tag}:default}`,
    trouble,
    patienceMs: () => 0,
    gained: async () => gained(),
    lost: async () => undefined,
  });
  onTestFinished(async () => {
    await lead.stop();
    await Promise.all([prompt.close(), blocking.close()]);
  });
  return lead;
}

/** The first one ever, as soon as it leads. */
async function leader(port: number, tag: string) {
  let led: () => void = () => undefined;
  const leads = new Promise<void>((done) => {
    led = done;
  });
  const lead = await seeker(port, tag, () => led());
  await within(10, 'it leads', leads);
  return lead;
}

test('who is cut off does not lead any more when another one begins to', {
  timeout: 60_000,
}, async () => {
  const line = await startTcpProxy(redis.port);
  const first = await leader(line.port, 'cut-off');
  expect(first.holds()).toBe(true);
  const takenOver = new Promise<boolean>((resolve) => {
    void seeker(redis.port, 'cut-off', () => resolve(first.holds()));
  });
  line.cut();
  expect(await within(30, 'another one leads', takenOver)).toBe(false);
  line.mend();
});

test('who stood still for as long as its lock lasts knows at once that it does not lead, before it asks anybody', async () => {
  const lead = await leader(redis.port, 'stood-still');
  expect(lead.holds()).toBe(true);
  // Nothing of this process runs meanwhile: as if it were stopped, and went on.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_MS);
  expect(lead.holds()).toBe(false);
});
