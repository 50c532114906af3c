/** What is on disk after each event is what is in memory: nothing is forgotten by a restart, or comes back with it. */
import { expect, test } from 'vitest';
import { decide, runDueUntil } from '../../src/decide.ts';
import type { Decision, Event, Incident } from '../../src/model.ts';
import { restore } from '../../src/state/restore.ts';
import { createState, type LaneState, takeChanges } from '../../src/state/state.ts';
import type { StateRecord } from '../../src/store/contract.ts';
import { alertEvent, HOUR, MINUTE, rulesOf, SHOP, START } from '../support/story.ts';

const DAY = 24 * HOUR;

const RULES = rulesOf(`${SHOP}
heartbeats: [{ name: pulse, match: ['alertname="Pulse"'], missingAfter: 20m }]
storm: { perMinute: 8 }
correlate: [{ match: ['alertname="Boom"'], off: true }]
route:
  channel: '#alerts'
  routes: [{ match: ['severity="info"'], channel: '#gone', urgency: digest }]
`);

/** A lane whose changes are written after each event, and read again by `restart`. */
function lane() {
  const disk = new Map<string, string>();
  const decisions: Decision[] = [];
  let state = createState('default');
  let now = START;
  const step = (event: Event, at: number): void => {
    const outcome = decide(state, event, at, RULES);
    decisions.push(...outcome.decisions);
    for (const { key, value } of takeChanges(state))
      if (value === undefined) disk.delete(key);
      else disk.set(key, JSON.stringify(value));
    expect(remembered(read())).toEqual(remembered(state));
  };
  const read = (): LaneState => {
    const records = [...disk].map(([key, json]): StateRecord => ({ key, value: JSON.parse(json) }));
    const again = createState('default');
    restore(again, records);
    return again;
  };
  step({ kind: 'started' }, now);
  return {
    now: () => now,
    state: () => state,
    disk,
    endOf: (reason: string) => decisions.find((one) => one.reason === reason)?.at,
    reasons: () => decisions.map(({ reason }) => reason),
    say: (event: Event) => step(event, now),
    fire: (service: string, alertname: string, severity = 'critical') =>
      step(alertEvent({ alertname, service, env: 'production', severity }, { startsAt: now }), now),
    resolve: (service: string, alertname: string, endsAt: number, severity = 'critical') =>
      step(
        alertEvent(
          { alertname, service, env: 'production', severity },
          { startsAt: START, endsAt },
        ),
        now,
      ),
    wait: (ms: number) => {
      now = runDueUntil(state, now + ms, now, 100_000, step).now;
    },
    restart: () => {
      state = read();
      step({ kind: 'started' }, now);
    },
    incidentOf: (service: string): Incident => {
      const alert = [...state.alerts.values()].find(({ facts }) => facts.service === service);
      const incident = state.incidents.get(alert?.incident ?? '');
      if (incident === undefined) throw new Error(`nothing of ${service} stands in an incident`);
      return incident;
    },
  };
}

/** All that has records, in an order of its own. */
function remembered(state: LaneState): Readonly<Record<string, unknown>> {
  const { alerts, incidents, digests, heartbeats, silences, lateness, partings, storm } = state;
  const maps = { alerts, incidents, digests, heartbeats, silences, lateness, partings };
  const told = Object.entries(maps).map(([name, map]) => [name, Object.fromEntries(map)]);
  return { ...Object.fromEntries(told), storm };
}

test('whatever happens is on disk as it is in memory', () => {
  const { say, fire, resolve, wait, now, state, incidentOf, reasons } = lane();
  // A heartbeat, a digest that its channel refuses, and an end that is heard of late.
  fire('', 'Pulse', 'none');
  fire('newsletter', 'CertExpiresSoon', 'info');
  fire('payments-db', 'Down');
  fire('payments', 'Errors');
  wait(MINUTE);
  const on = { incident: incidentOf('payments-db').id };
  say({ kind: 'request', user: 'U7', text: 'split payments', on, orderedAt: now() });
  wait(20 * MINUTE);
  resolve('payments', 'Errors', START + 10 * MINUTE);
  wait(DAY);
  const refused = { kind: 'refused', error: 'is_archived' } as const;
  say({ kind: 'delivered', effect: 'digest:#gone', outcome: refused });
  // A silence that is set, is over, and is forgotten; and a storm that passes.
  const silence = {
    id: 's-1',
    matchers: [{ name: 'service', value: 'basket', isRegex: false, isEqual: true }],
    startsAt: now(),
    endsAt: now() + HOUR,
    createdBy: 'ada',
    comment: 'deploying',
  };
  say({ kind: 'silence', silence });
  fire('basket', 'Slow');
  wait(2 * HOUR);
  for (let n = 0; n < 30; n++) fire(`service-${n}`, 'Boom');
  wait(5 * MINUTE);
  expect(state().storm).toBeDefined();
  for (let n = 0; n < 30; n++) resolve(`service-${n}`, 'Boom', now());
  expect([...state().digests.keys()]).toEqual(['#alerts']);
  expect([state().silences.size, state().partings.size, state().lateness.size]).toEqual([1, 1, 1]);
  wait(40 * DAY);
  expect([state().silences.size, state().storm]).toEqual([0, undefined]);
  expect(reasons()).toContain('source-lost');
});

