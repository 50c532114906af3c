import { afterEach, expect, test } from 'vitest';
import { readPermalink } from '../../src/web/find.ts';
import { explain } from '../../src/commands/explain.ts';
import { NOW, type Service, type ServiceOptions, startService } from '../support/service.ts';
import { SHOP } from '../support/story.ts';

const MINUTE = 60_000;
const services: Service[] = [];

afterEach(async () => {
  for (const service of services.splice(0)) await service.stop();
});

async function start(options: ServiceOptions = {}): Promise<Service> {
  const service = await startService({ yaml: SHOP, ...options });
  services.push(service);
  return service;
}

const ALERT = { name: 'Down', service: 'payments-db', severity: 'critical', startsAt: NOW };
const LINK = 'https://example.slack.com/archives/C0123ABCD/p1795224600000100';

/** An alert of which Slack has the message, with a reply in its thread. */
async function told(service: Service): Promise<string> {
  await service.post('/v1/ingest/generic', ALERT);
  await service.lane.settled();
  const [id = ''] = service.lane.state.incidents.keys();
  for (const [effect, ts] of [
    [`message:${id}`, '1795224600.000100'],
    [`reply:${id}:x:1`, '1795224660.000200'],
  ] as const) {
    const message = { channel: 'C0123ABCD', ts };
    const outcome = { kind: 'sent', message, revision: 1 } as const;
    await service.lane.submit(NOW, [{ kind: 'delivered', effect, outcome }]);
  }
  return id;
}

