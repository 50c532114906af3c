/** Several lanes as one: what goes where, and what is put where when the split changes. */
import { expect, test } from 'vitest';
import { type Lane, openLane } from '../../src/lane/lane.ts';
import { createLanes, type Lanes, PartlyTaken } from '../../src/lane/lanes.ts';
import { AppError } from '../../src/errors.ts';
import type { Effect, Event, Instant, Silence } from '../../src/model.ts';
import { relane } from '../../src/lane/relane.ts';
import { laneNames, laneOf, type Split, WHOLE } from '../../src/split.ts';
import { acrossLanes } from '../../src/store/across-lanes.ts';
import { LATELY_KEY } from '../../src/state/lately.ts';
import type { StateRecord, Store } from '../../src/store/contract.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { alertEvent, rulesOf } from '../support/story.ts';
import { withSubmit } from '../support/service.ts';

const NOW = Date.parse('2026-11-21T01:30:00Z');
const SPLIT: Split = { by: ['environment', 'env'], lanes: ['europe', 'asia'] };
const YAML = `
hold: [{ for: 0s }]
heartbeats: [{ name: watchdog, match: 'alertname="Watchdog"', missingAfter: 5m }]
`;

test('an alert is in the lane of the first of the labels that it has; what has no lane of its own is in the first', () => {
  const lanes = [
    { environment: 'europe' },
    { env: 'asia' },
    { environment: '', env: 'asia' },
    { environment: 'africa', env: 'asia' },
    { region: 'asia' },
    { environment: 'Europe' },
    {},
  ].map((labels) => laneOf(SPLIT, labels as Record<string, string>));
  expect(lanes).toEqual(['europe', 'asia', 'asia', 'default', 'default', 'default', 'default']);
  expect(laneOf(WHOLE, { environment: 'europe' })).toBe('default');
  expect(laneOf({ by: ['constructor'], lanes: ['x'] }, {})).toBe('default');
});

test('one delivery goes to several lanes, a heartbeat to the first, a silence to all', async () => {
  const { lanes, seen } = await open();
  await lanes.submit(NOW, [
    alert('europe'),
    alert('africa'),
    alert('asia'),
    alert('asia', 'Watchdog'),
    { kind: 'odd', delivery: 'd', source: 's', error: 'e', excerpt: 'x' },
    { kind: 'silence', silence: SILENCE },
  ]);
  const [first, europe, asia] = lanes.all;
  expect(seen(first)).toEqual(['Down africa', 'Watchdog asia', 'odd', 'silence']);
  expect(seen(europe)).toEqual(['Down europe', 'silence']);
  expect(seen(asia)).toEqual(['Down asia', 'silence']);
  expect([...first.state.heartbeats.keys()]).toHaveLength(1);
  expect(europe?.state.heartbeats.size).toBe(0);
});

test('other rules come to all lanes', async () => {
  const { lanes } = await open();
  const rules = rulesOf(`${YAML}flap: [{ off: true }]\n`);
  lanes.useRules(rules);
  expect(lanes.all.map((lane) => lane.rules.version)).toEqual(lanes.all.map(() => rules.version));
});

test('what other rules call a heartbeat ends in its lane, and is missed only in the first', async () => {
  const { lanes } = await open();
  await lanes.submit(NOW, [alert('europe', 'Pulse')]);
  const [first, europe] = lanes.all;
  lanes.useRules(
    rulesOf(`heartbeats: [{ name: pulse, match: 'alertname="Pulse"', expected: true }]\n`),
  );
  await lanes.submit(NOW + 1, [alert('europe', 'Pulse'), alert('europe')]);
  const statuses = [...(europe?.state.alerts.values() ?? [])].map(({ status }) => status);
  expect(statuses).toEqual(['resolved', 'firing']);
  expect(first.state.heartbeats.has('pulse')).toBe(true);
  expect(europe?.state.heartbeats.size).toBe(0);
});

