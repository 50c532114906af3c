import { request as httpRequest } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { digestOf } from '../../src/ingest/credentials.ts';
import { type Service, type ServiceOptions, startService } from '../support/service.ts';

const TOKEN = 'let-me-read';

let running: Service | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(options: ServiceOptions = { apiToken: TOKEN }): Promise<Service> {
  running = await startService(options);
  return running;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly cookies: readonly string[];
  readonly location: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** As a browser would: fetch lets a program set neither cookies nor where it comes from. */
function browse(
  service: Service,
  path: string,
  { headers = {}, form }: { headers?: Record<string, string>; form?: Record<string, string> } = {},
): Promise<Answer> {
  const method = form === undefined ? 'GET' : 'POST';
  const body = form === undefined ? '' : new URLSearchParams(form).toString();
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
  return new Promise((resolve, reject) => {
    const options = { method, headers: { accept, ...(form && type), ...headers } };
    const sending = httpRequest(`${service.url}${path}`, options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          text,
          cookies: answer.headers['set-cookie'] ?? [],
          location: answer.headers.location,
          headers: answer.headers,
        }),
      );
    });
    sending.on('error', reject);
    sending.end(body);
  });
}

test('a browser is asked for the token once, and gets a strict cookie for it', async () => {
  const service = await start();
  const asked = await browse(service, '/incidents/x?from=1');
  expect(asked.status).toBe(401);
  expect(asked.text).toContain('<input id="token"');
  expect(asked.text).toContain('value="/incidents/x?from=1"');
  const inside = await browse(service, '/login', {
    form: { token: TOKEN, next: '/incidents/x?from=1' },
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  expect([inside.status, inside.location]).toEqual([303, '/incidents/x?from=1']);
  const [cookie = ''] = inside.cookies;
  expect(cookie).toMatch(/^quell=[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
  expect(cookie).not.toContain(TOKEN);
  const [pair = ''] = cookie.split(';');
  expect((await browse(service, '/', { headers: { cookie: `a=b; ${pair}` } })).status).toBe(200);
  expect((await browse(service, '/', { headers: { cookie: 'quell=bm9wZQ' } })).status).toBe(401);
  const gone = await browse(service, '/logout', { form: {}, headers: { cookie: pair } });
  expect(gone.status).toBe(303);
  expect(gone.cookies.join()).toContain('quell=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0');
});

test('behind TLS the cookie is kept to encrypted connections', async () => {
  const service = await start({
    apiToken: TOKEN,
    access: { publicUrl: 'https://quell.example.com' },
  });
  const { cookies } = await browse(service, '/login', { form: { token: TOKEN } });
  expect(cookies.join()).toMatch(/^__Host-quell=[\w-]+; .*; Secure$/);
});

test('a wrong token and a form of another site are refused and counted', async () => {
  const service = await start();
  const wrong = await browse(service, '/login', { form: { token: 'let-me-in', next: '/' } });
  expect([wrong.status, wrong.cookies]).toEqual([403, []]);
  expect(wrong.text).toContain('This token is not known.');
  expect(wrong.text).not.toContain('let-me-in');
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'http://evil.example' },
  ] as Record<string, string>[]) {
    const forged = await browse(service, '/login', { form: { token: TOKEN }, headers });
    expect([forged.status, forged.cookies]).toEqual([403, []]);
  }
  const ours = { origin: service.url };
  expect((await browse(service, '/login', { form: { token: TOKEN }, headers: ours })).status).toBe(
    303,
  );
  const metrics = await service.metrics.text();
  expect(metrics).toContain('quell_auth_failures_total{door="api",reason="wrong-credentials"} 1');
  expect(metrics).toContain('quell_auth_failures_total{door="api",reason="web-page"} 2');
});

test('nobody is sent to another site after the login', async () => {
  const service = await start();
  for (const next of [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    '/login',
    '',
  ]) {
    const { location } = await browse(service, '/login', { form: { token: TOKEN, next } });
    expect(location, next).toBe('/');
  }
  const odd = await browse(service, `/login?next=${encodeURIComponent('"><script>x</script>')}`);
  expect(odd.text).not.toContain('<script');
});

test('a link from another site finds the strict cookie by one hop', async () => {
  const service = await start();
  const from = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
  const hop = await browse(service, '/incidents/x', { headers: from });
  expect(hop.status).toBe(200);
  expect(hop.text).toContain('<meta http-equiv="refresh" content="0">');
  expect(hop.text).not.toContain('token');
  const then = await browse(service, '/incidents/x', {
    headers: { 'sec-fetch-site': 'same-origin' },
  });
  expect([then.status, then.text.includes('<input id="token"')]).toEqual([401, true]);
});

test('a program is answered in JSON, and asked for basic credentials', async () => {
  const service = await start();
  const answer = await service.get('/v1/alerts');
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toMatch(/^Basic/);
  expect(await answer.json()).toEqual({ error: expect.stringContaining('QUELL_API_TOKEN') });
});

test('several API tokens are good at once, and their use is counted by name', async () => {
  const tokens = [
    { name: 'old', digest: digestOf('old-token') },
    { name: 'new', digest: digestOf('new-token') },
  ];
  const service = await start({ access: { tokens } });
  for (const [secret, status] of [
    ['old-token', 200],
    ['new-token', 200],
    ['no-token', 401],
    [digestOf('new-token'), 401],
  ] as const) {
    const authorization = `Bearer ${secret}`;
    expect((await service.get('/v1/alerts', { authorization })).status, secret).toBe(status);
  }
  expect(await service.metrics.text()).toContain(
    'quell_admissions_total{door="api",token="new"} 1',
  );
});

test('whom a trusted proxy names is let in; the header of anybody else means nothing', async () => {
  const access = { userHeader: 'x-forwarded-user', proxies: ['127.0.0.1'] };
  const trusting = await start({ access });
  const named = { 'x-forwarded-user': 'ann' };
  expect((await browse(trusting, '/', { headers: named })).status).toBe(200);
  expect((await browse(trusting, '/', { headers: { 'x-forwarded-user': ' ' } })).status).toBe(401);
  expect((await browse(trusting, '/')).status).toBe(401);
  await trusting.stop();
  const wary = await start({ access: { ...access, proxies: ['192.0.2.1'] } });
  expect((await browse(wary, '/', { headers: named })).status).toBe(401);
});

test('open on loopback, it answers to the names of this machine only', async () => {
  const service = await start({ access: { publicUrl: 'http://quell.example.com' } });
  for (const [host, status] of [
    ['localhost:8080', 200],
    ['127.0.0.1:8080', 200],
    ['[::1]:8080', 200],
    ['quell.example.com', 200],
    ['rebound.evil.example', 403],
    ['rebound.evil.example:8080', 403],
    ['localhost.evil.example', 403],
  ] as const) {
    expect((await browse(service, '/', { headers: { host } })).status, host).toBe(status);
  }
  expect((await browse(service, '/login')).status).toBe(404);
});
