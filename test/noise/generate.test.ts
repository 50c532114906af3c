/**
 * The generator: the same seed gives the same bytes, and the truth fits the recording.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { canonicalKey, createFinder } from '../../bench/noise/finder.ts';
import { generate, type Generated, recordingLines } from '../../bench/noise/generate.ts';
import { generateCalls } from '../../bench/noise/calls.ts';
import { buildPlatform } from '../../bench/noise/calls-platform.ts';
import { watches } from '../../bench/noise/calls-rules.ts';
import { type Fired, play } from '../../bench/noise/calls-run.ts';
import { type Bend, STEPS_A_MINUTE } from '../../bench/noise/calls-state.ts';
import { generateShop } from '../../bench/noise/shop.ts';
import { LABEL_STYLES } from '../../bench/noise/labels.ts';
import type { RecordedLine } from '../../bench/noise/baselines.ts';
import { compileRules } from '../../src/rules/compile.ts';

const SMALL = { seed: 'a', days: 2, services: 45, labels: 'plain' } as const;
const small = generate(SMALL);

function digest(generated: Generated): string {
  const hash = createHash('sha256');
  for (const line of recordingLines(generated.deliveries)) hash.update(line);
  hash.update(JSON.stringify(generated.truth));
  hash.update(JSON.stringify(generated.rules));
  return hash.digest('hex');
}

function recorded(generated: Generated): RecordedLine[] {
  return [...recordingLines(generated.deliveries)].map((line) => JSON.parse(line) as RecordedLine);
}

test('the same options give the same bytes', () => {
  expect(digest(generate(SMALL))).toBe(digest(small));
});

test('another seed gives another recording', () => {
  expect(digest(generate({ ...SMALL, seed: 'b' }))).not.toBe(digest(small));
});

test('deliveries come in the order of their time, and end soon after the last day', () => {
  const times = recorded(small).map(({ at }) => at);
  expect(times).toEqual([...times].sort());
  expect(times[0] ?? '').toMatch(/^2026-03-23T/);
  expect(times.at(-1) ?? '').toMatch(/^2026-03-25T00:(0|1[0-4])/);
});

test('every alert of the recording stands in the truth', () => {
  const find = createFinder(small.truth.firings);
  for (const { body } of recorded(small)) {
    for (const alert of body.alerts) {
      const firing = find(canonicalKey(alert.labels), Date.parse(alert.startsAt));
      expect(firing, JSON.stringify(alert)).toBeDefined();
    }
  }
});

test('every firing names events that exist, and says when it was first delivered', () => {
  const ids = new Set(small.truth.events.map(({ id }) => id));
  const seen = small.truth.firings.filter(({ seenAt }) => seenAt !== undefined);
  for (const { events, startsAt, seenAt } of seen) {
    expect(events.every((id) => ids.has(id))).toBe(true);
    expect(Date.parse(seenAt ?? '')).toBeGreaterThanOrEqual(Date.parse(startsAt));
  }
  expect(seen.length / small.truth.firings.length).toBeGreaterThan(0.99);
});

test('a day has about 635 firings besides storms, three in five of them of system checks', () => {
  const storms = new Set(
    small.truth.events.filter(({ kind }) => kind === 'storm').map(({ id }) => id),
  );
  const firings = small.truth.firings.filter(({ events }) => !events.some((id) => storms.has(id)));
  expect(firings.length / SMALL.days).toBeGreaterThan(560);
  expect(firings.length / SMALL.days).toBeLessThan(710);
  const system = firings.filter(({ labels }) => labels['instance'] !== undefined).length;
  expect(system / firings.length).toBeGreaterThan(0.52);
  expect(system / firings.length).toBeLessThan(0.68);
});

test('a storm brings over 2,000 alerts within five minutes', () => {
  const storm = small.truth.events.find(({ kind }) => kind === 'storm');
  const starts = small.truth.firings
    .filter(({ events }) => events.includes(storm?.id ?? ''))
    .map(({ startsAt }) => Date.parse(startsAt));
  expect(starts.length).toBeGreaterThan(2_000);
  expect(Math.max(...starts) - Math.min(...starts)).toBeLessThanOrEqual(300_000);
});

test('a short critical incident lasts three to six minutes on a tier-1 service', () => {
  const week = generate({
    ...SMALL,
    days: 7,
    catalog: readFileSync('rules/services.yaml', 'utf8'),
  });
  const short = week.truth.events.filter(({ kind }) => kind === 'short-critical');
  expect(short.length).toBeGreaterThan(0);
  for (const event of short) {
    const minutes = (Date.parse(event.endsAt) - Date.parse(event.startsAt)) / 60_000;
    expect(minutes).toBeGreaterThan(2.5);
    expect(minutes).toBeLessThan(6.5);
    expect(event.urgent).toBe(true);
  }
});

test('truth says nothing to the tool: no label or annotation holds an event or a kind', () => {
  const words = new Set(small.truth.events.flatMap(({ id, kind }) => [id, kind]));
  for (const { labels } of small.truth.firings) {
    for (const value of Object.values(labels)) expect(words.has(value)).toBe(false);
  }
});

for (const labels of LABEL_STYLES) {
  test(`the rules that go with ${labels} labels are well, and read the facts out of them`, () => {
    const generated = generate({ ...SMALL, days: 1, labels });
    const files = Object.entries(generated.rules).map(([name, text]) => ({ name, text }));
    const compiled = compileRules(files);
    expect(compiled.kind).toBe('loaded');
    if (compiled.kind !== 'loaded') return;
    for (const { body } of recorded(generated).slice(0, 200)) {
      for (const alert of body.alerts) {
        const facts = compiled.rules.normalise({
          source: 'alertmanager',
          status: 'firing',
          labels: alert.labels,
          annotations: {},
          startsAt: 0,
          endsAt: undefined,
          generatorURL: undefined,
        });
        expect(['production', 'staging', 'test']).toContain(facts.environment);
        const truth = generated.truth.firings.find(
          (it) => canonicalKey(it.labels) === canonicalKey(alert.labels),
        );
        expect(facts.severity).toBe(truth?.severity);
      }
    }
  });
}

test('the second world is the same bytes for the same seed, and its truth tells nothing to a tool', () => {
  const one = generateShop({ seed: 'a', days: 2, graph: true });
  const other = generateShop({ seed: 'a', days: 2, graph: false });
  const lines = [...recordingLines(one.deliveries)];
  expect([...recordingLines(other.deliveries)]).toEqual(lines);
  expect(generateShop({ seed: 'b', days: 2, graph: true }).truth).not.toEqual(one.truth);
  expect(Object.keys(one.rules)).toEqual(['services.yaml']);
  expect(other.rules).toEqual({});
  for (const { id } of one.truth.events)
    expect(lines.some((line) => line.includes(id))).toBe(false);
  expect(one.truth.events.filter(({ actionable }) => actionable).length).toBeGreaterThan(5);
});

const computed = generateCalls({ seed: 'a', days: 1, graph: true });

test('the third world is the same bytes for the same seed, with and without a catalog', () => {
  const lines = [...recordingLines(computed.deliveries)];
  const bare = generateCalls({ seed: 'a', days: 1, graph: false });
  expect([...recordingLines(bare.deliveries)]).toEqual(lines);
  expect(bare.truth).toEqual(computed.truth);
  expect(bare.rules).toEqual({});
  const files = Object.entries(computed.rules).map(([name, text]) => ({ name, text }));
  expect(files.map(({ name }) => name)).toEqual(['services.yaml']);
  expect(compileRules(files).kind).toBe('loaded');
  expect(generateCalls({ seed: 'b', days: 1, graph: true }).truth).not.toEqual(computed.truth);
}, 60_000);

test('the truth of the third world fits its recording, which tells nothing of it', () => {
  const { truth } = computed;
  const lines = [...recordingLines(computed.deliveries)];
  const find = createFinder(truth.firings);
  for (const { body } of recorded(computed)) {
    for (const { labels, startsAt } of body.alerts)
      expect(
        find(canonicalKey(labels), Date.parse(startsAt)),
        JSON.stringify(labels),
      ).toBeDefined();
  }
  const ids = new Set(truth.events.map(({ id }) => id));
  for (const { events, seenAt } of truth.firings)
    if (seenAt !== undefined) expect(events.every((id) => ids.has(id))).toBe(true);
  for (const id of ids) expect(lines.some((line) => line.includes(id))).toBe(false);
});

test('in the third world a slow database alerts on itself and on who calls it, directly or not', () => {
  const platform = buildPlatform();
  const { services, index } = platform;
  const root = index.get('billing-db') ?? -1;
  const noon = 12 * 60 * STEPS_A_MINUTE;
  const fault = {
    id: 'slow',
    name: 'slow-database',
    isFault: true,
    root: 'billing-db',
    from: noon,
    to: noon + 20 * STEPS_A_MINUTE,
    tail: 60 * STEPS_A_MINUTE,
    bend: (bend: Bend) => bend.services.slow.fill(12, root, root + 1),
  };
  const world = { platform, seed: 1, need: new Float64Array(services.length).fill(0.6) };
  const steps = noon + 90 * STEPS_A_MINUTE;
  const fired = play({ world, watches: watches(platform), happenings: [fault], steps });
  const own = fired.filter(({ causes }) => causes.has('slow'));
  const names = new Set(own.map(({ watch }) => watch.service?.name));
  expect([...names]).toEqual(expect.arrayContaining(['billing-db', 'payments', 'booking']));
  const upstream = new Set([root]);
  for (const i of upstream)
    for (const { from } of services[i]?.callers ?? []) upstream.add(from.index);
  for (const { watch, from } of own) {
    expect(upstream.has(watch.service?.index ?? -1), watch.alertname).toBe(true);
    expect(from).toBeGreaterThan(noon);
  }
  const without = play({ world, watches: watches(platform), happenings: [], steps });
  const plain = ({ labels, from }: Fired) => ({ labels, from });
  expect(without.map(plain)).toEqual(fired.filter((it) => !own.includes(it)).map(plain));
}, 60_000);
