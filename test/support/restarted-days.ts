/**
 * Eventful days of one lane that goes on, and of others that begin in the middle with what it had committed: whatever they
 * begin with, they remember the same, and decide, send, explain and keep the same from then on.
 */
import { expect } from 'vitest';
import { createRandom } from '../../bench/noise/random.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { differences } from './difference.ts';
import { createTurmoil } from './eventful.ts';
import { beyondAlerts, remembered } from './remembered.ts';
import { begin, freshRun, type Happening, play, type Run } from './restarted.ts';
import { START } from './story.ts';

const STEPS = 200;
/** Steps for which a restarted lane is compared with the one that was not. */
const FOLLOWED = 80;

interface Days {
  readonly seed: number;
  /** By turns. */
  readonly rules: readonly [Rules, Rules];
  /** The one that goes on begins anew, too: its time-outs do, and whatever else a start means. */
  readonly startsToo: boolean;
  /** Called after each step, with what is on the disk of the one that goes on. */
  readonly committed?: (one: Run) => Promise<void>;
  /** Those that begin with that, by name; they have not been started yet. */
  readonly restart: (one: Run, rules: Rules) => Promise<ReadonlyMap<string, Run>>;
}

interface Other {
  readonly run: Run;
  readonly place: string;
  readonly since: number;
  /** It knows beyond what is in memory what the other does, and need not: see beyondAlerts. */
  readonly isWhole: boolean;
}

export interface Lived {
  readonly restarts: number;
  /** Those that are compared in what they decide, whatever they know beyond what is in memory. */
  readonly compared: number;
  readonly reasons: ReadonlySet<string>;
}

export async function live(days: Days): Promise<Lived> {
  const { seed, rules, startsToo, committed, restart } = days;
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
    others = others.filter((other) => saysTheSame(other, happening, told, step));
    await committed?.(one);
    if (!random.chance(0.06)) continue;
    const begun = await restart(one, present);
    if (startsToo) {
      begin(one, present);
      others = [];
    }
    for (const [name, run] of begun) {
      const place = `seed ${seed}, ${name} after step ${step}`;
      begin(run, present);
      const isWhole = expectSame(one, run, { now, present, place });
      others = [...others, { run, place, since: step, isWhole }];
      restarts++;
      if (isWhole) compared++;
    }
  }
  return { restarts, compared, reasons };
}

/** True when they also know the same beyond what is in memory. */
function expectSame(
  one: Run,
  run: Run,
  {
    now,
    present,
    place,
  }: { readonly now: number; readonly present: Rules; readonly place: string },
): boolean {
  expect(differences(remembered(one.state, now), remembered(run.state, now)), place).toEqual([]);
  const [mine, its] = [one, run].map(({ state }) => beyondAlerts(state, present, now));
  return differences(mine, its, 1).length === 0;
}

/** False when it need not be looked at any longer. */
function saysTheSame(
  { run, place, since, isWhole }: Other,
  happening: Happening,
  told: readonly string[],
  step: number,
): boolean {
  const said = play(run, happening);
  if (!isWhole && said.join('\n') !== told.join('\n')) return false;
  expect(said, `${place}, at step ${step}`).toEqual(told);
  return step - since < FOLLOWED;
}
