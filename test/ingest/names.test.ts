/** Different names in a JSON text: what makes parsing slow. */
import { expect, test, vi } from 'vitest';
import { hasMoreNamesThan } from '../../src/ingest/names.ts';

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
    const { hasMoreNamesThan: anew } = await import('../../src/ingest/names.ts');
    expect(anew(4_900, all)).toBe(true);
  }
});
