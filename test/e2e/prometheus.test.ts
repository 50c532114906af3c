/**
 * Without Alertmanager: Prometheus sends to Quell as if it were one, and Slack's events come signed
 * over HTTP. An alert of a Prometheus that died is taken as resolved when its time-out is over.
 */
import { expect, test } from 'vitest';
import { startPlatform } from '../support/platform.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { startQuell } from '../support/quell-process.ts';
import { slackForTest, topLevel } from '../support/slack-for-test.ts';
import { within } from '../support/within.ts';

const TOKEN = 'token-of-this-test';
const SIGNING_SECRET = 'signing-secret-of-this-test';

test('Prometheus sends straight to Quell; reactions come as signed events; a Prometheus that dies leaves nothing behind', {
  timeout: 240_000,
}, async () => {
  const slack = await slackForTest();
  const quell = await startQuell({
    env: {
      SLACK_BOT_TOKEN: 'xoxb-test',
      SLACK_SIGNING_SECRET: SIGNING_SECRET,
      SLACK_API_URL: slack.url,
      QUELL_INGEST_TOKENS: `prometheus=${TOKEN}`,
      QUELL_HOST: '127.0.0.1',
    },
  });
  slack.sendEventsTo(`${quell.url}/slack/events`, SIGNING_SECRET);
  const platform = await startPlatform('subscriptions-db', 'subscriptions', 'session-cache');
  const prometheus = await startPrometheus({
    target: platform.target,
    alertsTo: quell.url,
    token: TOKEN,
  });
  const situation = () => [slack.situation(), quell.tail(), prometheus.tail()].join('\n');

  platform.fail('subscriptions-db', 'subscriptions');
  const first = slack.message(/subscriptions-db does not answer/);
  const message = await within(60, 'the message appears', first, situation);
  expect(message.channelName).toBe('team-payments');

  await slack.react('eyes', message, 'U0EXAMPLE2');
  const acknowledged = slack.until(() => /On it: Ben/.test(message.text) || undefined);
  await within(60, 'the message says who is on it', acknowledged, situation);
  await slack.unreact('eyes', message, 'U0EXAMPLE2');
  const takenBack = slack.until(() => !/On it: Ben/.test(message.text) || undefined);
  await within(60, 'taking the reaction back takes it back', takenBack, situation);

  platform.recover('subscriptions-db', 'subscriptions');
  const resolved = slack.until(() => message.text.startsWith('🟢 Resolved after') || undefined);
  await within(60, 'the message says that it is over', resolved, situation);

  platform.fail('session-cache');
  const second = slack.message(/session-cache does not answer/);
  const other = await within(60, 'another failure is another message', second, situation);
  await prometheus.kill('SIGKILL');
  const expired = slack.until(
    () => other.text.startsWith('🟢 Taken as resolved after') || undefined,
  );
  await within(60, 'what nobody mentions any more is over', expired, situation);
  expect(topLevel(slack)).toEqual([message, other]);

  await within(60, 'Quell has nothing left to do', quell.settled(), situation);
  const [alertsIn, verdicts] = await quell.metrics('quell_alerts_in_total', 'quell_verdicts_total');
  expect(alertsIn).toBeGreaterThan(0);
  expect(verdicts).toBe(alertsIn);
});
