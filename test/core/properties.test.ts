/**
 * What must hold for all inputs: repeats and order never matter, and every alert ends in one verdict.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from '../../src/decide.ts';
import { fingerprintOf } from '../../src/dedupe/fingerprint.ts';
import { newsOf } from '../../src/dedupe/repeat.ts';
import {
  CONSEQUENCES,
  type Alert,
  type Event,
  type ReceivedAlert,
  VERDICTS,
} from '../../src/model.ts';
import { createState, type LaneState } from '../../src/state/state.ts';
import { rulesOf, SHOP, START } from '../support/story.ts';

const RULES = rulesOf(SHOP);
const MINUTE = 60_000;

/** Episodes of one alert, some minutes apart, as a source would report them: firing and resolved. */
const episodes = fc
  .array(
    fc.record({ quiet: fc.integer({ min: 2, max: 60 }), lasts: fc.integer({ min: 2, max: 60 }) }),
    { minLength: 1, maxLength: 4 },
  )
  .map((list) => {
    let at = START;
    return list.map(({ quiet, lasts }) => {
      const startsAt = at + quiet * MINUTE;
      const endsAt = startsAt + lasts * MINUTE;
      at = endsAt;
      return { startsAt, endsAt };
    });
  });

function received(startsAt: number, endsAt: number | undefined): ReceivedAlert {
  return {
    source: 'alertmanager',
    status: endsAt === undefined ? 'firing' : 'resolved',
    labels: { alertname: 'Broken', service: 'basket', severity: 'warning' },
    annotations: {},
    startsAt,
    endsAt,
    generatorURL: undefined,
  };
}

function tellAll(
  alerts: readonly ReceivedAlert[],
  state: LaneState = createState('default'),
): Alert | undefined {
  for (const [index, alert] of alerts.entries()) {
    decide(state, { kind: 'alert', delivery: 'd', alert }, START + index, RULES);
  }
  return [...state.alerts.values()][0];
}

test('any shuffle of the deliveries of one alert leaves the same alert', () => {
  const shuffled = episodes.chain((list) => {
    const deliveries = list.flatMap(({ startsAt, endsAt }) => [
      received(startsAt, undefined),
      received(startsAt, endsAt),
    ]);
    return fc.tuple(
      fc.constant(deliveries),
      fc.shuffledSubarray([...deliveries, ...deliveries], { minLength: 2 * deliveries.length }),
    );
  });
  fc.assert(
    fc.property(shuffled, ([inOrder, anyhow]) => {
      const one = tellAll(inOrder);
      const other = tellAll(anyhow);
      expect([other?.status, other?.startsAt, other?.endsAt]).toEqual([
        one?.status,
        one?.startsAt,
        one?.endsAt,
      ]);
    }),
  );
});

test('a delivery that comes twice changes nothing the second time', () => {
  fc.assert(
    fc.property(episodes, fc.boolean(), (list, ended) => {
      const deliveries = list.flatMap(({ startsAt, endsAt }) => [
        received(startsAt, undefined),
        received(startsAt, endsAt),
      ]);
      const told = ended ? deliveries : deliveries.slice(0, -1);
      const state = createState('default');
      tellAll(told, state);
      const before = JSON.stringify([...state.alerts, ...state.incidents]);
      const last = told.at(-1);
      if (last === undefined) return;
      const outcome = decide(
        state,
        { kind: 'alert', delivery: 'again', alert: last },
        START + 1000,
        RULES,
      );
      expect(outcome.verdict).toBe('repeat');
      expect(outcome.effects).toEqual([]);
      expect(JSON.stringify([...state.alerts, ...state.incidents])).toBe(before);
    }),
  );
});

const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  fc
    .record({
      service: fc.constantFrom(
        'checkout',
        'payments',
        'payments-db',
        'basket',
        'stranger',
        '__proto__',
      ),
      name: fc.constantFrom('A', 'B', 'Watchdog'),
      severity: fc.constantFrom('critical', 'warning', 'info', 'odd'),
      firing: fc.boolean(),
      minutes: fc.integer({ min: -200, max: 200 }),
      transaction: fc.option(fc.constantFrom('tid_aaaaaa', 'tid_bbbbbb'), { nil: undefined }),
    })
    .map(({ service, name, severity, firing, minutes, transaction }): Event => {
      const startsAt = START + minutes * MINUTE;
      const labels = { alertname: name, service, severity };
      return {
        kind: 'alert',
        delivery: 'd',
        alert: {
          source: 'generic',
          status: firing ? 'firing' : 'resolved',
          labels,
          annotations: transaction === undefined ? {} : { transaction_id: transaction },
          startsAt,
          endsAt: firing ? undefined : startsAt + 5 * MINUTE,
          generatorURL: undefined,
        },
      };
    }),
  fc.record({
    kind: fc.constant('odd' as const),
    delivery: fc.string(),
    source: fc.string(),
    error: fc.string(),
    excerpt: fc.string(),
  }),
);

