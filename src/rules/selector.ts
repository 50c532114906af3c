/**
 * Matchers of people who look for alerts, or silence them. They type what they see: the label that the
 * source sent, an alias of a service, or what the rules made of it. Either counts.
 */
import type { SilenceMatcher } from '../model.ts';
import { resolveName } from './catalog.ts';
import { allOf, compileMatcher, type Matcher, type Predicate } from './matcher.ts';
import type { BadRegex } from './regex.ts';
import type { Catalog } from './rules.ts';

export type Asked = Pick<Matcher, 'name' | 'operator' | 'value'>;

const RAW = 'a label as it was received';

export function factOrLabel(
  asked: Asked,
  catalog: Catalog,
): { readonly kind: 'predicate'; readonly test: Predicate } | BadRegex {
  const matcher: Matcher = { ...asked, valueAt: 0, end: 0 };
  const { name, operator } = matcher;
  const isService = name === 'service' && (operator === '=' || operator === '!=');
  const canonical = isService ? resolveName(catalog.canonical, matcher.value) : undefined;
  const onFact = compileMatcher({ ...matcher, value: canonical ?? matcher.value }, catalog);
  const onLabel = compileMatcher({ ...matcher, name: RAW }, catalog);
  if (onFact.kind === 'refused') return onFact;
  if (onLabel.kind === 'refused') return onLabel;
  const isNegative = operator === '!=' || operator === '!~';
  const test: Predicate = (subject) => {
    const label: unknown = Object.hasOwn(subject.labels, name) ? subject.labels[name] : undefined;
    if (typeof label !== 'string') return onFact.test(subject);
    if (isNegative) return onFact.test(subject) && onLabel.holds(label);
    return onFact.test(subject) || onLabel.holds(label);
  };
  return { kind: 'predicate', test };
}

/** What a silence matches that people set. What cannot be compiled was refused at the border: it matches nothing. */
export function matchingAll(matchers: readonly SilenceMatcher[], catalog: Catalog): Predicate {
  const tests: Predicate[] = [];
  for (const { name, value, isRegex, isEqual } of matchers) {
    const operator = isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=';
    const made = factOrLabel({ name, value, operator }, catalog);
    if (made.kind === 'refused') return () => false;
    tests.push(made.test);
  }
  return allOf(tests);
}
