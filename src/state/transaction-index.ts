/**
 * Which incidents and services carry a transaction ID, so that what shares one is found by it.
 */
import type { Alert, Instant } from '../model.ts';

interface TransactionUse {
  readonly incidents: Set<string>;
  readonly services: Set<string>;
  alerts: number;
  lastAt: Instant;
  /** About how much memory it takes. */
  bytes: number;
}

export interface TransactionIndex {
  /** The least recently seen first. */
  readonly uses: Map<string, TransactionUse>;
  /** Of all of them. */
  bytes: number;
}

export function createTransactionIndex(): TransactionIndex {
  return { uses: new Map(), bytes: 0 };
}

/** What of a lane's state it reads and changes. */
interface Linked {
  readonly incidents: ReadonlyMap<string, unknown>;
  readonly byTransaction: TransactionIndex;
}

/** Transaction ids kept in memory, and what they take of it; the least recently seen go first. */
const TRANSACTIONS_KEPT_MAX = 100_000;
const BYTES_MAX = 128 * 1024 * 1024;
/** What one id takes beside its characters, and an entry of its sets. */
const USE_BYTES = 500;
const ENTRY_BYTES = 50;

/** Incidents and services that one id is known to link: one of more says nothing. */
const LINKED_MAX = 1_000;

function dropGone(state: Linked, use: TransactionUse): void {
  for (const id of use.incidents) {
    if (state.incidents.has(id)) continue;
    use.incidents.delete(id);
    use.bytes -= ENTRY_BYTES + id.length;
  }
}

function addTo(use: TransactionUse, linked: Set<string>, name: string): void {
  if (linked.size >= LINKED_MAX || linked.has(name)) return;
  linked.add(name);
  use.bytes += ENTRY_BYTES + name.length;
}

function newUse(id: string): TransactionUse {
  const bytes = USE_BYTES + id.length;
  return { incidents: new Set(), services: new Set(), alerts: 0, lastAt: 0, bytes };
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
  before: Alert | undefined,
): void {
  const { uses } = state.byTransaction;
  for (const id of alert.facts.transactions) {
    const use = forgetTransaction(state.byTransaction, id) ?? newUse(id);
    if (use.incidents.size >= LINKED_MAX) dropGone(state, use);
    addTo(use, use.incidents, incident);
    addTo(use, use.services, alert.facts.service);
    if (before?.facts.transactions.includes(id) !== true) use.alerts++;
    use.lastAt = Math.max(use.lastAt, alert.since);
    uses.set(id, use);
    state.byTransaction.bytes += use.bytes;
  }
  for (const id of uses.keys()) {
    if (uses.size <= TRANSACTIONS_KEPT_MAX && state.byTransaction.bytes <= BYTES_MAX) return;
    forgetTransaction(state.byTransaction, id);
  }
}

/** What it linked is over. What was counted of it stays: an id that comes again and again is no request's. */
export function unlinkTransaction(index: TransactionIndex, use: TransactionUse): void {
  for (const id of use.incidents) {
    use.bytes -= ENTRY_BYTES + id.length;
    index.bytes -= ENTRY_BYTES + id.length;
  }
  use.incidents.clear();
}

/** Returns what was known of it. */
export function forgetTransaction(index: TransactionIndex, id: string): TransactionUse | undefined {
  const known = index.uses.get(id);
  if (known === undefined) return undefined;
  index.uses.delete(id);
  index.bytes -= known.bytes;
  return known;
}
