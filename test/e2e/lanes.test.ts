/**
 * A service with two lanes on one Redis: they are led by different instances, each is taken over when its
 * leader dies, and whoever asks, silences or reacts need not know that there are two.
 */
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { lanesLedBy, startInstances } from '../support/instances.ts';
import { type Quell, startQuell } from '../support/quell-process.ts';
import { listAll } from '../support/read-all.ts';
import { startRedis, startRedisCluster } from '../support/redis.ts';
import { runQuell } from '../support/run-quell.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { rulesFor } from '../support/truth.ts';
import { slackForTest } from '../support/slack-for-test.ts';
import { within } from '../support/within.ts';

const TIMEOUT = { timeout: 240_000 };
const LANES = ['default', 'europe'];
const SPLIT = { QUELL_LANE_BY: 'environment', QUELL_LANES: 'europe' };

const redis = await startRedis();
afterAll(() => redis.dispose());
let tests = 0;
const freshUrl = (): string => `${redis.url}?prefix=lanes-${tests++}`;

/** Resolves when each of them leads one lane. */
const spread = async (instances: readonly Quell[]): Promise<void> => {
  while (instances.some((one) => lanesLedBy(one).size !== 1)) await setTimeout(50);
};

test(
  'two instances lead a lane each; one is killed: the other leads both within 10 s, and gives one to the next',
  TIMEOUT,
  async () => {
    const environments = ['production', 'europe'];
    const redisUrl = freshUrl();
    const quells = await startInstances({ redisUrl, count: 2, waves: 4, environments, env: SPLIT });
    const { situation } = quells;
    await within(30, 'each leads a lane', spread(quells.instances), situation);
    quells.senders.begin(1);
    await within(30, 'some are told', quells.slack.called('chat.postMessage', 2), situation);
    const killed = (await quells.leaders(LANES)).get('europe');
    const other = quells.instances.find((one) => one !== killed);
    if (killed === undefined || other === undefined) throw new Error('nobody leads');
    await killed.kill('SIGKILL');
    quells.senders.begin(2);
    const both = async () => {
      while (lanesLedBy(other).size < LANES.length) await setTimeout(50);
    };
    await within(10, 'the other one leads both', both(), situation);
    await quells.add(killed);
    await within(30, 'each leads a lane again', spread(quells.instances), situation);
    quells.senders.begin(3);
    await within(60, 'all are told', quells.slack.called('chat.postMessage', 10), situation);
    await quells.expectTruth();
  },
);

