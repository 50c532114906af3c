import fc from 'fast-check';
import { expect, test } from 'vitest';
import { badAt, readJson, textOf } from '../../src/ingest/json.ts';

test('an error says where it is', () => {
  for (const [text, error] of [
    ['', 'not JSON: the body is empty'],
    [' \n', 'not JSON: the body is empty'],
    ['{"a":1,,}', 'not JSON: unexpected character at line 1 column 8'],
    ['{\n  "a": tru\n}', 'not JSON: unexpected character at line 2 column 8'],
    ['{"alerts":[', 'not JSON: it ends too early, at character 12'],
    ['{"a":1} x', 'not JSON: unexpected character at line 1 column 9'],
    ["{'a':1}", 'not JSON: unexpected character at line 1 column 2'],
    ['{"a":"x\ny"}', 'not JSON: unexpected character at line 1 column 8'],
    ['alertname=x', 'not JSON: unexpected character at line 1 column 1'],
  ]) {
    expect(readJson(text ?? ''), text).toEqual({ kind: 'bad', error });
  }
});

test('an error repeats nothing of the body', () => {
  const read = readJson('{"password":"hunter2", oops');
  expect(JSON.stringify(read)).not.toMatch(/hunter2|oops|password/);
});

test('what JSON.parse takes has no bad character, and what it refuses has one', () => {
  const broken = fc
    .tuple(
      fc.json(),
      fc.nat(),
      fc.constantFrom('', '"', '{', '}', ']', ',', ':', '\\', '0', 'x', '\n'),
    )
    .map(([json, at, instead]) => {
      const place = at % (json.length + 1);
      return json.slice(0, place) + instead + json.slice(place + 1);
    });
  fc.assert(
    fc.property(fc.oneof(fc.json(), broken), (text) => {
      const wellFormed = readJson(text).kind === 'json';
      const place = badAt(text);
      if (wellFormed) expect(place).toBe(text.length);
      else
        expect(place === text.length || readJson(text.slice(0, place + 1)).kind === 'bad').toBe(
          true,
        );
    }),
    { numRuns: 2_000 },
  );
});

test('very deep nesting and very long texts are no trouble', () => {
  expect(readJson(`${'['.repeat(200_000)}x`)).toMatchObject({ kind: 'bad' });
  expect(readJson(`{"a":"${'x'.repeat(5_000_000)}`)).toMatchObject({ kind: 'bad' });
});

test('a byte order mark is skipped', () => {
  expect(readJson(textOf(Buffer.from('\ufeff{"a":1}')))).toEqual({ kind: 'json', value: { a: 1 } });
});

test('what is wrong far behind is not looked for', () => {
  const far = readJson(`[${'1,'.repeat(200_000)}}`);
  expect(far).toEqual({ kind: 'bad', error: 'not JSON: it goes wrong after character 200000' });
});
