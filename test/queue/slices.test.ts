/**
 * However many alerts are open, others have a turn: what is looked at between two turns of the event loop is
 * counted, because times say little on a machine that is busy.
 */
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { recordOfAlert } from '../../src/state/alert-record.ts';
import { decide } from '../../src/decide.ts';
import { fingerprintOf } from '../../src/dedupe/fingerprint.ts';
import { openLane } from '../../src/lane/lane.ts';
import { CAPACITY } from '../../src/limits.ts';
import type { Alert, Event } from '../../src/model.ts';
import { openSharedLane } from '../../src/queue/shared-lane.ts';
import { createState, type LaneState, nothingChanged, putAlert } from '../../src/state/state.ts';
import { keyOf } from '../../src/state/keys.ts';
import type { SharedStore } from '../../src/store/contract.ts';
import { createTimers } from '../../src/state/timers.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { startRedis } from '../support/redis.ts';
import { aCommit } from '../support/store-builders.ts';
import { alertEvent, rulesOf, START } from '../support/story.ts';
import { within } from '../support/within.ts';

const redis = await startRedis();
afterAll(() => redis.dispose());

const ALERTS = 12_000;
const LONG_HOLD = 'hold: [{ for: 5h }]\n';
const RULES = rulesOf(LONG_HOLD);
const OTHER_RULES = rulesOf(
  `${LONG_HOLD}inhibit: [{ sourceMatchers: ['alertname="Power"'], targetMatchers: ['alertname="Down"'] }]\n`,
);
const CLOCK = { now: () => START, wakeAt: () => () => undefined };
const OBSERVER = { decided: () => undefined, committed: () => undefined, failed: fail };

test('after a start, and by other rules, alerts are looked at in slices', async () => {
  const turns = countInTurns();
  const state = withOpenAlerts();
  watch(state.alerts, turns.count);
  const start = { state, version: 0, outbox: [] };
  const store = createMemoryStore();
  const lane = await openLane({
    name: 'default',
    store,
    rules: RULES,
    clock: CLOCK,
    observer: OBSERVER,
    start,
  });
  await lane.settled();
  const afterStart = turns.total();
  expect(afterStart).toBeGreaterThan(ALERTS * 2);
  expect(state.timers.due.size).toBeGreaterThan(ALERTS);
  lane.useRules(OTHER_RULES);
  await lane.settled();
  expect(turns.total()).toBeGreaterThan(afterStart + ALERTS * 2);
  const inhibited = [...state.inhibition.groups.values()];
  expect(inhibited.reduce((sum, { targets }) => sum + targets.size, 0)).toBe(ALERTS);
  expect(turns.most()).toBeLessThan(ALERTS / 2);
  turns.stop();
  await lane.stop();
});

test('an instance that starts, shows what there is and takes the lead reads what is open in slices', async () => {
  const address = readRedisUrl(`${redis.url}?prefix=slices`);
  if (address === undefined) throw new Error('no address');
  const store = await openRedisStore(address, fail);
  await keep(store, withOpenAlerts());
  const turns = countInTurns();
  const counting = countParsing(turns.count);
  const parse = vi.spyOn(JSON, 'parse').mockImplementation(counting);
  let led = (): void => undefined;
  const leads = new Promise<void>((resolve) => {
    led = resolve;
  });
  const lane = await openSharedLane({
    name: 'default',
    address,
    store,
    rules: RULES,
    clock: CLOCK,
    limits: CAPACITY,
    observer: { ...OBSERVER, jobFailed: fail, trouble: nothing, leads: led },
  });
  onTestFinished(async () => {
    parse.mockRestore();
    turns.stop();
    await lane.stop();
    await store.close();
  });
  // Whoever looks at what there is so far does no work.
  expect(lane.state.alerts.size).toBeLessThan(ALERTS);
  lane.attach({ enqueue: nothing, restore: nothing, abandon: async () => undefined });
  await lane.caughtUp();
  expect(lane.state.alerts.size).toBe(ALERTS);
  await within(30, 'the lane is led', leads, () => '');
  expect(lane.state.alerts.size).toBe(ALERTS);
  expect(turns.total()).toBeGreaterThan(ALERTS);
  expect(turns.most()).toBeLessThan(ALERTS / 4);
});

/** Of one incident. */
function withOpenAlerts(): LaneState {
  const state = createState('default');
  decide(state, firing(), START, RULES);
  const [first] = state.alerts.values();
  if (first === undefined) throw new Error('no alert');
  for (let pod = 1; pod < ALERTS; pod++) putAlert(state, copyOf(first, pod));
  Object.assign(state.timers, createTimers());
  nothingChanged(state);
  return state;
}

function firing(): Event {
  return alertEvent({ alertname: 'Down', pod: 'p0', service: 'shop' });
}

function copyOf(alert: Alert, pod: number): Alert {
  const labels = { ...alert.labels, pod: `p${pod}` };
  const fingerprint = fingerprintOf(alert.source, labels, RULES.notIdentity);
  return { ...alert, labels, fingerprint };
}

async function keep(store: SharedStore, { alerts, incidents }: LaneState): Promise<void> {
  const put = [
    ...[...incidents].map(([id, value]) => ({ key: keyOf('i', id), value })),
    ...[...alerts].map(([key, alert]) => ({ key, value: recordOfAlert(alert) })),
  ];
  await store.commit('default', aCommit(0, { put }));
}

/** Counts what happens between two turns of everybody else. */
function countInTurns() {
  let all = 0;
  let now = 0;
  let most = 0;
  let turn = setImmediate(next);
  function next(): void {
    most = Math.max(most, now);
    now = 0;
    turn = setImmediate(next);
  }
  return {
    count: () => {
      all++;
      now++;
    },
    total: () => all,
    most: () => Math.max(most, now),
    stop: () => clearImmediate(turn),
  };
}

/** Tells of each value that somebody walks over. */
function watch<T>(map: Map<string, T>, looked: () => void): void {
  const values = map.values.bind(map);
  map.values = function* () {
    for (const value of values()) {
      looked();
      yield value;
    }
    return undefined;
  };
}

function countParsing(counted: () => void): typeof JSON.parse {
  const { parse } = JSON;
  return (...text) => {
    counted();
    return parse(...text) as unknown;
  };
}

function nothing(): void {}

function fail(error: unknown): never {
  throw error;
}
