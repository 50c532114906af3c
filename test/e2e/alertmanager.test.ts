/**
 * The main job, end to end, with real parts: Prometheus fires, Alertmanager (as docs/alertmanager.md
 * sets it up) sends its webhook, Quell decides, one Slack message appears, a person reacts.
 */
import { expect, test } from 'vitest';
import { startAlertmanager } from '../support/alertmanager.ts';
import { startPlatform } from '../support/platform.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { startQuell } from '../support/quell-process.ts';
import { slackForTest, topLevel } from '../support/slack-for-test.ts';
import { within } from '../support/within.ts';

const TOKEN = 'token-of-this-test';

test('Prometheus, Alertmanager, Quell, Slack: a cascade is one message, from firing to resolved', {
  timeout: 240_000,
}, async () => {
  const slack = await slackForTest();
  const quell = await startQuell({
    env: {
      SLACK_BOT_TOKEN: 'xoxb-test',
      SLACK_APP_TOKEN: 'xapp-test',
      SLACK_API_URL: slack.url,
      QUELL_INGEST_TOKENS: `alertmanager=${TOKEN}`,
      QUELL_HOST: '127.0.0.1',
    },
  });
  await within(60, 'Quell is connected by Socket Mode', slack.connected(), quell.tail);
  const platform = await startPlatform('payments-db', 'payments', 'checkout-api', 'search-api');
  const alertmanager = await startAlertmanager({
    quellUrl: quell.url,
    token: TOKEN,
    groupInterval: '2s',
  });
  const prometheus = await startPrometheus({
    target: platform.target,
    alertsTo: alertmanager.url,
  });
  const situation = () => [slack.situation(), quell.tail(), alertmanager.tail()].join('\n');

  platform.fail('payments-db');
  const first = slack.message(/payments-db does not answer/);
  const message = await within(60, 'the message appears', first, situation);
  expect(message.channelName).toBe('team-payments');
  expect(message.text.split('\n')[0]).toMatch(/critical in production/);
  expect(message.text).toContain('https://wiki.example.com/runbooks/postgres-connections');

  platform.fail('payments', 'checkout-api');
  const grown = slack.until(() => /3 alerts/.test(message.text) || undefined);
  await within(60, 'the cascade joins the message', grown, situation);
  expect(message.text).toMatch(/Likely cause: payments-db/);
  expect(message.text).toMatch(/checkout-api → payments → payments-db/);

  await slack.react('eyes', message, 'U0EXAMPLE2');
  const acknowledged = slack.until(() => /On it: Ben/.test(message.text) || undefined);
  await within(60, 'the message says who is on it', acknowledged, situation);

  platform.recover('payments-db', 'payments', 'checkout-api');
  const resolved = slack.until(() => message.text.startsWith('🟢 Resolved after') || undefined);
  await within(90, 'the message says that it is over', resolved, situation);

  expect(topLevel(slack)).toEqual([message]);
  expect(prometheus.lines.join('\n')).not.toMatch(/level=error/);
  expect(alertmanager.lines.join('\n')).not.toMatch(/level=error/);

  await prometheus.kill();
  await alertmanager.kill();
  await within(60, 'Quell has nothing left to do', quell.settled(), situation);
  const [alertsIn, verdicts, heartbeats] = await quell.metrics(
    'quell_alerts_in_total',
    'quell_verdicts_total',
    'quell_verdicts_total{reason="heartbeat"}',
  );
  expect(alertsIn).toBeGreaterThan(0);
  expect(verdicts).toBe(alertsIn);
  expect(heartbeats).toBeGreaterThan(0);
});
