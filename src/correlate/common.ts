/**
 * What all alerts carry links nothing: an outside name in the template of every text, a transaction ID that is no
 * transaction's. Kept as records, so that a restart need not find it out again.
 */
import type { Instant } from '../model.ts';
import type { TransactionRule } from '../rules/rules.ts';
import type { CommonName } from '../state/small-records.ts';
import { dropOldest, type LaneState, putSmall } from '../state/state.ts';
import type { Turn } from '../state/turn.ts';

/** Beyond that the oldest are forgotten. */
const COMMON_MAX = 1_000;

export function rememberCommon(state: LaneState, name: string, at: Instant): void {
  if (!state.commonNames.has(name)) remember(state, { name, at });
}

function remember(state: LaneState, common: CommonName): void {
  putSmall(state, 'common', common.name, common);
  dropOldest(state, 'common', COMMON_MAX);
}

/** No name of a host is written so. */
function nameOf(transaction: string): string {
  return `transaction ${transaction}`;
}

/** True of an ID that too many alerts, or services, carry now or did once. */
export function isCommonTransaction(
  { state, rules, now }: Turn,
  id: string,
  use: { readonly alerts: number; readonly services: ReadonlySet<string> },
): boolean {
  const name = nameOf(id);
  const known = state.commonNames.get(name);
  if (known !== undefined && areTooMany(known, rules.transactions)) return true;
  const counts = { alerts: use.alerts, services: use.services.size };
  if (!areTooMany(counts, rules.transactions)) return false;
  remember(state, { name, at: now, ...counts });
  return true;
}

function areTooMany(
  { alerts = 0, services = 0 }: Pick<CommonName, 'alerts' | 'services'>,
  { alertsMax, servicesMax }: TransactionRule,
): boolean {
  return alerts >= alertsMax || services >= servicesMax;
}
