import { expect, test } from 'vitest';
import { decide } from '../../src/decide.ts';
import { whatIsFull } from '../../src/life/room.ts';
import type { Decision, Event, Labels } from '../../src/model.ts';
import { restore } from '../../src/state/restore.ts';
import {
  closeIncident,
  createState,
  type LaneState,
  removeAlert,
  takeChanges,
} from '../../src/state/state.ts';
import {
  createTransactionIndex,
  forgetTransaction,
  rememberTransactions,
} from '../../src/state/transaction-index.ts';
import { alertEvent, HOUR, MINUTE, rulesOf, SHOP, START, tell } from '../support/story.ts';

const rules = rulesOf(SHOP);

function alert(
  service: string,
  status: 'firing' | 'resolved',
  {
    startsAt = START,
    annotations = {},
    more = {},
  }: { readonly startsAt?: number; readonly annotations?: Labels; readonly more?: Labels } = {},
): Event {
  const labels = { alertname: 'Down', service, severity: 'critical', ...more };
  const endsAt = status === 'resolved' ? startsAt + 1 : undefined;
  return alertEvent(labels, { annotations, startsAt, endsAt });
}

function laneWith(alerts: number, bytes = Infinity) {
  const state = createState('default', { 'open-alerts': alerts, 'alert-bytes': bytes });
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
  const full = (...events: Event[]) => whatIsFull(lane.state, rules, events, 0);
  expect(full(alert('three', 'firing'))).toBe('open-alerts');
  expect(full(alert('one', 'firing'), alert('two', 'firing'))).toBeUndefined();
  expect(full(alert('one', 'resolved'))).toBeUndefined();
  expect(full(alert('one', 'resolved'), alert('three', 'firing'))).toBeUndefined();
  expect(full(alert('stray', 'resolved'))).toBeUndefined();
  lane.play(alert('one', 'resolved'));
  expect(full(alert('three', 'firing'))).toBeUndefined();
  expect(whatIsFull(lane.state, rules, [alert('three', 'firing')], 1)).toBe('open-alerts');
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

/** About so many bytes. */
function saying(bytes: number, word = 'x') {
  return { annotations: { text: word.repeat(bytes) } };
}

function textOf({ state }: { readonly state: LaneState }, service: string): string | undefined {
  const all = [...state.alerts.values()];
  return all.find(({ facts }) => facts.service === service)?.annotations['text'];
}

test('what weighs too much gives way like what is too many: the oldest that is over goes first', () => {
  const lane = laneWith(100, 10_000);
  for (const name of ['one', 'two', 'three']) {
    lane.play(alert(name, 'firing', saying(2_800)), alert(name, 'resolved'));
  }
  expect(lane.services()).toEqual(['one', 'two', 'three']);
  lane.play(alert('four', 'firing', saying(2_800)), alert('five', 'firing'));
  expect(lane.services()).toEqual(['two', 'three', 'four', 'five']);
});

test('what weighs too much and fires is full: news is refused, ends and what is lighter than they are is taken', () => {
  const lane = laneWith(100, 10_000);
  const full = (...events: Event[]) => whatIsFull(lane.state, rules, events, 0);
  lane.play(alert('one', 'firing', saying(4_000)), alert('two', 'firing', saying(4_000)));
  expect(full(alert('three', 'firing', saying(4_000)))).toBeUndefined();
  lane.play(alert('three', 'firing', saying(4_000)));
  expect(full(alert('four', 'firing'))).toBe('alert-bytes');
  expect(full(alert('one', 'firing', saying(9_000)))).toBeUndefined();
  expect(full(alert('one', 'resolved'))).toBeUndefined();
  expect(full(alert('one', 'resolved'), alert('four', 'firing', saying(3_000)))).toBeUndefined();
  expect(full(alert('one', 'resolved'), alert('four', 'firing', saying(5_000)))).toBe(
    'alert-bytes',
  );
  lane.play(alert('one', 'resolved'));
  expect(full(alert('four', 'firing'))).toBeUndefined();
});

test('a known alert takes longer texts while there is room, and keeps those it has when there is none', () => {
  const lane = laneWith(100, 10_000);
  lane.play(alert('one', 'firing', saying(10)), alert('two', 'firing', saying(10)));
  lane.play(alert('one', 'firing', saying(9_900)));
  expect(textOf(lane, 'one')?.length).toBe(9_900);
  lane.play(alert('two', 'firing', saying(5_000)));
  expect(textOf(lane, 'two')?.length).toBe(10);
  lane.play(alert('two', 'firing', { startsAt: START + HOUR, ...saying(5_000) }));
  expect(textOf(lane, 'two')?.length).toBe(10);
  lane.play(alert('one', 'firing', saying(9_000, 'y')));
  lane.play(alert('two', 'firing', { startsAt: START + HOUR, ...saying(5_000) }));
  expect(textOf(lane, 'one')).toBe('y'.repeat(9_000));
  expect(textOf(lane, 'two')?.length).toBe(5_000);
});

test('ends of what was never seen firing take no more room than there is', () => {
  const lane = laneWith(3, 10_000);
  for (let i = 0; i < 20; i++) lane.play(alert(`stray-${i}`, 'resolved', saying(20)));
  expect(lane.services()).toEqual(['stray-17', 'stray-18', 'stray-19']);
  for (let i = 0; i < 20; i++) lane.play(alert(`heavy-${i}`, 'resolved', saying(6_000)));
  expect(lane.services()).toEqual(['heavy-18', 'heavy-19']);
});

test('what alerts weigh is the sum of those in memory, whatever happened to them, and the same after a start', () => {
  const lane = laneWith(8, 30_000);
  const names = [
    'payments-db',
    'payments',
    'basket',
    'newsletter',
    'search',
    'one',
    'two',
    'three',
  ];
  for (let i = 0; i < 400; i++) {
    const name = `${names[(i * 5) % names.length]}${i % 3 === 0 ? i : ''}`;
    const status = i % 4 === 3 || i % 7 === 2 ? 'resolved' : 'firing';
    const said = saying((i * 37) % 5_000);
    lane.play(alert(name, status, { startsAt: START + i * MINUTE, ...said }));
  }
  const { alerts, weights } = lane.state;
  expect(alerts.size).toBeGreaterThan(3);
  const again = createState('default');
  const kept = takeChanges(lane.state).filter(({ value }) => value !== undefined);
  restore(again, JSON.parse(JSON.stringify(kept)));
  expect([...again.alerts.keys()].sort()).toEqual([...alerts.keys()].sort());
  expect(again.weights).toEqual(weights);
  expect(weights.firing).toBeLessThanOrEqual(weights.all);
});

test('an incident that goes on for ever remembers of what came and went only what is in memory', () => {
  const lane = laneWith(10);
  lane.play(alert('payments-db', 'firing'));
  const [id = ''] = lane.state.incidents.keys();
  for (let n = 0; n < 200; n++) {
    const more = { instance: `db-${n}.example:9100`, transaction_id: `tid_${n}` };
    lane.play(alert('payments-db', 'firing', { more }), alert('payments-db', 'resolved', { more }));
    lane.play(
      alert(`stranger-${n}`, 'firing', { more }),
      alert(`stranger-${n}`, 'resolved', { more }),
    );
  }
  const { alerts, incidents, members, tallies, byHost, byService } = lane.state;
  expect([alerts.size, incidents.get(id)?.phase]).toEqual([10, 'open']);
  expect(members.get(id)?.size).toBeLessThanOrEqual(10);
  for (const [one, { services, hosts }] of tallies) {
    expect([...services.keys()].length, one).toBeLessThanOrEqual(10);
    expect(hosts.size, one).toBeLessThanOrEqual(10);
  }
  expect(byHost.size).toBeLessThanOrEqual(10);
  expect([...byService.values()].flatMap((some) => [...some]).length).toBeLessThan(20);
});

test('transaction IDs take so much memory and no more, however much each links', () => {
  const index = createTransactionIndex();
  const linked = { incidents: new Map(), byTransaction: index };
  const lane = laneWith(10);
  lane.play(alert('payments-db', 'firing'));
  const [known] = lane.state.alerts.values();
  if (known === undefined) throw new Error('it fires');
  for (let n = 0; n < 60_000; n++) {
    const transactions = Array.from({ length: 8 }, (_, i) => `tid_${(n * 8 + i) % 480}`);
    const service = `${n}`.padEnd(1_000, 'x');
    const facts = { ...known.facts, service, transactions };
    rememberTransactions(linked, { ...known, facts }, `${n}`, undefined);
  }
  const sum = [...index.uses.values()].reduce((bytes, use) => bytes + use.bytes, 0);
  expect(index.bytes).toBe(sum);
  expect(index.bytes).toBeLessThan(130 * 1024 * 1024);
  expect(index.uses.size).toBeGreaterThan(50);
  for (const id of index.uses.keys()) forgetTransaction(index, id);
  expect(index.bytes).toBe(0);
});

test('an incident that had alerts of two environments leaves nothing behind for either', () => {
  const story = tell('hold: [{ for: 0s }]');
  const more = { severity: 'critical', labels: { host: 'h1' } };
  story.fire('basket', 'Slow', more);
  story.fire('basket', 'Down', { ...more, env: 'canary' });
  const { state } = story;
  const [incident] = state.incidents.values();
  expect(state.incidents.size).toBe(1);
  for (const name of [...state.alerts.keys()].reverse()) removeAlert(state, name);
  closeIncident(state, incident?.id ?? '');
  story.fire('basket', 'Down', { ...more, env: 'canary' });
  const [next] = state.incidents.keys();
  expect([...state.byService]).toEqual([['canary', new Map([['basket', next]])]]);
});
