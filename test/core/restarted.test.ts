/**
 * A decision does not depend on a restart: a lane that is loaded from what another had committed remembers the same, and
 * decides, sends, explains and keeps the same from then on. What is left out is named in support/remembered.ts.
 */
import { expect, test } from 'vitest';
import { createRandom } from '../../bench/noise/random.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { differences } from '../support/difference.ts';
import { createTurmoil, RULES, RULES_OF_SILENCE } from '../support/eventful.ts';
import { beyondAlerts, remembered } from '../support/remembered.ts';
import {
  begin,
  freshRun,
  type Happening,
  play,
  restarted,
  type Run,
} from '../support/restarted.ts';
import { START } from '../support/story.ts';

const STEPS = 200;
/** Steps for which a restarted lane is compared with the one that was not. */
const FOLLOWED = 80;
/** More are played by `RESTART_SEEDS=100 vitest run test/core/restarted.test.ts`. */
const SEEDS = Number(process.env['RESTART_SEEDS'] ?? 6);

const LONG = { timeout: 60_000 * SEEDS };

interface Other {
  readonly run: Run;
  readonly since: number;
  /** It knows beyond what is in memory what the other does, and need not: see beyondAlerts. */
  readonly isWhole: boolean;
}

interface Result {
  readonly restarts: number;
  readonly compared: number;
  readonly reasons: ReadonlySet<string>;
}

/** Days of one lane that goes on, and of others that begin with what is on its disk. */
function live(seed: number, rules: readonly [Rules, Rules], startsToo: boolean): Result {
  const turmoil = createTurmoil(`days ${seed}`, !startsToo);
  const random = createRandom(`restarts ${seed}`);
  const reasons = new Set<string>();
  let [now, inForce, restarts, compared] = [START, 0, 0, 0];
  const one = freshRun(now, rules[0]);
  let others: readonly Other[] = [];
  for (let step = 0; step < STEPS; step++) {
    now += turmoil.pause();
    const events = [...turmoil.events(now, one.state)];
    if (random.chance(0.02)) {
      inForce = 1 - inForce;
      events.unshift({ kind: 'rules-changed' });
    }
    const present = rules[inForce === 0 ? 0 : 1];
    const happening = { at: now, rules: present, events, isSlackAway: random.chance(0.15) };
    const told = play(one, happening);
    for (const line of told) reasons.add(/"reason":"([^"]+)"/.exec(line)?.[1] ?? '');
    others = others.filter((other) => saysTheSame(other, happening, told, { seed, step }));
    if (!random.chance(0.06)) continue;
    const run = restarted(one, present);
    // Its time-outs begin anew as well, and whatever else a start means.
    if (startsToo) begin(one, present);
    const place = `seed ${seed}, restarted after step ${step}`;
    expect(differences(remembered(one.state, now), remembered(run.state, now)), place).toEqual([]);
    const [mine, its] = [one, run].map(({ state }) => beyondAlerts(state, present, now));
    const beyond = differences(mine, its, 1);
    others = [...(startsToo ? [] : others), { run, since: step, isWhole: beyond.length === 0 }];
    restarts++;
    if (beyond.length === 0) compared++;
  }
  return { restarts, compared, reasons };
}

/** False when it need not be looked at any longer. */
function saysTheSame(
  { run, since, isWhole }: Other,
  happening: Happening,
  told: readonly string[],
  { seed, step }: { readonly seed: number; readonly step: number },
): boolean {
  const said = play(run, happening);
  if (isWhole || said.join('\n') === told.join('\n')) {
    expect(said, `seed ${seed}, restarted after step ${since}, at step ${step}`).toEqual(told);
    return step - since < FOLLOWED;
  }
  return false;
}

test(
  'whoever begins with what a lane committed remembers and decides what that one does',
  LONG,
  () => {
    let [restarts, compared] = [0, 0];
    const reasons = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const result = live(seed, RULES, false);
      restarts += result.restarts;
      compared += result.compared;
      for (const reason of result.reasons) reasons.add(reason);
    }
    // Most of them are compared in what they decide, and much happens.
    expect(compared).toBeGreaterThan(restarts / 2);
    for (const reason of MUCH) expect(reasons).toContain(reason);
  },
);

test(
  'with heartbeats and time-outs, too, when the other one begins anew at that moment',
  LONG,
  () => {
    const reasons = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const result = live(seed, RULES_OF_SILENCE, true);
      for (const reason of result.reasons) reasons.add(reason);
    }
    for (const reason of ['source-lost', 'source-back', 'expired'])
      expect(reasons).toContain(reason);
  },
);

const MUCH = [
  'opened',
  'joined',
  'merged',
  'rerooted',
  'refired',
  'reopened',
  'stale',
  'transient',
  'told',
  'digested',
  'storm-began',
  'stormed',
  'storm-ended',
  'silenced',
  'unsilenced',
  'inhibited',
  'uninhibited',
  'acknowledged',
  'solved',
  'refuted',
  'snoozed',
  'not-actionable',
  'taken-back',
  'escalated',
  'undeliverable',
  'reposted',
];
