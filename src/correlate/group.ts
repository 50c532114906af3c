/**
 * The key by which an alert is grouped with others that no service, path or host links it to.
 *
 * Equal values of the labels that a `correlate: by` rule names. Where nobody said what a service depends on
 * or who calls it only the time is left to go by: what fails together in one namespace.
 */
import { BY_TIME } from '../state/group-index.ts';
import type { Alert } from '../model.ts';
import type { Catalog, CorrelateRule } from '../rules/rules.ts';
import { isInGraph } from './graph.ts';

/** Without a graph, what begins this soon after an incident is part of it. */
export const TOGETHER_MS = 3 * 60_000;

/** No environment and no rule is called so. */
const BY_ITSELF = '\napart\n';

/**
 * Lines: environment, the rule (or BY_TIME), the values. Undefined: it groups with nothing. A group of BY_ITSELF
 * takes its own service only.
 */
export function groupOf(
  alert: Pick<Alert, 'labels' | 'facts'>,
  rule: CorrelateRule,
  catalog: Catalog,
): string | undefined {
  const { environment, service } = alert.facts;
  if (!rule.on) return `${BY_ITSELF}${environment}\n${service}`;
  const values = rule.by.map((name) => alert.labels[name] ?? '');
  if (values.some((value) => value !== '')) return [environment, rule.rule, ...values].join('\n');
  if (isInGraph(catalog, service)) return undefined;
  const cluster = alert.labels['cluster'] ?? '';
  const inCluster = cluster === '' ? '' : `\n${cluster}`;
  return `${environment}\n${BY_TIME}\n${alert.labels['namespace'] ?? ''}${inCluster}`;
}

/** A rule keeps what began it to itself: only alerts of its own service join it, whatever explains it. */
export function keepsToItself(group: string | undefined): boolean {
  return group?.startsWith(BY_ITSELF) === true;
}
