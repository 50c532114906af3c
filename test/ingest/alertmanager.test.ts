import { expect, test } from 'vitest';
import { parseAlertmanager } from '../../src/ingest/alertmanager.ts';
import { SHAPE } from '../../src/limits.ts';
import { AT, alertsOf, context, oddOf, onlyAlert } from './reading.ts';
import { sampleOf, samplesOf, sequenceOf } from './samples.ts';

const ALERT = {
  status: 'firing',
  labels: { alertname: 'HighLoad', service: 'checkout' },
  annotations: { summary: 'Load is high' },
  startsAt: '2026-11-21T01:00:00Z',
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: 'http://prometheus/graph',
  fingerprint: '6285bb4efdc2bde6',
};

function webhook(...alerts: unknown[]) {
  return { version: '4', status: 'firing', receiver: 'quell', groupLabels: {}, alerts };
}

test('every captured webhook is understood, with all its alerts', () => {
  const samples = samplesOf('alertmanager');
  expect(samples.length).toBeGreaterThan(15);
  for (const { file, at, body, alerts, resolved, truncated } of samples) {
    const parsed = parseAlertmanager(body, context({ at }));
    expect(oddOf(parsed), file).toEqual([]);
    expect(alertsOf(parsed).length, file).toBe(alerts);
    expect(alertsOf(parsed).filter(({ status }) => status === 'resolved').length, file).toBe(
      resolved,
    );
    expect(parsed, file).toMatchObject({ truncated });
  }
});

test('labels and annotations of captured webhooks are exactly as received', () => {
  for (const { body } of [...samplesOf('alertmanager'), ...sequenceOf('alertmanager')]) {
    // Captured from the real Alertmanager.
    const sent = (body as { alerts: { labels: object; annotations: object }[] }).alerts;
    const got = alertsOf(parseAlertmanager(structuredClone(body), context()));
    expect(got.map(({ labels }) => labels)).toEqual(sent.map(({ labels }) => labels));
    expect(got.map(({ annotations }) => annotations)).toEqual(
      sent.map(({ annotations }) => annotations),
    );
  }
});

test('a firing alert has no end; a resolved one has that of its source', () => {
  const firing = onlyAlert(parseAlertmanager(webhook(ALERT), context()));
  expect(firing).toEqual({
    source: 'alertmanager',
    status: 'firing',
    labels: ALERT.labels,
    annotations: ALERT.annotations,
    startsAt: Date.parse(ALERT.startsAt),
    endsAt: undefined,
    generatorURL: ALERT.generatorURL,
  });
  const resolved = { ...ALERT, status: 'resolved', endsAt: '2026-11-21T01:05:00Z' };
  expect(onlyAlert(parseAlertmanager(webhook(resolved), context())).endsAt).toBe(
    Date.parse(resolved.endsAt),
  );
});

test("each alert's own status counts, not the group's", () => {
  const { body, at } = sampleOf('alertmanager', 'mixed-firing-resolved.json');
  const statuses = new Set(
    alertsOf(parseAlertmanager(body, context({ at }))).map(({ status }) => status),
  );
  expect(statuses).toEqual(new Set(['firing', 'resolved']));
});

test('a truncated webhook says how many alerts are missing', () => {
  for (const file of ['truncated-firing.json', 'truncated-mixed.json', 'truncated-resolved.json']) {
    const { body, truncated } = sampleOf('alertmanager', file);
    expect(parseAlertmanager(body, context())).toMatchObject({ kind: 'parsed', truncated });
    expect(truncated).toBeGreaterThan(0);
  }
  for (const truncatedAlerts of [1e300, -3, 2.5, '7', null]) {
    const odd = parseAlertmanager({ ...webhook(ALERT), truncatedAlerts }, context());
    expect(odd, String(truncatedAlerts)).toMatchObject({ kind: 'parsed', truncated: 0 });
  }
});

test('keys of newer versions and of custom payloads are no trouble', () => {
  const newer = {
    ...webhook({ ...ALERT, notificationReason: 'x' }),
    notification_reason: 'NewAlertsInGroup',
    routeLabels: { team: 'shop' },
    routeID: '{}/{team="shop"}',
    message: { nested: [1, 2, 3] },
  };
  expect(onlyAlert(parseAlertmanager(newer, context())).labels).toEqual(ALERT.labels);
});

test('what a custom payload may leave out is filled in', () => {
  const { labels } = ALERT;
  for (const [alert, expected] of [
    [{ labels }, { status: 'firing', startsAt: AT, undated: true, annotations: {} }],
    [{ labels, annotations: null }, { annotations: {} }],
    [
      { labels, endsAt: '2026-11-21T01:05:00Z' },
      { status: 'resolved', undated: true, startsAt: Date.parse('2026-11-21T01:05:00Z') },
    ],
    [
      { labels, status: 'resolved', startsAt: ALERT.startsAt },
      { status: 'resolved', endsAt: AT },
    ],
    [{ labels, generatorURL: '' }, { generatorURL: undefined }],
    [{ labels, generatorURL: 7 }, { generatorURL: undefined }],
  ] as const) {
    expect(onlyAlert(parseAlertmanager(webhook(alert), context()))).toMatchObject(expected);
  }
});

