/**
 * Services that alert together time and again, and that no path of the catalog links: perhaps one
 * depends on the other. Only beginnings count, within minutes of each other, of what lasts and was told: blips are
 * many, and would hide what fails together. Some must be in incidents of their own by the rules in force;
 * instants at which half the platform alerts say nothing.
 */
import { nearby } from '../correlate/graph.ts';
import type { Instant } from '../model.ts';
import { type Firing, lastOf, type Story } from '../rehearse/ledger.ts';
import { figure } from '../rehearse/words.ts';
import type { Rules } from '../rules/rules.ts';
import { count } from '../slack/words.ts';
import type { Proposal } from './proposal.ts';
import type { Survey } from './survey.ts';

const EDGES_MAX = 4;
const WITHIN_MS = 5 * 60_000;
/** A service that was quiet for this long begins anew. */
const QUIET_MS = 15 * 60_000;
/** What passes by itself is over by then. */
const LASTING_MS = 5 * 60_000;
/** More services that begin within minutes are no pair. */
const CROWD = 6;
const TOGETHER_MIN = 4;
const APART_MIN = 3;
/** How often the one alerts when the other does: both fail for reasons of their own as well. */
const SHARE_MIN = 0.3;
/** So often first, it is likely the cause. */
const FIRST_MIN = 0.75;
/** How much more often than by chance. */
const LIFT_MIN = 5;
/** Services linked by a path as short as this are linked well enough. */
const LINKED_HOPS = 2;

interface Outbreak {
  readonly service: string;
  readonly environment: string;
  readonly at: Instant;
  readonly story: Story;
}

interface Pair {
  readonly one: string;
  readonly other: string;
  together: number;
  /** In incidents of their own. */
  apart: number;
  /** How often `one` began first. */
  oneFirst: number;
}

export function proposeEdges(survey: Survey, rules: Rules): readonly Proposal[] {
  const outbreaks = outbreaksOf(survey.firings);
  const times = new Map<string, number>();
  for (const { service } of outbreaks) times.set(service, (times.get(service) ?? 0) + 1);
  const spanMs = Math.max(1, survey.to - survey.from);
  return [...pairsOf(outbreaks).values()]
    .filter((pair) => isStriking(pair, times, spanMs) && !isLinked(pair, rules))
    .sort((one, other) => other.apart - one.apart)
    .slice(0, EDGES_MAX)
    .map((pair) => edgeOf(pair, times));
}

function outbreaksOf(firings: readonly Firing[]): readonly Outbreak[] {
  const lastAt = new Map<string, Instant>();
  const outbreaks: Outbreak[] = [];
  for (const { facts, at, endedAt, story } of [...firings].sort((a, b) => a.at - b.at)) {
    const { service, environment, known } = facts;
    if (!known || story === undefined || (endedAt ?? Infinity) - at < LASTING_MS) continue;
    const last = lastOf(story);
    if (last.tellings.length === 0) continue;
    const key = `${environment}\n${service}`;
    const before = lastAt.get(key);
    lastAt.set(key, at);
    if (before !== undefined && at - before < QUIET_MS) continue;
    outbreaks.push({ service, environment, at, story: last });
  }
  return outbreaks;
}

function pairsOf(outbreaks: readonly Outbreak[]): ReadonlyMap<string, Pair> {
  const pairs = new Map<string, Pair>();
  let first = 0;
  for (const [index, outbreak] of outbreaks.entries()) {
    while ((outbreaks[first]?.at ?? 0) < outbreak.at - WITHIN_MS) first++;
    const before = outbreaks
      .slice(first, index)
      .filter(
        ({ environment, service }) =>
          environment === outbreak.environment && service !== outbreak.service,
      );
    if (before.length >= CROWD) continue;
    for (const earlier of before) note(pairs, earlier, outbreak);
  }
  return pairs;
}

function note(pairs: Map<string, Pair>, earlier: Outbreak, later: Outbreak): void {
  const isOne = earlier.service < later.service;
  const [one, other] = isOne ? [earlier, later] : [later, earlier];
  const key = `${one.service}\n${other.service}`;
  const pair = pairs.get(key) ?? {
    one: one.service,
    other: other.service,
    together: 0,
    apart: 0,
    oneFirst: 0,
  };
  pairs.set(key, pair);
  pair.together++;
  if (one.story !== other.story) pair.apart++;
  if (isOne) pair.oneFirst++;
}

function isStriking(
  { one, other, together, apart }: Pair,
  times: ReadonlyMap<string, number>,
  spanMs: number,
): boolean {
  const [often, rare] = [times.get(one) ?? 0, times.get(other) ?? 0].sort((a, b) => b - a);
  if (together < TOGETHER_MIN || apart < APART_MIN || !often || !rare) return false;
  const byChance = (often * rare * 2 * WITHIN_MS) / spanMs;
  return together / rare >= SHARE_MIN && together >= LIFT_MIN * byChance;
}

function isLinked({ one, other }: Pair, rules: Rules): boolean {
  return nearby(rules, one, LINKED_HOPS).some(({ service }) => service === other);
}

/**
 * What nearly always alerts first is likely the dependency. Else a dependency takes its callers along, and a caller
 * also fails alone: it is the rarer one.
 */
function edgeOf(pair: Pair, times: ReadonlyMap<string, number>): Proposal {
  const { one, other, together, apart, oneFirst } = pair;
  const [ofOne, ofOther] = [times.get(one) ?? 0, times.get(other) ?? 0];
  const often = Math.max(oneFirst, together - oneFirst) >= together * FIRST_MIN;
  const isOneTheCause = often || ofOne === ofOther ? oneFirst * 2 >= together : ofOne < ofOther;
  const [caller, cause] = isOneTheCause ? [other, one] : [one, other];
  const ofCause = isOneTheCause ? ofOne : ofOther;
  const causeFirst = isOneTheCause ? oneFirst : together - oneFirst;
  return {
    kind: 'depends-on',
    title: `Does ${caller} depend on ${cause}? Say so if it does.`,
    evidence: [
      `people were told ${count(ofCause, 'time')} that ${cause} fails, and within 5 min of it ${caller} did ${figure(together)} times, ${figure(apart)} of them in an incident of its own; ${cause} was first ${figure(causeFirst)} times.`,
      'No path of dependsOn links them. Alerting together is no proof: whoever knows them decides.',
    ],
    edit: { kind: 'service-list', service: caller, key: 'dependsOn', value: cause },
  };
}
