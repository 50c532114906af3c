/**
 * The key by which an alert is grouped with others that no service, path or host links it to.
 *
 * Equal values of the labels that a `correlate: by` rule names; and where nobody said what a service
 * depends on or who calls it, its environment and namespace: then only the time is left to go by.
 */
import type { Alert } from '../model.ts';
import type { Catalog, CorrelateRule } from '../rules/rules.ts';

const BY_TIME = 'by time';
/** No environment and no rule is called so. */
const APART = '\napart\n';

/** Environment, rule or BY_TIME, and label values, by line. Undefined: it groups with nothing. What a rule keeps to itself is marked so. */
export function groupOf(
  alert: Pick<Alert, 'labels' | 'facts'>,
  rule: CorrelateRule,
  catalog: Catalog,
): string | undefined {
  const { environment, service } = alert.facts;
  if (!rule.on) return `${APART}${environment}\n${service}`;
  const values = rule.by.map((name) => alert.labels[name] ?? '');
  if (values.some((value) => value !== '')) return [environment, rule.rule, ...values].join('\n');
  if (isInGraph(catalog, service)) return undefined;
  return [environment, BY_TIME, alert.labels['namespace'] ?? ''].join('\n');
}

/** A rule keeps what began it to itself: only alerts of its own service join it, whatever explains it. */
export function isApart(group: string | undefined): boolean {
  return group?.startsWith(APART) === true;
}

export function isByTime(group: string | undefined): boolean {
  return group?.split('\n', 2)[1] === BY_TIME;
}

function isInGraph(catalog: Catalog, service: string): boolean {
  const dependsOn = catalog.services.get(service)?.dependsOn;
  return (dependsOn !== undefined && dependsOn.length > 0) || catalog.callers.has(service);
}
