/**
 * Inhibit rules, in Alertmanager's words: while a source fires, targets that agree with it in some
 * labels are told to nobody. Says which rules can never do anything, and which do too much.
 */
import { hash } from 'node:crypto';
import type { Collected } from './collect.ts';
import { type MatchContext, compileLists } from './match.ts';
import { field } from '../matcher.ts';
import { type Condition, boundsOf, impliesAll, matchesAll } from './reach.ts';
import { type Report, below } from '../files/report.ts';
import type { InhibitRule, Subject } from '../rules.ts';
import { type Place, refOf } from '../files/source-file.ts';

type Written = Collected['inhibit'][number];

export interface PlacedInhibit {
  readonly place: Place;
  readonly rule: InhibitRule;
  /** Names of labels in which source and target must agree, as they are written. */
  readonly equal: readonly string[];
  /** How each reads an alert. */
  readonly reads: readonly ((subject: Subject) => string)[];
}

interface Sides {
  readonly entry: Written;
  readonly source: readonly Condition[];
  readonly target: readonly Condition[];
}

export function compileInhibit(
  { inhibit }: Collected,
  context: MatchContext,
): readonly PlacedInhibit[] {
  const sides: Sides[] = [];
  const compiled = inhibit.map((entry): PlacedInhibit => {
    const { value, place } = entry;
    const { sourceMatchers, source_matchers, targetMatchers, target_matchers } = value;
    const source = compileLists(place, { sourceMatchers, source_matchers }, context);
    const target = compileLists(place, { targetMatchers, target_matchers }, context);
    const side = { entry, source: source.conditions, target: target.conditions };
    if (isWhole(side, context.report)) {
      warnOfIdle(side, context.report);
      warnOfCircle(side, sides, context.report);
      sides.push(side);
    }
    const equal = value.equal ?? [];
    const reads = equal.map((name) => field(name, context.catalog));
    const rule: InhibitRule = {
      isSource: source.test,
      isTarget: target.test,
      valuesOf: (subject) => textOf(reads, subject),
      rule: refOf(place),
      why: value.why ?? value.name,
    };
    return { place, rule, equal, reads };
  });
  return compiled;
}

/** What is read, each behind its length: no two lists make the same text. Runs for every new alert. */
function textOf(reads: PlacedInhibit['reads'], subject: Subject): string {
  let text = '';
  for (const read of reads) {
    const value = read(subject);
    text += `${value.length}:${value}`;
  }
  return text.length > SPELT_OUT_MAX ? hash('sha1', JSON.stringify(text), 'hex') : text;
}

/** What is longer is not kept beside the labels that it is made of. */
const SPELT_OUT_MAX = 256;

/** One and the same list for all rules without any: the pipeline asks whether it changed. */
const NONE: readonly InhibitRule[] = [];

export function inhibitRulesOf(all: readonly PlacedInhibit[]): readonly InhibitRule[] {
  return all.length === 0 ? NONE : all.map(({ rule }) => rule);
}

/** Without matchers a side would be all alerts, which nobody means. */
function isWhole({ entry, source, target }: Sides, report: Report): boolean {
  const missing = [
    ...(source.length === 0 ? ['sourceMatchers'] : []),
    ...(target.length === 0 ? ['targetMatchers'] : []),
  ];
  for (const key of missing) {
    const hint =
      key === 'sourceMatchers'
        ? 'say which alerts keep others quiet while they fire'
        : 'say which alerts are kept quiet';
    report.error(entry.place, `an inhibit rule needs "${key}"`, hint);
  }
  return missing.length === 0;
}

function warnOfIdle({ entry, source, target }: Sides, report: Report): void {
  const { value, place } = entry;
  const never = 'this rule never inhibits anything';
  for (const [i, name] of (value.equal ?? []).entries()) {
    const [one, other] = [source, target].map((side) => boundsOf(side).values(name));
    if (one === undefined || other === undefined || one.length === 0 || other.length === 0)
      continue;
    if (one.some((text) => other.includes(text))) continue;
    const message = `${never}: no source and target have the same "${name}" by their matchers`;
    report.warning(below(place, 'equal', i), message, 'take it out of equal:');
    return;
  }
  if (impliesAll(source, target) && impliesAll(target, source)) {
    const message = `${never}: all that matches its source matches its target too, and alerts that match both do not inhibit each other`;
    report.warning(place, message, 'let the source be worse, as severity="critical"');
    return;
  }
  if ((value.equal ?? []).length > 0 || !matchesAll(target)) return;
  const message = 'while one source fires, this rule inhibits every other alert';
  report.warning(place, message, 'name labels in which they must agree: equal: [cluster]');
}

/** Compared with each rule before it: hundreds are not written by hand, and cost more than they tell. */
const COMPARED_MAX = 200;

/** Two rules that inhibit each other's sources: of two such alerts nobody would be told of either. */
function warnOfCircle(one: Sides, before: readonly Sides[], report: Report): void {
  if (before.length > COMPARED_MAX) return;
  const other = before.find(
    ({ source, target }) => impliesAll(one.source, target) && impliesAll(source, one.target),
  );
  if (other === undefined) return;
  const message = `it inhibits what ${refOf(other.entry.place)} lets inhibit, and the other way round: when both fire, nobody is told of either`;
  report.warning(one.entry.place, message, 'take one of the two out');
}
