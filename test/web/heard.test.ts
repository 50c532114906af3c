import { expect, test } from 'vitest';
import { heardOf } from '../../src/web/heard.ts';
import type { Alert } from '../../src/model.ts';
import { HOUR, MINUTE, START, tell } from '../support/story.ts';

const NAMED = {
  alertname: 'Slow "query"',
  service: 'basket',
  severity: 'warning',
  env: 'production',
};

function known(): { readonly alert: Alert; readonly rules: ReturnType<typeof tell>['rules'] } {
  const story = tell();
  story.fire('basket', 'Slow "query"');
  const [alert] = story.state.alerts.values();
  if (alert === undefined) throw new Error('nothing fires');
  return { alert, rules: story.rules };
}

function line(at: number, labels: Readonly<Record<string, string>>, status = 'firing'): string {
  const alert = {
    status,
    labels,
    annotations: {},
    startsAt: new Date(START).toISOString(),
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: '',
    fingerprint: 'f',
  };
  const body = { version: '4', groupKey: 'g', status, receiver: 'quell', alerts: [alert] };
  return JSON.stringify({ at: new Date(at).toISOString(), source: 'alertmanager', body });
}

async function heard(lines: readonly string[], now = START + 10 * MINUTE) {
  const { alert, rules } = known();
  const spans: { readonly from: number; readonly to: number }[] = [];
  const result = await heardOf(
    async function* (span) {
      spans.push(span);
      yield lines;
    },
    alert,
    rules,
    now,
  );
  return { result, spans };
}

test('deliveries that say of one firing that it goes on are counted, others are not', async () => {
  const other = { ...NAMED, service: 'checkout' };
  const { result } = await heard([
    line(START, NAMED),
    line(START + MINUTE, other),
    line(START + 2 * MINUTE, NAMED),
    line(START + 3 * MINUTE, { ...NAMED, alertname: 'Else' }),
    line(START + 4 * MINUTE, NAMED, 'resolved'),
    '{"at":"2026-03-03T10:05:00.000Z","reaction":"eyes","incident":"Slow \\"query\\"","user":"U1"}',
    'Slow \\"query\\" {{{',
  ]);
  expect(result).toEqual({ times: 2, lastAt: START + 2 * MINUTE, isAll: true });
});

test('of what fires for long the last day is looked at', async () => {
  const now = START + 100 * HOUR;
  const { result, spans } = await heard([line(now - HOUR, NAMED)], now);
  expect(spans).toEqual([{ from: now + 1 - 24 * HOUR, to: now + 1 }]);
  expect(result).toEqual({ times: 1, lastAt: now - HOUR, isAll: false });
});

test('where nothing is kept nothing is said', async () => {
  const { alert, rules } = known();
  expect((await heard([])).result).toBeUndefined();
  expect(await heardOf(undefined, alert, rules, START)).toBeUndefined();
  const gone = Object.assign(new Error('no such folder'), { code: 'ENOENT' });
  const failing = async function* (): AsyncGenerator<readonly string[]> {
    yield [];
    throw gone;
  };
  expect(await heardOf(failing, alert, rules, START)).toBeUndefined();
});