test('a reaction goes to the lane whose message it is on; to all, when none knows the message', async () => {
  const { lanes, seen } = await open();
  await lanes.submit(NOW, [alert('europe'), alert('asia')]);
  const [, europe, asia] = lanes.all;
  const [incident = ''] = asia?.state.incidents.keys() ?? [];
  const message = { channel: 'C1', ts: '1.000001' };
  const outcome = { kind: 'sent', message, revision: 1 } as const;
  await asia?.submit(NOW, [{ kind: 'delivered', effect: `message:${incident}`, outcome }]);
  await lanes.submit(NOW, [reaction(message), reaction({ channel: 'C1', ts: '9.9' })]);
  expect(asia?.state.incidents.get(incident)?.acknowledged).toHaveLength(1);
  expect(seen(asia).filter((one) => one === 'reaction')).toHaveLength(2);
  expect(seen(europe).filter((one) => one === 'reaction')).toHaveLength(1);
});

test('what some lanes took is said when others did not; sent again, it is a repeat', async () => {
  let isAway = true;
  const { lanes } = await open((lane) =>
    lane.name !== 'asia'
      ? lane
      : withSubmit(lane, (at, events) => {
          if (!isAway) return lane.submit(at, events);
          return Promise.reject(new AppError('overloaded', 'too much', { retryable: true }));
        }),
  );
  const delivery = [alert('europe'), alert('asia')];
  const refusal = await lanes.submit(NOW, delivery).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(PartlyTaken);
  expect(refusal).toMatchObject({ code: 'overloaded', retryable: true, taken: [delivery[0]] });
  isAway = false;
  await lanes.submit(NOW, delivery);
  expect(lanes.all.map(({ state }) => state.alerts.size)).toEqual([0, 1, 1]);
});

test('incidents of different lanes have different ids, also when they begin with the same', async () => {
  const { lanes } = await open();
  await lanes.submit(NOW, [alert('europe'), alert('asia')]);
  const [, europe, asia] = lanes.all;
  expect(europe?.state.incidents.size).toBe(1);
  expect([...(europe?.state.incidents.keys() ?? [])]).not.toEqual([
    ...(asia?.state.incidents.keys() ?? []),
  ]);
});

test('what is written while history is read shifts no page', async () => {
  const { lanes, store } = await open();
  const write = async (at: Instant) => {
    await lanes.submit(at, [alert('europe', `E${at}`), alert('asia', `A${at}`)]);
  };
  for (let minute = 0; minute < 8; minute++) await write(NOW + minute * 60_000);
  let later = NOW + 60 * 60_000;
  const busy = {
    ...store,
    decisions: async (query: Parameters<typeof store.decisions>[0]) => {
      const page = await store.decisions(query);
      await write((later += 60_000));
      return page;
    },
  };
  const whole = (await acrossLanes(store, laneNames(SPLIT)).decisions({ limit: 1_000 })).items;
  const history = acrossLanes(busy, laneNames(SPLIT));
  const first = await history.decisions({ limit: 3 });
  const second = await history.decisions({ limit: 3, cursor: first.next ?? '' });
  expect([...first.items, ...second.items]).toEqual(whole.slice(0, 6));
});

test('history of all lanes is read page by page, whatever the page, in order of time', async () => {
  const { lanes, store } = await open();
  for (let minute = 0; minute < 40; minute++) {
    const where = ['europe', 'asia', 'africa', 'asia'][minute % 4] ?? '';
    await lanes.submit(NOW + minute * 60_000, [alert(where, `Down${minute}`)]);
  }
  const history = acrossLanes(store, laneNames(SPLIT));
  const whole = (await history.decisions({ limit: 1_000 })).items;
  expect(whole.length).toBeGreaterThanOrEqual(40);
  expect(whole.map(({ at }) => at)).toEqual(whole.map(({ at }) => at).toSorted((a, b) => b - a));
  for (const limit of [1, 2, 3, 7, 50]) {
    const paged = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const page: Awaited<ReturnType<typeof history.decisions>> = await history.decisions({
        limit,
        ...(cursor === '' ? {} : { cursor }),
      });
      expect(page.items.length).toBeLessThanOrEqual(limit);
      paged.push(...page.items);
      cursor = page.next;
    }
    expect(paged).toEqual(whole);
  }
  await expect(history.decisions({ limit: 1, cursor: 'nonsense' })).rejects.toMatchObject({
    code: 'bad-cursor',
  });
});

