import { expect, test } from 'vitest';
import { parseMapped } from '../../src/ingest/mapped.ts';
import type { Mapping } from '../../src/rules/rules.ts';
import { rulesOf } from '../support/story.ts';
import { AT, alertsOf, context, oddOf, onlyAlert } from './reading.ts';

function mapping(over: Partial<Mapping> = {}): Mapping {
  return {
    name: 'uptime',
    alerts: undefined,
    status: undefined,
    startsAt: undefined,
    endsAt: undefined,
    generatorURL: undefined,
    labels: { alertname: ['=Down'], service: ['monitor.name'] },
    annotations: {},
    rule: 'ingest.yaml:3',
    ...over,
  };
}

function parse(body: unknown, over: Partial<Mapping> = {}) {
  return parseMapped(body, mapping(over), context({ source: 'uptime' }));
}

test('paths lead to labels, a text after = stands by itself', () => {
  const body = { monitor: { name: 'checkout', port: 8080, up: false, tags: ['eu', 'web'] } };
  const labels = {
    alertname: ['=Down'],
    service: ['monitor.name'],
    port: ['monitor.port'],
    up: ['monitor.up'],
    region: ['monitor.tags[0]'],
    absent: ['monitor.nothing.here'],
    object: ['monitor'],
  };
  expect(onlyAlert(parse(body, { labels })).labels).toEqual({
    alertname: 'Down',
    service: 'checkout',
    port: '8080',
    up: 'false',
    region: 'eu',
  });
});

test('names with dots stand in brackets, and $ is the whole body', () => {
  const body = { cluster: 'eu-1', items: [{ 'app.name': 'checkout' }, { 'app.name': 'basket' }] };
  const parsed = parse(body, {
    alerts: 'items[]',
    labels: { service: ['["app.name"]'], cluster: ['$.cluster'] },
  });
  expect(alertsOf(parsed).map(({ labels }) => labels)).toEqual([
    { service: 'checkout', cluster: 'eu-1' },
    { service: 'basket', cluster: 'eu-1' },
  ]);
});

test('a text that holds JSON is read as what it holds, and brackets pick an entry of a list', () => {
  const inner = {
    AlarmName: 'Disk',
    Dimensions: [
      { name: 'Zone', value: 'a' },
      { name: 'InstanceId', value: 'i-0abc' },
    ],
    Detail: JSON.stringify({ order: 12345678901234567890n.toString() }),
  };
  const body = {
    Message: JSON.stringify(inner),
    tags: [
      ['env', 'live'],
      ['team', 'pay'],
    ],
  };
  const labels = {
    alertname: ['Message.AlarmName'],
    instance: ['Message.Dimensions[name=InstanceId].value'],
    rack: ['Message.Dimensions[name=Rack].value'],
    env: ['tags[0=env][1]'],
    order: ['Message.Detail.order'],
    letters: ['Message.length'],
  };
  expect(onlyAlert(parse(body, { labels })).labels).toEqual({
    alertname: 'Disk',
    instance: 'i-0abc',
    env: 'live',
    order: '12345678901234567890',
  });
  for (const Message of ['not { JSON', '{"AlarmName":', `{"AlarmName":"${'x'.repeat(300_000)}"}`]) {
    expect(oddOf(parse({ Message }, { labels: { alertname: ['Message.AlarmName'] } }))).toEqual([
      'body[0]: labels: an alert has at least one label',
    ]);
  }
});

test('of several paths the first that leads to a text counts', () => {
  const over: Partial<Mapping> = {
    labels: { alertname: ['rule.name', 'title', '=Unnamed'], service: ['a.b', 'project'] },
    status: { from: ['state', 'action'], resolved: ['ok'], ignored: [] },
    generatorURL: ['web', 'link'],
    startsAt: ['since', 'at'],
  };
  const first = {
    rule: { name: '' },
    title: 'Slow',
    project: 'shop',
    action: 'ok',
    link: 'https://x',
  };
  expect(onlyAlert(parse(first, over))).toMatchObject({
    labels: { alertname: 'Slow', service: 'shop' },
    status: 'resolved',
    generatorURL: 'https://x',
  });
  const second = { project: 'shop', state: 'bad', action: 'ok', at: 1_700_000_000 };
  expect(onlyAlert(parse(second, over))).toMatchObject({
    labels: { alertname: 'Unnamed', service: 'shop' },
    status: 'firing',
    startsAt: 1_700_000_000_000,
  });
});

