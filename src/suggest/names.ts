/**
 * Names that alerts have and the catalog lacks: another spelling of a service that is known, or a
 * service that nobody has listed.
 */
import { figure } from '../rehearse/words.ts';
import type { Catalog } from '../rules/rules.ts';
import { nearest } from '../rules/did-you-mean.ts';
import { count, list } from '../slack/words.ts';
import type { Proposal } from './proposal.ts';
import type { Survey } from './survey.ts';

const ALIASES_MAX = 5;
const SERVICES_MAX = 20;
const FIRINGS_MIN = 3;
const NAMES_SHOWN = 5;

export function proposeNames(survey: Survey, catalog: Catalog): readonly Proposal[] {
  const unknown = [...survey.unknown]
    .filter(([name, firings]) => firings >= FIRINGS_MIN && isName(name))
    .sort(([, one], [, other]) => other - one);
  const bare = new Map<string, string>();
  for (const [spelling, name] of catalog.canonical) bare.set(bareOf(spelling), name);
  const aliases: Proposal[] = [];
  const missing: (readonly [string, number])[] = [];
  for (const [name, firings] of unknown) {
    const known = bare.get(bareOf(name)) ?? nameLike(name, catalog);
    if (known === undefined) missing.push([name, firings]);
    else aliases.push(aliasOf(name, known, firings));
  }
  const services = missing.length === 0 ? [] : [servicesOf(missing)];
  return [...aliases.slice(0, ALIASES_MAX), ...services];
}

/** What a person would list: no address, no number. */
function isName(name: string): boolean {
  return /^[a-z][\w .-]{1,80}$/i.test(name);
}

/** Without case, separators, and what deployments put around a name. */
function bareOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[\s_.-]+/g, '-')
    .replace(/^(?:svc|service|app|k8s)-/, '')
    .replace(/-(?:svc|service|app|api-v\d+|v\d+|prod|production|live|staging|stage|test|dev)$/, '')
    .replaceAll('-', '');
}

const LIKE_LENGTH_MIN = 6;

/** One letter more, less or other: a guess that is told as one. */
function nameLike(name: string, catalog: Catalog): string | undefined {
  const found = nearest(name, catalog.canonical.keys());
  if (found === undefined || name.length < LIKE_LENGTH_MIN) return undefined;
  return isOneEdit(name.toLowerCase(), found.toLowerCase())
    ? catalog.canonical.get(found)
    : undefined;
}

function isOneEdit(one: string, other: string): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  if (long.length - short.length > 1) return false;
  let same = 0;
  while (same < short.length && short[same] === long[same]) same++;
  return short.slice(long.length === short.length ? same + 1 : same) === long.slice(same + 1);
}

function aliasOf(name: string, known: string, firings: number): Proposal {
  return {
    kind: 'alias',
    title: `Is ${name} another name of ${known}? Say so if it is.`,
    evidence: [
      `${count(firings, 'firing')} came under the name ${name}, which the catalog does not know: no owner, no runbook, no dependency counts for them.`,
    ],
    edit: { kind: 'service-list', service: known, key: 'aliases', value: name },
  };
}

function servicesOf(missing: readonly (readonly [string, number])[]): Proposal {
  const listed = missing.slice(0, SERVICES_MAX);
  const firings = missing.reduce((sum, [, one]) => sum + one, 0);
  const names = listed.map(([name]) => name);
  return {
    kind: 'services',
    title: `List ${count(listed.length, 'service')} that alerts name and the catalog lacks, and add owner, tier and dependsOn: ${list(names, NAMES_SHOWN)}.`,
    evidence: [
      `${figure(firings)} firings of ${count(missing.length, 'unknown name')}; ${listed[0]?.[0] ?? ''} alone has ${figure(listed[0]?.[1] ?? 0)}.`,
    ],
    edit: { kind: 'services', entries: names.map((name) => ({ name })) },
  };
}
