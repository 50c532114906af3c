/**
 * Who an alert is: a hash over its source and its identity labels.
 *
 * The JSON of sorted pairs is hashed, not the joined text: `{a:"\0b\1"}` and `{a:"",b:""}` differ.
 */
import { hash } from 'node:crypto';
import type { Labels } from '../model.ts';

/** 16 hex digits. Labels in `notIdentity` (replicas, transaction ids) do not count. */
export function fingerprintOf(
  source: string,
  labels: Labels,
  notIdentity: ReadonlySet<string>,
): string {
  const pairs: string[] = [source];
  for (const name of sortedNames(labels)) {
    if (!notIdentity.has(name)) pairs.push(name, labels[name] ?? '');
  }
  return hash('sha1', JSON.stringify(pairs), 'hex').slice(0, 16);
}

/** Prometheus and Alertmanager send labels sorted: then there is nothing to do. */
function sortedNames(labels: Labels): readonly string[] {
  const names = Object.keys(labels);
  for (let i = 1; i < names.length; i++) {
    if ((names[i - 1] ?? '') > (names[i] ?? '')) return names.sort();
  }
  return names;
}
