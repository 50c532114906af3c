/**
 * What is kept of an incident that left memory, beside its record: its alerts and their counts. It is one record,
 * so it takes a few megabytes at most, however many alerts there were.
 */
import type { Alert, Incident } from '../model.ts';
import { topOf } from './sorted.ts';
import { isBefore } from './past.ts';
import { inOrder, type Tally } from './tally.ts';
import { weightOf } from './weight.ts';

/** Alerts kept of one incident, and what they weigh, about; the counts are of all. */
const ALERTS_KEPT_MAX = 200;
const ALERTS_BYTES_MAX = 1024 * 1024;
/** Services under which it is found, and characters of their names. */
const SERVICES_KEPT_MAX = 2_000;
const SERVICES_CHARACTERS_MAX = 128 * 1024;

export interface ClosedView {
  readonly services: readonly { readonly name: string; readonly alerts: number }[];
  readonly alerts: readonly Alert[];
  readonly alertsTotal: number;
}

export function closedView(
  incident: Incident,
  services: readonly string[],
  members: readonly Alert[],
): ClosedView {
  const counts = new Map(services.map((name) => [name, 0]));
  for (const { facts } of members) {
    const count = counts.get(facts.service);
    if (count !== undefined) counts.set(facts.service, count + 1);
  }
  return {
    services: [...counts].map(([name, alerts]) => ({ name, alerts })),
    alerts: alertsKept(incident, members),
    alertsTotal: members.length,
  };
}

/** Those that began first and fit, at least one. */
export function alertsKept({ mergedInto }: Incident, members: readonly Alert[]): readonly Alert[] {
  if (mergedInto !== undefined) return [];
  const most = topOf(members, ALERTS_KEPT_MAX, isBefore);
  return most.slice(0, howManyFit(most, ALERTS_BYTES_MAX, weightOf));
}

/** The first ones that were hit and fit. */
export function servicesKept({ services }: Tally): readonly string[] {
  const most = inOrder(services)
    .slice(0, SERVICES_KEPT_MAX)
    .map(([name]) => name);
  return most.slice(
    0,
    howManyFit(most, SERVICES_CHARACTERS_MAX, (name) => name.length),
  );
}

function howManyFit<T>(items: readonly T[], most: number, sizeOf: (item: T) => number): number {
  let sum = 0;
  const over = items.findIndex((item) => (sum += sizeOf(item)) > most);
  return over === -1 ? items.length : Math.max(1, over);
}
