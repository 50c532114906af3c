/**
 * The model of Alertmanager behaves like the real one where it matters to a receiver.
 */
import { expect, test } from 'vitest';
import { notifications, type Sent } from '../../bench/noise/alertmanager.ts';

const RECEIVER = {
  groupBy: ['alertname'],
  groupWaitMs: 5_000,
  groupIntervalMs: 30_000,
  repeatIntervalMs: 4 * 3_600_000,
};

function alert(name: string, startsS: number, endsS: number, instance = 'a'): Sent {
  const labels = { alertname: name, instance };
  return { labels, annotations: {}, startsAt: startsS * 1_000, endsAt: endsS * 1_000 };
}

/** When, and what of it fires (F) or has resolved (R). */
function told(
  alerts: readonly Sent[],
  until = 3_600,
  receiver: typeof RECEIVER = RECEIVER,
): string[] {
  return notifications(alerts, receiver, until * 1_000).map(
    ({ at, alerts: sent }) =>
      `${at / 1_000} ${sent.map(({ firing }) => (firing ? 'F' : 'R')).join('')}`,
  );
}

const CASES: readonly (readonly [string, readonly Sent[], readonly string[]])[] = [
  ['fires after group_wait and resolves at a tick', [alert('A', 0, 50)], ['5 F', '65 R']],
  ['over within group_wait: never told', [alert('A', 0, 4)], []],
  [
    'one that joins waits for the next tick',
    [alert('A', 0, 500), alert('A', 10, 500, 'b')],
    ['5 F', '35 FF', '515 RR'],
  ],
  [
    'gone and back between two ticks: not told',
    [alert('A', 0, 10), alert('A', 20, 100)],
    ['5 F', '125 R'],
  ],
  ['one of two resolves', [alert('A', 0, 40), alert('A', 0, 90, 'b')], ['5 FF', '65 RF', '95 R']],
];

for (const [fact, alerts, expected] of CASES) {
  test(fact, () => {
    expect(told(alerts)).toEqual(expected);
  });
}

test('a group that goes on unchanged is repeated after repeat_interval', () => {
  const receiver = { ...RECEIVER, repeatIntervalMs: 600_000 };
  expect(told([alert('A', 0, 1_500)], 3_600, receiver)).toEqual([
    '5 F',
    '605 F',
    '1205 F',
    '1505 R',
  ]);
});

test('different group labels are different groups', () => {
  expect(told([alert('A', 0, 50), alert('B', 10, 50)]).sort()).toEqual(
    ['15 F', '5 F', '65 R', '75 R'].sort(),
  );
});
