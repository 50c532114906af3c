/**
 * Which incidents and services carry a transaction ID, so that what shares one is found by it.
 */
import type { Alert, Instant } from './model.ts';

export interface TransactionUse {
  readonly incidents: Set<string>;
  readonly services: Set<string>;
  alerts: number;
  lastAt: Instant;
}

/** What of a lane's state it reads and changes. */
interface Linked {
  readonly incidents: ReadonlyMap<string, unknown>;
  readonly byTransaction: Map<string, TransactionUse>;
}

/** Transaction ids kept in memory; the least recently seen go first. */
const TRANSACTIONS_KEPT_MAX = 100_000;

/** Incidents and services that one id is known to link: one of more says nothing. */
const LINKED_MAX = 1_000;

function dropGone(state: Linked, incidents: Set<string>): void {
  for (const id of incidents) if (!state.incidents.has(id)) incidents.delete(id);
}

export function carriesNews(before: Alert | undefined, alert: Alert): boolean {
  if (alert.facts.transactions.length === 0) return false;
  return (
    before?.incident !== alert.incident || before?.facts.transactions !== alert.facts.transactions
  );
}

export function rememberTransactions(
  state: Linked,
  alert: Alert,
  incident: string,
  isNew: boolean,
): void {
  const { byTransaction } = state;
  for (const id of alert.facts.transactions) {
    const use = byTransaction.get(id) ?? {
      incidents: new Set(),
      services: new Set(),
      alerts: 0,
      lastAt: 0,
    };
    byTransaction.delete(id);
    if (use.incidents.size >= LINKED_MAX) dropGone(state, use.incidents);
    if (use.incidents.size < LINKED_MAX) use.incidents.add(incident);
    if (use.services.size < LINKED_MAX) use.services.add(alert.facts.service);
    if (isNew) use.alerts++;
    use.lastAt = Math.max(use.lastAt, alert.since);
    byTransaction.set(id, use);
  }
  for (const id of byTransaction.keys()) {
    if (byTransaction.size <= TRANSACTIONS_KEPT_MAX) return;
    byTransaction.delete(id);
  }
}
