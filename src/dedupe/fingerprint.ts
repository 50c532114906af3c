/**
 * Who an alert is: a hash over its source and its identity labels.
 *
 * Each text is hashed behind its length, so that no two sets of labels make the same text: names and
 * values may contain anything.
 */
import { hash } from 'node:crypto';
import type { Labels } from '../model.ts';

/** 16 hex digits. Labels in `notIdentity` (replicas, transaction ids) do not count, nor does the order. */
export function fingerprintOf(
  source: string,
  labels: Labels,
  notIdentity: ReadonlySet<string>,
): string {
  const identity = inOrder(labels, notIdentity) ?? sorted(labels, notIdentity);
  const digest = hash('sha1', spelt(`${identity}${lengthAnd(source)}`), 'hex');
  // Two halves, because a part of this length would hold on to the whole.
  return `${digest.slice(0, 8)}${digest.slice(8, 16)}`;
}

/** Prometheus and Alertmanager send labels sorted, and replicas are rare. Undefined: it is not so. */
function inOrder(labels: Labels, notIdentity: ReadonlySet<string>): string | undefined {
  let identity = '';
  let last = '';
  for (const name in labels) {
    if (name < last || notIdentity.has(name)) return undefined;
    last = name;
    identity += lengthAnd(name);
    identity += lengthAnd(labels[name] ?? '');
  }
  return identity;
}

function sorted(labels: Labels, notIdentity: ReadonlySet<string>): string {
  const kept = Object.entries(labels).filter(([name]) => !notIdentity.has(name));
  kept.sort(([one], [other]) => (one < other ? -1 : 1));
  return kept.flatMap((label) => label.map(lengthAnd)).join('');
}

/** Half of a character would be hashed as any other half: it has no bytes of its own. JSON spells it out. */
function spelt(text: string): string {
  return /[\ud800-\udfff]/.test(text) ? JSON.stringify(text) : text;
}

function lengthAnd(text: string): string {
  return `${text.length}:${text}`;
}
