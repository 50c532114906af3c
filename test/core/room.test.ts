import { expect, test } from 'vitest';
import { decide } from '../../src/decide.ts';
import { isFull } from '../../src/life/room.ts';
import type { Decision, Event } from '../../src/model.ts';
import { createState } from '../../src/state.ts';
import { HOUR, MINUTE, rulesOf, SHOP, START } from '../support/story.ts';

const rules = rulesOf(SHOP);

function alert(
  service: string,
  status: 'firing' | 'resolved',
  { startsAt = START }: { readonly startsAt?: number } = {},
): Event {
  return {
    kind: 'alert',
    delivery: 'd',
    alert: {
      source: 'alertmanager',
      status,
      labels: { alertname: 'Down', service, severity: 'critical' },
      annotations: {},
      startsAt,
      endsAt: status === 'resolved' ? startsAt + 1 : undefined,
      generatorURL: undefined,
    },
  };
}

function laneWith(alertsMax: number) {
  const state = createState('default', alertsMax);
  const decisions: Decision[] = [];
  let now = START;
  return {
    state,
    decisions,
    services: () => [...state.alerts.values()].map(({ facts }) => facts.service),
    play(...events: Event[]) {
      for (const event of events) {
        now += 1000;
        decisions.push(...decide(state, event, now, rules).decisions);
      }
    },
  };
}

test('what is over gives way to what fires, the oldest first', () => {
  const lane = laneWith(3);
  for (const name of ['stray-1', 'stray-2', 'stray-3']) lane.play(alert(name, 'resolved'));
  lane.play(alert('stray-1', 'resolved'), alert('one', 'firing'));
  expect(lane.services().sort()).toEqual(['one', 'stray-2', 'stray-3']);
  lane.play(alert('two', 'firing'), alert('three', 'firing'));
  expect(lane.services().sort()).toEqual(['one', 'three', 'two']);
  expect(lane.state.resolved.size).toBe(0);
});

test('an incident that is over goes to the history as a whole, once Slack knows that it is', () => {
  const lane = laneWith(2);
  lane.play(alert('payments-db', 'firing'), alert('payments-db', 'resolved'));
  const [incident] = lane.state.incidents.values();
  expect(incident).toMatchObject({ phase: 'resolved', toldIn: 'message', message: undefined });
  const id = incident?.id ?? '';
  const ref = { channel: 'C1', ts: '1.1' };
  const outcome = { kind: 'sent', message: ref, revision: incident?.revision ?? 0 } as const;
  lane.play({ kind: 'delivered', effect: `message:${id}`, outcome });
  lane.play(alert('newsletter', 'firing'), alert('basket', 'firing'));
  expect(lane.state.incidents.has(id)).toBe(false);
  expect(lane.state.closed.map(({ members }) => members.length)).toEqual([1]);
});

test('an incident that Slack does not know to be over stays, but its alerts give way', () => {
  const lane = laneWith(1);
  lane.play(alert('payments-db', 'firing'), alert('payments-db', 'resolved'));
  const [id = ''] = lane.state.incidents.keys();
  lane.play(alert('newsletter', 'firing'));
  expect(lane.services()).toEqual(['newsletter']);
  expect(lane.state.incidents.get(id)?.phase).toBe('resolved');
});

test('full is full of what fires: news is refused, repeats and ends are taken', () => {
  const lane = laneWith(2);
  lane.play(alert('one', 'firing'), alert('two', 'firing'));
  const full = (...events: Event[]) => isFull(lane.state, rules, events, 0);
  expect(full(alert('three', 'firing'))).toBe(true);
  expect(full(alert('one', 'firing'), alert('two', 'firing'))).toBe(false);
  expect(full(alert('one', 'resolved'))).toBe(false);
  expect(full(alert('one', 'resolved'), alert('three', 'firing'))).toBe(false);
  expect(full(alert('stray', 'resolved'))).toBe(false);
  lane.play(alert('one', 'resolved'));
  expect(full(alert('three', 'firing'))).toBe(false);
  expect(isFull(lane.state, rules, [alert('three', 'firing')], 1)).toBe(true);
});

test('an incident whose end Slack has not taken is not forgotten with the others', () => {
  const lane = laneWith(100);
  lane.play(alert('payments-db', 'firing'));
  const [incident] = lane.state.incidents.values();
  const effect = `message:${incident?.id}`;
  const message = { channel: 'C1', ts: '1.1' };
  const sent = (revision: number): Event => ({
    kind: 'delivered',
    effect,
    outcome: { kind: 'sent', message, revision },
  });
  lane.play(sent(incident?.revision ?? 0), alert('payments-db', 'resolved'));
  const over = lane.state.incidents.get(incident?.id ?? '');
  decide(lane.state, { kind: 'tick' }, START + 3 * HOUR, rules);
  expect(lane.state.incidents.has(over?.id ?? '')).toBe(true);
  lane.play();
  decide(lane.state, sent(over?.revision ?? 0), START + 3 * HOUR + MINUTE, rules);
  decide(lane.state, { kind: 'tick' }, START + 30 * HOUR, rules);
  expect(lane.state.incidents.size).toBe(0);
});

test('an alert that flaps gives way too, and the incident that waited for it to calm down is over', () => {
  const lane = laneWith(2);
  for (let i = 0; i < 8; i++)
    lane.play(
      alert('payments-db', 'firing', { startsAt: START + i * MINUTE }),
      alert('payments-db', 'resolved', { startsAt: START + i * MINUTE }),
    );
  const [id = ''] = lane.state.incidents.keys();
  expect(lane.state.incidents.get(id)?.phase).toBe('open');
  lane.play(alert('one', 'firing'), alert('two', 'firing'));
  expect(lane.services().sort()).toEqual(['one', 'two']);
  expect(lane.state.incidents.get(id)?.phase).toBe('resolved');
});
