/**
 * Three instances under constant load on a Redis whose master is replaced, by Sentinel and in a cluster:
 * what was answered 2xx is with the new one.
 */
import { expect, onTestFinished, test } from 'vitest';
import { startLoaded } from '../support/instances.ts';
import { startRedisCluster } from '../support/redis.ts';
import { startSentinel } from '../support/sentinel.ts';
import { within } from '../support/within.ts';

const TIMEOUT = { timeout: 240_000 };

test(
  'the master is killed and Sentinel makes its replica the master: nothing that was answered is lost',
  TIMEOUT,
  async () => {
    const { url, master } = await startSentinel();
    const quells = await startLoaded({ redisUrl: url });
    await master.kill();
    quells.senders.begin(2);
    await quells.endsWell();
    expect(quells.senders.retries()).toBeGreaterThan(0);
  },
);

test(
  'Sentinel replaces the master as planned, which goes on taking writes: nothing that was answered is lost',
  TIMEOUT,
  async () => {
    const sentinel = await startSentinel();
    const quells = await startLoaded({ redisUrl: sentinel.url });
    quells.senders.begin(2);
    await within(60, 'the master follows', sentinel.failOver(), quells.situation);
    await quells.endsWell();
  },
);

test(
  'in a cluster the master of the lane is killed and its replica takes over: nothing that was answered is lost',
  TIMEOUT,
  async () => {
    const cluster = await startRedisCluster();
    onTestFinished(() => cluster.dispose());
    const quells = await startLoaded({ redisUrl: `${cluster.url}?prefix=quell` });
    const master = await cluster.masterOf('{quell:default}');
    await master.kill();
    quells.senders.begin(2);
    await quells.endsWell();
    expect(quells.senders.retries()).toBeGreaterThan(0);
  },
);
