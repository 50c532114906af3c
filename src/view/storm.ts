/**
 * What people are shown of a storm: the worst of its incidents, those that were told by themselves just before, and
 * the sum of all.
 */
import { causeOf, leadOf } from '../life/lead.ts';
import type { Incident } from '../model.ts';
import { isWorse } from '../life/storm.ts';
import { topOf } from '../state/sorted.ts';
import { type LaneState, survivorOf } from '../state/state.ts';
import { createTally, type Tally } from '../state/tally.ts';

export interface StormView {
  /** Those that it stands for, and those that were told just before. */
  readonly incidents: number;
  /** Of those that it stands for. */
  readonly goOn: number;
  /** The worst of those that go on, then the earliest. */
  readonly worst: readonly StormedView[];
  /** Those that have messages of their own. */
  readonly before: readonly Pick<StormedView, 'incident' | 'service'>[];
}

interface StormedView {
  readonly incident: string;
  readonly service: string;
  readonly name: string;
}

const WORST_MAX = 5;

export function stormView(state: LaneState, { standsFor, resolvedAt }: Incident): StormView {
  if (resolvedAt !== undefined) return { incidents: standsFor, goOn: 0, worst: [], before: [] };
  const before = new Set((state.storm?.before ?? []).flatMap((id) => survivorOf(state, id) ?? []));
  return {
    incidents: standsFor,
    goOn: state.stormed.size,
    worst: worstOf(state, WORST_MAX).map((incident) => ({
      incident: incident.id,
      service: causeOf(state, incident) ?? '',
      name: leadOf(state, incident)?.facts.name ?? '',
    })),
    before: [...before]
      .filter(({ id }) => state.open.has(id))
      .map((incident) => ({ incident: incident.id, service: causeOf(state, incident) ?? '' })),
  };
}

/** The worst of those that a storm stands for, at most so many. */
export function worstOf({ stormed, incidents }: LaneState, most: number): readonly Incident[] {
  const all = [...stormed].flatMap((id) => incidents.get(id) ?? []);
  return topOf(all, most, isWorse);
}

/** All that the storm stands for, added up. */
export function stormTally(state: LaneState): Tally {
  const sum = createTally();
  for (const id of state.stormed) {
    const tally = state.tallies.get(id);
    if (tally === undefined) continue;
    sum.alerts += tally.alerts;
    sum.firing += tally.firing;
    for (const [name, own] of tally.services) {
      const present = sum.services.get(name);
      sum.services.set(
        name,
        present === undefined
          ? { ...own }
          : {
              ...present,
              alerts: present.alerts + own.alerts,
              firing: present.firing + own.firing,
            },
      );
    }
    for (const [name, alerts] of tally.kinds)
      sum.kinds.set(name, (sum.kinds.get(name) ?? 0) + alerts);
  }
  return sum;
}
