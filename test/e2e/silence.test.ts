/** Silences through the whole service: asked for in Slack, seen by the API, kept over a restart. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startQuell } from '../support/quell-process.ts';
import { runQuell } from '../support/run-quell.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { startSlackStandIn } from '../support/slack-stand-in.ts';

const timeout = 120_000;

test('a silence that was asked for in a thread is answered there, kept, shown and replayed', {
  timeout,
}, async () => {
  const slack = await startSlackStandIn();
  const [dataDir, rulesDir] = [scratchDir('data'), scratchDir('rules')];
  writeFileSync(join(rulesDir, 'quiet.yaml'), 'hold: [{ for: 0s }]\n');
  const secret = 'a-signing-secret';
  const env = {
    SLACK_BOT_TOKEN: 'xoxb-test',
    SLACK_SIGNING_SECRET: secret,
    SLACK_API_URL: slack.url,
  };
  const first = await startQuell({ dataDir, rulesDir, env });
  const fire = async (service: typeof first, name: string) => {
    const labels = { alertname: name, service: 'web', severity: 'high', env: 'production' };
    const alert = { status: 'firing', labels, startsAt: new Date().toISOString() };
    const answer = await service.post('/v1/ingest/alertmanager', { alerts: [alert] });
    expect(answer.status).toBe(200);
  };
  slack.sendEventsTo(`${first.url}/slack/events`, secret);
  await fire(first, 'Down');
  const message = await slack.message(/down/i);
  const mention = {
    type: 'event_callback',
    event_id: 'Ev1',
    event: {
      type: 'app_mention',
      user: 'U1',
      text: '<@U0BOT> silence 2h a &lt;new&gt; disk',
      channel: message.channel,
      ts: (Date.now() / 1_000).toFixed(6),
      thread_ts: message.ts,
    },
  };
  expect(await slack.sendPayload(mention)).toBe(200);
  // Slack sends again what it thinks was not heard.
  expect(await slack.sendPayload(mention)).toBe(200);
  const answer = await slack.message(/Silenced/);
  expect(answer.text).toContain('service="web", alertname="Down" · 1 alert');

  // Elsewhere only whoever asked is told what would be right: beside others' words in a thread, else in the channel.
  const elsewhere = { ...mention.event, thread_ts: undefined, ts: (Date.now() / 1_000).toFixed(6) };
  expect(await slack.sendPayload({ ...mention, event: elsewhere })).toBe(200);
  const hint = await slack.called('chat.postEphemeral');
  expect(hint.args).toMatchObject({ channel: message.channel, user: 'U1' });
  expect(hint.args['text']).toContain('Mention me in the thread of its message');
  expect(hint.args).not.toHaveProperty('thread_ts');
  const inThread = { ...elsewhere, thread_ts: '1600000000.000100' };
  expect(await slack.sendPayload({ ...mention, event: inThread })).toBe(200);
  const other = await slack.called('chat.postEphemeral', 2);
  expect(other.args).toMatchObject({ thread_ts: '1600000000.000100' });

  const silences = async (url: string) =>
    (await (await fetch(`${url}/api/v2/silences`)).json()) as readonly { readonly id: string }[];
  const listed = await silences(first.url);
  expect(listed).toMatchObject([
    { createdBy: 'U1', comment: 'a <new> disk', status: { state: 'active' } },
  ]);
  await first.kill('SIGKILL');

  const second = await startQuell({ dataDir, rulesDir, env });
  expect(await silences(second.url)).toEqual(listed);
  const alerts = await (await fetch(`${second.url}/api/v2/alerts`)).json();
  expect(alerts).toMatchObject([{ status: { state: 'suppressed', silencedBy: [listed[0]?.id] } }]);
  const ended = await fetch(`${second.url}/api/v2/silence/${listed[0]?.id ?? ''}`, {
    method: 'DELETE',
  });
  expect(ended.status).toBe(200);
  await slack.message(/The silence is over: 1 alert still fires/);
  await second.kill('SIGTERM');

  const since = ['--since', '1h', '--data-dir', dataDir, '--rules', rulesDir, '--json'];
  const replayed = await runQuell(['replay', ...since]);
  expect(JSON.parse(replayed.text)).toMatchObject({
    posts: 1,
    consequences: { 'silence-set': 1 },
  });
  expect(slack.messages().filter(({ text }) => /Silenced/.test(text))).toHaveLength(1);
});
