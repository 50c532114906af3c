/** What people say is kept as lines of a recording, and comes back from them as it was. */
import { afterEach, expect, test } from 'vitest';
import { keepPeople } from '../../src/ingest/keep-people.ts';
import { readLine } from '../../src/ingest/recording.ts';
import type { Event, MessageRef, Silence } from '../../src/model.ts';
import { createReplay } from '../../src/replay.ts';
import { createRehearsal, requestIn } from '../../src/rehearse/rehearsal.ts';
import { createLanes } from '../../src/lane/lanes.ts';
import { WHOLE } from '../../src/split.ts';
import { NOW, type Service, startService } from '../support/service.ts';
import { rulesOf, SHOP } from '../support/story.ts';

let service: Service | undefined;
afterEach(async () => {
  await service?.stop();
  service = undefined;
});

const SILENCE: Silence = {
  id: 's1',
  matchers: [{ name: 'service', value: 'payments', isRegex: false, isEqual: true }],
  startsAt: NOW,
  endsAt: NOW + 3_600_000,
  createdBy: 'ann',
  comment: 'upgrade',
};

async function said(...events: readonly Event[]) {
  service = await startService({ yaml: SHOP });
  const lines: string[] = [];
  const lane = keepPeople(createLanes([service.lane], WHOLE), (_at, line) => lines.push(line));
  const labels = { alertname: 'Down', service: 'payments', severity: 'critical' };
  await service.post('/v1/ingest/alertmanager', {
    alerts: [{ status: 'firing', labels, startsAt: new Date(NOW).toISOString() }],
  });
  const [incident] = service.lane.state.open;
  for (const event of events) {
    const on = { incident: incident ?? '' };
    const isOnIt = event.kind === 'request' || event.kind === 'reaction';
    await lane.submit(NOW, [isOnIt ? { ...event, on } : event]);
  }
  return { incident, labels, read: lines.map((line, index) => readLine(line, index + 1)) };
}

test('a silence, and its end', async () => {
  const events: readonly Event[] = [
    { kind: 'silence', silence: SILENCE },
    { kind: 'unsilence', id: 's1', by: 'bob' },
  ];
  const { read } = await said(...events);
  expect(read).toEqual(
    events.map((event, index) => ({ kind: 'silence', line: index + 1, at: NOW, event })),
  );
});

test('a request in the thread, with the alerts of the incident', async () => {
  const asked = { user: 'U7', text: 'silence 2h deploying', orderedAt: NOW - 3.25 };
  const { read, incident, labels } = await said({
    kind: 'request',
    on: { incident: '' },
    ...asked,
  });
  const alerts = [{ source: 'alertmanager', labels }];
  expect(read).toEqual([{ kind: 'request', line: 1, at: NOW, incident, alerts, ...asked }]);
});

test('a reaction, and that it is taken back; what is heard again is kept once', async () => {
  const eyes = { kind: 'reaction', emoji: 'eyes', user: 'U7', on: { incident: '' } } as const;
  const added: Event = { ...eyes, added: true, orderedAt: NOW + 1 };
  const removed: Event = { ...eyes, added: false, orderedAt: NOW + 2 };
  const { read, incident, labels } = await said(added, added, removed);
  const alerts = [{ source: 'alertmanager', labels }];
  expect(read).toMatchObject([
    { kind: 'reaction', incident, reaction: 'eyes', user: 'U7', removed: false, alerts },
    { kind: 'reaction', incident, reaction: 'eyes', user: 'U7', removed: true, alerts },
  ]);
});

test('what is not as it was recorded is a bad line', () => {
  const at = '"at":"2026-01-01T00:00:00Z"';
  for (const text of [
    `{${at},"silence":7}`,
    `{${at},"silence":{"id":"s1"}}`,
    `{${at},"unsilence":7,"by":"ann"}`,
    `{${at},"request":"silence 2h"}`,
    `{${at},"request":"silence 2h","incident":"i","user":"U1","orderedAt":"now"}`,
  ]) {
    expect([text, readLine(text, 1)?.kind]).toEqual([text, 'bad']);
  }
});

function delivery(line: number, at: number, name: string) {
  const labels = { alertname: name, service: 'payments', severity: 'critical' };
  const alert = { status: 'firing', labels, startsAt: new Date(at).toISOString() };
  return { kind: 'delivery', line, at, source: 'alertmanager', body: { alerts: [alert] } } as const;
}

test('a rehearsal silences what people silenced, under all rules', () => {
  const rules = rulesOf(SHOP);
  const other = rulesOf(`${SHOP}\nhold: [{ for: 0s }]`);
  const rehearsal = createRehearsal(rules, [other]);
  rehearsal.play(
    { kind: 'silence', line: 1, at: NOW, event: { kind: 'silence', silence: SILENCE } },
    'a:1',
  );
  rehearsal.play(delivery(2, NOW + 1_000, 'Down'), 'a:2');
  const { now, comparisons } = rehearsal.finish();
  expect(now.summary).toMatchObject({ posts: 0, verdicts: { silenced: 1 } });
  expect(comparisons[0]?.messages).toMatchObject({ now: 0, tried: 0 });
});

test('a request counts for the incident that holds the same alerts', () => {
  const rules = rulesOf(SHOP);
  const replay = createReplay({ rules, onMessage: undefined });
  const rehearsal = createRehearsal(rules, []);
  const request = {
    kind: 'request',
    line: 2,
    at: NOW + 60_000,
    text: 'silence 2h',
    incident: 'of-other-rules',
    user: 'U7',
    orderedAt: NOW,
    alerts: [
      {
        source: 'alertmanager',
        labels: { alertname: 'Down', service: 'payments', severity: 'critical' },
      },
    ],
  } as const;
  rehearsal.play(delivery(1, NOW, 'Down'), 'a:1');
  rehearsal.play(request, 'a:2');
  rehearsal.play(delivery(3, NOW + 120_000, 'Down'), 'a:3');
  expect(rehearsal.finish().now.summary.consequences).toMatchObject({ 'silence-set': 1 });
  replay.play([requestIn('nowhere', request)], NOW);
  expect(replay.finish().consequences).toEqual({ ignored: 1 });
});

test('a reaction to a message whose incident left memory is kept, with the alerts of then', async () => {
  service = await startService({ yaml: SHOP });
  const labels = { alertname: 'Down', service: 'payments', severity: 'critical' };
  let keep: (line: string) => void = () => undefined;
  const kept = new Promise<string>((resolve) => void (keep = resolve));
  const asked: MessageRef[] = [];
  const lanes = keepPeople(
    createLanes([service.lane], WHOLE),
    (_at, line) => keep(line),
    async (message) => {
      asked.push(message);
      const alerts = [{ source: 'alertmanager', labels }];
      return message.ts === '1.1' ? { incident: 'OLD', alerts } : undefined;
    },
  );
  const reaction = { kind: 'reaction', added: true, user: 'U1', orderedAt: NOW } as const;
  const on = (ts: string) => ({ channel: 'C1', ts });
  await lanes.submit(NOW, [
    { ...reaction, emoji: 'tada', on: on('1.1') },
    { ...reaction, emoji: 'eyes', on: on('2.2') },
    { ...reaction, emoji: 'wastebasket', on: on('1.1') },
  ]);
  expect(readLine(await kept, 1)).toMatchObject({
    kind: 'reaction',
    reaction: 'wastebasket',
    incident: 'OLD',
    alerts: [{ source: 'alertmanager', labels }],
  });
  expect(asked).toEqual([on('2.2'), on('1.1')]);
});