// --- into other lanes -----------------------------------------------------------------------------

test('from one lane into several and back: everything is there, with its incident', async () => {
  const { lanes, store } = await open((lane) => lane, WHOLE);
  await lanes.submit(NOW, [alert('europe'), alert('asia'), alert('africa'), alert('asia', 'Slow')]);
  await lanes.submit(NOW, [alert('europe', 'Watchdog'), { kind: 'silence', silence: SILENCE }]);
  const before = await contentsOf(store, 'default');
  const split = relane([before], SPLIT);
  const countsOf = (prefix: string) =>
    split.map(({ records }) => records.filter(({ key }) => key.startsWith(prefix)).length);
  expect(split.map(({ lane }) => lane)).toEqual(['default', 'europe', 'asia']);
  expect(countsOf('i/')).toEqual([1, 1, 1]);
  expect(countsOf('silence/')).toEqual([1, 1, 1]);
  expect(countsOf('heartbeat/')).toEqual([countsOf('heartbeat/')[0], 0, 0]);
  expect(split.map(({ outbox }) => outbox.length)).toEqual([1, 1, 1]);
  const [back] = relane(split, WHOLE);
  // What came in the last minute is learnt anew.
  const kept = before.records.filter(({ key }) => key !== LATELY_KEY);
  expect(sorted(back?.records ?? [])).toEqual(sorted(kept));
  expect(sorted(back?.outbox ?? [])).toEqual(sorted(before.outbox));
});

test('of a silence that lanes remember differently the newest counts', async () => {
  const { lanes, store } = await open((lane) => lane, WHOLE);
  await lanes.submit(NOW, [{ kind: 'silence', silence: SILENCE }]);
  const split = relane([await contentsOf(store, 'default')], SPLIT);
  const changed = split.map((lane, place) => ({
    ...lane,
    records: lane.records.map(({ key, value }) =>
      key.startsWith('silence/')
        ? { key, value: { ...Object(value), updatedAt: NOW + (place === 1 ? 2 : 0) } }
        : { key, value },
    ),
  }));
  const [back] = relane(changed, WHOLE);
  const kept = back?.records.find(({ key }) => key.startsWith('silence/'))?.value;
  expect(kept).toMatchObject({ updatedAt: NOW + 2 });
});

test('an incident whose alerts fire in several of the new lanes is named, and nothing is done', async () => {
  const { lanes, store } = await open((lane) => lane, WHOLE);
  const together = ['one', 'two'].map((tenant) => alert('europe', `Down${tenant}`, { tenant }));
  await lanes.submit(NOW, together);
  const [only, ...others] = lanes.all[0].state.incidents.keys();
  expect(others).toEqual([]);
  const before = await contentsOf(store, 'default');
  expect(() => relane([before], { by: ['tenant'], lanes: ['two'] })).toThrow(
    `alerts of default and two fire in incident ${only ?? ''}: wait until it is over`,
  );
});

test('while a storm is on, or a digest waits for Slack, nothing is done', async () => {
  const { lanes, store } = await open((lane) => lane, WHOLE);
  await lanes.submit(NOW, [alert('europe')]);
  const before = await contentsOf(store, 'default');
  const storm = { incident: 'S', since: NOW, roughAt: NOW, counted: 3, before: [] };
  const stormy = { ...before, records: [...before.records, { key: 'storm', value: storm }] };
  expect(() => relane([stormy], SPLIT)).toThrow('a storm is on: wait until it is over');
  const [message] = before.outbox;
  if (message?.kind !== 'message') throw new Error('nothing is told');
  const digest: Effect = {
    ...message,
    kind: 'digest',
    id: 'digest:#a',
    message: undefined,
    from: NOW,
    lines: [],
  };
  expect(() => relane([{ ...before, outbox: [digest] }], SPLIT)).toThrow(
    'a digest waits for Slack: start Quell, and stop it when that is sent',
  );
});

