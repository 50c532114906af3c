/** Our histograms are written as prom-client would write them. */
import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createHistogram } from '../../src/telemetry/times.ts';

const BOUNDS = [0.001, 0.25, 1, 2.5];
const ABOUT = { name: 'quell_answer_seconds', help: 'Time to answer.' };
const seconds = fc.oneof(
  fc.constantFrom(...BOUNDS, 0, 9),
  fc.double({ min: 0, max: 3, noNaN: true }),
);

test('whatever is observed: the same lines, with a label and without', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('/a', '/b/:id'), seconds)),
      fc.constantFrom('route', undefined),
      async (observed, labelName) => {
        const ours = createHistogram({ ...ABOUT, bounds: BOUNDS, labelName });
        const registry = new Registry();
        const labelNames = labelName === undefined ? [] : [labelName];
        const theirs = new Histogram({
          ...ABOUT,
          buckets: BOUNDS,
          labelNames,
          registers: [registry],
        });
        for (const [route, took] of observed) {
          ours.of(labelName === undefined ? '' : route).observe(took);
          if (labelName === undefined) theirs.observe(took);
          else theirs.observe({ route }, took);
        }
        expect(ours.text()).toBe(await registry.metrics());
      },
    ),
  );
});
