/**
 * A decision does not depend on a restart: a lane that is loaded from what another had committed remembers the same, and
 * decides, sends, explains and keeps the same from then on. What is left out is named in support/remembered.ts. The same
 * through Redis: test/contract/redis-restarted.test.ts.
 */
import { expect, test } from 'vitest';
import type { Rules } from '../../src/rules/rules.ts';
import { MUCH, RULES, RULES_OF_SILENCE } from '../support/eventful.ts';
import { restored, type Run } from '../support/restarted.ts';
import { live, type Lived } from '../support/restarted-days.ts';

/** More are played by `RESTART_SEEDS=100 vitest run test/core/restarted.test.ts`. */
const SEEDS = Number(process.env['RESTART_SEEDS'] ?? 6);

const LONG = { timeout: 60_000 * SEEDS };

const restart = (one: Run) => Promise.resolve(new Map([['restarted', restored(one)]]));

async function liveAll(
  rules: readonly [Rules, Rules],
  startsToo: boolean,
): Promise<readonly Lived[]> {
  const all: Lived[] = [];
  for (let seed = 0; seed < SEEDS; seed++)
    all.push(await live({ seed, rules, startsToo, restart }));
  return all;
}

function reasonsOf(all: readonly Lived[]): ReadonlySet<string> {
  return new Set(all.flatMap(({ reasons }) => [...reasons]));
}

test(
  'whoever begins with what a lane committed remembers and decides what that one does',
  LONG,
  async () => {
    const all = await liveAll(RULES, false);
    // Most of them are compared in what they decide, and much happens.
    const sum = (of: 'restarts' | 'compared') => all.reduce((count, one) => count + one[of], 0);
    expect(sum('compared')).toBeGreaterThan(sum('restarts') / 2);
    for (const reason of MUCH) expect(reasonsOf(all)).toContain(reason);
  },
);

test(
  'with heartbeats and time-outs, too, when the other one begins anew at that moment',
  LONG,
  async () => {
    const all = await liveAll(RULES_OF_SILENCE, true);
    for (const reason of ['source-lost', 'source-back', 'expired'])
      expect(reasonsOf(all)).toContain(reason);
  },
);
