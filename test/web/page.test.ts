import { hash } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { html, linked } from '../../src/web/html.ts';
import type { PreviewMessage } from '../../src/web/overview-page.ts';
import { NOW, type Service, type ServiceOptions, startService } from '../support/service.ts';
import { MINUTE, SHOP } from '../support/story.ts';

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(2)> <!channel> ' & \u202egnp.exe`;

let running: Service | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(options: ServiceOptions = {}): Promise<Service> {
  running = await startService({ yaml: SHOP, ...options });
  return running;
}

async function fire(service: Service, name: string, more: object = {}): Promise<void> {
  const alert = {
    name,
    service: 'checkout',
    environment: 'production',
    severity: 'critical',
    ...more,
  };
  await service.post('/v1/ingest/generic', alert);
  await service.lane.settled();
}

async function page(service: Service, path: string): Promise<string> {
  const answer = await service.get(path);
  expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
  return answer.text();
}

test('the first page shows what is open, what is held, and says when all is quiet', async () => {
  const service = await start();
  const quiet = await page(service, '/');
  expect(quiet).toContain('Nothing is open.');
  expect(quiet).toContain('Nothing is held back.');
  await fire(service, 'ErrorRate', { summary: 'Every third payment fails' });
  await fire(service, 'SlowDisk', { service: 'newsletter', severity: 'warning' });
  const busy = await page(service, '/');
  expect(busy).toContain('1 open · 1 held back · 2 alerts known');
  expect(busy).toContain('<a href="/decisions">decisions</a>');
  expect(busy).toContain('Every third payment fails');
  expect(busy).toContain('slow disk of newsletter');
  for (const [, path = ''] of busy.matchAll(/href="(\/incidents\/[^"]+)"/g)) {
    expect((await service.get(path)).status).toBe(200);
  }
});

test('the page of a storm leads to the incidents that it stands for, by name', async () => {
  const names = Array.from({ length: 30 }, (_, i) => `svc-${i}`);
  const catalog = names.map(
    (name) => `  - { name: ${name}, dependsOn: [of-${name}] }\n  - { name: of-${name} }`,
  );
  const service = await start({ yaml: `services:\n${catalog.join('\n')}\nhold: [{ for: 0s }]\n` });
  // Each in a cluster of its own: nothing makes them one.
  for (const name of names)
    await fire(service, 'Down', {
      service: name,
      labels: { cluster: name },
      summary: 'It is down',
    });
  await service.pass(MINUTE);
  await service.lane.settled();
  const [, path = ''] =
    /href="(\/incidents\/\w+)">why this message\?/.exec(
      (await page(service, '/')).split('Alert storm')[1] ?? '',
    ) ?? [];
  const storm = await page(service, path);
  expect(storm).toContain('Its incidents');
  expect(storm).toContain('svc-29: It is down');
  const links = [...storm.matchAll(/href="(\/incidents\/[^"]+)"/g)].map(([, link = '']) => link);
  expect(links.length).toBeGreaterThan(5);
  expect((await service.get(links.at(-1) ?? '')).status).toBe(200);
});

test('what does not stand on the first page stands on a page of its own, however much it is', async () => {
  const service = await start();
  for (let n = 0; n < 60; n++) {
    if (n % 10 === 0) await service.pass(MINUTE);
    await fire(service, 'ErrorRate', { environment: `e${n}` });
  }
  for (let n = 0; n < 30; n++)
    await fire(service, 'Slow', { service: `s${n}`, environment: `f${n}`, severity: 'warning' });
  await fire(service, 'ErrorRate', { environment: 'e0', status: 'resolved' });
  const silence = {
    matchers: [{ name: 'service', value: 's1', isRegex: false }],
    startsAt: new Date(service.now()).toISOString(),
    endsAt: new Date(service.now() + MINUTE).toISOString(),
    createdBy: 'Ann',
    comment: 'deploying',
  };
  expect((await service.post('/api/v2/silences', silence)).status).toBe(200);
  const first = await page(service, '/');
  expect(first).toContain('and 10 more: <a href="/incidents?state=open,acknowledged">');
  expect(first.match(/<article/g)?.length).toBeLessThan(80);
  const ways = [...first.matchAll(/href="(\/[^"]*)"/g)].map(([, path = '']) => path);
  for (const path of new Set(ways)) expect(await page(service, path)).toContain('</html>');

  const some = await page(service, '/incidents?state=open&limit=50');
  const [, path = ''] = /href="(\/incidents\?[^"]*cursor[^"]*)"/.exec(some) ?? [];
  const others = await page(service, path.replaceAll('&amp;', '&'));
  expect(some.match(/<li>/g)).toHaveLength(50);
  expect(others.match(/<li>/g)).toHaveLength(10);
  expect(others).not.toContain('older ones');
  const over = await page(service, '/incidents?state=resolved');
  expect(over).toMatch(/🟢 <a [^>]*>error rate of checkout/);
  expect(over).not.toContain('🔴');
  expect(await page(service, '/alerts?state=silenced')).toContain('slow of s1');
  expect(await page(service, '/silences')).toContain('Ann: deploying · 1 min to go');
});