async function ask(service: Service, of: string, more = '') {
  const answer = await service.get(`/v1/explain?of=${encodeURIComponent(of)}${more}`);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

test('a link as Slack copies it, of a message and of a line in its thread', () => {
  const read = (link: string) => readPermalink(new URL(link));
  expect(read(LINK)).toEqual({ channel: 'C0123ABCD', ts: ['1795224600.000100'] });
  const reply = 'https://example.slack.com/archives/C0123ABCD/p1795224660000200';
  expect(read(`${reply}?thread_ts=1795224600.000100&cid=C0123ABCD`)).toEqual({
    channel: 'C0123ABCD',
    ts: ['1795224600.000100', '1795224660.000200'],
  });
  for (const other of [
    'https://example.slack.com/archives/C0123ABCD',
    'https://example.slack.com/archives/C0123ABCD/p17952246',
    'https://example.com/',
  ])
    expect(read(other), other).toBeUndefined();
});

test('a link to a message, or to a line in its thread, is its incident', async () => {
  const service = await start();
  const id = await told(service);
  const reply = 'https://example.slack.com/archives/C0123ABCD/p1795224660000200';
  for (const link of [
    LINK,
    ` ${LINK} `,
    reply,
    `${reply}?thread_ts=1795224600.000100&cid=C0123ABCD`,
    // What somebody else wrote in the thread.
    'https://example.slack.com/archives/C0123ABCD/p1795224799000900?thread_ts=1795224600.000100&cid=C0123ABCD',
    `https://quell.example.com/incidents/${id}`,
  ]) {
    const { status, body } = await ask(service, link);
    expect([status, body['about'], body['id']], link).toEqual([200, 'incident', id]);
  }
  const { output, exitCode } = await explain(LINK, { url: service.url }, { width: 100, env: {} });
  expect(exitCode).toBe(0);
  expect(output).toContain(`(incident ${id})`);
});

test('a link to the message of an incident that left memory', async () => {
  const service = await start();
  const id = await told(service);
  await service.post('/v1/ingest/generic', { ...ALERT, status: 'resolved', endsAt: NOW + MINUTE });
  await service.lane.settled();
  for (let i = 0; i < 30; i++) await service.pass(60 * MINUTE);
  expect(service.lane.state.incidents.size).toBe(0);
  expect((await ask(service, LINK)).body).toMatchObject({ about: 'incident', id });
  const byMatcher = await ask(service, 'Down{service="payments-db"}', `&at=${NOW + 1}`);
  expect(byMatcher.body).toMatchObject({ about: 'alert', name: 'down of payments-db' });
});

test('a service, an incident or a name whose case is another one is found; what is misspelt gets a hint', async () => {
  const service = await start();
  const id = await told(service);
  for (const of of ['payments-db', 'PAYMENTS-DB', 'down'])
    expect((await ask(service, of)).body, of).toMatchObject({ name: 'down of payments-db' });
  expect((await ask(service, id.toLowerCase())).body).toMatchObject({ about: 'incident', id });
  for (const [of, error] of [
    ['Down{servce="payments-db"}', /no alert has a label "servce": did you mean "service"\?/],
    ['payment-db', /did you mean "payments-db"\?/],
    ['Down{service="other"}', /by its fingerprint$/],
  ] as const) {
    const answer = await ask(service, of);
    expect(answer.status, of).toBe(404);
    expect(answer.body['error'], of).toMatch(error);
  }
});

test('of a time at which an alert did not fire it says so, and when it did', async () => {
  const service = await start();
  await service.post('/v1/ingest/generic', ALERT);
  await service.pass(5 * MINUTE);
  await service.post('/v1/ingest/generic', { ...ALERT, status: 'resolved', endsAt: service.now() });
  await service.pass(15 * MINUTE);
  await service.post('/v1/ingest/generic', { ...ALERT, startsAt: service.now() });
  await service.pass(5 * MINUTE);
  const noteAt = async (minutes: number) =>
    (await ask(service, 'Down', `&at=${NOW + minutes * MINUTE}`)).body['note'];
  expect(await noteAt(-10)).toMatch(/^It did not fire at .*: it began at /);
  expect(await noteAt(2)).toBe(null);
  expect(await noteAt(10)).toMatch(/^It did not fire at .*: it had ended at .*, and it began at /);
  expect(await noteAt(21)).toBe(null);
  expect((await ask(service, 'Down')).body['note']).toBe(null);
});

test('what is not found says what was looked for, and what would be', async () => {
  const service = await start();
  await told(service);
  for (const [of, status, error] of [
    ['https://example.slack.com/archives/C0123ABCD/p1795224600000999', 404, /no message of Quell/],
    [
      'https://example.slack.com/archives/C0000/p1',
      404,
      /"Copy link" of the message gives one like/,
    ],
    ['https://[', 404, /is no link to a Slack message/],
    ['https://quell.example.com/incidents/NOPE', 404, /no incident "NOPE": it is not known/],
    ['NoSuch', 404, /no alert matches NoSuch/],
    ['0123456789abcdef', 404, /no alert 0123456789abcdef: it never came in/],
    ['{', 400, /the opening \{ has no closing \}/],
    ['', 400, /say what to explain/],
  ] as const) {
    const answer = await ask(service, of);
    expect(answer.status, of).toBe(status);
    expect(answer.body['error'], of).toMatch(error);
  }
});

test('the message of a digest names incidents to ask for', async () => {
  const service = await start();
  await service.post('/v1/ingest/generic', { ...ALERT, service: 'newsletter', severity: 'info' });
  await service.pass(20 * MINUTE);
  for (let hour = 0; hour < 10; hour++) await service.pass(60 * MINUTE);
  const message = { channel: 'C0123ABCD', ts: '1795224600.000100' };
  const outcome = { kind: 'sent', message, revision: 0 } as const;
  const effect = 'digest:#alerts';
  await service.lane.submit(service.now(), [{ kind: 'delivered', effect, outcome }]);
  const { status, body } = await ask(service, LINK);
  expect(status).toBe(404);
  expect(body['error']).toMatch(
    /this message is the digest of #alerts: ask for .*, like [0-9A-Z]{8}$/,
  );
});

test('the search box of a page leads to what it finds', async () => {
  const service = await start();
  const id = await told(service);
  const page = await (await service.get('/', { accept: 'text/html' })).text();
  expect(page).toMatch(/<form class="search" action="\/explain">\n<input name="of"/);
  for (const [of, place] of [
    [LINK, `/incidents/${id}`],
    ['Down', /^\/alerts\/[0-9a-f]{16}$/],
  ] as const) {
    const answer = await fetch(`${service.url}/explain?of=${encodeURIComponent(of)}`, {
      redirect: 'manual',
    });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toMatch(place);
  }
  const lost = await service.get('/explain?of=NoSuch');
  expect(lost.status).toBe(404);
  expect(await lost.text()).toContain('no alert matches NoSuch');
});
