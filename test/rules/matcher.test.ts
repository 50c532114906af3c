import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildCatalog } from '../../src/rules/catalog.ts';
import {
  type Matcher,
  OPERATORS,
  allOf,
  compileMatcher,
  parseMatchers,
} from '../../src/rules/matcher.ts';
import type { Service } from '../../src/rules/rules.ts';
import { subjectOf } from './support.ts';

const PAYMENTS: Service = {
  name: 'payments',
  aliases: [],
  owner: 'team-payments',
  channel: undefined,
  tier: 1,
  capability: 'Checkout',
  runbook: undefined,
  dashboard: undefined,
  dependsOn: [],
};
const CATALOG = buildCatalog([PAYMENTS]);

function parsed(text: string): readonly (readonly string[])[] {
  const result = parseMatchers(text);
  if (result.kind === 'refused') throw new Error(result.message);
  return result.matchers.map(({ name, operator, value }) => [name, operator, value]);
}

function matches(text: string, labels: Record<string, string>, facts = {}): boolean {
  const result = parseMatchers(text);
  if (result.kind === 'refused') throw new Error(result.message);
  const tests = result.matchers.map((matcher) => {
    const compiled = compileMatcher(matcher, CATALOG);
    if (compiled.kind === 'refused') throw new Error(compiled.message);
    return compiled.test;
  });
  return allOf(tests)(subjectOf(labels, facts));
}

test.each([
  ['severity="critical"', [['severity', '=', 'critical']]],
  ['severity=critical', [['severity', '=', 'critical']]],
  [' severity  !=  "critical" ', [['severity', '!=', 'critical']]],
  ['service=~"a|b"', [['service', '=~', 'a|b']]],
  ['service!~".*-db"', [['service', '!~', '.*-db']]],
  [
    'a="1",b="2"',
    [
      ['a', '=', '1'],
      ['b', '=', '2'],
    ],
  ],
  [
    '{a="1", b!="2",}',
    [
      ['a', '=', '1'],
      ['b', '!=', '2'],
    ],
  ],
  [
    'a="x,y",b=z',
    [
      ['a', '=', 'x,y'],
      ['b', '=', 'z'],
    ],
  ],
  ['a="say \\"hi\\"\\n\\\\"', [['a', '=', 'say "hi"\n\\']]],
  ['a=~"\\d+"', [['a', '=~', '\\d+']]],
  ['"röck.dots/ok"="v"', [['röck.dots/ok', '=', 'v']]],
  ['röck="v"', [['röck', '=', 'v']]],
  ['a=""', [['a', '=', '']]],
  ['a=', [['a', '=', '']]],
  ['a=two words', [['a', '=', 'two words']]],
  ['a==b', [['a', '=', '=b']]],
  ['{}', []],
])('the matcher %s is read as Alertmanager reads it', (text, expected) => {
  expect(parsed(text)).toEqual(expected);
});

test.each([
  ['', 'an empty matcher'],
  ['severity', 'expected an operator, found the end'],
  ['severity: critical', 'expected an operator, found "critical"'],
  ['="x"', 'expected a label name'],
  ['a="x', 'the opening " has no closing "'],
  ['{a="x"', 'the opening { has no closing }'],
  ['a="x" b="y"', 'expected a comma before "b="y""'],
  ["a='x'", "' in a value without quotes"],
  ['a=~b{2}', '{ in a value without quotes'],
])('the matcher %s is refused with the reason', (text, message) => {
  expect(parseMatchers(text)).toMatchObject({ kind: 'refused', message });
});

test('an absent label is the empty string', () => {
  expect(matches('team=""', {})).toBe(true);
  expect(matches('team!="a"', {})).toBe(true);
  expect(matches('team=~".*"', {})).toBe(true);
  expect(matches('team=~".+"', {})).toBe(false);
  expect(matches('team!~".+"', {})).toBe(true);
});

test('a name that every object inherits is no label', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    expect(matches(`${name}=""`, {})).toBe(true);
  }
  expect(matches('__proto__="x"', JSON.parse('{"__proto__":"x"}'))).toBe(true);
});

test('regular expressions are anchored at both ends', () => {
  expect(matches('service=~"pay"', { x: 'payments' }, { service: 'payments' })).toBe(false);
  expect(matches('service=~"pay.*"', {}, { service: 'payments' })).toBe(true);
  expect(matches('a=~"x|yz"', { a: 'xz' })).toBe(false);
});

test('facts stand over labels, and the catalog says tier, owner and capability', () => {
  const facts = { service: 'payments', severity: 'high' as const };
  const labels = { service: 'payments-api', severity: 'error', tier: '3', owner: 'nobody' };
  expect(matches('service="payments",severity="high"', labels, facts)).toBe(true);
  expect(matches('tier="1",owner="team-payments",capability="Checkout"', labels, facts)).toBe(true);
});

test('a service that the catalog does not know has the tier of its labels, else 2', () => {
  expect(matches('tier="3",owner="us"', { tier: '3', owner: 'us' }, { service: 'other' })).toBe(
    true,
  );
  expect(matches('tier="2",owner=""', {}, { service: 'other' })).toBe(true);
});

test('any text is parsed or refused, and what is refused is marked within the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab=!~"\\,{} \'`é'.split('')) }), (text) => {
      const result = parseMatchers(text);
      if (result.kind === 'matchers') return;
      expect(result.offset).toBeGreaterThanOrEqual(0);
      expect(result.offset).toBeLessThanOrEqual(text.length);
      expect(result.message).not.toBe('');
    }),
    { numRuns: 2_000 },
  );
});

test('a quoted name and value are read back as they were', () => {
  const quote = (text: string) =>
    `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.constantFrom(...OPERATORS), fc.string()), {
        minLength: 1,
        maxLength: 4,
      }),
      (wanted) => {
        const text = wanted.map(([n, op, v]) => `${quote(n)}${op}${quote(v)}`).join(',');
        expect(parsed(text)).toEqual(wanted);
      },
    ),
  );
});

test('matchers mean what a naive reference says', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.'), maxLength: 4 });
  const pattern = fc.oneof(
    word.map((text) => text.replaceAll('.', '\\.')),
    fc.constantFrom(
      'a|b',
      '(a|b)',
      'a.*',
      '.*b',
      '[ab]+',
      'a?b',
      '(?i)A+',
      '',
      'a|',
      '.+',
      'a-b|b',
    ),
  );
  const naive = (matcher: Pick<Matcher, 'operator' | 'value'>, value: string): boolean => {
    if (matcher.operator === '=') return value === matcher.value;
    if (matcher.operator === '!=') return value !== matcher.value;
    const insensitive = matcher.value.startsWith('(?i)');
    const source = insensitive ? matcher.value.slice(4) : matcher.value;
    const found = new RegExp(`^(?:${source})$`, insensitive ? 'i' : '').test(value);
    return matcher.operator === '=~' ? found : !found;
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...OPERATORS),
      pattern,
      fc.option(word),
      (operator, value, label) => {
        const matcher = { name: 'x', operator, value, valueAt: 0, end: 0 };
        const compiled = compileMatcher(matcher, CATALOG);
        if (compiled.kind === 'refused') throw new Error(compiled.message);
        const subject = subjectOf(label === null ? {} : { x: label });
        const expected = naive(matcher, label ?? '');
        // Twice: the second answer comes from memory.
        expect(compiled.test(subject)).toBe(expected);
        expect(compiled.test(subject)).toBe(expected);
      },
    ),
    { numRuns: 2_000 },
  );
});