test('without Slack it shows what would have been said', async () => {
  const preview: PreviewMessage[] = [
    {
      at: NOW,
      action: 'post',
      channel: '#team-shop',
      incident: 'I',
      text: 'Checkout is failing\nRunbook https://wiki.example.com/x',
    },
  ];
  const service = await start({ preview });
  const shown = await page(service, '/');
  expect(shown).toContain('No Slack token');
  expect(shown).toContain('<b>Checkout is failing</b>');
  expect(shown).toContain('<a href="https://wiki.example.com/x" rel="noreferrer noopener">');
  expect(shown).toContain('would have been posted to #team-shop');
});

test('rules files with mistakes are shown until they are well', async () => {
  const service = await start({ rulesRefused: 'quiet.yaml:5:14  "10mins" is <no> duration' });
  const text = await page(service, '/');
  expect(text).toContain(`Rules ${service.rules.version} stay in force`);
  expect(text).toContain('<pre>quiet.yaml:5:14  &quot;10mins&quot; is &lt;no&gt; duration</pre>');
});

test('alerts that were not understood are counted, with a way to see why', async () => {
  const service = await start();
  await service.post('/v1/ingest/generic', [{ name: 'A' }, { nope: 1 }, { nope: 2 }]);
  await service.lane.settled();
  expect(await page(service, '/')).toMatch(
    /2 alerts could not be understood.*href="\/decisions\?reason=quarantined"/,
  );
  expect(await page(service, '/decisions?reason=quarantined')).toContain('not understood');
});

test('of each decision it is said what it is about, with a way there, and who did it', async () => {
  const service = await start({ yaml: `${SHOP}\npeople: [{ name: Ann, slack: U012AB3CD }]` });
  await fire(service, 'ErrorRate');
  const told = [...service.lane.state.incidents.keys()].at(-1) ?? '';
  const effect = `message:${told}`;
  const on = { channel: 'C1', ts: '1.1' };
  const outcome = { kind: 'sent', message: on, revision: 1 } as const;
  await service.lane.submit(NOW, [{ kind: 'delivered', effect, outcome }]);
  await service.lane.submit(NOW, [
    { kind: 'reaction', added: true, emoji: 'eyes', user: 'U012AB3CD', on, orderedAt: NOW + 1 },
  ]);
  const all = await page(service, '/decisions');
  expect(all).toContain(`<a href="/incidents/${told}">checkout</a> acknowledged: Ann is on it`);
  for (const row of all.match(/<li>.*?<\/li>/gs) ?? [])
    expect(row).toMatch(/<a href="\/(?:incidents|alerts)\/\w+">checkout<\/a>/);
});

test('services that the catalog does not know are counted', async () => {
  const service = await start();
  const unknown = async () =>
    /^quell_services_unknown (\d+)$/m.exec(await (await service.get('/metrics')).text())?.[1];
  expect(await unknown()).toBe('0');
  await fire(service, 'Down', { service: 'payments' });
  await fire(service, 'Down', { service: 'printer' });
  await fire(service, 'Slow', { service: 'printer', environment: 'staging' });
  expect(await unknown()).toBe('1');
});

test('an incident and an alert have pages that tell their story', async () => {
  const service = await start();
  await fire(service, 'ErrorRate', {
    service: 'payments-db',
    summary: 'payments-db refuses connections',
  });
  await fire(service, 'ErrorRate', { service: 'payments' });
  const [id] = service.lane.state.incidents.keys();
  const incident = await page(service, `/incidents/${id}`);
  expect(incident).toContain('payments-db refuses connections');
  expect(incident).toMatch(/<a href="\/alerts\/[0-9a-f]{16}">payments<\/a> joined incident/);
  const [, path = ''] = /href="(\/alerts\/[0-9a-f]{16})"/.exec(incident) ?? [];
  const alert = await page(service, path);
  expect(alert).toContain(`href="/incidents/${id}"`);
  expect(alert).toMatch(/<dt>alertname<\/dt><dd>ErrorRate<\/dd>/);
  expect((await service.get('/incidents/NOPE')).status).toBe(404);
  expect(await page(service, '/alerts/%3Cscript%3E')).not.toContain('<script');
});

test('links of a message are their names, and its story has the day once', async () => {
  const service = await start();
  await fire(service, 'ErrorRate', {
    generatorURL: 'https://prometheus.example.com/graph?a=1&b=2',
  });
  const [id = ''] = service.lane.state.incidents.keys();
  const text = await page(service, `/incidents/${id}`);
  expect(text).toMatch(/<a href="https:\/\/prometheus[^"]+a=1&amp;b=2" [^>]+>▸ Source<\/a>/);
  expect(text.match(/2026-\d\d-\d\d \(UTC\)/g)).toHaveLength(1);
  expect(text).toMatch(/<time datetime="[^"]+">\d\d:\d\d:\d\d<\/time>/);
});

