/** Alertmanager's own amtool, used on Quell: what people type at night works here too. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { NOW, type Service, startService } from '../support/service.ts';
import { SHOP } from '../support/story.ts';
import { toolPath } from '../support/test-tools.ts';

const timeout = 60_000;
const run = promisify(execFile);
let service: Service | undefined;

afterEach(async () => {
  await service?.stop();
  service = undefined;
});

async function amtool(...args: readonly string[]): Promise<string> {
  const { stdout } = await run(toolPath('amtool'), [
    `--alertmanager.url=${service?.url ?? ''}`,
    ...args,
  ]);
  return stdout.trim();
}

async function fire(...services: readonly string[]): Promise<void> {
  const alerts = services.map((name) => ({
    labels: { alertname: 'ErrorRateHigh', service: name, severity: 'critical' },
    annotations: { summary: `${name} answers with errors` },
  }));
  await service?.post('/api/v2/alerts', alerts);
}

test('silences are added, shown, changed and expired', { timeout }, async () => {
  service = await startService({ yaml: SHOP });
  // amtool goes by the real clock.
  await service.pass(Date.now() - NOW);
  await fire('payments');
  const id = await amtool(
    'silence',
    'add',
    'service=basket',
    'severity=~crit.*',
    '--author=ann',
    '--comment=upgrade',
    '--duration=2h',
  );
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(await amtool('silence', 'query')).toMatch(
    new RegExp(`${id}\\s+service="?basket"? severity=~"?crit\\.\\*"?.*ann\\s+upgrade`),
  );
  expect(await amtool('silence', 'query', '-q', 'service=payments')).toBe('');
  await service.pass(60_000);
  await fire('basket');
  const alerts = JSON.parse(await amtool('alert', 'query', '-o', 'json')) as unknown[];
  expect(alerts).toMatchObject([{ labels: { service: 'payments' }, status: { state: 'active' } }]);
  const silenced = await amtool('alert', 'query', '--silenced', '-o', 'json');
  expect(JSON.parse(silenced)).toMatchObject([
    { labels: { service: 'basket' }, status: { state: 'suppressed', silencedBy: [id] } },
  ]);
  expect(await amtool('silence', 'update', id, '--comment=longer', '--duration=4h')).toContain(id);
  await amtool('silence', 'expire', id);
  const expired = await service.get(`/api/v2/silence/${id}`);
  expect(await expired.json()).toMatchObject({ status: { state: 'expired' }, comment: 'longer' });
  expect(await amtool('alert', 'query', 'service=basket')).toContain('ErrorRateHigh');
});

test('a silence may say only what it leaves out, as in Alertmanager', { timeout }, async () => {
  service = await startService({ yaml: SHOP });
  await service.pass(Date.now() - NOW);
  await amtool('silence', 'add', 'service!=payments', '--author=ann', '--comment=c');
  await amtool('silence', 'add', 'service!~pay.*', '--author=ann', '--comment=c');
  await service.pass(60_000);
  await fire('payments', 'basket');
  expect(JSON.parse(await amtool('alert', 'query', '--silenced', '-o', 'json'))).toMatchObject([
    { labels: { service: 'basket' }, status: { state: 'suppressed' } },
  ]);
});

test('alerts are listed and filtered, and added', { timeout }, async () => {
  service = await startService({ yaml: SHOP });
  await amtool('alert', 'add', 'alertname=Down', 'service=basket', '--annotation=summary=gone');
  await fire('payments');
  expect(await amtool('alert', 'query', 'Down')).toMatch(/^Alertname[^\n]*\nDown .* gone/);
  expect(await amtool('alert', 'query', 'service=~pay.*')).toContain(
    'payments answers with errors',
  );
});

async function post(silence: Record<string, unknown>): Promise<{ status: number; body: unknown }> {
  const answer = await service?.post('/api/v2/silences', {
    matchers: [{ name: 'service', value: 'payments', isRegex: false, isEqual: true }],
    startsAt: '2026-11-21T01:30:00Z',
    endsAt: '2026-11-21T03:30:00Z',
    createdBy: 'ann',
    comment: 'upgrade',
    ...silence,
  });
  return { status: answer?.status ?? 0, body: await answer?.json() };
}

test('a silence that matches nothing, or everything, is pointed out', { timeout }, async () => {
  service = await startService({ yaml: SHOP });
  await fire('payments', 'basket');
  const all = [{ name: 'alertname', value: '.+', isRegex: true, isEqual: true }];
  expect((await post({ matchers: all })).body).toMatchObject({
    warning: '{alertname=~".+"} matches all 2 alerts that fire now',
  });
  const none = [{ name: 'service', value: 'paymnets', isRegex: false, isEqual: true }];
  expect((await post({ matchers: none })).body).toMatchObject({
    warning: '{service="paymnets"} matches none of the 2 alerts that fire now',
  });
  expect((await post({})).body).toEqual({ silenceID: expect.any(String) as string });
});

test.each([
  [{ matchers: [] }, 'matchers: expected a list with at least one matcher'],
  [
    { matchers: [{ name: 'a', value: '', isRegex: false }] },
    'matchers: at least one must not match the empty string, or all is silenced',
  ],
  [
    { matchers: [{ name: 'a', value: '(', isRegex: true }] },
    expect.stringMatching(/^matchers\[0\]\.value: /) as string,
  ],
  [{ endsAt: '2026-11-21T01:00:00Z' }, 'endsAt: the end is not after the start'],
  [{ endsAt: 'tomorrow' }, 'endsAt: expected a time like 2026-01-01T00:00:00Z'],
  [{ comment: 7 }, 'comment: expected text'],
])('a silence %j is refused in words', async (wrong, message) => {
  service = await startService({ yaml: SHOP });
  expect(await post(wrong)).toEqual({ status: 400, body: message });
});

test('a silence that nobody knows is not found', async () => {
  service = await startService({ yaml: SHOP });
  expect((await post({ id: 'nobody' })).status).toBe(404);
  expect((await service.get('/api/v2/silence/nobody')).status).toBe(404);
});