test(
  'an alert, a silence and a reaction come to their lanes, whichever instance has them',
  TIMEOUT,
  async () => {
    const slack = await slackForTest();
    const secret = 'a-signing-secret';
    const options = {
      rulesDir: rulesFor(['web']),
      env: {
        ...SPLIT,
        QUELL_REDIS_URL: freshUrl(),
        SLACK_BOT_TOKEN: 'xoxb-test',
        SLACK_SIGNING_SECRET: secret,
        SLACK_API_URL: slack.url,
      },
    };
    const [one, other] = [await startQuell(options), await startQuell(options)];
    const situation = () => [slack.situation(), one.tail(), other.tail()].join('\n');
    await within(30, 'each leads a lane', spread([one, other]), situation);
    slack.sendEventsTo(`${other.url}/slack/events`, secret);
    const alert = (alertname: string, environment: string) => ({
      status: 'firing',
      labels: { alertname, service: 'web', severity: 'critical', environment },
      startsAt: new Date().toISOString(),
    });
    const both = (name: string) => [alert(name, 'production'), alert(name, 'europe')];
    const answer = await one.post('/v1/ingest/alertmanager', { alerts: both('Down') });
    expect(answer.status).toBe(200);
    await within(30, 'both are told', slack.called('chat.postMessage', 2), situation);
    const incidentsOf = async (quell: Quell) => {
      for (;;) {
        const found = await listAll<IncidentJson>(quell, '/v1/incidents?state=open,acknowledged');
        if (found.length === 2) return new Map(found.map((found) => [found.environment, found]));
        await setTimeout(50);
      }
    };
    expect((await incidentsOf(other)).size).toBe(2);

    // 1. A reaction.
    const [message] = slack.messages().filter(({ text }) => text.includes('europe'));
    if (message === undefined) throw new Error(situation());
    await slack.react('eyes', message, 'U1');
    const acknowledged = async () => {
      for (;;) {
        const states = await incidentsOf(one);
        if (states.get('europe')?.state === 'acknowledged') return states.get('production')?.state;
        await setTimeout(50);
      }
    };
    expect(await within(20, 'it is acknowledged', acknowledged(), situation)).toBe('open');

    // 2. A silence is in both lanes, and is one.
    const now = Date.now();
    const silence = {
      matchers: [{ name: 'alertname', value: 'Slow', isRegex: false, isEqual: true }],
      startsAt: new Date(now).toISOString(),
      endsAt: new Date(now + 3_600_000).toISOString(),
      createdBy: 'ann',
      comment: 'upgrade',
    };
    expect((await one.post('/api/v2/silences', silence)).status).toBe(200);
    const listed = async (quell: Quell): Promise<readonly unknown[]> => {
      for (;;) {
        const { items } = (await quell.get('/v1/silences')) as {
          readonly items: readonly unknown[];
        };
        if (items.length > 0) return items;
        await setTimeout(50);
      }
    };
    expect(await listed(one)).toHaveLength(1);
    expect(await listed(other)).toHaveLength(1);
    await one.post('/v1/ingest/alertmanager', { alerts: both('Slow') });
    const silenced = async () => {
      while ((await listAll(other, '/v1/alerts?state=silenced')).length < 2) await setTimeout(50);
    };
    await within(20, 'both are silenced', silenced(), situation);

    // 3. One that splits otherwise does not start, nor does one without lanes.
    for (const env of [{ QUELL_LANES: 'europe,asia' }, { QUELL_LANES: '', QUELL_LANE_BY: '' }]) {
      const refused = await runQuell(
        ['serve', '--port=0', `--rules-dir=${options.rulesDir}`],
        undefined,
        {
          ...options.env,
          ...env,
        },
      );
      expect(refused).toMatchObject({ code: 2 });
      expect(refused.text).toContain('QUELL_LANE_BY=environment and QUELL_LANES=europe');
    }

    // 4. Everything is found by whoever asks, page by page.
    const paged = await listAll<{ readonly reason: string }>(other, '/v1/decisions', 3);
    const whole = await listAll<{ readonly reason: string }>(other, '/v1/decisions');
    expect(paged).toEqual(whole);
    expect(whole.filter(({ reason }) => reason === 'told')).toHaveLength(2);
  },
);

test(
  'instances of two lanes are stopped and replaced in turn: nothing is lost, nothing told twice',
  TIMEOUT,
  async () => {
    const environments = ['production', 'europe'];
    const redisUrl = freshUrl();
    const quells = await startInstances({ redisUrl, count: 2, waves: 4, environments, env: SPLIT });
    const { situation } = quells;
    for (const [index, instance] of [...quells.instances].entries()) {
      await within(30, 'each leads a lane', spread(quells.instances), situation);
      quells.senders.begin(index + 1);
      await instance.kill('SIGTERM');
      await quells.add(instance);
    }
    await within(30, 'each leads a lane', spread(quells.instances), situation);
    quells.senders.begin(3);
    await within(60, 'all are told', quells.slack.called('chat.postMessage', 10), situation);
    await quells.expectTruth();
  },
);

