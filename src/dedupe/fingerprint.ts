/**
 * Who an alert is: a hash over its source and its identity labels.
 *
 * The JSON of the sorted labels is hashed, not a joined text: `{a:"\0b\1"}` and `{a:"",b:""}` differ.
 */
import { hash } from 'node:crypto';
import type { Labels } from '../model.ts';
import { remember } from '../rules/remember.ts';

/** 16 hex digits. Labels in `notIdentity` (replicas, transaction ids) do not count. */
export function fingerprintOf(
  source: string,
  labels: Labels,
  notIdentity: ReadonlySet<string>,
): string {
  const identity = isIdentity(labels, notIdentity) ? labels : identityOf(labels, notIdentity);
  return shortHash(`${JSON.stringify(identity)}${source}`);
}

/** Sources mention the same alerts again and again, and a rehearsal decides each under several rules. */
const shortHash = remember(10_000, (text) => hash('sha1', text, 'hex').slice(0, 16));

/** Prometheus and Alertmanager send labels sorted, and replicas are rare: then there is nothing to do. */
function isIdentity(labels: Labels, notIdentity: ReadonlySet<string>): boolean {
  let last = '';
  for (const name in labels) {
    if (name < last || notIdentity.has(name)) return false;
    last = name;
  }
  return true;
}

/** Sorted, so that the order in which a source sends labels does not matter. */
function identityOf(labels: Labels, notIdentity: ReadonlySet<string>): Labels {
  const kept = Object.entries(labels).filter(([name]) => !notIdentity.has(name));
  return Object.fromEntries(kept.sort(([one], [other]) => (one < other ? -1 : 1)));
}
