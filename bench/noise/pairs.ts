/**
 * Pairwise agreement of two groupings: of all pairs of alerts, which are together in both?
 *
 * Counted over the alerts that stand in messages and those of actionable events that stand in none,
 * each of which is alone then. Storms are left out: their million pairs would hide everything else.
 */
import type { Tally } from './tally.ts';
import type { Truth, TruthFiring } from './truth.ts';

export interface Pairs {
  /** Together in truth and in a message. */
  readonly both: number;
  readonly inMessage: number;
  readonly inTruth: number;
}

export function countPairs(truth: Truth, tally: Tally): Pairs {
  const actionable = new Set(truth.events.filter((it) => it.actionable).map(({ id }) => id));
  const storms = new Set(truth.events.filter(({ kind }) => kind === 'storm').map(({ id }) => id));
  const placed: { readonly message: string; readonly firing: TruthFiring }[] = [];
  truth.firings.forEach((firing, i) => {
    if (firing.seenAt === undefined || firing.events.some((id) => storms.has(id))) return;
    const message = tally.lastIn.get(firing);
    if (message !== undefined) placed.push({ message, firing });
    else if (firing.events.some((id) => actionable.has(id)))
      placed.push({ message: `alone/${i}`, firing });
  });
  const main = mainEvents(placed);
  const byEvent = new Map<string, number>();
  const byMessage = new Map<string, number>();
  const byBoth = new Map<string, number>();
  for (const { message, firing } of placed) {
    // A symptom that two failures share is right with either.
    const event = firing.events.find((id) => id === main.get(message)) ?? firing.events[0] ?? '';
    count(byEvent, event);
    count(byMessage, message);
    count(byBoth, `${event}|${message}`);
  }
  return { both: pairsIn(byBoth), inMessage: pairsIn(byMessage), inTruth: pairsIn(byEvent) };
}

export function f1({ both, inMessage, inTruth }: Pairs): number {
  return inMessage + inTruth === 0 ? 1 : (2 * both) / (inMessage + inTruth);
}

/** Message -> the event of which it has the most firings. */
function mainEvents(
  placed: readonly { readonly message: string; readonly firing: TruthFiring }[],
): ReadonlyMap<string, string> {
  const counts = new Map<string, Map<string, number>>();
  for (const { message, firing } of placed) {
    const own = counts.get(message) ?? new Map<string, number>();
    for (const id of firing.events) count(own, id);
    counts.set(message, own);
  }
  return new Map(
    [...counts].map(([message, own]) => {
      const [best] = [...own].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
      return [message, best?.[0] ?? ''];
    }),
  );
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

function pairsIn(groups: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const n of groups.values()) total += (n * (n - 1)) / 2;
  return total;
}
