/**
 * What people are shown of a storm: the worst of the incidents that its message stands for, those that got messages of
 * their own just before, and all that fails in it, added up.
 */
import { causeOf, leadOf } from '../life/lead.ts';
import type { Incident } from '../model.ts';
import type { LaneState } from '../state/state.ts';
import { createTally, severityRank, type Tally } from '../state/tally.ts';

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
  const before = new Set((state.storm?.before ?? []).map((id) => survivorOf(state, id)));
  return {
    incidents: standsFor,
    goOn: state.stormed.size,
    worst: worstOf(state).map((incident) => ({
      incident: incident.id,
      service: causeOf(state, incident) ?? '',
      name: leadOf(state, incident)?.facts.name ?? '',
    })),
    before: [...before].flatMap((id) => {
      const incident = state.open.has(id) ? state.incidents.get(id) : undefined;
      return incident === undefined
        ? []
        : [{ incident: id, service: causeOf(state, incident) ?? '' }];
    }),
  };
}

function survivorOf({ incidents }: LaneState, id: string): string {
  return incidents.get(id)?.mergedInto ?? id;
}

function worstOf({ stormed, incidents }: LaneState): readonly Incident[] {
  const worst: Incident[] = [];
  for (const id of stormed) {
    const incident = incidents.get(id);
    if (incident === undefined) continue;
    let place = worst.length;
    while (place > 0 && isWorse(incident, worst[place - 1] ?? incident)) place--;
    if (place < WORST_MAX) worst.splice(place, 0, incident);
    if (worst.length > WORST_MAX) worst.pop();
  }
  return worst;
}

function isWorse(one: Incident, other: Incident): boolean {
  const more = severityRank(one.severity) - severityRank(other.severity);
  return (more || one.gatheredAt - other.gatheredAt || (one.id < other.id ? -1 : 1)) < 0;
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
