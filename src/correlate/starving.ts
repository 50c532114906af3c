/**
 * Services that only say that too little comes in (state/starved.ts): where several that one service calls do, it is that
 * one which asks for less, because it fails or gets too little itself. They are its effects, although it depends on them.
 *
 * A single one may as well be dead, and its callers fail for want of it: of that one nothing is concluded. So what is
 * starved only because another starved one calls it does not count as a second.
 */
import type { ServiceTally } from '../state/tally.ts';
import type { Turn } from '../state/turn.ts';
import { type Callers, callersOf } from './graph.ts';

/** Of `services`, those of an incident with alerts: which of them starve which others. */
export function starvingAmong(
  { rules }: Turn,
  services: readonly (readonly [string, ServiceTally])[],
): ReadonlyMap<string, readonly string[]> {
  const callers = new Map<string, Callers>();
  for (const [name, { alerts, starved }] of services)
    if (starved === alerts) callers.set(name, callersOf(rules.catalog, rules.hubCallers, name));
  const found = new Map<string, readonly string[]>();
  if (callers.size < 2) return found;
  for (const [caller] of services) {
    const below = [...callers.keys()].filter((name) => callers.get(name)?.has(caller));
    if (countFirst(below, callers) === 2) found.set(caller, below);
  }
  return found;
}

/** How many of them none of the others calls; counts to two. */
function countFirst(below: readonly string[], callers: ReadonlyMap<string, Callers>): number {
  let first = 0;
  for (const name of below) {
    if (below.some((other) => callers.get(name)?.has(other))) continue;
    if (++first === 2) break;
  }
  return first;
}
