/**
 * What is remembered after a load follows from the records, and not from the order in which a store has them: all of
 * it, the order of every list included, so that the same is decided from then on.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRandom, type Random } from '../../bench/noise/random.ts';
import { createBatch } from '../../src/lane/batch.ts';
import { runDueUntil } from '../../src/decide.ts';
import { type GroupIndex, indexGroup, standsFor } from '../../src/state/group-index.ts';
import type { Event, Incident } from '../../src/model.ts';
import { restore } from '../../src/state/restore.ts';
import { createState } from '../../src/state/state.ts';
import type { StateRecord } from '../../src/store/contract.ts';
import { alertEvent, MINUTE, rulesOf, SHOP, START } from '../support/story.ts';

const RULES = rulesOf(`${SHOP}
correlate:
  - match: ['job!=""']
    by: [job]
`);
const SERVICES = ['checkout', 'payments', 'payments-db', 'basket', 'newsletter', 'odd', 'else'];
const STEPS = 120;
const OBSERVER = { decided: () => undefined, committed: () => undefined, failed: () => undefined };

/** As a store keeps them. */
function recordsAfter(random: Random): readonly StateRecord[] {
  const state = createState('default');
  const kept = new Map<string, string>();
  let now = START;
  for (let step = 0; step < STEPS; step++) {
    const batch = createBatch(state, RULES, OBSERVER);
    const until = now + (random.chance(0.04) ? random.int(1, 30) * 60 : random.int(0, 2)) * MINUTE;
    now = runDueUntil(state, until, now, 1_000, batch.decide).now;
    for (const event of eventsOf(random, now)) batch.decide(event, now);
    const { put, remove } = batch.take();
    for (const key of remove) kept.delete(key);
    for (const { key, value } of put) kept.set(key, JSON.stringify(value));
  }
  return [...kept].map(([key, json]) => ({ key, value: JSON.parse(json) }));
}

function eventsOf(random: Random, now: number): readonly Event[] {
  if (random.chance(0.05)) return [silenceOf(random, now)];
  return Array.from({ length: random.int(1, 4) }, (): Event => {
    const isOver = random.chance(0.4);
    const labels = {
      alertname: `Check${random.int(0, 2)}`,
      ...(random.chance(0.5) ? { job: `job-${random.int(0, 1)}` } : {}),
      service: random.pick(SERVICES),
      severity: random.pick(['critical', 'warning', 'info']),
    };
    const startsAt = now - random.int(0, 5) * MINUTE;
    return alertEvent(labels, { startsAt, endsAt: isOver ? now : undefined });
  });
}

function silenceOf(random: Random, now: number): Event {
  const value = random.pick(SERVICES);
  const silence = {
    id: `s-${random.int(0, 1e6)}`,
    matchers: [{ name: 'service', value, isRegex: false, isEqual: true }],
    startsAt: now,
    endsAt: now + random.int(5, 90) * MINUTE,
    createdBy: random.pick(['ada', 'bob']),
    comment: '',
  };
  return { kind: 'silence', silence };
}

/** Each field of the state as text. All of it is data, but for a cache. */
function rememberedAfter(records: readonly StateRecord[]): Readonly<Record<string, string>> {
  const state = createState('default');
  restore(state, structuredClone(records));
  const listed = (_: string, value: unknown) =>
    value instanceof Map || value instanceof Set ? [...value] : value;
  const fields = Object.entries(state).map(([name, value]) => [
    name,
    JSON.stringify(value, listed),
  ]);
  return Object.fromEntries(fields);
}

test('in whatever order a store has the records, the same is remembered after them', () => {
  const seeds = fc.integer({ min: 0, max: 1e9 });
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = createRandom(String(seed));
      const records = recordsAfter(random);
      const expected = rememberedAfter(records);
      const byKey = [...records].sort((one, other) => (one.key < other.key ? -1 : 1));
      for (const order of [byKey, random.shuffle(records), random.shuffle(records)]) {
        const found = rememberedAfter(order);
        expect(Object.keys(found).filter((name) => found[name] !== expected[name])).toEqual([]);
      }
    }),
    { numRuns: 25 },
  );
});

test('whatever became of its incidents, in whatever order: the newest that goes on stands for a group', () => {
  const incidents = fc.array(
    fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      phase: fc.constantFrom('gathering', 'open', 'resolved'),
      gatheredAt: fc.integer({ min: 0, max: 3 }),
      group: fc.constantFrom('x', 'y', undefined),
      mergedInto: fc.constantFrom('z', undefined, undefined),
      isGone: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(incidents, (changes) => {
      const groups: GroupIndex = new Map();
      const living = new Map<string, Incident>();
      for (const { isGone, ...change } of changes) {
        // What the index does not read an incident need not have here.
        const after = isGone ? undefined : (change as Incident);
        indexGroup(groups, living.get(change.id), after);
        if (after === undefined) living.delete(change.id);
        else living.set(change.id, after);
      }
      for (const group of ['x', 'y']) {
        expect(standsFor(groups, group)).toBe(newest([...living.values()], group));
      }
    }),
  );
});

function newest(incidents: readonly Incident[], group: string): string | undefined {
  const its = incidents.filter((one) => one.group === group && one.mergedInto === undefined);
  const going = its.filter(({ phase }) => phase !== 'resolved');
  const [best] = (going.length > 0 ? going : its).sort(
    (one, other) => other.gatheredAt - one.gatheredAt || (other.id < one.id ? -1 : 1),
  );
  return best?.id;
}
