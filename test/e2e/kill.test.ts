/**
 * Never lost, never twice: Quell is killed (SIGKILL) again and again, while alerts pour in and Slack
 * misbehaves, and starts on the same data. In the end every alert that was answered 2xx has its
 * decisions, every told incident has exactly one message, and both agree with what the senders know.
 *
 *     KILL_ROUNDS=100 KILL_SEED=7 npx vitest run test/e2e/kill.test.ts
 */
import { expect, test } from 'vitest';
import { createRandom, type Random } from '../../bench/noise/random.ts';
import { startSenders } from '../support/alert-senders.ts';
import { type Quell, startQuell } from '../support/quell-process.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { slackForTest, topLevel } from '../support/slack-for-test.ts';
import type { Fault } from '../support/slack-stand-in.ts';
import { expectTruth, rulesFor } from '../support/truth.ts';
import { within } from '../support/within.ts';

const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 8);
const SEED = process.env['KILL_SEED'] ?? '1';
/** So many services begin to send in each round: there is always something to be told for the first time. */
const SERVICES_PER_ROUND = 3;
const ALERTS_PER_SERVICE = 12;
/** Of each service; about three alerts in each. */
const DELIVERIES = 50;

test(`killed ${ROUNDS} times under load (seed ${SEED}): nothing is lost, nothing is told twice`, {
  timeout: (240 + ROUNDS * 20) * 1_000,
}, async () => {
  const random = createRandom(SEED);
  const killer = createKiller(random.fork('kills'));
  const faults = random.fork('slack');
  const slack = await slackForTest({
    fault: (method) => randomFault(faults, method),
    onCall: ({ method }) => killer.slackCalled(method),
  });
  const services = Array.from({ length: ROUNDS * SERVICES_PER_ROUND }, (_, index) => ({
    name: `service-${index}`,
    severity: index % 4 === 3 ? ('warning' as const) : ('critical' as const),
    wave: Math.floor(index / SERVICES_PER_ROUND),
  }));
  const setUp = {
    dataDir: scratchDir('kill'),
    rulesDir: rulesFor(services.map(({ name }) => name)),
    env: {
      SLACK_BOT_TOKEN: 'xoxb-test',
      SLACK_API_URL: slack.url,
    },
  };
  let quell = await startQuell(setUp);
  const { port, url } = quell;
  const senders = startSenders({
    url: () => `${url}/v1/ingest/alertmanager`,
    random: random.fork('senders'),
    services,
    alertsPerService: ALERTS_PER_SERVICE,
    deliveriesPerService: DELIVERIES,
    answered: () => killer.answered(),
  });
  const situation = () => `${killer.history()}\n${slack.situation()}\n${quell.tail()}`;

  for (let round = 0; round < ROUNDS; round++) {
    const killed = killer.kills(quell);
    senders.begin(round);
    await within(60, `kill ${round + 1} happens`, killed, situation);
    quell = await startQuell({ ...setUp, port });
  }
  await within(120, 'every delivery is answered 2xx', senders.done, situation);
  // Slack takes some 50 updates a minute, and each message may have one left.
  await within(
    120 + services.length * 2,
    'Quell has nothing left to do',
    quell.settled(),
    situation,
  );
  process.stdout.write(
    `${killer.history()}; ${senders.truth.size} alerts, ${senders.retries()} requests repeated, ${topLevel(slack).length} messages\n`,
  );

  await expectTruth(quell, senders.truth, slack);

  // What came in and what was decided balance, also for what the last start found undecided.
  const [alertsIn, verdicts] = await quell.metrics('quell_alerts_in_total', 'quell_verdicts_total');
  expect(verdicts).toBe(alertsIn);
});

// ---------------------------------------------------------------------------------------------

/**
 * Kills at moments that hurt: after so many answers to senders, in the middle of a call to Slack, or
 * so soon after a kill that the restart has hardly begun to deliver.
 */
function createKiller(random: Random) {
  let armed:
    | { readonly what: 'answer' | 'slack'; left: number; readonly fire: () => void }
    | undefined;
  const kills: string[] = [];
  const count = (what: 'answer' | 'slack') => {
    if (armed?.what !== what) return;
    armed.left -= 1;
    if (armed.left <= 0) armed.fire();
  };
  return {
    answered: () => count('answer'),
    slackCalled: (method: string) => {
      if (method === 'chat.postMessage' || method === 'chat.update') count('slack');
    },
    /** Resolves when Quell is dead. */
    kills(quell: Quell): Promise<void> {
      const what = random.chance(0.5) ? 'answer' : 'slack';
      const left =
        what === 'answer' ? random.int(1, SERVICES_PER_ROUND * DELIVERIES) : random.int(1, 8);
      return new Promise((resolve, reject) => {
        const fire = () => {
          armed = undefined;
          kills.push(`${what} ${left}`);
          quell.kill('SIGKILL').then(() => resolve(), reject);
        };
        armed = { what, left, fire };
      });
    },
    history: () => `killed at: ${kills.join(', ')}`,
  };
}

/** Slack on a bad day. Stalls are rare: each costs a time-out. */
function randomFault(random: Random, method: string): Fault | undefined {
  const dice = random.next();
  if (method === 'auth.test') return undefined;
  if (dice < 0.06) return { kind: 'drop-answer' };
  if (dice < 0.1) return { kind: 'drop-before' };
  if (dice < 0.13) return { kind: 'status', status: 500 };
  if (dice < 0.16) return { kind: 'rate-limit', seconds: 1 };
  if (dice < 0.165) return { kind: 'stall' };
  return undefined;
}
