/**
 * Who speaks for an incident: the alert whose labels route it and whose words its message uses.
 */
import type { Alert, Facts, Incident } from '../model.ts';
import type { Subject } from '../rules/rules.ts';
import { alertsOf, type LaneState, tallyOf } from '../state/state.ts';
import { isBefore } from '../state/past.ts';
import {
  firstService,
  inOrder,
  type ServiceTally,
  servicesOn,
  severityRank,
  type Tally,
} from '../state/tally.ts';

/** The alert that speaks for the incident: of the likely root, else the first there is. */
export function leadOf(state: LaneState, incident: Incident): Alert | undefined {
  const tally = tallyOf(state, incident.id);
  const root = incident.roots[0]?.service;
  const own = root === undefined ? undefined : tally.services.get(root);
  if (own !== undefined && root !== undefined) return leadAlert(state, incident, root, own);
  const first = firstOn(tally, root) ?? firstService(tally);
  const service = tally.services.get(first ?? '');
  return service === undefined ? undefined : state.alerts.get(service.lead);
}

/** Whose words its message uses: those of its lead, or of what goes on where the lead's service has recovered. */
export function speakerOf(state: LaneState, incident: Incident): Alert | undefined {
  const lead = leadOf(state, incident);
  const { services, firing } = tallyOf(state, incident.id);
  if (lead === undefined || firing === 0 || lead.status === 'firing') return lead;
  const own = services.get(lead.facts.service);
  if (own === undefined || own.firing > 0) return lead;
  const service = goingOn(incident, services);
  const other = service === undefined ? undefined : services.get(service);
  if (service === undefined || other === undefined) return lead;
  return leadAlert(state, incident, service, other) ?? lead;
}

/** The next candidate for the cause that fires; else the worst service of those looked through. */
function goingOn(
  { roots }: Incident,
  services: ReadonlyMap<string, ServiceTally>,
): string | undefined {
  const fires = (name: string) => (services.get(name)?.firing ?? 0) > 0;
  const next = roots.find(({ service }) => fires(service));
  if (next !== undefined) return next.service;
  let worst: readonly [string, ServiceTally] | undefined;
  if (services.size > LOOKED_THROUGH_MAX) return undefined;
  for (const one of inOrder(services)) {
    if (fires(one[0]) && (worst === undefined || one[1].leadRank < worst[1].leadRank)) worst = one;
  }
  return worst?.[0];
}

/** Of the services that fail on a host, if it is one, the first by name. */
function firstOn(tally: Tally, host: string | undefined): string | undefined {
  return host === undefined ? undefined : [...servicesOn(tally, host).keys()].sort()[0];
}

/** Of a single alert nobody has asked yet what caused it: that is its own service. */
export function likelyCause({ roots }: Incident, { facts }: Pick<Alert, 'facts'>): string {
  return roots[0]?.service ?? facts.service;
}

/**
 * The likely cause among its own services; a host may be another one the next time. With a single service nobody
 * had to judge.
 */
export function causeOf(state: LaneState, { id, roots }: Incident): string | undefined {
  const tally = tallyOf(state, id);
  const root = roots.find(({ service }) => tally.services.has(service));
  return root?.service ?? firstService(tally);
}

/** Alerts looked through when the one that spoke for its service has ended. */
const LOOKED_THROUGH_MAX = 500;

/** What still fires speaks before what is over. */
function leadAlert(
  state: LaneState,
  incident: Incident,
  service: string,
  own: ServiceTally,
): Alert | undefined {
  if (own.leadFires || own.firing === 0) return state.alerts.get(own.lead);
  let worst: Alert | undefined;
  let looked = 0;
  for (const alert of alertsOf(state, incident.id)) {
    if (++looked > LOOKED_THROUGH_MAX) break;
    if (alert.status !== 'firing' || alert.facts.service !== service) continue;
    if (worst === undefined || speaksBefore(alert, worst)) worst = alert;
  }
  return worst ?? state.alerts.get(own.lead);
}

function speaksBefore(one: Alert, other: Alert): boolean {
  const rank = severityRank(one.facts.severity) - severityRank(other.facts.severity);
  return rank < 0 || (rank === 0 && isBefore(one, other));
}

/** As its lead, but as severe as the worst of its alerts: a mild cause must not hide a critical symptom. */
export function subjectOfIncident(
  lead: Alert,
  incident: Pick<Incident, 'severity'>,
  several = false,
): Subject {
  const facts = { ...lead.facts, severity: incident.severity };
  return { ...subjectOf(lead), facts, several };
}

export function subjectOf(alert: Pick<Alert, 'labels' | 'facts' | 'source'>): Subject {
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
