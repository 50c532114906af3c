/**
 * What every store must do, run against each implementation: the sentences of src/store/contract.ts.
 *
 * `reopen` closes the store and opens it again on the same data, so whatever a test finds after it was
 * on the disk. History has its own file, history-contract.ts.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LaneSnapshot, StateRecord, Store } from '../../src/store/contract.ts';
import {
  aClosed,
  aCommit,
  aDecision,
  anEffect,
  type Implementation,
  NOON,
  type StoreUnderTest,
} from '../support/store-builders.ts';
import { UNFINISHED } from '../../src/store/unfinished.ts';

const ODD_TEXTS = [
  '',
  '__proto__',
  'constructor',
  'a\u0000b',
  'a\u0000',
  '\ud800 lone',
  '\udc00 lone',
  '#looks-like-a-hash',
  'Zürich 🔥',
  'x'.repeat(5_000),
  'x'.repeat(5_001),
];

export function storeContract(implementation: Implementation): void {
  let under: StoreUnderTest;
  beforeEach(async () => {
    under = await implementation.create();
  });
  afterEach(() => under.dispose());
  const { name } = implementation;

  test(`${name}: a lane that nobody used is empty and has version 0`, async () => {
    expect(contents(await under.store.load('prod'))).toEqual({
      version: 0,
      records: {},
      outbox: [],
      wakeAt: undefined,
    });
  });

  test(`${name}: a commit changes everything it names, and the next load shows all of it`, async () => {
    const result = await under.store.commit(
      'prod',
      aCommit(0, {
        put: [record('a', { n: 1 }), record('b', [1, 'two', null])],
        effects: [anEffect('message:1')],
        wakeAt: NOON + 5,
      }),
    );
    expect(result).toEqual({ kind: 'committed', version: 1 });
    await under.reopen();

    expect(contents(await under.store.load('prod'))).toEqual({
      version: 1,
      records: { a: { n: 1 }, b: [1, 'two', null] },
      outbox: ['message:1'],
      wakeAt: NOON + 5,
    });
  });

  test(`${name}: a lane that somebody still copies into is not loaded`, async () => {
    await commits(under.store, [{ put: [record('a', 1), record(UNFINISHED, true)] }]);
    await under.reopen();
    await expect(under.store.load('prod')).rejects.toMatchObject({ code: 'copy-unfinished' });
    await under.store.commit('prod', aCommit(1, { remove: [UNFINISHED] }));
    expect(contents(await under.store.load('prod')).records).toEqual({ a: 1 });
  });

  test(`${name}: records are replaced and removed by key`, async () => {
    await commits(under.store, [
      { put: [record('a', 1), record('b', 1), record('c', 1)] },
      { put: [record('a', 2)], remove: ['b', 'nobody'] },
      { put: [record('b', 3)], remove: ['c'] },
    ]);
    await under.reopen();
    expect(contents(await under.store.load('prod')).records).toEqual({ a: 2, b: 3 });
  });

  test(`${name}: a key that is both removed and put is there; of two puts the later counts`, async () => {
    await commits(under.store, [
      { put: [record('a', 1)] },
      { put: [record('a', 2), record('a', 3)], remove: ['a'] },
    ]);
    expect(contents(await under.store.load('prod')).records).toEqual({ a: 3 });
  });

  test(`${name}: a wake-up holds until the next commit says otherwise`, async () => {
    await commits(under.store, [{ wakeAt: NOON }, {}]);
    expect((await under.store.load('prod')).wakeAt).toBeUndefined();
  });

  test(`${name}: a commit on another version is stale and changes nothing`, async () => {
    await commits(under.store, [{ put: [record('a', 1)], wakeAt: NOON }]);
    for (const version of [0, 2, -1]) {
      const result = await under.store.commit(
        'prod',
        aCommit(version, {
          put: [record('a', 2), record('z', 1)],
          remove: ['a'],
          decisions: [aDecision()],
          closed: [aClosed('i1')],
          effects: [anEffect('message:1')],
          wakeAt: NOON + 1,
        }),
      );
      expect(result).toEqual({ kind: 'stale' });
    }
    await under.reopen();
    expect(contents(await under.store.load('prod'))).toEqual({
      version: 1,
      records: { a: 1 },
      outbox: [],
      wakeAt: NOON,
    });
    expect((await under.store.decisions({ lane: 'prod', limit: 10 })).items).toEqual([]);
    expect(await under.store.closedIncident('prod', 'i1')).toBeUndefined();
  });

  test(`${name}: of two commits at once on one version exactly one gets through`, async () => {
    const results = await Promise.all([
      under.store.commit('prod', aCommit(0, { put: [record('who', 'first')] })),
      under.store.commit('prod', aCommit(0, { put: [record('who', 'second')] })),
    ]);
    expect(results.map(({ kind }) => kind).toSorted()).toEqual(['committed', 'stale']);
    const winner = results[0]?.kind === 'committed' ? 'first' : 'second';
    const snapshot = contents(await under.store.load('prod'));
    expect(snapshot).toMatchObject({ version: 1, records: { who: winner } });
  });

  test(`${name}: a value that is no JSON fails the whole commit and nothing else`, async () => {
    const bad = aCommit(0, { put: [record('a', 1), record('b', 1n)] });
    await expect(under.store.commit('prod', bad)).rejects.toThrow(TypeError);
    const [good] = await Promise.all([
      under.store.commit('prod', aCommit(0, { put: [record('a', 2)] })),
      expect(under.store.commit('test', bad)).rejects.toThrow(TypeError),
    ]);
    expect(good).toEqual({ kind: 'committed', version: 1 });
    expect(contents(await under.store.load('prod')).records).toEqual({ a: 2 });
    expect(contents(await under.store.load('test'))).toMatchObject({ version: 0, records: {} });
  });

  test(`${name}: a snapshot is a copy: changing it changes nothing in the store`, async () => {
    await commits(under.store, [{ put: [record('a', { n: [1] })] }]);
    const [first] = (await under.store.load('prod')).records;
    // As it was put, two lines above.
    const value = first?.value as { n: number[] };
    value.n.push(2);
    expect(contents(await under.store.load('prod')).records).toEqual({ a: { n: [1] } });
  });

  test(`${name}: an effect stays until it is done`, async () => {
    await commits(under.store, [
      { effects: [anEffect('1'), anEffect('2'), anEffect('3')] },
      { effectsDone: ['2', 'nobody'] },
    ]);
    await under.reopen();
    expect(contents(await under.store.load('prod')).outbox).toEqual(['1', '3']);
  });

  test(`${name}: a later effect with the same id takes its place, at the end`, async () => {
    await commits(under.store, [
      { effects: [anEffect('1', { channel: '#old' }), anEffect('2')] },
      { effects: [anEffect('1', { channel: '#new' })] },
    ]);
    await under.reopen();
    const { outbox } = await under.store.load('prod');
    expect(outbox.map(({ id, channel }) => [id, channel])).toEqual([
      ['2', '#alerts'],
      ['1', '#new'],
    ]);
  });

  test(`${name}: an effect that is done and asked for anew in one commit stays`, async () => {
    await commits(under.store, [
      { effects: [anEffect('1', { channel: '#old' })] },
      { effects: [anEffect('1', { channel: '#new' })], effectsDone: ['1'] },
    ]);
    expect((await under.store.load('prod')).outbox).toMatchObject([{ channel: '#new' }]);
  });

  test(`${name}: lanes know nothing of each other, whatever they are called`, async () => {
    for (const lane of ODD_TEXTS) {
      await under.store.commit(lane, aCommit(0, { put: [record('lane', lane)] }));
    }
    await under.reopen();
    for (const lane of ODD_TEXTS) {
      const snapshot = await under.store.load(lane);
      expect(contents(snapshot)).toMatchObject({ version: 1, records: { lane } });
    }
  });

  test(`${name}: keys, effect ids and texts of any kind are kept apart and come back as they were`, async () => {
    const put = ODD_TEXTS.map((text) => record(text, { [text]: text }));
    const effects = ODD_TEXTS.map((text) => anEffect(text));
    await commits(under.store, [{ put, effects }]);
    await under.reopen();
    const snapshot = await under.store.load('prod');
    expect(byKey(snapshot.records)).toEqual(byKey(put));
    expect(snapshot.outbox.map(({ id }) => id)).toEqual(ODD_TEXTS);
    await commits(under.store, [{ remove: ODD_TEXTS, effectsDone: ODD_TEXTS }], 1);
    expect(contents(await under.store.load('prod'))).toMatchObject({ records: {}, outbox: [] });
  });

  test(`${name}: a large record and a large commit are kept whole`, async () => {
    const large = 'quell '.repeat(500_000);
    const put = Array.from({ length: 5_000 }, (_, n) => record(`r${n}`, 'y'.repeat(900)));
    await commits(under.store, [{ put: [...put, record('large', large)] }]);
    await under.reopen();
    const snapshot = await under.store.load('prod');
    const records = new Map([...snapshot.records].map(({ key, value }) => [key, value]));
    expect(records.size).toBe(5_001);
    expect(records.get('large') === large).toBe(true);
  });
}

export function record(key: string, value: unknown): StateRecord {
  return { key, value };
}

/** Commits one after another from the version on, and insists that each gets through. */
async function commits(
  store: Store,
  changes: readonly Parameters<typeof aCommit>[1][],
  from = 0,
): Promise<void> {
  for (const [index, change] of changes.entries()) {
    const result = await store.commit('prod', aCommit(from + index, change));
    expect(result).toEqual({ kind: 'committed', version: from + index + 1 });
  }
}

/** A snapshot in a shape that is easy to compare. */
function contents(snapshot: LaneSnapshot): Record<string, unknown> {
  return {
    version: snapshot.version,
    records: Object.fromEntries([...snapshot.records].map(({ key, value }) => [key, value])),
    outbox: snapshot.outbox.map(({ id }) => id),
    wakeAt: snapshot.wakeAt,
  };
}

function byKey(records: Iterable<StateRecord>): readonly StateRecord[] {
  return [...records].toSorted((a, b) => (a.key < b.key ? -1 : 1));
}
