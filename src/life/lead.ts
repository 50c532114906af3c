/**
 * Who speaks for an incident: the alert whose labels route it and whose words its message uses.
 */
import type { Alert, Facts, Incident } from '../model.ts';
import type { Subject } from '../rules/rules.ts';
import { type LaneState, tallyOf } from '../state.ts';

/** The alert that speaks for the incident: of the likely root, else the first there is. */
export function leadOf(state: LaneState, incident: Incident): Alert | undefined {
  const tally = tallyOf(state, incident.id);
  const root = incident.roots[0]?.service;
  const own = root === undefined ? undefined : tally.services.get(root);
  if (own !== undefined) return state.alerts.get(own.lead);
  const onHost = root === undefined ? undefined : tally.hosts.get(root)?.keys().next().value;
  const service = tally.services.get(onHost ?? '') ?? tally.services.values().next().value;
  return service === undefined ? undefined : state.alerts.get(service.lead);
}

export function subjectOf(alert: Alert): Subject {
  return { labels: alert.labels, facts: alert.facts, source: alert.source };
}

/** What a matcher sees of an incident without alerts: Quell's own. */
export function nobody(incident: Pick<Incident, 'environment' | 'severity'>): Subject {
  const facts: Facts = {
    name: 'Quell',
    service: 'quell',
    known: false,
    environment: incident.environment,
    severity: incident.severity,
    host: undefined,
    transactions: [],
    runbook: undefined,
    dashboard: undefined,
  };
  return { labels: {}, facts, source: 'quell' };
}
