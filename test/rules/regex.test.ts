import { expect, test } from 'vitest';
import { PATTERN_MAX, compileAnchored, compileSearch } from '../../src/rules/regex.ts';

function testOf(pattern: string): (value: string) => boolean {
  const compiled = compileAnchored(pattern);
  if (compiled.kind === 'refused') throw new Error(compiled.message);
  return compiled.test;
}

function find(pattern: string, text: string): readonly string[] {
  const compiled = compileSearch(pattern, 8);
  if (compiled.kind === 'refused') throw new Error(compiled.message);
  return compiled.find(text);
}

test.each([
  ['(?=a)b', 'bad regular expression: invalid or unsupported Perl syntax: (?=', /lookahead/],
  ['(a)\\1', 'bad regular expression: invalid escape sequence: \\1', /back-references/],
  ['a{2000}', 'bad regular expression: invalid repeat count: {2000}', /1000/],
  ['*-db', 'bad regular expression: missing argument to repetition operator: *', /no glob/],
  ['a(b', 'bad regular expression: missing closing )', undefined],
])('%s is no RE2, and it is said why', (pattern, message, hint) => {
  const compiled = compileAnchored(pattern);
  expect(compiled).toMatchObject({ kind: 'refused', message });
  if (compiled.kind === 'refused' && hint !== undefined) expect(compiled.hint).toMatch(hint);
});

test('the place of the mistake in the pattern is known', () => {
  expect(compileAnchored('abc(?=x)d')).toMatchObject({ offset: 3, length: 3 });
});

test('a pattern that would take another engine minutes is answered at once', () => {
  expect(testOf('(a+)+b')('a'.repeat(4_000))).toBe(false);
});

test('a pattern longer than the limit is refused', () => {
  expect(compileAnchored('(a)'.repeat(PATTERN_MAX))).toMatchObject({ kind: 'refused' });
});

test('a subject longer than the limit is cut, not refused', () => {
  expect(testOf('a+')('a'.repeat(100_000))).toBe(true);
});

test('a list of words is matched whole, empty words included', () => {
  const test = testOf('a|b c|');
  expect(['a', 'b c', '', 'ab', 'a|b c'].map(test)).toEqual([true, true, true, false, false]);
});

test('a search gives the group "id", else the first group, else the match', () => {
  expect(find('x=(\\w+) id=(?P<id>\\w+)', 'x=1 id=2')).toEqual(['2']);
  expect(find('x=(\\w+)', 'x=1 x=2')).toEqual(['1', '2']);
  expect(find('t_\\w+', 'a t_1 b t_2')).toEqual(['t_1', 't_2']);
});

test('the cheap test before a search never hides a match', () => {
  expect(find('ab?c', 'ac')).toEqual(['ac']);
  expect(find('ab*c', 'xacx')).toEqual(['ac']);
  expect(find('ab{0,2}c', 'ac')).toEqual(['ac']);
  expect(find('(?i)abc', 'ABC')).toEqual(['ABC']);
  expect(find('abc|xyz', 'xyz')).toEqual(['xyz']);
  expect(find('(?P<id>tid_\\w+)', 'a tid_1')).toEqual(['tid_1']);
  expect(find('(?:ab)?c', 'c')).toEqual(['c']);
  expect(find('(ab)*(c)', 'c')).toEqual([]);
  expect(find('(?P<id>ab)?(c)', 'abc')).toEqual(['ab']);
  expect(find('(?s:a.b)', 'a\nb')).toEqual(['a\nb']);
  expect(find('(?:x)y', 'xy')).toEqual(['xy']);
});

test('a pattern that matches nothing at all finds nothing, and ends', () => {
  expect(find('a*', 'bbb'.repeat(1_000))).toEqual([]);
});
