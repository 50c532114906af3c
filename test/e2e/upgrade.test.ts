/**
 * Two versions at work on one Redis, under load, as during an upgrade and while it is taken back: whichever
 * leads, and whichever is killed, nothing is lost, nothing is told twice, and both know the same.
 */
import { afterAll, expect, test } from 'vitest';
import { createRandom } from '../../bench/noise/random.ts';
import { startSenders } from '../support/alert-senders.ts';
import { SERVICES_PER_WAVE, startInstances } from '../support/instances.ts';
import { type Quell, startQuell } from '../support/quell-process.ts';
import { listAll } from '../support/read-all.ts';
import { startRedis } from '../support/redis.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { slackForTest } from '../support/slack-for-test.ts';
import { expectTruth, rulesFor } from '../support/truth.ts';
import {
  buildEarlier,
  buildLater,
  EARLIER,
  earlierIsMissing,
  WRITES_MORE,
  WRITES_OTHERWISE,
} from '../support/versions.ts';
import { within } from '../support/within.ts';

const TIMEOUT = { timeout: 300_000 };
const TAKE_OVER_S = 20;

const redis = await startRedis();
afterAll(() => redis.dispose());
let tests = 0;
const freshUrl = (): string => `${redis.url}?prefix=upgrade-${tests++}`;

/** Of a message of one of its services. */
const ofWave = (wave: number): RegExp => new RegExp(`service-${wave * SERVICES_PER_WAVE}\\b`);

/** The older one leads; undefined: this version. */
async function sideBySide(older: string | undefined, newer: string | undefined) {
  const both = await startInstances({
    redisUrl: freshUrl(),
    mains: [older, newer],
    count: 1,
    waves: 4,
  });
  const { senders, slack, situation } = both;
  const first = await within(20, 'the older one leads', both.leader(), situation);
  await within(30, 'some are told', slack.called('chat.postMessage', 2), situation);
  const second = await both.add();
  senders.begin(1);
  const takenOver = (than: typeof first) =>
    within(TAKE_OVER_S, 'the other one leads', both.otherLeader(than), situation);
  return { ...both, first, second, takenOver };
}

/** Upgraded, and back, where both have the same formats: each time what leads is killed, and comes back as a follower. */
async function toAndFro(older: string | undefined, newer: string | undefined): Promise<void> {
  const both = await sideBySide(older, newer);
  const { senders, slack, situation } = both;
  let { first: leads, second: follows } = both;
  for (const wave of [2, 3]) {
    await leads.kill('SIGKILL');
    expect(await both.takenOver(leads)).toBe(follows);
    senders.begin(wave);
    await within(30, 'what began last is told', slack.message(ofWave(wave)), situation);
    [leads, follows] = [follows, await both.add(leads)];
  }
  await both.expectTruth();
  for (const one of both.instances) await expectReadable(one);
}

/** The newer one writes what the older one does not know: that leaves the lead to it, and takes alerts in until it is replaced. */
async function replaced(older: string | undefined, newer: string | undefined): Promise<void> {
  const both = await sideBySide(older, newer);
  const { senders, slack, situation, first } = both;
  expect(await both.takenOver(first)).toBe(both.second);
  senders.begin(2);
  await within(30, 'it is decided', slack.message(ofWave(2)), situation);
  const alert = { labels: { alertname: 'Kept', service: 'service-0', severity: 'critical' } };
  expect((await first.post('/v1/ingest/generic', alert)).status).toBe(200);
  await first.kill('SIGTERM');
  await both.add(first, newer);
  senders.begin(3);
  await within(30, 'what began last is told', slack.message(ofWave(3)), situation);
  await both.expectTruth();
}

/** What either noted is shown by both. */
async function expectReadable(quell: Quell): Promise<void> {
  const incidents = await listAll<{ readonly id: string }>(quell, '/v1/incidents');
  const paths = ['/', '/decisions', ...incidents.map(({ id }) => `/incidents/${id}`)];
  for (const path of paths)
    expect([path, (await fetch(`${quell.url}${path}`)).status]).toEqual([path, 200]);
}

const missing = earlierIsMissing();
if (missing !== undefined) process.stdout.write(`not run: an earlier version ${missing}\n`);
test.skipIf(missing !== undefined)(
  `an earlier version (${EARLIER.slice(0, 7)}) and this one take over from each other`,
  TIMEOUT,
  async () => toAndFro(await buildEarlier(), undefined),
);

test.skipIf(missing !== undefined)(
  `what an earlier version (${EARLIER.slice(0, 7)}) left in its data directory is gone on with`,
  TIMEOUT,
  async () => {
    const slack = await slackForTest();
    const services = Array.from({ length: 6 }, (_, index) => ({
      name: `service-${index}`,
      severity: 'critical' as const,
      wave: Math.floor(index / SERVICES_PER_WAVE),
    }));
    const setUp = {
      dataDir: scratchDir('data'),
      rulesDir: rulesFor(services.map(({ name }) => name)),
      env: { SLACK_BOT_TOKEN: 'xoxb-test', SLACK_API_URL: slack.url },
    };
    const earlier = await startQuell({ ...setUp, main: await buildEarlier() });
    const { port, url } = earlier;
    const senders = startSenders({
      url: () => `${url}/v1/ingest/alertmanager`,
      random: createRandom('1').fork('senders'),
      services,
      alertsPerService: 6,
      deliveriesPerService: 60,
      answered: () => undefined,
    });
    senders.begin(0);
    await within(30, 'something is told', slack.called('chat.update', 2), slack.situation);
    await earlier.kill('SIGKILL');
    const quell = await startQuell({ ...setUp, port });
    senders.begin(1);
    await within(60, 'every delivery is answered 2xx', senders.done, quell.tail);
    await within(120, 'there is nothing left to do', quell.settled(), quell.tail);
    await expectTruth(quell, senders.truth, slack);
  },
);

test(
  'this version and a later one, which writes what this one does not know, take over from each other',
  TIMEOUT,
  async () => toAndFro(undefined, await buildLater(WRITES_MORE)),
);

test('a later version with other formats replaces this one', TIMEOUT, async () =>
  replaced(undefined, await buildLater(WRITES_OTHERWISE)),
);
