/**
 * What every store must do with history: decisions and closed incidents, by time, service and incident,
 * newest first, in pages, until retention ends.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Decision } from '../../src/model.ts';
import type { HistoryQuery, Page, Store } from '../../src/store/contract.ts';
import {
  aClosed,
  aCommit,
  aDecision,
  type Implementation,
  NOON,
  type StoreUnderTest,
} from '../support/store-builders.ts';

const MINUTE = 60_000;
const LONG = 'a-service-with-a-very-long-name-'.repeat(200);

export function historyContract(implementation: Implementation): void {
  let under: StoreUnderTest;
  beforeEach(async () => {
    under = await implementation.create();
  });
  afterEach(() => under.dispose());
  const { name } = implementation;
  const ask = (query: Partial<HistoryQuery> = {}): Promise<Page<Decision>> =>
    under.store.decisions({ lane: 'prod', limit: 100, ...query });

  test(`${name}: decisions come back newest first, with the rules that made them`, async () => {
    const decisions = [aDecision({ at: NOON }), aDecision({ at: NOON + 1, reason: 'told' })];
    await decide(under.store, decisions.slice(0, 1), { rules: 'old' });
    await decide(under.store, decisions.slice(1), { rules: 'new', version: 1 });
    await under.reopen();
    expect((await ask()).items).toEqual([
      { ...decisions[1], rules: 'new' },
      { ...decisions[0], rules: 'old' },
    ]);
  });

  test(`${name}: within one instant the later decision counts as newer`, async () => {
    await decide(under.store, [of('a'), of('b')]);
    await decide(under.store, [of('c'), of('d')], { version: 1 });
    expect(services(await ask())).toEqual(['d', 'c', 'b', 'a']);
  });

  test(`${name}: decisions of one commit may be of many instants, in any order`, async () => {
    await decide(under.store, [of('c', 3), of('a', 1), of('b', 2), of('a2', 1)]);
    expect(services(await ask())).toEqual(['c', 'b', 'a2', 'a']);
  });

  test(`${name}: from is inclusive, to is exclusive`, async () => {
    await decide(under.store, [of('1', 1), of('2', 2), of('3', 3), of('4', 4)]);
    expect(services(await ask({ from: NOON + 2, to: NOON + 4 }))).toEqual(['3', '2']);
    expect(services(await ask({ from: NOON + 3 }))).toEqual(['4', '3']);
    expect(services(await ask({ to: NOON + 2 }))).toEqual(['1']);
    expect(services(await ask({ from: NOON + 9 }))).toEqual([]);
    expect(services(await ask({ from: NOON + 3, to: NOON + 3 }))).toEqual([]);
  });

  test(`${name}: what happened between 10:00 and 10:30 for a service`, async () => {
    const ten = Date.UTC(2026, 0, 1, 10);
    const every = Array.from({ length: 60 }, (_, minute) => minute);
    await decide(
      under.store,
      every.flatMap((minute) => [
        aDecision({ at: ten + minute * MINUTE, service: 'checkout', because: `minute ${minute}` }),
        aDecision({ at: ten + minute * MINUTE, service: 'payments' }),
      ]),
    );
    const page = await ask({ service: 'checkout', from: ten, to: ten + 30 * MINUTE });
    expect(page.items.map(({ because }) => because)).toEqual(
      every
        .slice(0, 30)
        .toReversed()
        .map((minute) => `minute ${minute}`),
    );
  });

  test(`${name}: by service, by incident, and by both`, async () => {
    await decide(under.store, [
      aDecision({ service: 'a', incident: '1', because: 'a1' }),
      aDecision({ service: 'a', incident: '2', because: 'a2' }),
      aDecision({ service: 'b', incident: '2', because: 'b2' }),
      aDecision({ service: undefined, incident: undefined, because: 'nobody' }),
    ]);
    const found = async (query: Partial<HistoryQuery>): Promise<unknown> =>
      (await ask(query)).items.map(({ because }) => because);
    expect(await found({ service: 'a' })).toEqual(['a2', 'a1']);
    expect(await found({ incident: '2' })).toEqual(['b2', 'a2']);
    expect(await found({ service: 'a', incident: '2' })).toEqual(['a2']);
    expect(await found({ service: 'nobody' })).toEqual([]);
    expect(await found({})).toEqual(['nobody', 'b2', 'a2', 'a1']);
  });

  test(`${name}: pages follow each other without gap or repeat, of whatever size`, async () => {
    const decisions = Array.from({ length: 300 }, (_, n) =>
      of(n % 3 === 0 ? 'mine' : 'other', Math.floor(n / 7), String(n)),
    );
    await decide(under.store, decisions.slice(0, 150));
    await decide(under.store, decisions.slice(150), { version: 1 });
    for (const query of [{}, { service: 'mine' }, { from: NOON + 5, to: NOON + 30 }]) {
      const whole = (await ask({ ...query, limit: 1_000 })).items;
      for (const limit of [1, 7, 64, 299]) {
        expect(await allPages(under.store, { lane: 'prod', limit, ...query })).toEqual(whole);
      }
    }
  });

  test(`${name}: the last page says that it is the last, also when it is just full`, async () => {
    await decide(under.store, [of('a', 1), of('b', 2)]);
    expect((await ask({ limit: 2 })).next).toBeUndefined();
    expect((await ask({ limit: 1 })).next).toEqual(expect.any(String));
  });

  test(`${name}: what is decided between two pages moves neither of them`, async () => {
    await decide(under.store, [of('a', 1), of('b', 2), of('c', 3)]);
    const first = await ask({ limit: 1 });
    await decide(under.store, [of('d', 4), of('c2', 3)], { version: 1 });
    const rest = await ask({ cursor: first.next ?? '' });
    expect(services(first)).toEqual(['c']);
    expect(services(rest)).toEqual(['b', 'a']);
  });

  test(`${name}: a cursor of another list is refused with a reason`, async () => {
    for (const cursor of ['', 'nonsense', 'WyJ4Il0', '[]']) {
      const query = { lane: 'prod', limit: 1, cursor };
      await expect(under.store.decisions(query)).rejects.toMatchObject({ code: 'bad-cursor' });
      await expect(under.store.closedIncidents(query)).rejects.toMatchObject({
        code: 'bad-cursor',
      });
    }
  });

  test(`${name}: services and incidents may have any name of any length`, async () => {
    const names = [`${LONG}1`, `${LONG}2`, '__proto__', 'a\u0000b', '\ud800', '\udc00', '', '#'];
    await decide(
      under.store,
      names.map((odd) => aDecision({ service: odd, incident: odd })),
    );
    await under.store.commit(
      'prod',
      aCommit(1, { closed: names.map((odd) => aClosed(odd, NOON, [odd])) }),
    );
    await under.reopen();
    for (const odd of names) {
      expect(services(await ask({ service: odd }))).toEqual([odd]);
      expect(services(await ask({ incident: odd }))).toEqual([odd]);
      const closed = await under.store.closedIncidents({ lane: 'prod', limit: 9, service: odd });
      expect(closed.items.map(({ incident }) => incident.id)).toEqual([odd]);
      expect((await under.store.closedIncident('prod', odd))?.incident.id).toBe(odd);
    }
  });

  test(`${name}: a closed incident is found by its id, unchanged`, async () => {
    const closed = aClosed('i1', NOON, ['a', 'b']);
    await under.store.commit('prod', aCommit(0, { closed: [closed] }));
    await under.reopen();
    expect(await under.store.closedIncident('prod', 'i1')).toEqual(closed);
    expect(await under.store.closedIncident('prod', 'i2')).toBeUndefined();
    expect(await under.store.closedIncident('test', 'i1')).toBeUndefined();
  });

  test(`${name}: closed incidents by the instant they were resolved, by service and by id`, async () => {
    await under.store.commit(
      'prod',
      aCommit(0, {
        closed: [aClosed('2', NOON + 2, ['a', 'b', 'a']), aClosed('1', NOON + 1, ['b'])],
      }),
    );
    await under.store.commit('prod', aCommit(1, { closed: [aClosed('3', NOON + 3, ['a'])] }));
    expect(await closedIds(under.store, {})).toEqual(['3', '2', '1']);
    expect(await closedIds(under.store, { service: 'b' })).toEqual(['2', '1']);
    expect(await closedIds(under.store, { from: NOON + 2, to: NOON + 3 })).toEqual(['2']);
    expect(await closedIds(under.store, { incident: '1' })).toEqual(['1']);
    expect(await closedIds(under.store, { incident: '1', service: 'a' })).toEqual([]);
    expect(await closedIds(under.store, { limit: 1 })).toEqual(['3', '2', '1']);
  });

  test(`${name}: an incident without an end of its own stands where it began`, async () => {
    const merged = aClosed('merged');
    const incident = { ...merged.incident, resolvedAt: undefined, gatheredAt: NOON + 2 };
    await under.store.commit(
      'prod',
      aCommit(0, {
        closed: [aClosed('3', NOON + 3), { ...merged, incident }, aClosed('1', NOON + 1)],
      }),
    );
    expect(await closedIds(under.store, {})).toEqual(['3', 'merged', '1']);
  });

  test(`${name}: an incident that is closed once more is listed once, as it is now`, async () => {
    await under.store.commit(
      'prod',
      aCommit(0, { closed: [aClosed('1', NOON, ['a']), aClosed('1', NOON + 1, ['b'])] }),
    );
    await under.store.commit('prod', aCommit(1, { closed: [aClosed('1', NOON + 2, ['c'])] }));
    expect(await closedIds(under.store, {})).toEqual(['1']);
    expect(await closedIds(under.store, { service: 'a' })).toEqual([]);
    expect(await closedIds(under.store, { service: 'b' })).toEqual([]);
    expect(await closedIds(under.store, { service: 'c' })).toEqual(['1']);
  });

  test(`${name}: prune forgets what is before the instant, the oldest first, at most the limit`, async () => {
    await decide(under.store, [of('1', 1), of('1b', 1), of('1c', 1), of('2', 2), of('3', 3)]);
    await under.store.commit(
      'prod',
      aCommit(1, {
        closed: [aClosed('1', NOON + 1), aClosed('2', NOON + 2), aClosed('3', NOON + 3)],
      }),
    );
    expect(await under.store.prune('prod', NOON + 1, 10)).toBe(0);
    expect(await under.store.prune('prod', NOON + 3, 2)).toBe(4);
    expect(services(await ask())).toEqual(['3', '2', '1c']);
    expect(services(await ask({ service: '1b' }))).toEqual([]);
    expect(services(await ask({ service: '1c' }))).toEqual(['1c']);
    expect(await closedIds(under.store, {})).toEqual(['3']);
    expect(await under.store.prune('prod', NOON + 3, 2)).toBe(2);
    expect(await under.store.prune('prod', NOON + 3, 2)).toBe(0);
    await under.reopen();
    expect(services(await ask())).toEqual(['3']);
    expect(services(await ask({ incident: 'i1' }))).toEqual(['3']);
    expect(await under.store.closedIncident('prod', '2')).toBeUndefined();
    expect(await under.store.closedIncident('prod', '3')).toBeDefined();
  });

  test(`${name}: history takes more with what is added, and less when it is forgotten`, async () => {
    const many = Array.from({ length: 2_000 }, (_, n) => of(String(n), n % 50));
    const empty = await under.store.bytes('prod');
    await decide(under.store, many);
    await under.store.commit('prod', aCommit(1, { closed: [aClosed('1', NOON + 1)] }));
    const full = await under.store.bytes('prod');
    expect(full).toBeGreaterThan(empty);
    await under.store.prune('prod', NOON + 100, many.length);
    expect(await under.store.bytes('prod')).toBeLessThan(full / 2);
  });

  test(`${name}: the state does not count as history, however much it is`, async () => {
    const before = await under.store.bytes('prod');
    const text = Array.from({ length: 400 }, (_, n) => `word ${n * 7_919}`).join(' ');
    const records = (from: number) =>
      Array.from({ length: 500 }, (_, n) => ({
        key: `a:${from + n}`,
        value: `${from + n} ${text}`,
      }));
    await under.store.commit('prod', aCommit(0, { put: records(0) }));
    await under.store.commit('prod', aCommit(1, { put: records(250) }));
    expect(await under.store.bytes('prod')).toBeLessThan(before + 200_000);
    await under.reopen();
    await under.store.load('prod');
    expect(await under.store.bytes('prod')).toBeLessThan(before + 200_000);
  });

  test(`${name}: nor does it after it was written many times over, in any script`, async () => {
    const before = await under.store.bytes('prod');
    const put = Array.from({ length: 3_000 }, (_, n) => ({
      key: `a:${n}`,
      value: '停'.repeat(90),
    }));
    for (let version = 0; version < 20; version++)
      await under.store.commit('prod', aCommit(version, { put }));
    expect(await under.store.bytes('prod')).toBeLessThan(before + 3_000_000);
  });

  test(`${name}: prune and history leave other lanes alone`, async () => {
    await decide(under.store, [of('1')]);
    await under.store.commit('test', aCommit(0, { decisions: [of('2')], closed: [aClosed('2')] }));
    await under.store.prune('prod', NOON + 9, 100);
    expect(services(await ask())).toEqual([]);
    expect(services(await ask({ lane: 'test' }))).toEqual(['2']);
    expect(await under.store.closedIncident('test', '2')).toBeDefined();
  });

  test(`${name}: a page between two prunes goes on where it was`, async () => {
    await decide(
      under.store,
      Array.from({ length: 10 }, (_, n) => of(String(n), 1)),
    );
    const first = await ask({ limit: 3 });
    await under.store.prune('prod', NOON + 9, 4);
    expect(services(await ask({ cursor: first.next ?? '' }))).toEqual(['6', '5', '4']);
  });
}

function of(service: string, after = 0, because?: string): Decision {
  return aDecision({ at: NOON + after, service, because });
}

async function decide(
  store: Store,
  decisions: readonly Decision[],
  { version = 0, rules = 'rules-1' } = {},
): Promise<void> {
  const result = await store.commit('prod', aCommit(version, { decisions, rules }));
  expect(result.kind).toBe('committed');
}

function services(page: Page<Decision>): readonly (string | undefined)[] {
  return page.items.map(({ service }) => service);
}

async function allPages(store: Store, query: HistoryQuery): Promise<readonly Decision[]> {
  const all: Decision[] = [];
  let page = await store.decisions(query);
  all.push(...page.items);
  while (page.next !== undefined) {
    page = await store.decisions({ ...query, cursor: page.next });
    all.push(...page.items);
  }
  return all;
}

async function closedIds(store: Store, query: Partial<HistoryQuery>): Promise<readonly string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.closedIncidents({
      lane: 'prod',
      limit: 100,
      ...query,
      ...(cursor === undefined ? {} : { cursor }),
    });
    ids.push(...page.items.map(({ incident }) => incident.id));
    cursor = page.next;
  } while (cursor !== undefined);
  return ids;
}
