import { expect, test } from 'vitest';
import { parseGeneric } from '../../src/ingest/generic.ts';
import { AT, alertsOf, context, oddOf, onlyAlert } from './reading.ts';

const parse = (body: unknown) => parseGeneric(body, context({ source: 'generic' }));

test('a name is enough', () => {
  expect(onlyAlert(parse({ name: 'DiskFull' }))).toEqual({
    source: 'generic',
    status: 'firing',
    labels: { alertname: 'DiskFull' },
    annotations: {},
    startsAt: AT,
    undated: true,
    endsAt: undefined,
    generatorURL: undefined,
  });
});

test('fields with a name of their own become the labels and annotations that the rules look for', () => {
  const alert = onlyAlert(
    parse({
      title: 'Queue is growing',
      service: 'orders',
      environment: 'production',
      severity: 'critical',
      host: 'web-3',
      transaction: 'tid_9f3ac1',
      summary: '4,000 orders wait',
      description: 'Since the deploy',
      runbook: 'https://wiki.example.com/orders',
      dashboard: 'https://grafana.example.com/d/orders',
      url: 'https://queue.example.com',
      labels: { team: 'shop', shard: 7, primary: true },
      annotations: { note: 'x' },
    }),
  );
  expect(alert.labels).toEqual({
    team: 'shop',
    shard: '7',
    primary: 'true',
    alertname: 'Queue is growing',
    service: 'orders',
    environment: 'production',
    severity: 'critical',
    host: 'web-3',
    transaction_id: 'tid_9f3ac1',
  });
  expect(alert.annotations).toEqual({
    note: 'x',
    summary: '4,000 orders wait',
    description: 'Since the deploy',
    runbook_url: 'https://wiki.example.com/orders',
    dashboard_url: 'https://grafana.example.com/d/orders',
  });
  expect(alert.generatorURL).toBe('https://queue.example.com');
});

test('a label that is given stands; name comes before title', () => {
  const body = { name: 'A', title: 'B', service: 'x', labels: { service: 'y' } };
  expect(onlyAlert(parse(body)).labels).toEqual({ service: 'y', alertname: 'A' });
  expect(onlyAlert(parse({ labels: { alertname: 'C' } })).labels).toEqual({ alertname: 'C' });
});

test('one, several, or several in an object', () => {
  const one = { name: 'A' };
  for (const [body, count] of [
    [one, 1],
    [[one, one], 2],
    [{ alerts: [one, one, one] }, 3],
    [[], 0],
  ] as const) {
    expect(alertsOf(parse(body)).length).toBe(count);
  }
});

test('the status in the words of many tools, or by the end', () => {
  for (const [body, status] of [
    [{}, 'firing'],
    [{ status: null }, 'firing'],
    [{ status: 'FIRING' }, 'firing'],
    [{ status: 'triggered' }, 'firing'],
    [{ status: 'ALARM' }, 'firing'],
    [{ status: 'Resolved' }, 'resolved'],
    [{ status: 'ok' }, 'resolved'],
    [{ endsAt: '2026-11-21T01:00:00Z' }, 'resolved'],
    [{ endsAt: '2026-11-21T02:00:00Z' }, 'firing'],
    [{ status: 'firing', endsAt: '2026-11-21T01:00:00Z' }, 'firing'],
  ] as const) {
    expect(onlyAlert(parse({ name: 'A', ...body })).status).toBe(status);
  }
});

test('times as text, seconds or milliseconds', () => {
  const at = Date.parse('2026-11-21T01:00:00Z');
  for (const startsAt of ['2026-11-21T01:00:00Z', at, at / 1000, String(at / 1000)]) {
    expect(onlyAlert(parse({ name: 'A', startsAt }))).toMatchObject({ startsAt: at });
  }
});

test('every problem names its field', () => {
  for (const [body, errors] of [
    [{ service: 'x' }, ['alert.name: expected the name of what is wrong, got nothing']],
    [[{ name: 'A' }, { name: { a: 1 } }], ['[1].name: expected a string, got object']],
    [
      { alerts: [{ name: 'A', labels: { x: [] } }] },
      ['alerts[0].labels.x: expected a string, got array'],
    ],
    [{ name: 'A', labels: 'x' }, ['alert.labels: expected an object of strings, got "x"']],
    [{ name: 'A', status: 'meh' }, ['alert.status: expected "firing" or "resolved", got "meh"']],
    [
      { name: 'A', startsAt: 'noon' },
      [
        'alert.startsAt: expected a time like 2026-01-31T09:30:00.000Z, years 1970 to 9999, got "noon"',
      ],
    ],
    [[5], ['[0]: expected an object, got number']],
  ] as const) {
    expect(oddOf(parse(body))).toEqual(errors);
  }
  for (const body of [null, 'x', 5, { alerts: 5 }])
    expect(parse(body)).toMatchObject({ kind: 'refused' });
});

test('__proto__ among the labels is a label', () => {
  const body: unknown = JSON.parse('{"name":"A","labels":{"__proto__":"x"}}');
  expect(Object.entries(onlyAlert(parse(body)).labels)).toEqual([
    ['__proto__', 'x'],
    ['alertname', 'A'],
  ]);
});
