/**
 * Matchers of a route or an inhibit rule, in whichever of Alertmanager's three notations. They mean the same in Quell,
 * except that `severity` and `environment` are Quell's own words there: `page` is `critical`.
 */
import { SEVERITIES } from '../model.ts';
import { type Matcher, type Operator, parseMatchers, quotedValue } from '../rules/matcher.ts';
import { ENVIRONMENT_MAP } from '../rules/environment.ts';
import { SEVERITY_MAP } from '../rules/normalise.ts';
import { compileAnchored, wordsOf } from '../rules/regex.ts';
import type { Path } from '../rules/files/source-file.ts';
import { isRecord, type Notes, textOf, textsOf } from './notes.ts';

type Bare = Pick<Matcher, 'name' | 'operator' | 'value'>;

interface Stated {
  /** What the keys begin with: `source_matchers`. */
  readonly prefix: '' | 'source_' | 'target_';
  /** What is left out when one cannot be read. */
  readonly of: string;
}

/** Undefined when one of them cannot be read: the others alone would match more than they should. */
export function readMatchers(
  entry: Readonly<Record<string, unknown>>,
  path: Path,
  notes: Notes,
  { prefix, of }: Stated,
): readonly string[] | undefined {
  const found: Bare[] = [];
  const refuse = (key: string, why: string): undefined => {
    notes.add([...path, key], `a matcher cannot be read (${why}): its ${of} is left out`);
    return undefined;
  };
  for (const [suffix, operator] of PAIRS) {
    const key = prefix + suffix;
    const pairs = equal(entry[key], operator);
    if (pairs === undefined) return refuse(key, 'expected labels and values');
    found.push(...pairs);
  }
  const key = `${prefix}matchers`;
  const matchers = entry[key];
  if (matchers !== undefined && textsOf(matchers).length !== [matchers].flat().length) {
    return refuse(key, 'expected texts');
  }
  for (const text of textsOf(matchers)) {
    const parsed = parseMatchers(text);
    if (parsed.kind === 'refused') return refuse(key, parsed.message);
    found.push(...parsed.matchers);
  }
  for (const { operator, value } of found) {
    const regex = operator.endsWith('~') ? compileAnchored(value) : undefined;
    const where = matchers === undefined ? `${prefix}match_re` : key;
    if (regex?.kind === 'refused') return refuse(where, regex.message);
  }
  return found.map((matcher) => written(inQuellsWords(matcher, path, notes)));
}

const PAIRS = [
  ['match', '='],
  ['match_re', '=~'],
] as const;

function equal(value: unknown, operator: Operator): readonly Bare[] | undefined {
  if (value === undefined || value === null) return [];
  if (!isRecord(value)) return undefined;
  const pairs = Object.entries(value).map(([name, raw]) => ({ name, raw: textOf(raw) }));
  if (pairs.some(({ name, raw }) => raw === undefined || name.trim() === '')) return undefined;
  return pairs.map(({ name, raw }) => ({ name, operator, value: raw ?? '' }));
}

function inQuellsWords(matcher: Bare, path: Path, notes: Notes): Bare {
  if (matcher.value === '') return matcher;
  if (matcher.name === 'severity') return onSeverity(matcher, path, notes);
  return matcher.name === 'environment' ? onEnvironment(matcher) : matcher;
}

const WORDS = [...SEVERITY_MAP.keys(), ...SEVERITIES];

/** A pattern stands for the words of Quell that it matches, as `warn.*` for `warning`. */
function onSeverity(matcher: Bare, path: Path, notes: Notes): Bare {
  const { operator, value } = matcher;
  const isRegex = operator.endsWith('~');
  const listed = isRegex ? wordsOf(value) : [value];
  const meant = (listed ?? wordsMatching(value)).map(
    (word) => SEVERITY_MAP.get(word.toLowerCase()) ?? word,
  );
  for (const word of meant) {
    if (SEVERITIES.some((known) => known === word)) continue;
    notes.add(
      path,
      `severity "${word}" is no severity of Quell: say in normalise.yaml what it means, like severity: { from: [labels.severity], map: { ${word}: warning } }, and name that here`,
    );
  }
  const all = [...new Set(meant)];
  if (listed !== undefined && meant.some((word, i) => word !== listed[i])) {
    notes.add(path, `${written(matcher)} is written as ${all.join('|')}: so Quell calls it`);
  }
  if (listed === undefined) {
    const words = all.length === 0 ? 'none of the severities of Quell' : all.join(', ');
    notes.add(path, `${written(matcher)} is taken for ${words}`);
  }
  if (listed === undefined && all.length === 0) return matcher;
  if (all.length > 1) return { ...matcher, value: all.join('|') };
  return { ...matcher, operator: operator.startsWith('!') ? '!=' : '=', value: all[0] ?? '' };
}

function wordsMatching(pattern: string): readonly string[] {
  const regex = compileAnchored(pattern);
  return regex.kind === 'refused' ? [] : WORDS.filter((word) => regex.test(word));
}

/** `prod` is `production`; a pattern is asked about both by nobody, so it stays what it is. */
function onEnvironment(matcher: Bare): Bare {
  const isRegex = matcher.operator.endsWith('~');
  const words = isRegex ? wordsOf(matcher.value) : [matcher.value];
  if (words === undefined) return matcher;
  const meant = words.map((word) => ENVIRONMENT_MAP.get(word.toLowerCase()) ?? word);
  return { ...matcher, value: [...new Set(meant)].join('|') };
}

function written({ name, operator, value }: Bare): string {
  const label = /^[a-zA-Z_]\w*$/.test(name) ? name : quotedValue(name);
  return `${label}${operator}${quotedValue(value)}`;
}
