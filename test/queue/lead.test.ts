/** Who leads a lane, when the line of the one that leads is cut: it knows by its own clock before anybody else can lead. */
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { seekLead } from '../../src/queue/lead.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { connect } from '../../src/store/redis/connection.ts';
import { startRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { within } from '../support/within.ts';

const redis = await startRedis();
afterAll(() => redis.dispose());

/** `gained` resolves each time that it begins to lead. */
async function seeker(port: number, gained: () => void) {
  const address = readRedisUrl(`redis://127.0.0.1:${port}`);
  if (address === undefined) throw new Error('no address');
  const trouble = (): void => undefined;
  const prompt = connect(address, 'prompt', trouble);
  const blocking = connect(address, 'blocking', trouble);
  const lead = await seekLead({
    prompt,
    blocking,
    tag: '{lead-test:default}',
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

test('who is cut off does not lead any more when another one begins to', {
  timeout: 60_000,
}, async () => {
  const line = await startTcpProxy(redis.port);
  let led: () => void = () => undefined;
  const first = await new Promise<Awaited<ReturnType<typeof seeker>>>((resolve, reject) => {
    const leads = new Promise<void>((done) => {
      led = done;
    });
    seeker(line.port, () => led()).then((lead) => leads.then(() => resolve(lead)), reject);
  });
  expect(first.holds()).toBe(true);
  const takenOver = new Promise<boolean>((resolve) => {
    void seeker(redis.port, () => resolve(first.holds()));
  });
  line.cut();
  expect(await within(30, 'another one leads', takenOver)).toBe(false);
  line.mend();
});