test('nothing that an alert says becomes mark-up, on any page', async () => {
  const service = await start();
  const labels = { [HOSTILE]: HOSTILE, alertname: HOSTILE, service: HOSTILE, severity: 'critical' };
  const annotations = {
    summary: HOSTILE,
    description: HOSTILE,
    runbook_url: `javascript:alert('${HOSTILE}')`,
  };
  await service.post('/v1/ingest/generic', { name: HOSTILE, labels, annotations });
  await fire(service, HOSTILE, { service: 'newsletter', severity: 'warning', summary: HOSTILE });
  await service.lane.settled();
  const { alerts, incidents } = service.lane.state;
  const paths = [
    '/',
    ...[...incidents.keys()].map((id) => `/incidents/${id}`),
    ...[...alerts.keys()].map((id) => `/alerts/${id}`),
  ];
  expect(paths.length).toBeGreaterThan(3);
  for (const path of paths) {
    const shown = await page(service, path);
    expect(shown, path).not.toMatch(/<(?:script|img)|javascript:alert\([^&]*"|\u202e/);
    expect(shown.match(/<a [^>]*href="(?!\/|https?:)/), path).toBeNull();
  }
});

test('what was kept quiet is listed, and never looks as if it had been told', async () => {
  const service = await start();
  await fire(service, 'SlowDisk', { service: 'newsletter', severity: 'warning' });
  const held = await page(service, '/');
  expect(held).toContain('<span>newsletter</span><span>warning in production</span>');
  expect(held).toMatch(/told at 01:\d\d:00 UTC if it still fires/);
  await service.pass(60_000);
  await fire(service, 'SlowDisk', {
    service: 'newsletter',
    severity: 'warning',
    status: 'resolved',
  });
  expect(await page(service, '/')).toMatch(/newsletter<\/a> never told: over after/);
  const [id = ''] = service.lane.state.incidents.keys();
  const untold = await page(service, `/incidents/${id}`);
  expect(untold).toMatch(/Nobody was told: .* told if it had lasted until 01:\d\d:00 UTC\./);
  expect(untold).not.toContain('React');
  // Our own answer.
  const story = (await (await service.get(`/v1/incidents/${id}`)).json()) as { text: unknown };
  expect(story.text).toBeNull();
  const [fingerprint = ''] = service.lane.state.alerts.keys();
  expect(await page(service, `/alerts/${fingerprint}`)).toMatch(
    /It was held for \d+ min \(.*\): it would have been told if it had lasted until/,
  );
});

test('a heartbeat has a page that says when it was last heard', async () => {
  const service = await start({
    yaml: 'heartbeats:\n  - {name: Watchdog, match: alertname="Watchdog", missingAfter: 5m}\n',
  });
  await fire(service, 'Watchdog');
  expect(await page(service, '/')).toContain('<a href="/alerts/Watchdog">Watchdog</a>');
  expect(await page(service, '/alerts/Watchdog')).toContain(
    'It was last heard just now, at 01:30:00 UTC.',
  );
});

test('of many that joined the first of a service is shown, the others are folded', async () => {
  const service = await start();
  for (let i = 0; i < 12; i++) await fire(service, `Kind${i}`);
  const [id = ''] = service.lane.state.incidents.keys();
  expect(await page(service, `/incidents/${id}`)).toContain(
    '<summary>and 10 more alerts joined</summary>',
  );
});

test('a browser gets pages for what is wrong, a program gets JSON', async () => {
  const service = await start();
  const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
  for (const path of ['/incident', '/decisions?reason=nope']) {
    const shown = await service.get(path, { accept });
    expect(shown.headers.get('content-type'), path).toMatch(/^text\/html/);
    const plain = await service.get(path);
    expect(plain.headers.get('content-type'), path).toMatch(/^application\/json/);
    expect(plain.status).toBe(shown.status);
  }
});

test('the style is the only thing that the policy lets in, by its hash', async () => {
  const service = await start();
  const answer = await service.get('/');
  const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(await answer.text()) ?? [];
  const policy = answer.headers.get('content-security-policy') ?? '';
  expect(policy).toContain(`style-src 'sha256-${hash('sha256', style, 'base64')}'`);
  expect(policy).not.toMatch(/unsafe|script-src/);
});

test('HTML is escaped whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.webUrl(), (text, url) => {
      const shown = html`<p title="${text}">${text}${linked(`${text} ${url} ${text}`)}</p>`.html;
      const inside = shown.replaceAll(/<a href="[^"<>]*" rel="noreferrer noopener">|<\/a>/g, '');
      expect(inside.slice(10, -4)).not.toMatch(/<|>(?!.)/s);
      expect(inside.match(/</g)?.length).toBe(2);
    }),
  );
});
