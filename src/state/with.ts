/**
 * Records as they were, but for some values.
 *
 * All alerts have the same fields in the same order, and so have all incidents. To V8 objects are of one
 * kind only if they were made alike: a spread makes another kind of each, and whoever reads five kinds
 * is slow, and is compiled again for each that it meets.
 */
import type { Alert, Incident } from '../model.ts';

export function alertWith(alert: Alert, changes: Partial<Alert>): Alert {
  const copy: Alert = {
    fingerprint: alert.fingerprint,
    source: alert.source,
    labels: alert.labels,
    annotations: alert.annotations,
    generatorURL: alert.generatorURL,
    facts: alert.facts,
    status: alert.status,
    startsAt: alert.startsAt,
    endsAt: alert.endsAt,
    since: alert.since,
    expiresAt: alert.expiresAt,
    resolvedAt: alert.resolvedAt,
    episodes: alert.episodes,
    muted: alert.muted,
    incident: alert.incident,
    heldUntil: alert.heldUntil,
    holdRule: alert.holdRule,
    holdWhy: alert.holdWhy,
    awaitsWord: alert.awaitsWord,
    flap: alert.flap,
    more: alert.more,
  };
  return Object.assign(copy, changes);
}

export function incidentWith(incident: Incident, changes: Partial<Incident>): Incident {
  const copy: Incident = {
    id: incident.id,
    environment: incident.environment,
    phase: incident.phase,
    gatheredAt: incident.gatheredAt,
    startsAt: incident.startsAt,
    beganAt: incident.beganAt,
    toldAt: incident.toldAt,
    toldBecause: incident.toldBecause,
    resolvedAt: incident.resolvedAt,
    severity: incident.severity,
    worstTold: incident.worstTold,
    roots: incident.roots,
    route: incident.route,
    revision: incident.revision,
    message: incident.message,
    sentRevision: incident.sentRevision,
    updated: incident.updated,
    replies: incident.replies,
    acknowledged: incident.acknowledged,
    solved: incident.solved,
    verifyAt: incident.verifyAt,
    snoozed: incident.snoozed,
    notActionable: incident.notActionable,
    escalateAt: incident.escalateAt,
    escalated: incident.escalated,
    reopened: incident.reopened,
    refreshAt: incident.refreshAt,
    refreshedAt: incident.refreshedAt,
    repliedAt: incident.repliedAt,
    reactions: incident.reactions,
    mergedInto: incident.mergedInto,
    apartFrom: incident.apartFrom,
    special: incident.special,
    toldIn: incident.toldIn,
    group: incident.group,
    standsFor: incident.standsFor,
    more: incident.more,
  };
  return Object.assign(copy, changes);
}
