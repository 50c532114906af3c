/**
 * The key by which an alert is grouped with others that no service, path or host links it to.
 *
 * Equal values of the labels that a `correlate: by` rule names. Where nobody said what a service depends on
 * or who calls it only the time is left to go by: what fails together in one namespace, and the same kind of
 * alert in several, as when a node or the name service of a cluster fails.
 */
import { KEYS_APART } from '../group-index.ts';
import type { Alert } from '../model.ts';
import type { Catalog, CorrelateRule } from '../rules/rules.ts';

/** Without a graph, what begins this soon after an incident is part of it. */
export const TOGETHER_MS = 3 * 60_000;

const BY_TIME = 'by time';
const BY_KIND = 'by kind';
/** No environment and no rule is called so. */
const APART = '\napart\n';

/** Its keys: environment, rule or BY_TIME or BY_KIND, and values, by line. Undefined: it groups with nothing. What a rule keeps to itself is marked so. */
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
  const cluster = alert.labels['cluster'] ?? '';
  const inCluster = cluster === '' ? '' : `\n${cluster}`;
  const namespace = `${environment}\n${BY_TIME}\n${alert.labels['namespace'] ?? ''}${inCluster}`;
  return `${namespace}${KEYS_APART}${environment}\n${BY_KIND}\n${alert.facts.name}${inCluster}`;
}

/** A rule keeps what began it to itself: only alerts of its own service join it, whatever explains it. */
export function isApart(group: string | undefined): boolean {
  return group?.startsWith(APART) === true;
}

/** Of a key. */
export function isByTime(key: string): boolean {
  return isByKind(key) || key.split('\n', 2)[1] === BY_TIME;
}

export function isByKind(key: string): boolean {
  return key.split('\n', 2)[1] === BY_KIND;
}

/** Somebody said what it depends on, or that something depends on it. */
export function isInGraph(catalog: Catalog, service: string): boolean {
  const dependsOn = catalog.services.get(service)?.dependsOn;
  return (dependsOn !== undefined && dependsOn.length > 0) || catalog.callers.has(service);
}
