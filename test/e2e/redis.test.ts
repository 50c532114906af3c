/**
 * Three instances on one Redis, under constant load: whatever happens to one of them, or to Redis, no
 * alert that was answered 2xx is lost, no incident has two messages, and all instances know the same.
 */
import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { startLoaded } from '../support/instances.ts';
import type { Quell } from '../support/quell-process.ts';
import { startRedis } from '../support/redis.ts';
import { byId } from '../support/slack-for-test.ts';
import type { SlackStandIn } from '../support/slack-stand-in.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { within } from '../support/within.ts';

const TIMEOUT = { timeout: 240_000 };
/** The longest time-out is that of a connection that waits for work: 20 s. `npm run soak` takes 5 minutes. */
const AWAY_S = Number(process.env['REDIS_AWAY_S'] ?? 25);

const redis = await startRedis();
afterAll(() => redis.dispose());
let tests = 0;
/** Each test has the Redis to itself. */
const freshUrl = (): string => `${redis.url}?prefix=test-${tests++}`;

const answerOf = async (quell: Quell) => {
  const response = await quell.post('/v1/ingest/generic', { labels: { service: 'service-0' } });
  return [response.status, response.headers.get('retry-after')];
};

const unready = async (quells: readonly Quell[]): Promise<void> => {
  for (const { url } of quells) {
    while ((await fetch(`${url}/-/ready`)).status === 200) await setTimeout(50);
  }
};

/** Resolves when some message of an incident is there twice, or none is. */
const twice = async (slack: SlackStandIn, some: boolean): Promise<void> => {
  while ([...byId(slack).values()].some((all) => all.length > 1) !== some) await setTimeout(50);
};

test('an instance that leads is killed: another one goes on', TIMEOUT, async () => {
  const quells = await startLoaded({ redisUrl: freshUrl() });
  await quells.first.kill('SIGKILL');
  quells.senders.begin(2);
  await quells.takenOver();
  await quells.add(quells.first);
  await quells.endsWell();
});

test(
  'an instance that leads stands still, and goes on when another one leads: it says nothing more',
  TIMEOUT,
  async () => {
    const quells = await startLoaded({ redisUrl: freshUrl() });
    const { pid = 0 } = quells.first;
    process.kill(pid, 'SIGSTOP');
    quells.senders.begin(2);
    await quells.takenOver();
    process.kill(pid, 'SIGCONT');
    await quells.endsWell();
  },
);

test(
  'an instance that leads stands still while it posts, and its posts arrive after those of the next leader: they are taken back',
  TIMEOUT,
  async () => {
    const quells = await startLoaded({ redisUrl: freshUrl() });
    const { slack, situation } = quells;
    expect(quells.first).toBe(quells.instances[0]);
    quells.slackLine.cut();
    quells.senders.begin(2);
    const held = quells.slackLine.held(/id%22%3A%22message%3A(\w+)[^]*unfurl_links/);
    const [, incident] = await within(20, 'a post is on its way', held, situation);
    const { pid = 0 } = quells.first;
    process.kill(pid, 'SIGSTOP');
    await quells.takenOver();
    const posted = slack.until(() => byId(slack).get(`message:${incident}`));
    await within(60, 'the next leader posts it', posted, situation);
    quells.slackLine.mend();
    await within(20, 'a message is there twice', twice(slack, true), situation);
    process.kill(pid, 'SIGCONT');
    await within(30, 'no message is there twice', twice(slack, false), situation);
    await quells.endsWell();
  },
);

test(
  'an instance that leads is cut off from Redis: another one leads, until and after it is back',
  TIMEOUT,
  async () => {
    const line = await startTcpProxy(redis.port);
    const redisUrl = freshUrl();
    const cutUrl = redisUrl.replace(String(redis.port), String(line.port));
    const quells = await startLoaded({ redisUrl, redisUrls: { 0: cutUrl } });
    expect(quells.first).toBe(quells.instances[0]);
    line.cut();
    quells.senders.begin(2);
    await quells.takenOver();
    quells.senders.begin(3);
    await quells.slack.called('chat.postMessage', 10);
    line.mend();
    await quells.expectTruth();
  },
);

test(
  'Redis is killed and comes back with its log: senders are told to come again meanwhile',
  TIMEOUT,
  async () => {
    const quells = await startLoaded({ redisUrl: freshUrl() });
    await redis.kill();
    quells.senders.begin(2);
    const answers = await Promise.all(quells.instances.map(answerOf));
    expect(answers).toEqual([
      [503, '5'],
      [503, '5'],
      [503, '5'],
    ]);
    await redis.start();
    await quells.endsWell();
    expect(quells.senders.retries()).toBeGreaterThan(0);
  },
);

/**
 * Redis stands still: no connection is refused or closed, and what was sent to it is done when it goes on.
 * That is what a cut network looks like from both ends. (A network namespace would need netem or a
 * firewall in the kernel to drop packets silently; few machines of a CI have them.)
 */
test(`Redis is silent for ${AWAY_S} s, longer than every lock and time-out: senders come again, nothing is lost`, {
  timeout: AWAY_S * 1_000 + 300_000,
}, async () => {
  const quells = await startLoaded({ redisUrl: freshUrl() });
  const { pid = 0 } = redis.child();
  process.kill(pid, 'SIGSTOP');
  const until = performance.now() + AWAY_S * 1_000;
  quells.senders.begin(2);
  await within(20, 'nobody is ready', unready(quells.instances), quells.situation);
  while (performance.now() < until) {
    const answers = await Promise.all(quells.instances.map(answerOf));
    expect(answers).toEqual(answers.map(() => [503, '5']));
    await setTimeout(1_000);
  }
  process.kill(pid, 'SIGCONT');
  await within(20, 'one leads', quells.leader(), quells.situation);
  await quells.endsWell();
  expect(quells.senders.retries()).toBeGreaterThan(0);
});

test(
  'one instance after the other is stopped and replaced: nobody waits for the next',
  TIMEOUT,
  async () => {
    const quells = await startLoaded({ redisUrl: freshUrl() });
    for (const [index, instance] of [...quells.instances].entries()) {
      await instance.kill('SIGTERM');
      await quells.add(instance);
      if (index < 2) quells.senders.begin(index + 2);
    }
    await within(20, 'one leads', quells.leader(), quells.situation);
    await quells.endsWell();
  },
);
