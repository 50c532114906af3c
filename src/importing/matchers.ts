/**
 * Matchers of a route, in whichever of Alertmanager's three notations. They mean the same in Quell,
 * except that `severity` and `environment` are Quell's own words there: `page` is `critical`.
 */
import type { Path } from '../rules/source-file.ts';
import { type Matcher, type Operator, parseMatchers } from '../rules/matcher.ts';
import { ENVIRONMENT_MAP, SEVERITY_MAP } from '../rules/normalise.ts';
import { wordsOf } from '../rules/regex.ts';
import { SEVERITIES } from '../model.ts';
import { isRecord, type Notes, textsOf } from './notes.ts';

type Bare = Pick<Matcher, 'name' | 'operator' | 'value'>;

export function readMatchers(
  route: Readonly<Record<string, unknown>>,
  path: Path,
  notes: Notes,
): readonly string[] {
  const found: readonly Bare[] = [
    ...equal(route['match'], '='),
    ...equal(route['match_re'], '=~'),
    ...textsOf(route['matchers']).flatMap((text) => {
      const parsed = parseMatchers(text);
      if (parsed.kind === 'matchers') return parsed.matchers;
      notes.add([...path, 'matchers'], `a matcher cannot be read (${parsed.message}): left out`);
      return [];
    }),
  ];
  return found.map((matcher) => written(inQuellsWords(matcher, path, notes)));
}

function equal(value: unknown, operator: Operator): readonly Bare[] {
  if (!isRecord(value)) return [];
  return Object.entries(value).map(([name, text]) => ({ name, operator, value: String(text) }));
}

const WORDS: Readonly<Record<string, ReadonlyMap<string, string>>> = {
  severity: SEVERITY_MAP,
  environment: ENVIRONMENT_MAP,
};

function inQuellsWords(matcher: Bare, path: Path, notes: Notes): Bare {
  const map = WORDS[matcher.name];
  if (map === undefined || matcher.value === '') return matcher;
  const isRegex = matcher.operator === '=~' || matcher.operator === '!~';
  const values = isRegex ? wordsOf(matcher.value) : [matcher.value];
  if (values === undefined) {
    notes.add(
      path,
      `the pattern ${written(matcher)} is asked about Quell's own words for ${matcher.name} (${SEVERITIES.join(', ')} for severities): see that it fits them`,
    );
    return matcher;
  }
  const meant = values.map((value) => map.get(value.toLowerCase()) ?? value);
  for (const value of meant) {
    if (matcher.name !== 'severity' || SEVERITIES.some((known) => known === value)) continue;
    notes.add(
      path,
      `severity "${value}" is no severity of Quell: say in normalise.yaml what it means, like severity: { from: [labels.severity], map: { ${value}: warning } }`,
    );
  }
  return { ...matcher, value: isRegex ? [...new Set(meant)].join('|') : (meant[0] ?? '') };
}

function written({ name, operator, value }: Bare): string {
  const label = /^[a-zA-Z_]\w*$/.test(name) ? name : `"${escaped(name)}"`;
  return `${label}${operator}"${escaped(value)}"`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
