/**
 * Where the facts stand: the user's lists take the place of the built-in ones, the user's words come
 * before them.
 */
import type { z } from 'zod';
import type { Collected, Entry } from './collect.ts';
import { type FactRule, type NormaliseRules, DEFAULT_NORMALISE, toSeverity } from '../normalise.ts';
import type { FactSource } from '../fact-source.ts';
import { compileSearch } from '../regex.ts';
import { type Report, below } from '../files/report.ts';
import type { Fact } from './schema.ts';
import type { FactPlace } from './schema-parts.ts';
import type { Place } from '../files/source-file.ts';
import { didYouMean } from '../did-you-mean.ts';
import { SEVERITIES } from '../../model.ts';
import { TRANSACTIONS_MAX } from '../transactions.ts';

type FactEntry = Entry<z.output<typeof Fact>>;

export function compileFacts(collected: Collected, report: Report): NormaliseRules {
  const usual = DEFAULT_NORMALISE;
  const transaction = collected.transaction;
  return {
    name: factOf(collected.name, usual.name, report),
    service: factOf(collected.service, usual.service, report),
    environment: factOf(collected.environment, usual.environment, report),
    severity: severityOf(collected.severity, usual.severity, report),
    host: factOf(collected.host, usual.host, report),
    transaction:
      transaction === undefined
        ? usual.transaction
        : sourcesOf(transaction.value.from, below(transaction.place, 'from'), report),
    runbook: factOf(collected.runbook, usual.runbook, report),
    dashboard: factOf(collected.dashboard, usual.dashboard, report),
    replica: [...new Set([...usual.replica, ...(collected.replica?.value ?? [])])],
  };
}

/** What the rules make of the name of an environment. */
export function environmentNames(rules: NormaliseRules): (raw: string) => string {
  const { map } = rules.environment;
  return (raw) => map.get(raw.toLowerCase()) ?? raw;
}

function factOf(entry: FactEntry | undefined, usual: FactRule, report: Report): FactRule {
  if (entry === undefined) return usual;
  const { value, place } = entry;
  const own = Object.entries(value.map ?? {}).map(
    ([key, word]) => [key.toLowerCase(), word] as const,
  );
  return {
    from:
      value.from === undefined ? usual.from : sourcesOf(value.from, below(place, 'from'), report),
    map: new Map([...usual.map, ...own]),
    otherwise: value.default ?? usual.otherwise,
    guessed: value.from === undefined && usual.guessed,
  };
}

function severityOf(entry: FactEntry | undefined, usual: FactRule, report: Report): FactRule {
  if (entry === undefined) return usual;
  const { value, place } = entry;
  const check = (word: string, at: Place): void => {
    if (toSeverity(word) !== undefined) return;
    const hint = didYouMean(word, SEVERITIES) ?? `known: ${SEVERITIES.join(', ')}`;
    report.error(at, `unknown severity "${word}"`, hint);
  };
  for (const [key, word] of Object.entries(value.map ?? {})) check(word, below(place, 'map', key));
  if (value.default !== undefined) check(value.default, below(place, 'default'));
  return factOf(entry, usual, report);
}

function sourcesOf(places: readonly FactPlace[], at: Place, report: Report): readonly FactSource[] {
  return places.flatMap((one, i): readonly FactSource[] => {
    if (one.kind !== 'pattern') return [one];
    const search = compileSearch(one.pattern, TRANSACTIONS_MAX);
    if (search.kind === 'search') return [{ kind: 'text', find: search.find }];
    report.errorWithin(below(at, i, 'text'), one.pattern, search);
    return [];
  });
}
