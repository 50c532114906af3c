/** Alertmanager's API v2, asked as Karma and Grafana ask. test/e2e/amtool.test.ts asks with the real amtool. */
import { afterEach, expect, test } from 'vitest';
import { SHAPE } from '../../src/limits.ts';
import type { Event } from '../../src/model.ts';
import { NOW, type Service, type ServiceOptions, startService } from '../support/service.ts';
import { SHOP } from '../support/story.ts';

const HOUR = 3_600_000;

let running: Service | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(options: ServiceOptions = {}): Promise<Service> {
  running = await startService({ yaml: SHOP, ...options });
  return running;
}

async function fire(service: Service, labels: Record<string, string>): Promise<void> {
  const answer = await service.post('/api/v2/alerts', [
    { labels: { env: 'production', ...labels }, startsAt: new Date(NOW).toISOString() },
  ]);
  expect(answer.status).toBe(200);
}

function posted(more: object = {}): object {
  return {
    matchers: [{ name: 'service', value: 'payments', isRegex: false, isEqual: true }],
    startsAt: new Date(NOW).toISOString(),
    endsAt: new Date(NOW + HOUR).toISOString(),
    createdBy: 'ann',
    comment: 'the database moves',
    ...more,
  };
}

test('a label as it was received counts, and what the rules make of it', async () => {
  const service = await start();
  await fire(service, { alertname: 'HighErrorRate', service: 'payments', severity: 'page' });
  const table = [
    ['severity="page"', 1],
    ['severity="critical"', 1],
    ['severity!="page"', 0],
    ['severity!="critical"', 0],
    ['severity="warning"', 0],
    ['HighErrorRate', 1],
    ['env=~"prod.*"', 1],
  ] as const;
  for (const [filter, shown] of table) {
    const answer = await service.get(`/api/v2/alerts?filter=${encodeURIComponent(filter)}`);
    expect([filter, await answer.json()]).toMatchObject([filter, { length: shown }]);
  }
  const matchers = [{ name: 'severity', value: 'page', isRegex: false, isEqual: true }];
  await service.post('/api/v2/silences', posted({ matchers }));
  const silenced = await service.get('/api/v2/alerts?active=false');
  expect(await silenced.json()).toMatchObject([
    { status: { state: 'suppressed', silencedBy: [expect.any(String)] } },
  ]);
});

test('what another alert inhibits is shown with it, and left out when asked to', async () => {
  const inhibit = `inhibit: [{ sourceMatchers: ['alertname="Down"'], targetMatchers: ['alertname="Slow"'] }]`;
  const service = await start({ yaml: `${SHOP}${inhibit}` });
  await fire(service, { alertname: 'Down', service: 'payments', severity: 'critical' });
  await fire(service, { alertname: 'Slow', service: 'basket', severity: 'warning' });
  const of = async (query: string) => (await service.get(`/api/v2/alerts?${query}`)).json();
  const [down] = (await of('active=true&inhibited=false')) as { fingerprint: string }[];
  expect(await of('active=false')).toMatchObject([
    {
      labels: { alertname: 'Slow' },
      status: {
        state: 'suppressed',
        inhibitedBy: [down?.fingerprint],
        silencedBy: [],
        mutedBy: [],
      },
    },
  ]);
  expect(await of('active=false&silenced=false')).toHaveLength(1);
  expect(await of('active=false&inhibited=false')).toEqual([]);
  const listed = (await (await service.get('/v1/alerts?state=inhibited')).json()) as object;
  expect(listed).toMatchObject({
    items: [
      {
        name: 'Slow',
        silenced: null,
        inhibited: { by: 'Down of payments', fingerprint: down?.fingerprint },
      },
    ],
  });
  const explained = await service.get(`/v1/alerts/${down?.fingerprint}/explain`);
  expect(await explained.json()).toMatchObject({
    summary: expect.arrayContaining([
      'While it fires, 1 alert stays quiet: Slow of basket.',
    ]) as string[],
  });
  const silenced = await service.get('/v1/alerts?state=silenced');
  expect(await silenced.json()).toMatchObject({ items: [] });
});

test('a silence that matches nothing, or everything, is pointed out before it begins', async () => {
  const service = await start();
  const tomorrow = {
    startsAt: new Date(NOW + 24 * HOUR).toISOString(),
    endsAt: new Date(NOW + 25 * HOUR).toISOString(),
  };
  const warningOf = async (name: string, value: string, isRegex: boolean, isEqual: boolean) => {
    const matchers = [{ name, value, isRegex, isEqual }];
    const answer = await service.post('/api/v2/silences', posted({ matchers, ...tomorrow }));
    expect(answer.status).toBe(200);
    return Object(await answer.json()).warning;
  };
  // Nothing fires yet: what takes everything is seen by itself.
  expect(await warningOf('alertname', '.+', true, true)).toMatch(/matches almost everything/);
  await fire(service, { alertname: 'Down', service: 'payments', severity: 'critical' });
  await fire(service, { alertname: 'Down', service: 'basket', severity: 'critical' });
  const table = [
    ['service', 'payment', false, true, /matches none of the 2 alerts that fire now/],
    ['alertname', 'Down', false, true, /matches all 2 alerts that fire now/],
    ['service', '[^x].*', true, true, /matches all 2 alerts that fire now/],
    ['service', 'payments', false, true, undefined],
    ['service', 'pay.*', true, true, undefined],
  ] as const;
  for (const [name, value, isRegex, isEqual, said] of table) {
    const warning = await warningOf(name, value, isRegex, isEqual);
    if (said === undefined) expect(warning).toBeUndefined();
    else expect(warning).toMatch(said);
  }
});

