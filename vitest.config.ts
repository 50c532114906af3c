import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The tests of several processes wait most of the time: on two cores, too, two files run beside each other.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
