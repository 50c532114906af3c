/**
 * How much the alerts of an incident prove together.
 *
 * Over a silent service, or by the time alone, so much lies within reach that something there always
 * passes by. So what counts in full are the checks of services that are linked directly: one calls the
 * other, or they share a transaction. Of what fails besides, half counts.
 */
import type { Turn } from '../state/turn.ts';
import { serviceOfCheck, type Tally } from '../state/tally.ts';
import { nearby } from './graph.ts';
import { WEIGHED_MAX } from './root.ts';

const UNLINKED_SHARE = 0.5;

/** The weight of the heaviest part of it that hangs together, and half of the rest. */
export function linkedWeight(turn: Turn, tally: Tally): number {
  const weights = new Map<string, number>();
  for (const [key, { weight }] of tally.checks) {
    const service = serviceOfCheck(key);
    weights.set(service, (weights.get(service) ?? 0) + weight);
  }
  // So many services are no coincidence, and a transaction joins nothing by chance.
  if (weights.size === 1 || weights.size > WEIGHED_MAX || sharesTransaction(tally))
    return tally.weight;
  let heaviest = 0;
  const left = new Set(weights.keys());
  for (const service of weights.keys()) {
    if (!left.delete(service)) continue;
    heaviest = Math.max(heaviest, weightFrom(turn, service, left, weights));
  }
  return heaviest + (tally.weight - heaviest) * UNLINKED_SHARE;
}

/** The weight of a service and of all in `left` that it is linked to, one by one; takes them out. */
function weightFrom(
  { rules }: Turn,
  service: string,
  left: Set<string>,
  weights: ReadonlyMap<string, number>,
): number {
  let weight = 0;
  const reached = [service];
  for (let at = reached.pop(); at !== undefined; at = reached.pop()) {
    weight += weights.get(at) ?? 0;
    for (const near of nearby(rules.catalog, rules.hubCallers, at, 1))
      if (left.delete(near.service)) reached.push(near.service);
  }
  return weight;
}

export function sharesTransaction({ transactions }: Tally): boolean {
  for (const alerts of transactions.values()) if (alerts > 1) return true;
  return false;
}