test('one odd alert among good ones is set apart, with its field and what it was', () => {
  const parsed = parseAlertmanager(
    webhook(ALERT, { ...ALERT, labels: { alertname: 7 } }, ALERT),
    context(),
  );
  expect(alertsOf(parsed).length).toBe(2);
  expect(oddOf(parsed)).toEqual(['alerts[1].labels.alertname: expected a string, got number']);
  expect(parsed).toMatchObject({
    events: [
      {},
      {
        kind: 'odd',
        source: 'alertmanager',
        delivery: 'd1',
        excerpt: expect.stringContaining('"alertname":7'),
      },
      {},
    ],
  });
});

test('every problem names its field and what was expected', () => {
  for (const [change, error] of [
    [{ labels: undefined }, 'alerts[0].labels: expected an object of strings, got nothing'],
    [{ labels: [] }, 'alerts[0].labels: expected an object of strings, got array'],
    [{ labels: null }, 'alerts[0].labels: expected an object of strings, got null'],
    [{ labels: {} }, 'alerts[0].labels: an alert has at least one label'],
    [{ labels: { a: null } }, 'alerts[0].labels.a: expected a string, got null'],
    [{ labels: { a: { b: 'c' } } }, 'alerts[0].labels.a: expected a string, got object'],
    [
      { labels: { a: 'x'.repeat(8_193) } },
      'alerts[0].labels.a: 8193 characters long, at most 8192 (limit label-value)',
    ],
    [
      { annotations: { a: 'x'.repeat(65_537) } },
      'alerts[0].annotations.a: 65537 characters long, at most 65536 (limit annotation-value)',
    ],
    [
      { labels: { ['n'.repeat(513)]: 'x' } },
      `alerts[0].labels: the name "${'n'.repeat(40)}..." is 513 characters long, at most 512 (limit label-name)`,
    ],
    [{ annotations: 'text' }, 'alerts[0].annotations: expected an object of strings, got "text"'],
    [
      { annotations: { summary: 5 } },
      'alerts[0].annotations.summary: expected a string, got number',
    ],
    [
      { status: 'suppressed' },
      'alerts[0].status: expected "firing" or "resolved", got "suppressed"',
    ],
    [
      { startsAt: 'yesterday' },
      'alerts[0].startsAt: expected a time like 2026-01-31T09:30:00.000Z, years 1970 to 9999, got "yesterday"',
    ],
    [
      { endsAt: 5 },
      'alerts[0].endsAt: expected a time like 2026-01-31T09:30:00.000Z, years 1970 to 9999, got number',
    ],
  ] as const) {
    expect(oddOf(parseAlertmanager(webhook({ ...ALERT, ...change }), context()))).toEqual([error]);
  }
  const many = Object.fromEntries(
    Array.from({ length: SHAPE.labels + 1 }, (_, i) => [`l${i}`, 'x']),
  );
  for (const kind of ['labels', 'annotations'] as const) {
    expect(oddOf(parseAlertmanager(webhook({ ...ALERT, [kind]: many }), context()))).toEqual([
      `alerts[0].${kind}: 129 entries, at most 128 (limit ${kind})`,
    ]);
  }
  expect(oddOf(parseAlertmanager(webhook('HighLoad'), context()))).toEqual([
    'alerts[0]: expected an object, got "HighLoad"',
  ]);
});

test('a body of another shape is refused as a whole', () => {
  for (const [body, field] of [
    [[], 'body'],
    [null, 'body'],
    ['x', 'body'],
    [{}, 'alerts'],
    [{ alerts: {} }, 'alerts'],
    [{ alerts: Array.from({ length: SHAPE.alerts + 1 }, () => ALERT) }, 'alerts'],
  ] as const) {
    expect(parseAlertmanager(body, context())).toMatchObject({ kind: 'refused', field });
  }
});

test('__proto__ and its like are labels like any other', () => {
  const body: unknown = JSON.parse(
    '{"alerts":[{"status":"firing","labels":{"__proto__":"x","constructor":"y","alertname":"A"},"startsAt":"2026-11-21T01:00:00Z"}]}',
  );
  const { labels } = onlyAlert(parseAlertmanager(body, context()));
  expect(Object.entries(labels)).toEqual([
    ['__proto__', 'x'],
    ['constructor', 'y'],
    ['alertname', 'A'],
  ]);
  const nested: unknown = JSON.parse(
    '{"alerts":[{"labels":{"__proto__":{"polluted":"yes"},"a":"b"}}]}',
  );
  expect(oddOf(parseAlertmanager(nested, context()))).toEqual([
    'alerts[0].labels.__proto__: expected a string, got object',
  ]);
  expect(({} as { polluted?: string }).polluted).toBeUndefined();
});

test('a label named "problem" is a label like any other', () => {
  const alert = { ...ALERT, labels: { alertname: 'A', problem: 'disk full' } };
  expect(onlyAlert(parseAlertmanager(webhook(alert), context())).labels).toEqual(alert.labels);
});
