/**
 * Gathers what is asked about one alert: from memory, or from what was kept of an incident that left it.
 */
import type { ClosedView } from '../state/closed-view.ts';
import { leadOf } from '../life/lead.ts';
import type { Alert, Decision, Incident, Instant } from '../model.ts';
import type { Rules } from '../rules/rules.ts';
import { incidentOf, type LaneState, tallyOf } from '../state/state.ts';
import { inOrder } from '../state/tally.ts';
import type { About } from './gates.ts';

interface Asked {
  readonly rules: Rules;
  /** Of the alert and its incidents, oldest first. */
  readonly decisions: readonly Decision[];
  readonly now: Instant;
}

export function aboutLive(state: LaneState, alert: Alert, asked: Asked): About {
  const { rules, decisions, now } = asked;
  const incident = incidentOf(state, alert);
  const tally = incident === undefined ? undefined : tallyOf(state, incident.id);
  return {
    alert,
    incident,
    lead: incident === undefined ? undefined : leadOf(state, incident),
    kinds: [...(tally?.kinds.keys() ?? [])].sort(),
    services: inOrder(tally?.services ?? []).map(([name]) => name),
    alerts: tally?.alerts ?? 0,
    rules,
    decisions,
    now,
  };
}

export function aboutClosed(
  incident: Incident,
  { services, alerts, alertsTotal }: ClosedView,
  alert: Alert,
  asked: Asked,
): About {
  const { rules, decisions, now } = asked;
  const root = incident.roots[0]?.service;
  return {
    alert,
    incident,
    lead: alerts.find(({ facts }) => facts.service === root) ?? alerts[0],
    kinds: [...new Set(alerts.map(({ facts }) => facts.name))],
    services: services.map(({ name }) => name),
    alerts: alertsTotal,
    rules,
    decisions,
    now,
  };
}
