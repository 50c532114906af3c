import { expect, test } from 'vitest';
import { inputOf } from './inputs.ts';
import { faultsOfSeed, startTarget, turnOf } from './target.ts';

/** 10 million with `npm run soak`. */
const INPUTS = Number(process.env.FUZZ_INPUTS ?? 20_000);
const FIRST = Number(process.env.FUZZ_FIRST ?? 1);
/** A service lives this long, and is looked at this often. */
const LIFE = 5_000;
const LOOK_EVERY = 500;
/** The longest that one input may keep the process from everything else. What took longer is tried again, alone. */
const SLOW_MS = 100;
/** Faults told at most. */
const TOLD_MAX = 20;

test(`${INPUTS} hostile inputs: no crash, no hang, no wrong 2xx, nothing that acts`, {
  timeout: 6 * 3_600_000,
}, async () => {
  const faults: string[] = [];
  const slow: number[] = [];
  for (let first = FIRST; first < FIRST + INPUTS && faults.length < TOLD_MAX; first += LIFE) {
    const target = await startTarget();
    const end = Math.min(first + LIFE, FIRST + INPUTS);
    for (let seed = first; seed < end && faults.length < TOLD_MAX; seed++) {
      const taken = await target.take(inputOf(seed));
      for (const fault of taken.faults) faults.push(`seed ${seed}: ${fault}`);
      if (taken.turnMs > SLOW_MS) slow.push(seed);
      if (seed % LOOK_EVERY > 0) continue;
      for (const fault of await target.look()) faults.push(`by seed ${seed}: ${fault}`);
    }
    for (const fault of await target.stop()) faults.push(`by seed ${end - 1}: ${fault}`);
  }
  for (const seed of slow) {
    const ms = await turnOf(inputOf(seed), SLOW_MS);
    if (ms > SLOW_MS) faults.push(`seed ${seed}: ${ms} ms without a turn for others`);
  }
  expect(faults).toEqual([]);
});

/** Inputs that failed once, and what they were. */
const FOUND: readonly (readonly [seed: number, name: string])[] = [
  [1_000, 'a million arrays in one another'],
  [10_000, 'half a million different texts'],
  [12_000, 'many alerts with many labels each'],
  [13_000, 'as many alerts as a request may have'],
  [5_000, 'the mistake in a body stands after nine million characters'],
];

for (const [seed, name] of FOUND) {
  test(`seed ${seed}: ${name}`, async () => {
    expect(await faultsOfSeed(seed)).toEqual([]);
    expect(await turnOf(inputOf(seed), SLOW_MS)).toBeLessThanOrEqual(SLOW_MS);
  });
}
