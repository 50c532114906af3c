import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { SCHEMAS } from '../../scripts/schema/json-schema.ts';
import { KEY_HELP } from '../../scripts/schema/key-help.ts';
import { isTestFile } from '../../src/rules/files/load.ts';
import { problemsIn } from '../support/json-schema.ts';

const NAMES = Object.keys(SCHEMAS) as (keyof typeof SCHEMAS)[];
type Json = Readonly<Record<string, unknown>>;

const rules = SCHEMAS['rules.schema.json']() as Json;
const tests = SCHEMAS['rules-test.schema.json']() as Json;

test.each(NAMES)('schema/%s is what the shapes say: npm run schema', (name) => {
  const made = `${JSON.stringify(SCHEMAS[name](), undefined, 2)}\n`;
  expect(readFileSync(`schema/${name}`, 'utf8')).toBe(made);
});

/** Every property of every object below, by its path. */
function properties(schema: unknown, at = ''): readonly (readonly [string, Json])[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own =
    'properties' in schema ? Object.entries(schema.properties as Record<string, Json>) : [];
  return [
    ...own.map(([key, one]) => [`${at}/${key}`, one] as const),
    ...Object.entries(schema).flatMap(([key, one]) => properties(one, `${at}/${key}`)),
  ];
}

test.each(NAMES)('each key of schema/%s is explained', (name) => {
  const all = properties(SCHEMAS[name]());
  expect(all.length).toBeGreaterThan(30);
  const silent = all.filter(([, { description }]) => typeof description !== 'string');
  expect(silent.map(([at]) => at)).toEqual([]);
});

test('no explanation is left of a key that is gone', () => {
  const said = new Set(properties(rules).map(([, { description }]) => description));
  const stale = Object.entries(KEY_HELP).flatMap(([shape, help]) =>
    Object.entries(help)
      .filter(([, text]) => !said.has(text))
      .map(([key]) => `${shape}.${key}`),
  );
  expect(stale).toEqual([]);
});

const SHIPPED = readdirSync('rules');

test.each(SHIPPED)('rules/%s names its schema in its first line, and is of its shape', (name) => {
  const text = readFileSync(`rules/${name}`, 'utf8');
  const schema = isTestFile(name) ? 'rules-test' : 'rules';
  const [first] = text.split('\n', 1);
  expect(first).toBe(`# yaml-language-server: $schema=../schema/${schema}.schema.json`);
  expect(problemsIn(parse(text), isTestFile(name) ? tests : rules)).toEqual([]);
});

function examplesOf(page: string): readonly string[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, example = '']) => example);
}

test.each([
  ...examplesOf('docs/rules.md').map((text) => ({ text, schema: rules })),
  ...examplesOf('docs/testing-rules.md').map((text) => ({ text, schema: tests })),
])('example %# of the documentation is of its shape', ({ text, schema }) => {
  expect(problemsIn(parse(text), schema)).toEqual([]);
});

test.each([
  ['hold:\n  # later\n', []],
  ['service: labels.app', []],
  ['service: { text: "app=(.*)" }', []],
  ['route: { channel: owner, escalate: off, routes: [{ match: a=b, urgency: drop }] }', []],
  ['incident: { resolveTimeout: never, snooze: 0 }', []],
  ['maintenance: [{ every: { times: { start_time: "02:00", end_time: "24:00" } } }]', []],
  ['holds: []', ['.holds']],
  ['hold: [{ for: 10 }]', ['.hold.0.for']],
  ['hold: [{ for: 10mins }, { fro: 1m, for: 1m }]', ['.hold.0.for', '.hold.1.fro']],
  ['services: [{ name: a, tier: 9 }, { tier: 1 }]', ['.services.0.tier', '.services.1']],
  [
    'route: { routes: [{ urgency: shout, channel: x }] }',
    ['.route.routes.0.channel', '.route.routes.0.urgency'],
  ],
  ['silences: [{ match: x=y, endsAt: tomorrow }]', ['.silences.0.endsAt']],
  ['timeIntervals: [{ name: a, weekday: monday }]', ['.timeIntervals.0.weekday']],
])('%s', (text, problems) => {
  expect([...problemsIn(parse(text), rules)].sort()).toEqual(problems);
});
