/**
 * The key by which an alert is grouped with others that no service, path or host links it to.
 *
 * Equal values of the labels that a `correlate: by` rule names; and where nobody said what a service
 * depends on or who calls it, its environment and namespace: then only the time is left to go by.
 */
import type { Alert } from '../model.ts';
import type { Catalog, CorrelateRule } from '../rules/rules.ts';

const BY_TIME = 'by time';

/** Environment, rule or BY_TIME, and label values, by line. Undefined: it groups with nothing. */
export function groupOf(
  alert: Pick<Alert, 'labels' | 'facts'>,
  rule: CorrelateRule,
  catalog: Catalog,
): string | undefined {
  const { environment, service } = alert.facts;
  const values = rule.by.map((name) => alert.labels[name] ?? '');
  if (values.some((value) => value !== '')) return [environment, rule.rule, ...values].join('\n');
  if (!rule.on || isInGraph(catalog, service)) return undefined;
  return [environment, BY_TIME, alert.labels['namespace'] ?? ''].join('\n');
}

export function isByTime(group: string | undefined): boolean {
  return group?.split('\n', 2)[1] === BY_TIME;
}

function isInGraph(catalog: Catalog, service: string): boolean {
  const dependsOn = catalog.services.get(service)?.dependsOn;
  return (dependsOn !== undefined && dependsOn.length > 0) || catalog.callers.has(service);
}
