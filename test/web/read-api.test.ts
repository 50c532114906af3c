import { afterEach, expect, test } from 'vitest';
import { NOW, type Service, type ServiceOptions, startService } from '../support/service.ts';
import { SHOP } from '../support/story.ts';

const MINUTE = 60_000;

let running: Service | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(options: ServiceOptions = {}): Promise<Service> {
  running = await startService({ yaml: SHOP, ...options });
  return running;
}

interface Page {
  readonly items: readonly Record<string, unknown>[];
  readonly next: string | null;
}

async function json(service: Service, path: string): Promise<Page & Record<string, unknown>> {
  const answer = await service.get(path);
  // Our own answer.
  const body = (await answer.json()) as Page & Record<string, unknown>;
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(body)}`);
  return body;
}

async function fire(service: Service, name: string, more: object = {}): Promise<void> {
  const answer = await service.post('/v1/ingest/generic', {
    name,
    service: 'checkout',
    environment: 'production',
    ...more,
  });
  expect(answer.status).toBe(200);
  await service.lane.settled();
}

async function all(
  service: Service,
  path: string,
): Promise<{ readonly items: readonly Record<string, unknown>[]; readonly pages: number }> {
  const items: Record<string, unknown>[] = [];
  const separator = path.includes('?') ? '&' : '?';
  let next: string | null = null;
  let pages = 0;
  do {
    const page: Page = await json(
      service,
      next === null ? path : `${path}${separator}cursor=${next}`,
    );
    items.push(...page.items);
    next = page.next;
    pages++;
  } while (next !== null);
  return { items, pages };
}

test('an alert is shown with its labels exactly as received and what the rules read out of it', async () => {
  const service = await start();
  const labels = {
    alertname: 'HighLoad',
    service: 'svc "x"',
    env: 'production',
    '<b>': '<script>',
    severity: 'page',
  };
  await service.post('/v1/ingest/alertmanager', {
    alerts: [{ status: 'firing', labels, startsAt: '2026-11-21T01:20:00Z' }],
  });
  await service.lane.settled();
  const { items, next } = await json(service, '/v1/alerts');
  expect(next).toBeNull();
  expect(items).toMatchObject([
    {
      labels,
      status: 'firing',
      source: 'alertmanager',
      name: 'HighLoad',
      startsAt: '2026-11-21T01:20:00.000Z',
      endsAt: null,
      since: new Date(NOW).toISOString(),
      episodes: 1,
      silenced: null,
    },
  ]);
});

test('alerts are paged newest first, each exactly once', async () => {
  const service = await start();
  for (let i = 0; i < 25; i++) {
    await fire(service, `Alert${i}`);
    if (i % 3 === 0) await service.pass(1_000);
  }
  const { items, pages } = await all(service, '/v1/alerts?limit=4');
  expect(pages).toBe(7);
  expect(new Set(items.map(({ fingerprint }) => fingerprint)).size).toBe(25);
  const times = items.map(({ since }) => String(since));
  expect(times).toEqual(times.toSorted().toReversed());
});

test('what arrives between two pages moves nobody', async () => {
  const service = await start();
  for (let i = 0; i < 6; i++) await fire(service, `Alert${i}`);
  const first = await json(service, '/v1/alerts?limit=3');
  await service.pass(1_000);
  await fire(service, 'Newcomer');
  const second = await json(service, `/v1/alerts?limit=3&cursor=${first.next}`);
  const names = [...first.items, ...second.items].map(({ name }) => name);
  expect(new Set(names).size).toBe(6);
  expect(names).not.toContain('Newcomer');
});

test('filters: state, service, environment, severity, time, matchers', async () => {
  const service = await start();
  await fire(service, 'Old', { severity: 'critical' });
  await service.pass(10 * MINUTE);
  await fire(service, 'New', { service: 'basket' });
  await fire(service, 'Elsewhere', { environment: 'staging' });
  await fire(service, 'New', { service: 'basket', status: 'resolved' });
  const from = new Date(NOW + 5 * MINUTE).toISOString();
  for (const [query, names] of [
    ['', ['Old', 'New', 'Elsewhere']],
    ['state=firing', ['Old', 'Elsewhere']],
    ['state=resolved', ['New']],
    ['state=firing,resolved', ['Old', 'New', 'Elsewhere']],
    ['service=basket', ['New']],
    ['environment=staging', ['Elsewhere']],
    ['severity=critical', ['Old']],
    [`from=${from}`, ['New', 'Elsewhere']],
    [`to=${from}`, ['Old']],
    [`match=${encodeURIComponent('service=~"check.*"')}`, ['Old', 'Elsewhere']],
    [`match=${encodeURIComponent('Old{service="checkout"}')}`, ['Old']],
    [`match=Old`, ['Old']],
    [`match=${encodeURIComponent('Old{service="basket"}')}`, []],
  ] as const) {
    const { items } = await json(service, `/v1/alerts?${query}`);
    expect(new Set(items.map(({ name }) => name)), query).toEqual(new Set(names));
  }
});

test('an alias means its service, and a matcher finds facts and labels as they were received', async () => {
  const yaml = 'services:\n  - {name: checkout-api, aliases: [checkout, shop]}\n';
  const service = await start({ yaml });
  await fire(service, 'HighLoad');
  const [incident] = service.lane.state.incidents.keys();
  for (const [query, found] of [
    ['service=checkout-api', 1],
    ['service=shop', 1],
    [`incident=${incident}`, 1],
    ['incident=NOPE', 0],
    [`match=${encodeURIComponent('HighLoad{service="checkout"}')}`, 1],
    [`match=${encodeURIComponent('service="shop"')}`, 1],
    [`match=${encodeURIComponent('service=~"checkout-a.*"')}`, 1],
    [`match=${encodeURIComponent('service!="checkout"')}`, 0],
    [`match=${encodeURIComponent('service!="basket"')}`, 1],
    [`match=${encodeURIComponent('service=""')}`, 0],
  ] as const) {
    expect((await json(service, `/v1/alerts?${query}`)).items.length, query).toBe(found);
  }
  const { items } = await json(service, '/v1/decisions?service=shop&reason=opened');
  expect(items.length).toBe(1);
});

test('a query that is not understood is a 400 that says what would be right', async () => {
  const service = await start();
  for (const [path, error] of [
    ['/v1/alerts?stat=firing', 'unknown parameter "stat": did you mean "state"?'],
    ['/v1/alerts?state=open', 'state: "open" is none of firing, resolved, silenced, inhibited'],
    [
      '/v1/incidents?state=firing',
      'state: "firing" is none of gathering, open, acknowledged, resolved',
    ],
    ['/v1/alerts?limit=5000', 'limit: expected a number from 1 to 1000, got "5000"'],
    ['/v1/alerts?from=noon', 'from: expected a time like 2026-01-31T09:30:00Z, got "noon"'],
    ['/v1/alerts?cursor=%22', 'cursor: take it from "next" of the page before, or leave it out'],
    ['/v1/alerts?match=%7B', 'match: the opening { has no closing }'],
    ['/v1/alerts?severity=bad', 'severity: "bad" is none of critical, high, warning, info, none'],
    [
      '/v1/incidents?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
      'from: it is later than to',
    ],
    ['/v1/decisions?from=2000&to=1000', 'from: it is later than to'],
    ['/v1/decisions?reason=joind', 'reason: unknown "joind": did you mean "joined"?'],
    ['/v1/decisions?cursor=x', expect.stringContaining('is not a cursor')],
  ] as const) {
    const answer = await service.get(path);
    expect([answer.status, await answer.json()], path).toEqual([400, { error }]);
  }
});

test('an incident is shown with its counts, its message, its alerts and its decisions', async () => {
  const service = await start();
  await fire(service, 'ErrorRate', {
    service: 'payments-db',
    severity: 'critical',
    summary: 'payments-db refuses connections',
  });
  await fire(service, 'ErrorRate', { service: 'payments', severity: 'critical' });
  const { items } = await json(service, '/v1/incidents');
  expect(items).toMatchObject([
    {
      state: 'open',
      title: 'payments-db refuses connections',
      severity: 'critical',
      environment: 'production',
      alerts: { total: 2, firing: 2 },
      services: [
        { name: 'payments', alerts: 1, firing: 1 },
        { name: 'payments-db', alerts: 1, firing: 1 },
      ],
      root: 'payments-db',
      resolvedAt: null,
    },
  ]);
  const detail = await json(service, `/v1/incidents/${String(items[0]?.['id'])}`);
  expect(detail).toMatchObject({
    text: expect.stringContaining('payments-db refuses connections'),
    members: [{ service: 'payments-db' }, { service: 'payments' }],
    complete: true,
  });
  const decisions = detail['decisions'] as { reason: string; text: string }[];
  expect(decisions.map(({ reason }) => reason)).toEqual(
    expect.arrayContaining(['opened', 'told', 'joined']),
  );
  for (const { text } of decisions) expect(text).not.toMatch(/undefined|null|\[object/);
});

test('incidents that left memory stay listed, after those that did not', async () => {
  const service = await start();
  await fire(service, 'First', { severity: 'critical' });
  await fire(service, 'First', { severity: 'critical', status: 'resolved' });
  for (let i = 0; i < 30; i++) await service.pass(60 * MINUTE);
  expect(service.lane.state.incidents.size).toBe(0);
  await fire(service, 'Second', { severity: 'critical' });
  const { items } = await all(service, '/v1/incidents?limit=1');
  expect(items.map(({ state, alerts }) => [state, alerts])).toEqual([
    ['open', { total: 1, firing: 1 }],
    ['resolved', { total: 1, firing: 0 }],
  ]);
  const closed = await json(service, `/v1/incidents/${String(items[1]?.['id'])}`);
  expect(closed).toMatchObject({ state: 'resolved', members: [{ name: 'First' }] });
  const resolvedBefore = new Date(NOW + 60 * MINUTE).toISOString();
  for (const [query, count] of [
    ['state=open', 1],
    ['state=resolved', 1],
    ['service=checkout', 2],
    ['service=checkout&environment=production', 2],
    ['service=basket', 0],
    [`to=${resolvedBefore}`, 1],
    [`from=${resolvedBefore}`, 1],
    ['match=First', 1],
  ] as const) {
    expect((await all(service, `/v1/incidents?${query}`)).items.length, query).toBe(count);
  }
});

test('explain tells the story of an alert in order of time, in plain words', async () => {
  const service = await start();
  await fire(service, 'ErrorRate', { service: 'payments-db', severity: 'critical' });
  await service.pass(30_000);
  await fire(service, 'ErrorRate', { service: 'payments', severity: 'critical' });
  await fire(service, 'SlowQueries', { service: 'payments-db', severity: 'warning' });
  const { items } = await json(service, '/v1/alerts?service=payments');
  const story = await json(service, `/v1/alerts/${String(items[0]?.['fingerprint'])}/explain`);
  const decisions = story['decisions'] as {
    at: string;
    text: string;
    fingerprint: string | null;
  }[];
  expect(decisions.map(({ at }) => at)).toEqual(decisions.map(({ at }) => at).toSorted());
  expect(decisions.map(({ text }) => text).join('\n')).toMatch(
    /^joined incident \S+ ".*", not told by itself: .*payments -> payments-db/m,
  );
  const others = decisions.map(({ fingerprint }) => fingerprint).filter((one) => one !== null);
  expect(new Set(others)).toEqual(new Set([items[0]?.['fingerprint']]));
  expect(story['summary']).toEqual([
    expect.stringMatching(/^Firing for/),
    expect.stringMatching(/^It is part of incident/),
    'Slack does not have the message yet.',
  ]);
  expect(story['complete']).toBe(true);
});

test('a held alert says until when, and by which rule', async () => {
  const yaml = `${SHOP}