test('in a cluster the lanes lie on different nodes, and everything is told', TIMEOUT, async () => {
  const cluster = await startRedisCluster();
  onTestFinished(() => cluster.dispose());
  const environments = ['production', 'europe'];
  const redisUrl = `${cluster.url}?prefix=quell`;
  const quells = await startInstances({ redisUrl, count: 2, waves: 2, environments, env: SPLIT });
  const nodes = await Promise.all(LANES.map((lane) => cluster.masterOf(`{quell:${lane}}`)));
  expect(nodes[0]).not.toBe(nodes[1]);
  await within(30, 'each leads a lane', spread(quells.instances), quells.situation);
  quells.senders.begin(1);
  await within(60, 'all are told', quells.slack.called('chat.postMessage', 5), quells.situation);
  await quells.expectTruth();
});

test(
  'a service of one lane is carried over into two: what is open stays open, and has its message',
  TIMEOUT,
  async () => {
    const slack = await slackForTest();
    const [from, to] = [freshUrl(), freshUrl()];
    const rulesDir = rulesFor(['web']);
    const told = { SLACK_BOT_TOKEN: 'xoxb-test', SLACK_API_URL: slack.url };
    const first = await startQuell({ rulesDir, env: { ...told, QUELL_REDIS_URL: from } });
    const startsAt = new Date().toISOString();
    const send = async (quell: Quell, status: string) => {
      const alerts = ['production', 'europe'].map((environment) => ({
        status,
        labels: { alertname: 'Down', service: 'web', severity: 'critical', environment },
        startsAt,
        ...(status === 'resolved' ? { endsAt: new Date().toISOString() } : {}),
      }));
      expect((await quell.post('/v1/ingest/alertmanager', { alerts })).status).toBe(200);
    };
    await send(first, 'firing');
    await within(30, 'both are told', slack.called('chat.postMessage', 2), slack.situation);
    await within(30, 'Quell has nothing to do', first.settled(), first.tail);
    await first.kill('SIGTERM');

    const serve = ['serve', '--port=0', `--rules-dir=${rulesDir}`];
    const refused = await runQuell(serve, undefined, { ...SPLIT, QUELL_REDIS_URL: from });
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.text).toContain('has one lane, and this instance is set to QUELL_LANE_BY');
    const migrate = ['migrate', `--from=${from}`, `--to=${to}`];
    expect(await runQuell(migrate, undefined, SPLIT)).toMatchObject({ code: 0 });
    expect(await runQuell(migrate, undefined, SPLIT)).toMatchObject({ code: 2 });

    const second = await startQuell({ rulesDir, env: { ...told, ...SPLIT, QUELL_REDIS_URL: to } });
    const situation = () => [slack.situation(), second.tail()].join('\n');
    await send(second, 'firing');
    await send(second, 'resolved');
    const over = slack.until(() =>
      slack.messages().every(({ text }) => text.startsWith('🟢')) ? true : undefined,
    );
    await within(30, 'both are over', over, situation);
    await within(30, 'Quell has nothing to do', second.settled(), situation);
    expect(slack.messages()).toHaveLength(2);
    await second.kill('SIGTERM');

    // And back, to a place that has one lane only.
    const dataDir = scratchDir('data');
    expect(await runQuell(['migrate', `--from=${to}`, `--to=${dataDir}`])).toMatchObject({
      code: 0,
    });
    const third = await startQuell({ dataDir, rulesDir, env: told });
    expect(await listAll(third, '/v1/incidents')).toHaveLength(2);
  },
);

test('an instance that is older than the state of one of its lanes says so, and ends', async () => {
  const client = new Redis(redis.port);
  await client.hset('{lanes-old:europe}:lane', { version: 1, format: 99 });
  client.disconnect();
  const env = { ...SPLIT, QUELL_REDIS_URL: `${redis.url}?prefix=lanes-old` };
  const ended = await runQuell(
    ['serve', '--port=0', `--rules-dir=${rulesFor(['web'])}`],
    undefined,
    env,
  );
  expect(ended).toMatchObject({ code: 2 });
  expect(ended.text).toContain('this instance is older than what wrote the state in Redis');
});

interface IncidentJson {
  readonly environment: string;
  readonly state: string;
}
