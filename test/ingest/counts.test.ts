/** What makes a JSON text slow to parse: values, and different names. */
import { expect, test, vi } from 'vitest';
import { tooMuchIn } from '../../src/ingest/counts.ts';

function hasMoreNamesThan(names: number, json: Uint8Array): boolean {
  return tooMuchIn(json, { values: Number.POSITIVE_INFINITY, names }) === 'names';
}

function holdsMoreThan(values: number, json: Uint8Array): boolean {
  return tooMuchIn(json, { values, names: Number.POSITIVE_INFINITY }) === 'values';
}

/** `count` objects with names that `nameOf` makes. */
function jsonOf(count: number, nameOf: (n: number) => string, colon = ':'): Uint8Array {
  const objects = Array.from(
    { length: count },
    (_, n) => `{${JSON.stringify(nameOf(n))}${colon}"value-${n}"}`,
  );
  return Buffer.from(`[${objects.join(',')}]`);
}

test('names that repeat count once, others each, whatever stands in them and around their colon', () => {
  for (const [name, nameOf, colon] of [
    ['short', (n: number) => n.toString(36), ':'],
    ['long', (n: number) => `${'x'.repeat(200)}${n}`, ':'],
    ['that begin alike and end alike', (n: number) => `label_${n}_of_all`, ' : '],
    ['with quotes, backslashes and colons', (n: number) => `"${n}\\":\\`, '\n:\t'],
    ['beyond Latin', (n: number) => `метка-${n}`, ':'],
  ] as const) {
    const all = jsonOf(5_000, nameOf, colon);
    expect(hasMoreNamesThan(5_000, all), name).toBe(false);
    expect(hasMoreNamesThan(4_900, all), name).toBe(true);
    expect(
      hasMoreNamesThan(
        100,
        jsonOf(5_000, (n) => nameOf(n % 100), colon),
      ),
      name,
    ).toBe(false);
    expect(
      hasMoreNamesThan(
        98,
        jsonOf(5_000, (n) => nameOf(n % 100), colon),
      ),
      name,
    ).toBe(true);
  }
});

test('texts that are no names do not count, nor does a text that never ends', () => {
  const texts = Array.from({ length: 5_000 }, (_, n) => `text ${n}`);
  expect(hasMoreNamesThan(10, Buffer.from(JSON.stringify(texts)))).toBe(false);
  expect(hasMoreNamesThan(1, Buffer.from(`["${'x'.repeat(1_000)}`))).toBe(false);
  const marked = Buffer.concat([Buffer.from('\uFEFF'), jsonOf(100, (n) => `${n}`)]);
  expect(hasMoreNamesThan(90, marked)).toBe(true);
  const broken = Buffer.concat([Buffer.from('\u00e4'), jsonOf(100, (n) => `${n}`)]);
  expect(hasMoreNamesThan(90, broken)).toBe(false);
  expect(hasMoreNamesThan(1, Buffer.from(`["${'x'.repeat(1_000)}\\`))).toBe(false);
});

test('names are told apart with whatever a process draws by lot to hash them', async () => {
  const all = jsonOf(5_000, (n) => `${'x'.repeat(20)}${n}`);
  for (let drawn = 0; drawn < 100; drawn++) {
    vi.resetModules();
    const anew = await import('../../src/ingest/counts.ts');
    expect(anew.tooMuchIn(all, { values: 100_000, names: 4_900 })).toBe('names');
  }
});

test('values are counted outside of texts, objects and arrays four times', () => {
  for (const [text, values] of [
    ['{"a":[1,2,3]}', 10],
    ['["a,b{[","\\"[,",{}]', 10],
    ['[[],[],[]]', 18],
    ['"[[[["', 0],
  ] as const) {
    const padded = Buffer.from(text.padEnd(100));
    expect(holdsMoreThan(values, padded), text).toBe(false);
    expect(values > 0 && !holdsMoreThan(values - 1, padded), text).toBe(false);
  }
});
