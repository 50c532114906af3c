/**
 * What is kept of an incident that left memory, beside its record: its alerts and their counts.
 */
import type { Alert, Incident } from './model.ts';
import type { Tally } from './tally.ts';

/** Alerts kept of one incident; the counts are of all. */
const ALERTS_KEPT_MAX = 200;

export interface ClosedView {
  readonly services: readonly { readonly name: string; readonly alerts: number }[];
  readonly alerts: readonly Alert[];
  readonly alertsTotal: number;
}

export function closedView(
  incident: Incident,
  tally: Tally,
  members: readonly Alert[],
): ClosedView {
  const counts = new Map([...tally.services.keys()].map((name) => [name, 0]));
  for (const { facts } of members) counts.set(facts.service, (counts.get(facts.service) ?? 0) + 1);
  return {
    services: [...counts].map(([name, alerts]) => ({ name, alerts })),
    alerts: incident.mergedInto === undefined ? members.slice(0, ALERTS_KEPT_MAX) : [],
    alertsTotal: members.length,
  };
}