hold:
  - match: ['alertname="HighCpu"']
    for: 10m
    why: The autoscaler needs 8 minutes.
`;
  const service = await start({ yaml });
  await fire(service, 'HighCpu', { severity: 'warning' });
  const [alert] = (await json(service, '/v1/alerts')).items;
  const story = await json(service, `/v1/alerts/${String(alert?.['fingerprint'])}/explain`);
  expect((story['summary'] as string[]).join(' ')).toMatch(
    /nobody was told of yet\. It is held for 10 min \(rules\.yaml:\d+: The autoscaler needs 8 minutes\): it is told at 01:40:00 UTC if it still fires then\./,
  );
});

test('an alert that left memory is still explained', async () => {
  const service = await start();
  await fire(service, 'First', { severity: 'critical' });
  const [alert] = (await json(service, '/v1/alerts')).items;
  await fire(service, 'First', { severity: 'critical', status: 'resolved' });
  for (let i = 0; i < 30; i++) await service.pass(60 * MINUTE);
  expect(service.lane.state.alerts.size).toBe(0);
  const story = await json(service, `/v1/alerts/${String(alert?.['fingerprint'])}/explain`);
  const texts = (story['decisions'] as { text: string }[]).map(({ text }) => text).join('\n');
  expect(texts).toMatch(/opened incident/);
  expect(texts).toMatch(/resolved by its source/);
});

test('what is not known is a 404 that says why', async () => {
  const service = await start();
  for (const path of ['/v1/alerts/0123456789abcdef/explain', '/v1/incidents/NOPE']) {
    const answer = await service.get(path);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({
      error: expect.stringContaining('older than the retention'),
    });
  }
});

test('decisions are listed by service, incident, reason and time', async () => {
  const service = await start();
  await fire(service, 'A', { severity: 'critical' });
  await service.pass(MINUTE);
  await fire(service, 'B', { service: 'basket' });
  await service.post('/v1/ingest/generic', [{ name: 'C' }, { oops: true }]);
  await service.lane.settled();
  const quarantined = await json(service, '/v1/decisions?reason=quarantined');
  expect(quarantined.items).toMatchObject([
    { text: expect.stringMatching(/^not understood.*\[1\]\.name/) },
  ]);
  const basket = await json(service, '/v1/decisions?service=basket');
  expect(basket.items.every(({ service: name }) => name === 'basket')).toBe(true);
  expect(basket.items.length).toBeGreaterThan(0);
  const early = await json(service, `/v1/decisions?to=${new Date(NOW + 1).toISOString()}`);
  expect(early.items.every(({ at }) => at === new Date(NOW).toISOString())).toBe(true);
  const { items } = await all(service, '/v1/decisions?limit=1');
  expect(items.length).toBeGreaterThan(3);
});

test('what people split is listed: what, from what, who, and until when', async () => {
  const service = await start();
  for (const name of ['payments-db', 'payments'])
    await fire(service, 'Down', { service: name, severity: 'critical' });
  const [incident] = (await json(service, '/v1/incidents')).items;
  const on = { incident: String(incident?.['id']) };
  const asked = { user: 'U7', text: 'split payments', on, orderedAt: NOW };
  await service.lane.submit(NOW, [{ kind: 'request', ...asked }]);
  const { items } = await json(service, '/v1/splits');
  expect(items).toEqual([
    {
      environment: 'production',
      service: 'payments',
      from: 'payments-db',
      user: 'U7',
      name: null,
      at: new Date(NOW).toISOString(),
      until: new Date(NOW + 30 * 24 * 60 * MINUTE).toISOString(),
    },
  ]);
  const incidents = (await json(service, '/v1/incidents')).items;
  const ids = incidents.map(({ id }) => id);
  expect(incidents.map(({ apartFrom }) => apartFrom)).toEqual([[ids[1]], [ids[0]]]);
});

test('people have the name that the rules give, else that of Slack as soon as it is known, else their id', async () => {
  const ofSlack = new Map<string, string>();
  const service = await start({
    yaml: `${SHOP}\npeople: [{ name: Ann, slack: U012AB3CD }]`,
    nameOf: (id) => ofSlack.get(id),
  });
  await fire(service, 'Down', { service: 'payments-db', severity: 'critical' });
  const [incident] = (await json(service, '/v1/incidents')).items;
  const id = String(incident?.['id']);
  for (const [order, user] of ['U012AB3CD', 'U0CARL000', 'U0BOB0000'].entries())
    await service.lane.submit(NOW, [
      {
        kind: 'reaction',
        added: true,
        emoji: 'eyes',
        user,
        on: { incident: id },
        orderedAt: order,
      },
    ]);
  ofSlack.set('U012AB3CD', 'annabelle');
  ofSlack.set('U0BOB0000', '<b>Bob');
  const { acknowledged, chain, summary } = await json(service, `/v1/incidents/${id}`);
  expect(acknowledged).toMatchObject([{ name: 'Ann' }, { name: null }, { name: '<b>Bob' }]);
  const texts = (chain as readonly { readonly text: string }[]).map(({ text }) => text);
  expect(texts.filter((text) => text.startsWith('acknowledged'))).toEqual([
    'acknowledged: Ann is on it (:eyes:)',
    'acknowledged: U0CARL000 is on it (:eyes:)',
    'acknowledged: <b>Bob is on it (:eyes:)',
  ]);
  expect(String(summary)).toContain('<b>Bob');
  const page = await (await service.get(`/incidents/${id}`)).text();
  expect(page).toContain('&lt;b&gt;Bob');
  expect(page).not.toContain('<b>Bob');
});