test('what a status of the ignored ones says is taken and changes nothing', () => {
  const status = { from: ['action'], resolved: ['resolve'], ignored: ['Acknowledge', '3'] };
  const over: Partial<Mapping> = { status, labels: { alertname: ['key'] } };
  const parsed = parse(
    [
      { key: 'a', action: 'acknowledge' },
      { key: 'b', action: 3 },
    ],
    over,
  );
  expect(parsed).toEqual({ kind: 'parsed', events: [], truncated: 0 });
  expect(
    alertsOf(parse([{ action: 'acknowledge' }, { key: 'c', action: 'trigger' }], over)),
  ).toHaveLength(1);
});

test('status, times and link are read where the mapping says', () => {
  const over: Partial<Mapping> = {
    status: { from: ['heartbeat.status'], resolved: ['1', 'UP'], ignored: [] },
    startsAt: ['heartbeat.time'],
    endsAt: ['heartbeat.until'],
    generatorURL: ['link'],
    annotations: { summary: ['heartbeat.msg'] },
  };
  const body = (heartbeat: object) => ({
    monitor: { name: 'a' },
    link: 'https://u.example.com',
    heartbeat,
  });
  const at = Date.parse('2026-11-21T01:00:00Z');
  expect(
    onlyAlert(parse(body({ status: 0, msg: 'refused', time: at / 1000 }), over)),
  ).toMatchObject({
    status: 'firing',
    startsAt: at,
    annotations: { summary: 'refused' },
    generatorURL: 'https://u.example.com',
  });
  expect(onlyAlert(parse(body({ status: 1 }), over))).toMatchObject({
    status: 'resolved',
    endsAt: AT,
  });
  expect(onlyAlert(parse(body({ status: 'up' }), over)).status).toBe('resolved');
  expect(onlyAlert(parse(body({ status: 'who knows' }), over)).status).toBe('firing');
  for (const heartbeat of [{}, { status: null }, { status: {} }]) {
    expect(parse(body(heartbeat), over)).toMatchObject({
      events: [
        {
          kind: 'odd',
          error: expect.stringMatching(/heartbeat\.status: expected a status/) as string,
        },
      ],
    });
  }
});

test('the body may be one alert or a list of them', () => {
  const one = { monitor: { name: 'a' } };
  expect(alertsOf(parse([one, one])).length).toBe(2);
  expect(alertsOf(parse({ data: { hits: [one] } }, { alerts: 'data.hits' })).length).toBe(1);
  expect(alertsOf(parse({ alert: one }, { alerts: 'alert' })).length).toBe(1);
});

test('what does not fit is refused or set apart, with its field and the place of the mapping', () => {
  expect(parse('text')).toMatchObject({
    kind: 'refused',
    error: 'body: expected alerts as the mapping says (ingest.yaml:3), got "text"',
  });
  expect(parse({}, { alerts: 'items' })).toMatchObject({ kind: 'refused', field: 'items' });
  expect(oddOf(parse([5, { monitor: { name: 'a' } }]))).toEqual([
    'body[0]: expected an object, got number',
  ]);
  expect(oddOf(parse({}, { labels: { service: ['nowhere'] } }))).toEqual([
    'body[0]: labels: an alert has at least one label',
  ]);
  expect(oddOf(parse({ t: 'noon' }, { startsAt: ['t'] }))).toEqual([
    'body[0].t: expected a time like 2026-01-31T09:30:00.000Z, years 1970 to 9999, got "noon"',
  ]);
});

test('paths reach own properties only', () => {
  expect(
    oddOf(parse({}, { labels: { a: ['constructor.name'], b: ['__proto__.toString.name'] } })),
  ).toEqual(['body[0]: labels: an alert has at least one label']);
});

test('a mapping of the rules reads what its tool sends', () => {
  const { mappings } = rulesOf(`
ingest:
  uptime:
    status: { from: heartbeat.status, resolved: ['1'] }
    startsAt: heartbeat.time
    labels: { alertname: '=Down', service: monitor.name }
    annotations: { summary: msg }
`);
  const uptime = mappings.get('uptime');
  if (uptime === undefined) throw new Error('no mapping');
  const body = {
    heartbeat: { status: 0, time: '2026-11-21 04:00:00.123' },
    monitor: { name: 'checkout' },
    msg: 'connect ECONNREFUSED',
  };
  expect(onlyAlert(parseMapped(body, uptime, context({ source: 'uptime' })))).toMatchObject({
    status: 'firing',
    startsAt: Date.parse('2026-11-21T04:00:00.123Z'),
    labels: { alertname: 'Down', service: 'checkout' },
    annotations: { summary: 'connect ECONNREFUSED' },
  });
});
