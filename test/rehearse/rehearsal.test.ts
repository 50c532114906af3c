/** What another set of rules would change, told message by message, and judged by what people said. */
import { expect, test } from 'vitest';
import type { Change } from '../../src/rehearse/change.ts';
import { fires, reacts, recordingOf, rehearsed } from './support.ts';

const ALL = 'hold: [{ for: 0s }]\n';
const LONGER = `hold:
  - match: ['alertname="HighCpu"']
    for: 10m
  - for: 0s
`;
const cpu = { name: 'HighCpu', service: 'web' };
const disk = { name: 'DiskFull', service: 'store' };

function fatesOf(changes: readonly Change[]) {
  return changes.map(({ fate, service, opinion, rule }) => [fate, service, opinion, rule]);
}

test('the same rules change nothing', () => {
  const recording = recordingOf(fires(0, 4, cpu), fires(60, 90, disk));
  const { messages, changes, effects } = rehearsed(recording, ALL, ALL);
  expect({ messages, changes, effects }).toEqual({
    messages: { now: 2, tried: 2 },
    changes: [],
    effects: [],
  });
});

test('a longer hold hides what was over before it, and names the entry that does', () => {
  const recording = recordingOf(fires(0, 4, cpu), fires(60, 90, disk), fires(120, 124, cpu));
  const { messages, changes, effects, fates } = rehearsed(recording, ALL, LONGER);
  expect(messages).toEqual({ now: 3, tried: 1 });
  expect(fatesOf(changes)).toEqual([
    ['hidden', 'web', 'untouched', 'rules.yaml:2'],
    ['hidden', 'web', 'untouched', 'rules.yaml:2'],
  ]);
  expect(effects).toEqual([
    { rule: 'rules.yaml:2', in: 'tried', messages: -2, later: 0, moved: 0 },
  ]);
  expect(fates.untouched).toMatchObject({ messages: 3, hidden: 2 });
});

test('what outlasts the hold is told later, by so much', () => {
  const { changes, fates } = rehearsed(recordingOf(fires(0, 40, cpu)), ALL, LONGER);
  expect(changes).toMatchObject([{ fate: 'later', byMs: 600_000, rule: 'rules.yaml:2' }]);
  expect(fates.untouched).toMatchObject({ hidden: 0, later: 1, laterMaxMs: 600_000 });
});

test('a message that people acknowledged and that would not be told is lost', () => {
  const recording = recordingOf(
    fires(0, 4, cpu),
    reacts(2, 'eyes', cpu),
    fires(60, 64, cpu),
    reacts(62, 'wastebasket', { ...cpu, name: 'HighCpu' }),
  );
  // The recorded ids differ: the second reaction is to another message.
  const renamed = recording.map((line) =>
    line.includes('wastebasket') ? line.replace('of HighCpu web', 'the second') : line,
  );
  const { fates, changes } = rehearsed(renamed, ALL, LONGER);
  expect(fates.acknowledged).toMatchObject({ messages: 1, hidden: 1 });
  expect(fates['not-actionable']).toMatchObject({ messages: 1, hidden: 1 });
  expect(changes.map(({ opinion }) => opinion)).toEqual(['acknowledged', 'not-actionable']);
});

test('a reaction to what time told, and no line before it, counts', () => {
  const recording = recordingOf(fires(0, 40, cpu), reacts(11, 'eyes', cpu));
  // That somebody is on it, and that it is over.
  expect(rehearsed(recording, LONGER, LONGER).updates).toEqual({ now: 2, tried: 2 });
});

test('a reaction that was taken back says nothing', () => {
  const recording = recordingOf(
    fires(0, 4, cpu),
    reacts(1, 'eyes', cpu),
    reacts(2, 'eyes', cpu, true),
  );
  expect(rehearsed(recording, ALL, LONGER).fates).toMatchObject({
    acknowledged: { messages: 0, hidden: 0 },
    untouched: { messages: 1, hidden: 1 },
  });
});

