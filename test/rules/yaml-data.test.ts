import { parse, parseDocument } from 'yaml';
import { expect, test } from 'vitest';
import { plainData } from '../../src/rules/files/yaml-data.ts';

function dataOf(text: string) {
  return plainData(parseDocument(text, { uniqueKeys: false, stringKeys: true, version: '1.2' }));
}

test.each([
  'a: 1\nb: [x, 2.5, true, null, ~]\nc: { d: e }\nf:',
  "quoted: 'one'\nfolded: >\n  a\n  b\nliteral: |\n  a\n  b\n",
  'base: &b { x: 1, y: [2] }\nsame: *b\nlist: [*b, &s text, *s]',
  'a: &a 1\nb: &a 2\nc: *a',
  '"<<": 1\n"1": one\nconstructor: x',
  '- 1\n- - 2\n  - 3\n',
  '',
])('%j is the data that the library makes of it', (text) => {
  expect(dataOf(text)).toEqual({ kind: 'data', data: parse(text) ?? null, duplicates: [] });
});

test('__proto__ is a key like any other', () => {
  const { data } = dataOf('__proto__: { a: 1 }') as { data: object };
  expect(Object.keys(data)).toEqual(['__proto__']);
  expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
});

test('a key that stands twice is found, however deep, with where it stood first', () => {
  const text = 'a: [{ b: 1, c: 2, b: 3 }]\na: 4';
  expect(dataOf(text)).toMatchObject({
    data: { a: 4 },
    duplicates: [
      { name: 'b', first: 6, span: { start: 18, end: 19 } },
      { name: 'a', first: 0, span: { start: 26, end: 27 } },
    ],
  });
});

test('what aliases stand for counts as if it was written out', () => {
  const names = 'abcdefgh'.split('');
  const bomb = names.map((name, i) => {
    const before = names[i - 1];
    return `${name}: &${name} [${Array.from({ length: 9 }, () => (before === undefined ? 'x' : `*${before}`)).join(', ')}]`;
  });
  expect(dataOf(bomb.slice(0, 5).join('\n')).kind).toBe('data');
  expect(dataOf(bomb.join('\n'))).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('aliases (*name) expand to too much'),
  });
  const deep = Array.from({ length: 30 }, (_, i) =>
    i === 0 ? 'a0: &a0 [[x]]' : `a${i}: &a${i} [[*a${i - 1}]]`,
  );
  expect(dataOf(deep.join('\n'))).toMatchObject({ message: expect.stringContaining('deeper') });
});

test('an alias within its own anchor, or of none, is refused', () => {
  for (const text of ['a: &a [*a]', 'a: &a { b: *a }']) {
    expect(dataOf(text)).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/\*a stands for nothing/),
    });
  }
});
