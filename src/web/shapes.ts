/**
 * What the read API shows: alerts, incidents and decisions as JSON. docs/api.md describes it.
 *
 * Instants are RFC 3339, what is absent is null, labels are exactly as received.
 */
import type { ClosedView } from '../state/closed-view.ts';
import { named } from '../explain/chain.ts';
import { describeDecision, type TitleOf } from '../explain/words.ts';
import { leadOf } from '../life/lead.ts';
import type { Alert, Incident, Instant, Mark, People } from '../model.ts';
import { isOwnName, nameOf } from '../slack/words.ts';
import type { Parting } from '../state/small-records.ts';
import { type LaneState, tallyOf } from '../state/state.ts';
import type { ClosedIncident, PastDecision } from '../store/contract.ts';

export function alertShape(alert: Alert) {
  const { facts, muted } = alert;
  return {
    fingerprint: alert.fingerprint,
    source: alert.source,
    status: alert.status,
    labels: alert.labels,
    annotations: alert.annotations,
    generatorURL: alert.generatorURL ?? null,
    name: facts.name,
    service: facts.service,
    serviceKnown: facts.known,
    environment: facts.environment,
    severity: facts.severity,
    host: facts.host ?? null,
    transactions: facts.transactions,
    runbook: facts.runbook ?? null,
    startsAt: iso(alert.startsAt),
    endsAt: iso(alert.endsAt),
    since: iso(alert.since),
    resolvedAt: iso(alert.resolvedAt),
    expiresAt: iso(alert.expiresAt),
    heldUntil: iso(alert.heldUntil),
    holdRule: alert.holdRule,
    holdWhy: alert.holdWhy ?? null,
    episodes: alert.episodes,
    flapping: alert.flap?.flapping === true,
    silenced:
      muted === undefined || muted.inhibitor !== undefined
        ? null
        : { by: muted.by, rule: muted.rule, why: muted.why ?? null, until: iso(muted.until) },
    inhibited:
      muted?.inhibitor === undefined
        ? null
        : {
            by: muted.by,
            fingerprint: muted.inhibitor,
            rule: muted.rule,
            why: muted.why ?? null,
          },
    incident: alert.incident ?? null,
  };
}

export interface Counts {
  readonly title: string;
  readonly services: readonly {
    readonly name: string;
    readonly alerts: number;
    readonly firing: number;
  }[];
  readonly total: number;
  readonly firing: number;
}

const SERVICES_MAX = 50;

export function liveCounts(state: LaneState, incident: Incident): Counts {
  const tally = tallyOf(state, incident.id);
  const services = mostHit(
    [...tally.services].map(([name, { alerts, firing }]) => ({ name, alerts, firing })),
  );
  const title = titleOf(incident, leadOf(state, incident));
  return { title, services, total: tally.alerts, firing: tally.firing };
}

export function closedCounts(closed: ClosedIncident): Counts {
  const { services, alerts, alertsTotal } = viewOf(closed);
  return {
    title: titleOf(closed.incident, alerts[0]),
    services: mostHit(services.map((service) => ({ ...service, firing: 0 }))),
    total: alertsTotal,
    firing: 0,
  };
}

/** Most alerts first, then by name: in the same order whenever it is asked. */
function mostHit(services: Counts['services']): Counts['services'] {
  return services
    .toSorted((one, other) => other.alerts - one.alerts || (one.name < other.name ? -1 : 1))
    .slice(0, SERVICES_MAX);
}

/** Our own data: what `closedView` made of it. */
export function viewOf(closed: ClosedIncident): ClosedView {
  return closed.view as ClosedView;
}

export function titleOf(incident: Incident, lead: Alert | undefined): string {
  if (incident.special === 'storm') return 'more new alerts than anybody can read';
  if (lead === undefined) return incident.toldBecause ?? `incident of ${incident.environment}`;
  const summary = lead.annotations['summary'] ?? lead.annotations['title'];
  const [line = ''] = (summary ?? '').split('\n');
  const { name, service } = lead.facts;
  if (line === '') return nameOf(name, service);
  const isNamed = isOwnName(name, service) || line.toLowerCase().includes(service.toLowerCase());
  return `${isNamed ? '' : `${service}: `}${line}`.slice(0, 200);
}

export function incidentShape(incident: Incident, counts: Counts, people: People) {
  const markOf = (user: string, at: Instant) => ({
    user,
    name: orNull(people.get(user)),
    at: iso(at),
  });
  const mark = ({ user, at }: Mark) => markOf(user, at);
  const { snoozed } = incident;
  return {
    id: incident.id,
    state: incident.phase,
    title: counts.title,
    severity: incident.severity,
    environment: incident.environment,
    kind: incident.special ?? 'alerts',
    startsAt: iso(incident.startsAt),
    gatheredAt: iso(incident.gatheredAt),
    toldAt: iso(incident.toldAt),
    toldIn: orNull(incident.toldIn),
    toldBecause: orNull(incident.toldBecause),
    chronic: incident.route?.isChronic === true,
    resolvedAt: iso(incident.resolvedAt),
    root: orNull(incident.roots[0]?.service),
    roots: incident.roots.map((root) => ({ ...root, since: iso(root.since) })),
    services: counts.services,
    alerts: { total: counts.total, firing: counts.firing },
    channel: orNull(incident.route?.channel),
    urgency: orNull(incident.route?.urgency),
    routeRule: orNull(incident.route?.rule),
    message: orNull(incident.message),
    acknowledged: incident.acknowledged.map(mark),
    solved: incident.solved === undefined ? null : mark(incident.solved),
    snoozed:
      snoozed === undefined
        ? null
        : { ...markOf(snoozed.by, snoozed.at), until: iso(snoozed.until) },
    notActionable: incident.notActionable.map(mark),
    escalated: incident.escalated,
    reopened: incident.reopened,
    mergedInto: orNull(incident.mergedInto),
    apartFrom: incident.apartFrom ?? [],
  };
}

export function splitShape({ environment, services, by, at, until }: Parting, people: People) {
  const [service, from] = services;
  const name = orNull(people.get(by));
  return { environment, service, from, user: by, name, at: iso(at), until: iso(until) };
}

export type SplitJson = ReturnType<typeof splitShape>;

export function decisionShape(decision: PastDecision, titles: TitleOf, people: People) {
  return {
    at: iso(decision.at),
    reason: decision.reason,
    text: named(describeDecision(decision, titles), people),
    because: decision.because ?? null,
    rule: decision.rule ?? null,
    why: decision.why ?? null,
    fingerprint: decision.fingerprint ?? null,
    service: decision.service ?? null,
    incident: decision.incident ?? null,
    delivery: decision.delivery ?? null,
    rules: decision.rules,
  };
}

export type AlertJson = ReturnType<typeof alertShape>;
export type IncidentJson = ReturnType<typeof incidentShape>;
export type DecisionJson = ReturnType<typeof decisionShape>;

function orNull<T>(value: T | undefined): T | null {
  return value ?? null;
}

export function iso(at: Instant): string;
export function iso(at: Instant | undefined): string | null;
export function iso(at: Instant | undefined): string | null {
  return at === undefined || !Number.isFinite(at) ? null : new Date(at).toISOString();
}