test('every alert ends in exactly one verdict, with reasons from the closed list, whatever comes', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyEvent, fc.integer({ min: 0, max: 20 * MINUTE })), { maxLength: 60 }),
      (story) => {
        const state = createState('default');
        let now = START;
        for (const [event, after] of story) {
          now += after;
          const ticked = decide(state, { kind: 'tick' }, now, RULES);
          expect(ticked.verdict).toBeUndefined();
          const outcome = decide(state, event, now, RULES);
          expect(Object.keys(VERDICTS)).toContain(outcome.verdict);
          const verdicts = outcome.decisions.filter(({ reason }) => reason in VERDICTS);
          expect(verdicts.length).toBeLessThanOrEqual(1);
          for (const { reason } of outcome.decisions)
            expect(reason in VERDICTS || reason in CONSEQUENCES).toBe(true);
        }
        expectSoundIndexes(state);
      },
    ),
  );
});

/** What is derived says what the records say. */
function expectSoundIndexes(state: LaneState): void {
  const counted = new Map<string, number>();
  for (const alert of state.alerts.values()) {
    if (alert.incident === undefined) continue;
    counted.set(
      alert.incident,
      (counted.get(alert.incident) ?? 0) + (alert.status === 'firing' ? 1 : 0),
    );
    expect(state.members.get(alert.incident)?.has(alert.fingerprint)).toBe(true);
  }
  for (const incident of state.incidents.values()) {
    expect(state.tallies.get(incident.id)?.firing ?? 0).toBe(counted.get(incident.id) ?? 0);
    expect(state.open.has(incident.id)).toBe(
      incident.phase === 'open' || incident.phase === 'acknowledged',
    );
  }
}

test('two label sets have one fingerprint only if they are the same set', () => {
  const texts = [
    '',
    '\0',
    'a',
    'b',
    '\0b\x01',
    '"',
    '","',
    ':',
    '__proto__',
    '1',
    '2',
    '10',
    '\ud800',
    '\udc00',
    'é',
  ];
  const seen = new Map<string, string>();
  for (const name of texts) {
    for (const value of texts) {
      for (const more of [undefined, ...texts]) {
        const pairs: [string, string][] =
          more === undefined
            ? [[name, value]]
            : [
                [name, value],
                [`x${more}`, more],
              ];
        const labels: Record<string, string> = Object.fromEntries(pairs);
        const canonical = JSON.stringify(
          Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)),
        );
        const fingerprint = fingerprintOf('s', labels, new Set());
        expect(seen.get(fingerprint) ?? canonical).toBe(canonical);
        seen.set(fingerprint, canonical);
        const reversed = Object.fromEntries(pairs.reverse());
        expect(fingerprintOf('s', reversed, new Set())).toBe(fingerprint);
      }
    }
  }
});

test('replicas and transaction ids are no part of an alert’s identity', () => {
  const identity = RULES.notIdentity;
  const plain = fingerprintOf('s', { alertname: 'A', service: 'x' }, identity);
  expect(
    fingerprintOf(
      's',
      { alertname: 'A', replica: 'b', service: 'x', transaction_id: 'tid_1' },
      identity,
    ),
  ).toBe(plain);
  expect(fingerprintOf('t', { alertname: 'A', service: 'x' }, identity)).not.toBe(plain);
});

test('two replicas that date one firing differently tell of one firing', () => {
  const state = createState('default');
  const known = tellAll([received(START, undefined)], state);
  expect(newsOf(known, received(START + 20_000, undefined), START).kind).toBe('repeats');
  expect(newsOf(known, received(START + 5 * MINUTE, undefined), START)).toMatchObject({
    kind: 'fires',
    hidden: true,
  });
});
