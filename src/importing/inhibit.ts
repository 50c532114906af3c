/**
 * Alertmanager's inhibit rules as Quell's: the same rules, in the same order, with their matchers in the
 * newest notation.
 */
import type { Path, RulesFile } from '../rules/files/source-file.ts';
import { readMatchers } from './matchers.ts';
import { isRecord, type Notes, textOf, textsOf } from './notes.ts';
import { list, quoted } from './routes.ts';

interface ImportedInhibition {
  /** Where it stood. */
  readonly line: number;
  readonly name: string | undefined;
  readonly source: readonly string[];
  readonly target: readonly string[];
  readonly equal: readonly string[];
}

export function readInhibitions(value: unknown, notes: Notes): readonly ImportedInhibition[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    notes.add(['inhibit_rules'], '"inhibit_rules" is no list: left out');
    return [];
  }
  return value.flatMap(
    (rule: unknown, index) => readInhibition(rule, ['inhibit_rules', index], notes) ?? [],
  );
}

const KEYS = ['source', 'target'].flatMap((side) => [
  `${side}_match`,
  `${side}_match_re`,
  `${side}_matchers`,
]);

function readInhibition(rule: unknown, path: Path, notes: Notes): ImportedInhibition | undefined {
  if (!isRecord(rule)) {
    notes.add(path, 'an inhibit rule that is no mapping: left out');
    return undefined;
  }
  for (const key of Object.keys(rule)) {
    if (KEYS.includes(key) || key === 'equal' || key === 'name') continue;
    notes.add([...path, key], `"${key}" of an inhibit rule is nothing that Quell knows: left out`);
  }
  const of = 'inhibit rule';
  const source = readMatchers(rule, path, notes, { prefix: 'source_', of });
  const target = readMatchers(rule, path, notes, { prefix: 'target_', of });
  if (source === undefined || target === undefined) return undefined;
  const equal = textsOf(rule['equal']);
  noteFacts(equal, [...path, 'equal'], notes);
  return {
    line: notes.lineOf(path),
    name: textOf(rule['name']),
    source: orAll(source),
    target: orAll(target),
    equal,
  };
}

/** For Alertmanager a side without matchers is every alert. */
function orAll(matchers: readonly string[]): readonly string[] {
  return matchers.length === 0 ? ['alertname=~".+"'] : matchers;
}

/** Facts that no alert lacks, whatever its labels say: by those, two that lack the label may differ. */
const FACTS = ['service', 'environment'];

function noteFacts(equal: readonly string[], path: Path, notes: Notes): void {
  const own = equal.filter((name) => FACTS.includes(name));
  if (own.length === 0) return;
  notes.add(
    path,
    `${own.join(' and ')} in "equal" is what Quell calls so, which no alert lacks: alerts without that label are equal only if Quell finds the same in others`,
  );
}

export function inhibitFile(rules: readonly ImportedInhibition[], from: string): RulesFile {
  const entries = rules.flatMap(({ line, name, source, target, equal }) => [
    `  # ${from}:${line}`,
    `  - sourceMatchers: ${list(source)}`,
    `    targetMatchers: ${list(target)}`,
    ...(equal.length === 0 ? [] : [`    equal: ${list(equal)}`]),
    ...(name === undefined ? [] : [`    name: ${quoted(name)}`]),
  ]);
  const text = `# inhibit.yaml - what is kept quiet while something else fires, made of ${from} by \`quell import\`.
#
# While an alert matches sourceMatchers, nobody is told of those that match targetMatchers and agree with
# it in the labels of equal. They stay visible, and are told if they still fire when it is over.
inhibit:
${entries.join('\n')}
`;
  return { name: 'inhibit.yaml', text };
}
