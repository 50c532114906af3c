/**
 * How an incident is kept: as it is, with what a newer version knows of it beside the rest.
 */
import type { Incident } from '../model.ts';
import { incidentWith } from './with.ts';

export function recordOfIncident(incident: Incident): Incident {
  const { more } = incident;
  return more === undefined ? incident : { ...incident, ...more, more: undefined };
}

/** Our own record, read back from JSON, in which what is undefined is not there. */
export function incidentOfRecord(record: Readonly<Record<string, unknown>>): Incident {
  // Its fields are those that recordOfIncident wrote.
  const incident = incidentWith(record as unknown as Incident, {});
  const strange = Object.entries(record).filter(([name]) => !Object.hasOwn(incident, name));
  return strange.length === 0
    ? incident
    : incidentWith(incident, { more: Object.fromEntries(strange) });
}