test('a heartbeat that was heard before a restart, and not after it, is missed; and heard again after another', () => {
  const { fire, wait, restart, reasons } = lane();
  fire('', 'Pulse', 'none');
  wait(MINUTE);
  restart();
  wait(19 * MINUTE);
  expect(reasons()).not.toContain('source-lost');
  wait(2 * MINUTE);
  expect(reasons()).toContain('source-lost');
  restart();
  fire('', 'Pulse', 'none');
  expect(reasons()).toContain('source-back');
});

test('what came in a burst before a restart counts after it: all of it is one storm', () => {
  const { fire, restart, wait, reasons } = lane();
  for (let n = 0; n < 7; n++) fire(`service-${n}`, 'Boom');
  restart();
  fire('service-7', 'Boom');
  wait(5 * MINUTE);
  expect(reasons()).toContain('storm-began');
});

test('who failed first is known after a restart, too, when it has fired again since', () => {
  const rootsAfter = (restarts: boolean): Incident['roots'] => {
    const { fire, resolve, wait, now, restart, incidentOf } = lane();
    fire('payments-db', 'Down');
    fire('payments', 'Errors');
    wait(10 * MINUTE);
    resolve('payments-db', 'Down', now());
    wait(MINUTE);
    fire('payments-db', 'Down');
    if (restarts) restart();
    fire('checkout', 'Errors');
    return incidentOf('payments-db').roots;
  };
  expect(rootsAfter(true)).toEqual(rootsAfter(false));
  expect(rootsAfter(true)[0]).toMatchObject({ service: 'payments-db', since: START });
});

test('what is kept of an alert that left is of no use to an incident that counts others: it is dropped', () => {
  const { fire, resolve, wait, now, disk, restart } = lane();
  fire('payments-db', 'Down');
  fire('payments', 'Errors');
  wait(10 * MINUTE);
  resolve('payments-db', 'Down', now());
  wait(MINUTE);
  fire('payments-db', 'Down');
  const [key = ''] = [...disk.keys()].filter((name) => name.startsWith('past/'));
  const told: unknown[] = JSON.parse(disk.get(key) ?? '[]');
  // As if an earlier version, which does not know it, had heard of another alert since.
  disk.set(key, JSON.stringify(told.with(2, 7)));
  restart();
  fire('checkout', 'Errors');
  expect(disk.get(key)).toBeUndefined();
});

test('an ID that too many alerts carry is no transaction after a restart either', () => {
  const { say, fire, now, restart, state, wait } = lane();
  const carry = (service: string): void =>
    say(
      alertEvent(
        { alertname: 'Odd', service, severity: 'warning', transaction_id: 'tid_everybody' },
        { startsAt: now() },
      ),
    );
  for (let n = 0; n < 14; n++) carry(`carrier-${n}`);
  expect([...state().commonNames.keys()]).toEqual(['transaction tid_everybody']);
  for (const { labels } of state().alerts.values())
    say(alertEvent(labels, { startsAt: START, endsAt: now() }));
  wait(2 * HOUR);
  fire('newsletter', 'Down');
  restart();
  carry('other-1');
  wait(5 * MINUTE);
  carry('other-2');
  const incidents = [...state().alerts.values()]
    .filter(({ facts }) => facts.service.startsWith('other-'))
    .map(({ incident }) => incident);
  expect(new Set(incidents).size).toBe(2);
});

test('a storm ends when it would have without a restart', () => {
  const endsAt = (restarts: boolean): number | undefined => {
    const { fire, resolve, wait, now, restart, endOf } = lane();
    for (let n = 0; n < 20; n++) fire(`service-${n}`, 'Boom');
    wait(5 * MINUTE + 20_000);
    if (restarts) restart();
    // It is looked at on the minute, and is rough then.
    wait(50_000);
    for (let n = 0; n < 20; n++) resolve(`service-${n}`, 'Boom', now());
    wait(HOUR);
    return endOf('storm-ended');
  };
  expect(endsAt(false)).toBeGreaterThan(START);
  expect(endsAt(true)).toBe(endsAt(false));
});