test('what neither set of rules tells is counted by itself when people acknowledged it', () => {
  const recording = recordingOf(fires(0, 4, cpu), reacts(2, 'eyes', cpu));
  expect(rehearsed(recording, LONGER, LONGER).fates.acknowledged).toMatchObject({
    messages: 0,
    hidden: 0,
    untoldAlready: 1,
  });
});

test('a shorter hold tells what was not told before, by which entry', () => {
  const { changes, fresh, effects } = rehearsed(recordingOf(fires(0, 4, cpu)), LONGER, ALL);
  expect(fresh).toBe(1);
  expect(fatesOf(changes)).toEqual([['new', 'web', 'untouched', 'rules.yaml:1']]);
  expect(effects).toMatchObject([{ rule: 'rules.yaml:1', messages: 1 }]);
});

const APART = `${ALL}services:
  - name: disks
  - name: store
    dependsOn: [disks]
  - name: web
    dependsOn: [cache]
  - name: cache
`;
const TOGETHER = APART.replace('[cache]', '[cache, store]');

test('an edge between two services makes one message of two', () => {
  const recording = recordingOf(fires(0, 30, disk), fires(1, 30, { ...cpu, severity: 'high' }));
  const { messages, changes, merged } = rehearsed(recording, APART, TOGETHER);
  expect({ messages, merged }).toEqual({ messages: { now: 2, tried: 1 }, merged: 1 });
  expect(changes).toMatchObject([{ fate: 'same', service: 'web', pieces: 1 }]);
  expect(changes[0]?.mergedInto).toMatch(/^\w{8}$/);
});

test('without the edge the one message falls into two', () => {
  const recording = recordingOf(fires(0, 30, disk), fires(1, 30, { ...cpu, severity: 'high' }));
  const { messages, changes, split } = rehearsed(recording, TOGETHER, APART);
  expect({ messages, split }).toEqual({ messages: { now: 1, tried: 2 }, split: 1 });
  expect(changes).toMatchObject([{ fate: 'same', pieces: 2 }]);
});

test('another route moves a message, or leaves it for the digest', () => {
  const routed = `${ALL}route:
  channel: '#alerts'
  routes:
    - match: ['service="web"']
      channel: '#web'
    - match: ['service="store"']
      urgency: digest
`;
  const recording = recordingOf(fires(0, 30, disk), fires(60, 90, cpu));
  const { changes, byChannel, moved, fates } = rehearsed(recording, ALL, routed);
  expect(moved).toBe(1);
  expect(fates.untouched).toMatchObject({ hidden: 0, digest: 1 });
  expect(byChannel).toContainEqual({ name: '#web', now: 0, tried: 1 });
  expect(changes).toMatchObject([
    { fate: 'digest', service: 'store', rule: 'rules.yaml:7' },
    { fate: 'same', channel: { now: '#alerts', tried: '#web' }, rule: 'rules.yaml:5' },
  ]);
});

test('a silence hides, and is named', () => {
  const silenced = `${ALL}silences:
  - match: ['service="web"']
    endsAt: 2027-01-01T00:00:00Z
`;
  const { changes } = rehearsed(recordingOf(fires(0, 30, cpu)), ALL, silenced);
  expect(fatesOf(changes)).toEqual([['hidden', 'web', 'untouched', 'rules.yaml:3']]);
});

test('rules that name alerts differently are compared by the alerts themselves', () => {
  const replicas = `${ALL}replica: [pod]\n`;
  const recording = recordingOf(fires(0, 30, cpu), reacts(2, 'eyes', cpu));
  const { changes, fates } = rehearsed(recording, ALL, replicas);
  expect(changes).toEqual([]);
  expect(fates.acknowledged.messages).toBe(1);
});

test('what was acknowledged before it would be told is told too late', () => {
  const early = recordingOf(fires(0, 40, cpu), reacts(2, 'eyes', cpu));
  expect(rehearsed(early, ALL, LONGER).fates.acknowledged).toMatchObject({ later: 1, tooLate: 1 });
  const late = recordingOf(fires(0, 40, cpu), reacts(12, 'eyes', cpu));
  expect(rehearsed(late, ALL, LONGER).fates.acknowledged).toMatchObject({ later: 1, tooLate: 0 });
});
