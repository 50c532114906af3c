/**
 * Every store does what a naive model of it does, under any sequence of calls.
 *
 * The model keeps plain lists and looks through all of them. Few names, instants and limits make
 * collisions likely: the same key put twice, a decision older than the last, a prune within a chunk,
 * a lane that is opened again in between.
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { Decision, Effect } from '../../src/model.ts';
import type {
  ClosedIncident,
  Commit,
  HistoryQuery,
  PastDecision,
} from '../../src/store/contract.ts';
import { closedAt } from '../../src/store/history-order.ts';
import { startRedis } from '../support/redis.ts';
import {
  aClosed,
  aCommit,
  aDecision,
  anEffect,
  EMBEDDED,
  MEMORY,
  NOON,
  redis,
  type StoreUnderTest,
} from '../support/store-builders.ts';

interface ModelLane {
  version: number;
  wakeAt: number | undefined;
  readonly records: Map<string, unknown>;
  readonly outbox: Map<string, Effect>;
  /** Oldest first. */
  decisions: PastDecision[];
  readonly closed: Map<string, ClosedIncident>;
}

type Step =
  | {
      readonly kind: 'commit';
      readonly lane: string;
      readonly stale: boolean;
      readonly change: Commit;
    }
  | {
      readonly kind: 'prune';
      readonly lane: string;
      readonly before: number;
      readonly limit: number;
    }
  | { readonly kind: 'query'; readonly query: HistoryQuery }
  | { readonly kind: 'reopen' };

const LANES = ['prod', 'test'];
/** The long one sorts before the others, and so does the hash that stands for it in a key. */
const NAMES = ['a', 'b', 'c', '__proto__', '!'.repeat(3_000)];

const name = fc.constantFrom(...NAMES);
const lane = fc.constantFrom(...LANES);
/** Mostly close together, some a day apart; commits may go back in time. */
const instant = fc
  .oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 90_000 }))
  .map((after) => NOON + after);
const some = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { maxLength: 5 });

const decision: fc.Arbitrary<Decision> = fc
  .record({
    at: instant,
    service: fc.option(name, { nil: undefined }),
    incident: fc.option(name, { nil: undefined }),
    because: fc.string({ maxLength: 5, unit: 'binary' }),
  })
  .map(aDecision);

const change = fc.record({
  put: some(fc.record({ key: name, value: fc.jsonValue() })),
  remove: some(name),
  decisions: fc.oneof(some(decision), fc.array(decision, { maxLength: 300 })),
  rules: fc.constantFrom('rules-1', 'rules-2'),
  closed: some(fc.tuple(name, instant, some(name)).map((parts) => aClosed(...parts))),
  effects: some(fc.tuple(name, name).map(([id, channel]) => anEffect(id, { channel }))),
  effectsDone: some(name),
  wakeAt: fc.option(instant, { nil: undefined }),
});

const query: fc.Arbitrary<HistoryQuery> = fc
  .record({
    lane,
    from: fc.option(instant, { nil: undefined }),
    to: fc.option(instant, { nil: undefined }),
    service: fc.option(name, { nil: undefined }),
    incident: fc.option(name, { nil: undefined }),
    limit: fc.integer({ min: 1, max: 40 }),
  })
  .map(({ lane: inLane, limit, ...rest }) => {
    const given = Object.entries(rest).filter(([, value]) => value !== undefined);
    return { lane: inLane, limit, ...Object.fromEntries(given) };
  });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(lane, fc.integer({ min: 0, max: 9 }), change).map(
      ([inLane, dice, parts]): Step => ({
        kind: 'commit',
        lane: inLane,
        stale: dice === 0,
        change: aCommit(0, parts),
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(lane, instant, fc.integer({ min: 0, max: 50 }))
      .map(([inLane, before, limit]): Step => ({ kind: 'prune', lane: inLane, before, limit })),
  },
  { weight: 3, arbitrary: query.map((one): Step => ({ kind: 'query', query: one })) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'reopen' }) },
);

const server = await startRedis();
afterAll(() => server.dispose());

