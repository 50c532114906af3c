/**
 * Words for environments, and which of them no customer uses.
 *
 * What nobody says stays production, so that nothing is quietened for want of a label.
 */

export const ENVIRONMENT_WORDS: Readonly<Record<string, readonly string[]>> = {
  production: words('prod prd live'),
  staging: words('stage stg'),
  development: words('dev develop'),
  test: words('testing tst'),
};
export const ENVIRONMENT_MAP = inverse(ENVIRONMENT_WORDS);

const TESTING: ReadonlySet<string> = new Set(
  words(
    'dev devel develop development test testing tst qa int integration stage staging stg uat sandbox lab ci preprod preview demo local nonprod',
  ),
);
/** At the beginning of a namespace other words often say what runs there: `dev-portal`, `test-results`. */
const IN_FRONT: ReadonlySet<string> = new Set(words('staging stg qa uat preprod nonprod'));
const AT_THE_END: ReadonlySet<string> = new Set([
  ...IN_FRONT,
  ...words('dev develop development test testing tst stage'),
]);
/** A whole namespace of that name; `ci` and `integration` may be what production needs. */
const ALONE: ReadonlySet<string> = new Set([...AT_THE_END, ...words('sandbox preview demo')]);

export function words(text: string): readonly string[] {
  return text.split(' ');
}

/** Each word of a table, and what it means. */
export function inverse(
  table: Readonly<Record<string, readonly string[]>>,
): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(table).flatMap(([value, keys]) => keys.map((key) => [key, value] as const)),
  );
}

/** `staging`, `eu-staging` and `dev2` are; `production`, `live` and names that say nothing are not. */
export function isForTesting(environment: string): boolean {
  return wordsOf(environment).some((word) => TESTING.has(word));
}

/**
 * The environment for testing that a namespace or a cluster is named for: `staging`, `payments-dev`, `qa-eu-1`.
 * Empty: it says nothing of the kind.
 */
export function testingIn(place: string): string {
  const said = wordsOf(place).filter((word) => word !== '');
  const [first = ''] = said;
  const last = said.at(-1) ?? '';
  if (said.length === 1) return ALONE.has(first) ? first : '';
  if (AT_THE_END.has(last)) return last;
  return IN_FRONT.has(first) ? first : '';
}

function wordsOf(name: string): readonly string[] {
  return name
    .toLowerCase()
    .replace(/pre-?prod(?:uction)?/, 'preprod')
    .replace(/non-?prod(?:uction)?/, 'nonprod')
    .split(/[^a-z]+/);
}