test('a filter that is none is refused in words', async () => {
  const service = await start();
  for (const query of ['filter=severity%3D~"("', 'receiver=(', 'active=maybe', 'filter=a"b']) {
    for (const path of ['alerts', 'alerts/groups']) {
      const answer = await service.get(`/api/v2/${path}?${query}`);
      expect([path, query, answer.status]).toEqual([path, query, 400]);
      expect(await answer.json()).toEqual(expect.any(String));
    }
  }
});

test('groups are incidents, and what is silenced stands in one of its own', async () => {
  const service = await start();
  await service.post(
    '/api/v2/silences',
    posted({ matchers: [{ name: 'service', value: 'basket', isRegex: false }] }),
  );
  await fire(service, { alertname: 'HighErrorRate', service: 'payments', severity: 'critical' });
  await fire(service, { alertname: 'Refused', service: 'payments-db', severity: 'critical' });
  await fire(service, { alertname: 'Slow', service: 'basket', severity: 'critical' });
  const groups = (await (await service.get('/api/v2/alerts/groups')).json()) as unknown[];
  expect(groups).toMatchObject([
    { labels: { environment: 'production' }, receiver: { name: '#alerts' }, alerts: [{}, {}] },
    { labels: {}, receiver: { name: 'quell' }, alerts: [{ status: { state: 'suppressed' } }] },
  ]);
});

test('the API asks for a token, and takes nothing from web pages of others', async () => {
  const service = await start({ apiToken: 'secret' });
  const calls = [
    service.get('/api/v2/alerts'),
    service.get('/api/v2/silences'),
    service.post('/api/v2/silences', posted()),
    fetch(`${service.url}/api/v2/silence/x`, { method: 'DELETE' }),
  ];
  for (const answer of await Promise.all(calls)) expect(answer.status).toBe(401);
  const headers = { authorization: 'Bearer secret' };
  expect((await service.post('/api/v2/silences', posted(), headers)).status).toBe(200);
  const page = { ...headers, origin: 'https://evil.example.com' };
  expect((await service.post('/api/v2/silences', posted(), page)).status).toBe(403);
});

test('others get their turn while very many alerts are shown', async () => {
  const service = await start({ limits: { body: 10_000_000 } });
  const alerts = Array.from({ length: 20_000 }, (_, i) => ({
    labels: { alertname: `Check${i}`, service: 'payments', env: 'production' },
    startsAt: new Date(NOW).toISOString(),
  }));
  for (let i = 0; i < alerts.length; i += 5_000) {
    const part = alerts.slice(i, i + 5_000);
    expect((await service.post('/api/v2/alerts', part)).status).toBe(200);
  }
  const order: string[] = [];
  const all = service.get('/api/v2/alerts').then(async (answer) => {
    const shown = (await answer.json()) as unknown[];
    order.push('all');
    return shown;
  });
  const healthy = service.get('/-/healthy').then(() => order.push('healthy'));
  const [shown] = await Promise.all([all, healthy]);
  expect(shown).toHaveLength(20_000);
  expect(order).toEqual(['healthy', 'all']);
}, 30_000);

test('silences stand on the first page and at /v1/silences: what ends next first, then what is to come', async () => {
  const service = await start({
    yaml: `${SHOP}\npeople: [{ name: Ann, slack: U012AB3CD }]`,
  });
  expect(await (await service.get('/')).text()).not.toContain('<h2>Silences</h2>');
  const set = async (comment: string, from: number, to: number, createdBy = 'U012AB3CD') => {
    const span = {
      startsAt: new Date(NOW + from * HOUR).toISOString(),
      endsAt: new Date(NOW + to * HOUR).toISOString(),
    };
    const matchers = [{ name: 'service', value: 'pay.*s', isRegex: true, isEqual: true }];
    await service.post('/api/v2/silences', posted({ ...span, comment, createdBy, matchers }));
  };
  await set('tomorrow', 20, 30, '<script>');
  await set('long', 0, 9);
  await set('short', 0, 1);
  await service.pass(2 * HOUR);
  const listed = (await (await service.get('/v1/silences')).json()) as { items: object[] };
  expect(listed).toMatchObject({
    items: [
      { comment: 'long', status: { state: 'active' } },
      { comment: 'tomorrow', status: { state: 'pending' } },
      { comment: 'short', status: { state: 'expired' } },
    ],
    next: null,
  });
  const page = await (await service.get('/')).text();
  expect(page).toContain(
    '{service=~&quot;pay.*s&quot;} <span class="soft">Ann: long · 7 h to go</span>',
  );
  expect(page).toContain('&lt;script&gt;: tomorrow · begins in 18 h');
  expect(page).not.toContain('short');
  for (const path of ['/silences', '/alerts?state=silenced', '/decisions?reason=silence-set']) {
    expect(page).toContain(`href="${path}"`);
    expect((await service.get(path)).status).toBe(200);
  }
});

test('no more silences are set than there may be, until some are over', async () => {
  const service = await start();
  const silence = (n: number, endsAt: number): Event => ({
    kind: 'silence',
    silence: {
      id: `s${n}`,
      matchers: [{ name: 'service', value: `s${n}`, isRegex: false, isEqual: true }],
      startsAt: NOW,
      endsAt,
      createdBy: 'ann',
      comment: '',
    },
  });
  const set = (endsAt: number) =>
    service.lane.submit(
      NOW,
      Array.from({ length: SHAPE.silences }, (_, n) => silence(n, endsAt)),
    );
  await set(NOW + HOUR);
  const refused = await service.post('/api/v2/silences', posted());
  expect([refused.status, await refused.json()]).toEqual([
    400,
    expect.stringContaining('(limit silences)'),
  ]);
  expect(await service.metrics.text()).toContain('quell_limit_reached_total{limit="silences"} 1');
  await set(NOW);
  expect((await service.post('/api/v2/silences', posted())).status).toBe(200);
});
