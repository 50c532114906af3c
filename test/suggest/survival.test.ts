/** How long alerts last by themselves, also from those that somebody ended. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { overWithin, quantile, survivalOf } from '../../src/suggest/survival.ts';

const ended = (ms: number) => ({ ms, ended: true });
const touched = (ms: number) => ({ ms, ended: false });

test('without any that was touched it is the plain share', () => {
  const survival = survivalOf([1, 2, 3, 4].map(ended));
  expect([0, 1, 2.5, 4].map((ms) => overWithin(survival, ms))).toEqual([0, 0.25, 0.5, 1]);
  expect([quantile(survival, 0.5), quantile(survival, 0.9)]).toEqual([2, 4]);
});

test('one that was touched leaves the figures at that instant, and not before', () => {
  // Textbook: 6 subjects, deaths at 1, 3 and 6, one of them seen until 4 only, and one until 5.
  const survival = survivalOf([ended(1), ended(3), ended(3), touched(4), touched(5), ended(6)]);
  expect(survival.steps.map(({ ms, share }) => [ms, Number(share.toFixed(4))])).toEqual([
    [1, 0.8333],
    [3, 0.5],
    [6, 0],
  ]);
  expect(survival).toMatchObject({ lives: 6, ended: 4 });
});

test('when more than half never ended nobody knows the median', () => {
  const survival = survivalOf([ended(1), touched(2), touched(2), touched(2)]);
  expect(quantile(survival, 0.5)).toBe(undefined);
});

test('the share that is over never falls, and touching a life never makes it shorter', () => {
  const lives = fc.array(fc.record({ ms: fc.integer({ min: 0, max: 50 }), ended: fc.boolean() }), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(lives, (all) => {
      const shares = survivalOf(all).steps.map(({ share }) => share);
      expect(shares).toEqual([...shares].sort((one, other) => other - one));
      const plain = survivalOf(all.map(({ ms }) => ended(ms)));
      for (let ms = 0; ms <= 50; ms += 10) {
        expect(overWithin(survivalOf(all), ms)).toBeLessThanOrEqual(overWithin(plain, ms) + 1e-9);
      }
    }),
  );
});
