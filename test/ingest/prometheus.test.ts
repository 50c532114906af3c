import { expect, test } from 'vitest';
import { parsePrometheus } from '../../src/ingest/prometheus.ts';
import { AT, alertsOf, context, oddOf, onlyAlert } from './reading.ts';
import { samplesOf, sequenceOf } from './samples.ts';

const LABELS = { alertname: 'HighLoad', service: 'checkout' };
const BEFORE = '2026-11-21T01:20:00.000Z';
const AFTER = '2026-11-21T01:34:00.000Z';
const ZERO = '0001-01-01T00:00:00.000Z';

function parse(...alerts: unknown[]) {
  return parsePrometheus(alerts, context({ source: 'prometheus' }));
}

test('every captured post is understood, with all its alerts', () => {
  for (const { file, at, body, alerts, resolved } of samplesOf('prometheus')) {
    const parsed = parsePrometheus(body, context({ source: 'prometheus', at }));
    expect(oddOf(parsed), file).toEqual([]);
    expect(alertsOf(parsed).length, file).toBe(alerts);
    expect(alertsOf(parsed).filter(({ status }) => status === 'resolved').length, file).toBe(
      resolved,
    );
  }
});

test('a captured run has every alert fire before it resolves', () => {
  const firing = new Set<string>();
  for (const { at, body } of sequenceOf('prometheus')) {
    for (const { status, labels } of alertsOf(parsePrometheus(body, context({ at })))) {
      const who = JSON.stringify(labels);
      if (status === 'firing') firing.add(who);
      else expect(firing.has(who), who).toBe(true);
    }
  }
  expect(firing.size).toBeGreaterThan(10);
});

test('an end in the future is a time-out, one that is not is the resolve', () => {
  const startsAt = '2026-11-21T01:00:00.000Z';
  const on = onlyAlert(parse({ labels: LABELS, startsAt, endsAt: AFTER }));
  expect(on).toMatchObject({ status: 'firing', endsAt: Date.parse(AFTER) });
  expect(on.undated).toBeUndefined();
  const off = onlyAlert(parse({ labels: LABELS, startsAt, endsAt: BEFORE }));
  expect(off).toMatchObject({ status: 'resolved', endsAt: Date.parse(BEFORE) });
  const now = new Date(AT).toISOString();
  expect(onlyAlert(parse({ labels: LABELS, startsAt, endsAt: now })).status).toBe('resolved');
});

test('times that are missing or zero are filled in as Alertmanager does', () => {
  for (const [times, expected] of [
    [{}, { status: 'firing', startsAt: AT, endsAt: undefined, undated: true }],
    [
      { startsAt: ZERO, endsAt: ZERO },
      { status: 'firing', startsAt: AT, endsAt: undefined, undated: true },
    ],
    [
      { endsAt: BEFORE },
      { status: 'resolved', startsAt: Date.parse(BEFORE), endsAt: Date.parse(BEFORE) },
    ],
    [
      { endsAt: AFTER },
      { status: 'firing', startsAt: AT, endsAt: Date.parse(AFTER), undated: true },
    ],
    [{ startsAt: BEFORE }, { status: 'firing', startsAt: Date.parse(BEFORE), endsAt: undefined }],
  ] as const) {
    expect(onlyAlert(parse({ labels: LABELS, ...times }))).toMatchObject(expected);
  }
});

test('an empty label is no label; all others are exactly as received', () => {
  const alert = onlyAlert(
    parse({ labels: { ...LABELS, empty: '', spaced: ' x ' }, startsAt: BEFORE }),
  );
  expect(alert.labels).toEqual({ ...LABELS, spaced: ' x ' });
  const odd: unknown = JSON.parse('{"labels":{"__proto__":"p","gone":"","alertname":"A"}}');
  expect(Object.entries(onlyAlert(parse(odd)).labels)).toEqual([
    ['__proto__', 'p'],
    ['alertname', 'A'],
  ]);
});

test('bad alerts are set apart with their field, good ones are taken', () => {
  const good = { labels: LABELS, startsAt: BEFORE };
  for (const [bad, error] of [
    [{}, '[1].labels: expected an object of strings, got nothing'],
    [{ labels: {} }, '[1].labels: an alert has at least one label'],
    [{ labels: { a: '' } }, '[1].labels: an alert has at least one label with a value'],
    [{ labels: { a: 1 } }, '[1].labels.a: expected a string, got number'],
    [
      { labels: LABELS, startsAt: 'x' },
      '[1].startsAt: expected a time like 2026-01-31T09:30:00.000Z, years 1970 to 9999, got "x"',
    ],
    [{ labels: LABELS, startsAt: AFTER, endsAt: BEFORE }, '[1].endsAt: is before startsAt'],
    [null, '[1]: expected an object, got null'],
  ] as const) {
    const parsed = parse(good, bad, good);
    expect(oddOf(parsed)).toEqual([error]);
    expect(alertsOf(parsed).length).toBe(2);
  }
});

test('anything but an array is refused, an empty array is not', () => {
  for (const body of [{}, null, 'x', 5]) {
    expect(parsePrometheus(body, context())).toMatchObject({ kind: 'refused', field: 'body' });
  }
  expect(parsePrometheus([], context())).toEqual({ kind: 'parsed', events: [], truncated: 0 });
});