test('a digest is parted by its incidents; its message stays with the lane that it was of', async () => {
  const yaml = `${YAML}route: { channel: '#all', urgency: digest }\n`;
  const { lanes, store } = await open((lane) => lane, WHOLE, yaml);
  await lanes.submit(NOW, [alert('europe'), alert('africa')]);
  const before = await contentsOf(store, 'default');
  const digestOf = (records: readonly StateRecord[] = []) =>
    records.find(({ key }) => key === 'digest/#all')?.value;
  expect(digestOf(before.records)).toMatchObject({ lines: [{}, {}] });
  const message = { channel: 'C1', ts: '1.1' };
  const posted = before.records.map(({ key, value }) =>
    key.startsWith('digest/') ? { key, value: { ...Object(value), message } } : { key, value },
  );
  const [first, europe, asia] = relane([{ ...before, records: posted }], SPLIT);
  expect(digestOf(first?.records)).toMatchObject({ message, lines: [{ environment: 'africa' }] });
  expect(digestOf(europe?.records)).toMatchObject({ lines: [{ environment: 'europe' }] });
  expect(digestOf(europe?.records)).not.toMatchObject({ message });
  expect(digestOf(asia?.records)).toBeUndefined();
});

// --- builders -------------------------------------------------------------------------------------

const SILENCE: Silence = {
  id: 'one',
  matchers: [{ name: 'alertname', value: 'Never', isRegex: false, isEqual: true }],
  startsAt: NOW,
  endsAt: NOW + 3_600_000,
  createdBy: 'ann',
  comment: 'upgrade',
};

function alert(
  environment: string,
  alertname = 'Down',
  more: Readonly<Record<string, string>> = {},
): Event {
  const labels = { alertname, service: 'web', severity: 'critical', environment, ...more };
  return alertEvent(labels, { source: 'test', startsAt: NOW });
}

function reaction(on: { readonly channel: string; readonly ts: string }): Event {
  return { kind: 'reaction', added: true, emoji: 'eyes', user: 'U1', on, orderedAt: NOW + 1 };
}

async function open(
  wrap: (lane: Lane) => Lane = (lane) => lane,
  split: Split = SPLIT,
  yaml = YAML,
): Promise<{
  readonly lanes: Lanes;
  readonly store: Store;
  readonly seen: (lane: Lane | undefined) => readonly string[];
}> {
  const store = createMemoryStore();
  const said = new Map<string, string[]>();
  const openOne = async (name: string): Promise<Lane> => {
    const lane = await openLane({
      name,
      store,
      rules: rulesOf(yaml),
      clock: { now: (): Instant => NOW, wakeAt: () => () => undefined },
      observer: { decided: () => undefined, committed: () => undefined, failed: rethrow },
    });
    return withSubmit(wrap(lane), async (at, events) => {
      await wrap(lane).submit(at, events);
      said.set(name, [...(said.get(name) ?? []), ...events.map(inWords)]);
    });
  };
  const [first, ...others] = laneNames(split);
  const all = [await openOne(first), ...(await Promise.all(others.map(openOne)))] as const;
  const seen = (lane: Lane | undefined) => said.get(lane?.name ?? '') ?? [];
  return { lanes: createLanes(all, split), store, seen };
}

function inWords(event: Event): string {
  if (event.kind !== 'alert') return event.kind;
  const { alertname, environment } = event.alert.labels;
  return `${alertname} ${environment}`;
}

function rethrow(error: unknown): void {
  throw error instanceof Error ? error : new Error(String(error));
}

async function contentsOf(store: Store, lane: string) {
  const { records, outbox } = await store.load(lane);
  return { lane, records: [...records], outbox };
}

function sorted(items: readonly object[]): readonly string[] {
  return items.map((one) => JSON.stringify(one)).sort();
}
