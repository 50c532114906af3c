import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sorted } from '../../src/state/sorted.ts';

const isBefore = (one: number, other: number): boolean => one < other;

function run<T>(steps: Generator<void, T>): { readonly result: T; readonly steps: number } {
  for (let count = 0; ; count++) {
    const next = steps.next();
    if (next.done === true) return { result: next.value, steps: count };
  }
}

test('what is sorted in steps is sorted', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 2_000, size: 'max' }), (items) => {
      expect(run(sorted(items, isBefore)).result).toEqual([...items].sort((a, b) => a - b));
    }),
  );
});

test('however many there are, no step compares more than some hundred times', () => {
  let compared = 0;
  let most = 0;
  const counting = (one: number, other: number): boolean => {
    compared++;
    return one < other;
  };
  const items = Array.from({ length: 50_000 }, (_, index) => (index * 7_919) % 50_021);
  for (const _ of sorted(items, counting)) {
    most = Math.max(most, compared);
    compared = 0;
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(1_000);
});
