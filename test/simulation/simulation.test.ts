import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';

/** 100,000 with `npm run soak`. */
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 300);
const FIRST = Number(process.env.SIMULATION_FIRST ?? 1);
const TOLD_MAX = 20;

test(`whatever fails meanwhile, in the end what fires is told, and nothing else, once (${SEEDS} seeds)`, {
  timeout: 12 * 3_600_000,
}, async () => {
  const failed: string[] = [];
  for (let seed = FIRST; seed < FIRST + SEEDS && failed.length < TOLD_MAX; seed++) {
    const found = await simulate(seed);
    if (found.length > 0) failed.push(`seed ${seed}: ${found.join('; ')}`);
  }
  expect(failed).toEqual([]);
});

/** Seeds that failed once, and why. */
const FOUND: readonly (readonly [seed: number, why: string])[] = [
  [17, 'its incident was forgotten while Slack was away'],
  [35, 'the token was revoked when a lost post was looked up'],
  [82, 'a refusal that was reported twice counted for the channel it went to next'],
  [146, 'a line of a thread was looked up in the channel that had refused its message'],
  [266, 'an end overtook its beginning, and was dated to the end before'],
  [419, 'a revision that could not be kept was used again'],
  [200606, 'a revision that could not be kept, of an earlier process, counted as the newest'],
  [200797, 'an incident that a digest had told of was in none when it fired again'],
  [401436, 'a limit came between the channel that refused a line and the look into its thread'],
  [202291, 'the hold of what had joined a digest ended while nobody was there'],
  [859062, 'what became part of another while Slack was away was posted as it had been'],
  [872070, 'what became part of an incident that was over opened it again without a word'],
  [817270, 'a digest named what had ended, and not what began with it and went on'],
];

for (const [seed, why] of FOUND) {
  test(`seed ${seed}: ${why}`, async () => {
    expect(await simulate(seed)).toEqual([]);
  });
}
