/** Rules edited while the service runs and people are on an incident: it stays where it is, and ends there. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startQuell } from '../support/quell-process.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { startSlackStandIn } from '../support/slack-stand-in.ts';

const BEFORE = `hold: [{ match: ['alertname="Slow"'], for: 1h }, { for: 0s }]
route: { channel: '#alerts' }
replica: [site]
services: [{ name: web, owner: team-web, tier: 1 }]
`;
const AFTER = `hold: [{ for: 2h }]
route: { channel: '#elsewhere', mention: here }
environment: [labels.site]
services: [{ name: shop, aliases: [web], owner: team-shop, tier: 3, channel: '#shop' }]
correlate: [{ match: ['severity=~".+"'], off: true }]
`;

test('an edit and POST /-/reload leave the messages where they are, and they end in place', {
  timeout: 120_000,
}, async () => {
  const slack = await startSlackStandIn({ people: { U012AB3CD: { name: 'ann', bot: false } } });
  const rulesDir = scratchDir('rules');
  const file = join(rulesDir, 'rules.yaml');
  writeFileSync(file, BEFORE);
  const secret = 'a-signing-secret';
  const keys = { SLACK_BOT_TOKEN: 'xoxb-test', SLACK_SIGNING_SECRET: secret };
  const quell = await startQuell({ rulesDir, env: { ...keys, SLACK_API_URL: slack.url } });
  slack.sendEventsTo(`${quell.url}/slack/events`, secret);
  const startsAt = new Date().toISOString();
  const say = async (name: string, status: string, more: Readonly<Record<string, string>> = {}) => {
    const labels = {
      alertname: name,
      service: 'web',
      severity: 'high',
      env: 'production',
      ...more,
    };
    const endsAt = status === 'resolved' ? { endsAt: new Date().toISOString() } : {};
    const alert = { status, labels, startsAt, ...endsAt };
    const answer = await quell.post('/v1/ingest/alertmanager', { alerts: [alert] });
    expect(answer.status).toBe(200);
  };
  await say('Down', 'firing', { site: 'a' });
  const message = await slack.message(/down/i);
  await say('Slow', 'firing', { env: 'eu' });
  await slack.react('eyes', message, 'U012AB3CD');
  await slack.message(/is on it/);
  await quell.settled();
  const told = slack.messages().length;

  writeFileSync(file, AFTER);
  expect((await quell.post('/-/reload')).status).toBe(200);
  await say('Down', 'firing', { site: 'a' });
  await say('Slow', 'firing', { env: 'eu' });
  await quell.settled();
  expect(slack.messages()).toHaveLength(told);
  const acknowledged = await quell.get('/v1/incidents?state=acknowledged');
  expect(acknowledged).toMatchObject({ items: [{ acknowledged: [{ name: 'ann' }] }] });
  expect(await (await fetch(quell.url)).text()).toContain('On it: ann');
  expect(await quell.get('/v1/incidents?state=gathering')).toMatchObject({ items: [{}] });

  await say('Down', 'resolved', { site: 'a' });
  const ended = await slack.message(/solved|over|resolved/i);
  await quell.settled();
  expect(ended.ts).toBe(message.ts);
  expect(slack.messages()).toHaveLength(told);
});

test('SIGHUP loads the rules again, as in Alertmanager, and ends nothing', {
  timeout: 60_000,
}, async () => {
  const quell = await startQuell();
  const loaded = () => quell.metrics('quell_rules_loads_total{outcome="loaded"}');
  const [before = 0] = await loaded();
  void quell.kill('SIGHUP');
  while ((await loaded())[0] !== before + 1) await setTimeout(50);
  expect((await quell.post('/-/reload')).status).toBe(200);
});
