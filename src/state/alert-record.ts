/**
 * How an alert is kept: its fields in a fixed order, without their names, which would be a third of
 * all that Quell writes.
 *
 * The order is the format: a new field goes to the end, and a record that was written before it has
 * none there. One that a newer version wrote has more: that stays where it is.
 */
import type { Alert, Facts } from '../model.ts';

export type AlertRecord = readonly unknown[];

export function recordOfAlert(alert: Alert): AlertRecord {
  const { facts, more } = alert;
  const known: readonly unknown[] = [
    alert.fingerprint,
    alert.source,
    alert.labels,
    alert.annotations,
    alert.generatorURL,
    [
      facts.name,
      facts.service,
      facts.known,
      facts.environment,
      facts.severity,
      facts.host,
      facts.transactions,
      facts.runbook,
      facts.dashboard,
    ],
    alert.status,
    alert.startsAt,
    alert.endsAt,
    alert.since,
    alert.expiresAt,
    alert.resolvedAt,
    alert.episodes,
    alert.muted,
    alert.incident,
    alert.heldUntil,
    alert.holdRule,
    alert.holdWhy,
    alert.flap,
    alert.awaitsWord,
  ];
  return more === undefined ? known : known.concat(more);
}

/** Values of a record that this version knows. */
const KNOWN = 20;

/** Our own record, read back from JSON, in which what is undefined became null. In the order of with.ts, for V8. */
export function alertOfRecord(record: AlertRecord): Alert {
  // Each value is what recordOfAlert put there.
  const at = <T>(index: number): T => (record[index] ?? undefined) as T;
  return {
    fingerprint: at(0),
    source: at(1),
    labels: at(2),
    annotations: at(3),
    generatorURL: at(4),
    facts: factsOf(at(5)),
    status: at(6),
    startsAt: at(7),
    endsAt: at(8),
    since: at(9),
    expiresAt: at(10),
    resolvedAt: at(11),
    episodes: at(12),
    muted: at(13),
    incident: at(14),
    heldUntil: at(15),
    holdRule: at(16),
    holdWhy: at(17),
    awaitsWord: at(19) ?? false,
    flap: at(18),
    more: record.length > KNOWN ? record.slice(KNOWN) : undefined,
  };
}

function factsOf(record: readonly unknown[]): Facts {
  const at = <T>(index: number): T => (record[index] ?? undefined) as T;
  return {
    name: at(0),
    service: at(1),
    known: at(2),
    environment: at(3),
    severity: at(4),
    host: at(5),
    transactions: at(6),
    runbook: at(7),
    dashboard: at(8),
  };
}
