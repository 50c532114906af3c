import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { startService } from '../../src/service/service.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { slackForTest, topLevel } from '../support/slack-for-test.ts';
import { scratchDir } from '../support/scratch-dir.ts';

test('no request goes to an address that stood in an alert, wherever it stood', async () => {
  const asked: string[] = [];
  const canary = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('{}');
  });
  await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    canary.closeAllConnections();
    canary.close();
  });
  const slack = await slackForTest();
  // As every server on a port.
  const url = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;
  const env = {
    QUELL_PORT: '0',
    QUELL_DATA_DIR: scratchDir('outbound'),
    QUELL_RULES_DIR: 'rules',
    SLACK_BOT_TOKEN: 'xoxb-test',
    SLACK_API_URL: slack.url,
  };
  const read = readConfig({ env, flags: {}, file: undefined });
  if (read.kind === 'refused') throw new Error(read.problems.join());
  const service = await startService(read.config, createLog('silent'));
  const quell = `http://127.0.0.1:${service.port}`;
  const texts = { summary: url, description: url, runbook_url: url, dashboard_url: url, logs: url };
  const labels = {
    alertname: 'Down',
    service: 'checkout',
    severity: 'critical',
    env: 'production',
    instance: url,
  };
  const alert = {
    status: 'firing',
    labels,
    annotations: { ...texts, __dashboardUid__: url, image: url },
    startsAt: new Date().toISOString(),
    generatorURL: url,
    silenceURL: url,
    dashboardURL: url,
    panelURL: url,
    imageURL: url,
  };
  const body = {
    version: '4',
    externalURL: url,
    SubscribeURL: url,
    SigningCertURL: url,
    Type: 'SubscriptionConfirmation',
    alerts: [alert],
  };
  for (const path of ['/v1/ingest/alertmanager', '/v1/ingest/grafana']) {
    const answer = await fetch(`${quell}${path}`, { method: 'POST', body: JSON.stringify(body) });
    expect(answer.status).toBe(200);
  }
  await slack.called('chat.postMessage');
  for (const path of ['/', '/decisions', '/v1/alerts', '/v1/incidents', '/metrics']) {
    await (await fetch(`${quell}${path}`, { headers: { accept: 'text/html' } })).text();
  }
  await service.stop();
  expect(topLevel(slack).length).toBeGreaterThan(0);
  expect(JSON.stringify(topLevel(slack))).toContain(url);
  expect(asked).toEqual([]);
});