for (const implementation of [MEMORY, EMBEDDED, redis(server.url)]) {
  test(`${implementation.name}: any sequence of calls leaves what a naive model has`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const under = await implementation.create();
        try {
          const model = new Map(LANES.map((one) => [one, emptyLane()]));
          for (const one of steps) await take(under, model, one);
          await under.reopen();
          await compareAll(under, model);
        } finally {
          await under.dispose();
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  test(`${implementation.name}: after thousands of commits each record is the newest, and what is outdated goes`, async () => {
    const under = await implementation.create();
    const model = new Map(LANES.map((one) => [one, emptyLane()]));
    const random = fc.sample(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { numRuns: 4_000, seed: 7 });
    for (const [turn, dice] of random.entries()) {
      // The first ones are never put again: they must be carried along.
      const key = turn < 100 ? `rare ${turn}` : `record ${dice % 300}`;
      const put = [{ key, value: { turn, text: 'x'.repeat(dice % 2_000) } }];
      const again = { key, value: { turn, last: true } };
      const parts =
        dice % 7 === 0 ? { remove: [key] } : { put: dice % 5 === 0 ? [...put, again] : put };
      await take(under, model, {
        kind: 'commit',
        lane: 'prod',
        stale: false,
        change: aCommit(0, parts),
      });
      if (turn % 1_000 === 999) await under.reopen();
    }
    await compareAll(under, model);
    await under.dispose();
  }, 120_000);
}

async function take(
  under: StoreUnderTest,
  model: Map<string, ModelLane>,
  one: Step,
): Promise<void> {
  switch (one.kind) {
    case 'commit': {
      const inModel = laneIn(model, one.lane);
      const version = one.stale ? inModel.version + 1 : inModel.version;
      const result = await under.store.commit(one.lane, { ...one.change, version });
      if (one.stale) return expect(result).toEqual({ kind: 'stale' });
      expect(result).toEqual({ kind: 'committed', version: version + 1 });
      return commitTo(inModel, one.change);
    }
    case 'prune': {
      const gone = await under.store.prune(one.lane, one.before, one.limit);
      return expect(gone).toBe(pruneIn(laneIn(model, one.lane), one.before, one.limit));
    }
    case 'query':
      return compareHistory(under, laneIn(model, one.query.lane), one.query);
    case 'reopen':
      return under.reopen();
  }
}

async function compareAll(under: StoreUnderTest, model: Map<string, ModelLane>): Promise<void> {
  for (const [one, inModel] of model) {
    const snapshot = await under.store.load(one);
    const records = new Map([...snapshot.records].map(({ key, value }) => [key, value]));
    expect(records).toEqual(inModel.records);
    expect(snapshot.outbox).toEqual([...inModel.outbox.values()]);
    expect(snapshot.version).toBe(inModel.version);
    expect(snapshot.wakeAt).toBe(inModel.wakeAt);
    for (const service of [undefined, ...NAMES]) {
      const named = service === undefined ? {} : { service };
      await compareHistory(under, inModel, { lane: one, limit: 37, ...named });
    }
    for (const id of NAMES) {
      expect(await under.store.closedIncident(one, id)).toEqual(inModel.closed.get(id));
    }
  }
}

/** All pages of a query, of decisions and of closed incidents. */
async function compareHistory(
  under: StoreUnderTest,
  inModel: ModelLane,
  asked: HistoryQuery,
): Promise<void> {
  const decisions: PastDecision[] = [];
  for (let page = await under.store.decisions(asked); ; ) {
    decisions.push(...page.items);
    if (page.next === undefined) break;
    expect(page.items).toHaveLength(asked.limit);
    page = await under.store.decisions({ ...asked, cursor: page.next });
  }
  const wanted = inModel.decisions.toReversed().filter((one) => matches(one.at, one, asked));
  expect(decisions).toEqual(wanted);

  const closed: ClosedIncident[] = [];
  for (let page = await under.store.closedIncidents(asked); ; ) {
    closed.push(...page.items);
    if (page.next === undefined) break;
    page = await under.store.closedIncidents({ ...asked, cursor: page.next });
  }
  const closedWanted = [...inModel.closed.values()].filter((one) => {
    const { id } = one.incident;
    const at = closedAt(one.incident);
    if (asked.service !== undefined && !one.services.includes(asked.service)) return false;
    return matches(at, { incident: id, service: asked.service }, asked);
  });
  expect(closed.map(({ incident }) => closedAt(incident))).toEqual(
    closedWanted.map(({ incident }) => closedAt(incident)).toSorted((a, b) => b - a),
  );
  expect(new Set(closed)).toEqual(new Set(closedWanted));
}

function matches(
  at: number,
  of: { readonly service: string | undefined; readonly incident: string | undefined },
  asked: HistoryQuery,
): boolean {
  if (asked.service !== undefined && of.service !== asked.service) return false;
  if (asked.incident !== undefined && of.incident !== asked.incident) return false;
  return at >= (asked.from ?? -Infinity) && at < (asked.to ?? Infinity);
}

function emptyLane(): ModelLane {
  return {
    version: 0,
    wakeAt: undefined,
    records: new Map(),
    outbox: new Map(),
    decisions: [],
    closed: new Map(),
  };
}

function laneIn(model: Map<string, ModelLane>, one: string): ModelLane {
  const found = model.get(one);
  if (found === undefined) throw new Error(`the model has no lane ${one}`);
  return found;
}

function commitTo(inModel: ModelLane, parts: Commit): void {
  inModel.version += 1;
  inModel.wakeAt = parts.wakeAt;
  for (const key of parts.remove) inModel.records.delete(key);
  // As JSON leaves it: -0 becomes 0.
  for (const { key, value } of parts.put)
    inModel.records.set(key, JSON.parse(JSON.stringify(value)));
  for (const id of parts.effectsDone) inModel.outbox.delete(id);
  for (const effect of parts.effects) {
    inModel.outbox.delete(effect.id);
    inModel.outbox.set(effect.id, effect);
  }
  const past = parts.decisions.map((one) => ({ ...one, rules: parts.rules }));
  // The sort is stable: what was committed earlier stays before.
  inModel.decisions = [...inModel.decisions, ...past].sort((a, b) => a.at - b.at);
  for (const closed of parts.closed) inModel.closed.set(closed.incident.id, closed);
}

function pruneIn(inModel: ModelLane, before: number, limit: number): number {
  const old = inModel.decisions.filter(({ at }) => at < before).length;
  const gone = Math.min(old, limit);
  inModel.decisions = inModel.decisions.slice(gone);
  const oldClosed = [...inModel.closed.values()]
    .filter(({ incident }) => closedAt(incident) < before)
    .sort((a, b) => closedAt(a.incident) - closedAt(b.incident) || (keyOf(a) < keyOf(b) ? -1 : 1))
    .slice(0, limit);
  for (const { incident } of oldClosed) inModel.closed.delete(incident.id);
  return gone + oldClosed.length;
}

function keyOf({ incident }: ClosedIncident): string {
  return incident.id;
}
