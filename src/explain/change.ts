/**
 * A change of the rules that somebody could make: in the entry that decided, for all that it matches,
 * or by an entry of its own for one alert. Pure.
 */
import type { Alert, Incident, RuleRef } from '../model.ts';
import { type Entry, inFlow } from '../rules/files/write-entry.ts';
import { quotedValue } from '../rules/matcher.ts';

/** Keys of rules files. */
type Section =
  | 'hold'
  | 'flap'
  | 'chronic'
  | 'correlate'
  | 'inhibit'
  | 'route'
  | 'storm'
  | 'services';

export interface RuleChange {
  /** The entry that decided: `quiet.yaml:9`; `built-in` for a default that no file states. */
  readonly rule: RuleRef;
  /** The key of a rules file that it is about; undefined where `rule` says it all. */
  readonly section: Section | undefined;
  /** To be written in the entry at `rule`: `for: 3m`. Undefined where no file has one. */
  readonly set: string | undefined;
  /** A matcher to be added to those of the entry at `rule` (its targets, if it inhibits), which then leaves this alert out. */
  readonly except: string | undefined;
  /**
   * For this alert only: an entry to be put before all others of the list `section`, on one line. Of a
   * route: before all others of the `routes:` below the route at `rule`.
   */
  readonly entry: string | undefined;
  /** All this as sentences. */
  readonly how: string;
}

/** In the entry that decided, if there is one, or by one of its own. */
export function eitherWay(
  section: 'hold' | 'flap' | 'chronic' | 'correlate',
  rule: RuleRef,
  set: string,
  entry: Entry,
): RuleChange {
  const own = inFlow(entry);
  const how = isWritten(rule)
    ? `In ${rule} write \`${set}\`, for all that it matches; or for this alert only, put before it the entry \`- ${own}\``
    : `Under \`${section}:\`, in any file of the rules, put for this alert only the entry \`- ${own}\``;
  const there = isWritten(rule) ? set : undefined;
  return { rule, section, set: there, except: undefined, entry: own, how };
}

/** A route takes only what its parent takes: so the entry keeps channel and mentions of the route. */
export function byRoute(rule: RuleRef, set: string, entry: Entry): RuleChange {
  const own = inFlow(entry);
  const how = isWritten(rule)
    ? `In ${rule} write \`${set}\`, for all that takes this route; or for alerts like these only, put first under its \`routes:\` the entry \`- ${own}\``
    : `No route says so yet: under \`route:\`, in the file that has it or in any, put first under \`routes:\` the entry \`- ${own}\``;
  const there = isWritten(rule) ? set : undefined;
  return { rule, section: 'route', set: there, except: undefined, entry: own, how };
}

/** A setting that is stated once, in one file. */
export function bySetting(section: Section, set: string): RuleChange {
  const how = `Write \`${section}: { ${set} }\`, in the file of the rules that states \`${section}:\`, or in any if none does.`;
  return { rule: 'built-in', section, set, except: undefined, entry: undefined, how };
}

/** The entry stays, and leaves this alert out. An inhibit rule has matchers of two kinds. */
export function byException(rule: RuleRef, except: string, section?: 'inhibit'): RuleChange {
  const matchers = section === 'inhibit' ? 'targetMatchers' : 'matchers';
  const how = `In ${rule} add \`'${except}'\` to its ${matchers}, or take the entry out.`;
  return { rule, section, set: undefined, except, entry: undefined, how };
}

/** Nothing in a file: `how` says what to do. */
export function byHand(rule: RuleRef, how: string): RuleChange {
  return { rule, section: undefined, set: undefined, except: undefined, entry: undefined, how };
}

export function isWritten(rule: RuleRef): boolean {
  return /:\d+$/.test(rule);
}

/** This alert and its like: the same check of the same service. */
export function matchOf({ facts }: Pick<Alert, 'facts'>): readonly string[] {
  return [`alertname=${quotedValue(facts.name)}`, `service=${quotedValue(facts.service)}`];
}

/** All that an incident holds, whichever of it speaks for it: other alerts of these services stay out. */
export function matchOfAll(
  kinds: readonly string[],
  services: readonly string[],
  { environment }: Pick<Incident, 'environment'>,
): readonly string[] {
  const environments = `environment=${quotedValue(environment)}`;
  return [oneOf('alertname', kinds), oneOf('service', services), environments];
}

function oneOf(label: string, values: readonly string[]): string {
  const [only = ''] = values;
  if (values.length === 1) return `${label}=${quotedValue(only)}`;
  const pattern = values.map((one) => one.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
  return `${label}=~${quotedValue(pattern)}`;
}
