import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SEVERITIES } from '../../src/model.ts';
import { compileRules } from '../../src/rules/compile.ts';
import { subjectOf } from './support.ts';

const SERVICES = ['a', 'b', 'c'];
const TEAMS = ['', 'x', 'y'];

/** Every alert that the matchers of these tests can tell apart. */
const everything = SERVICES.flatMap((service) =>
  TEAMS.flatMap((team) =>
    SEVERITIES.map((severity) =>
      subjectOf({ alertname: 'A', service, ...(team === '' ? {} : { team }) }, { severity }),
    ),
  ),
);

const operator = fc.constantFrom('=', '!=', '=~', '!~');
const oneOf = (values: readonly string[]) =>
  fc.subarray([...values], { minLength: 1, maxLength: 2 }).map((some) => some.join('|'));
const matcher = fc.oneof(
  fc.tuple(fc.constant('service'), operator, oneOf([...SERVICES, '.*', '.+'])),
  fc.tuple(fc.constant('team'), operator, oneOf(['', 'x', 'y', '.*'])),
  fc.tuple(fc.constant('severity'), operator, oneOf(SEVERITIES)),
);
const match = fc
  .array(matcher, { minLength: 1, maxLength: 3 })
  .map((all) => all.map(([name, is, value]) => `${name}${is}"${value}"`));
const leaf = fc.record({ match, continue: fc.boolean() });
const routes = fc.array(
  fc.record({ match, continue: fc.boolean(), routes: fc.array(leaf, { maxLength: 4 }) }),
  { minLength: 1, maxLength: 6 },
);

/** Each route on a line of its own, so that its place tells which it is. */
function yamlOf(tree: readonly { readonly match: readonly string[] }[]): string {
  return JSON.stringify({ route: { channel: '#root', routes: tree } }).replaceAll('{', '\n{');
}

test('a route that is said to take no alert takes none', () => {
  let warned = 0;
  fc.assert(
    fc.property(routes, (tree) => {
      const result = compileRules([{ name: 'r.yaml', text: yamlOf(tree) }]);
      if (result.kind === 'refused') throw new Error(JSON.stringify(result.errors));
      const said = result.warnings.filter(({ message }) =>
        /^(no alert takes this route|nothing matches this)/.test(message),
      );
      warned += said.length;
      const { route } = result.rules;
      const taking = new Set(everything.map((subject) => route(subject).rule));
      for (const { line } of said) expect(taking).not.toContain(`r.yaml:${line}`);
    }),
    { numRuns: 500 },
  );
  expect(warned).toBeGreaterThan(200);
});

test('an entry that is said to be never used is never used', () => {
  let warned = 0;
  fc.assert(
    fc.property(fc.array(match, { minLength: 1, maxLength: 6 }), (matches) => {
      const hold = matches.map((one, i) => ({ match: one, for: `${i + 1}s` }));
      const text = JSON.stringify({ hold }).replaceAll('{', '\n{');
      const result = compileRules([{ name: 'r.yaml', text }]);
      if (result.kind === 'refused') throw new Error(JSON.stringify(result.errors));
      const said = result.warnings.filter(({ message }) =>
        /^(never used|nothing matches this)/.test(message),
      );
      warned += said.length;
      const { hold: holdOf } = result.rules;
      const used = new Set(everything.map((subject) => holdOf(subject).rule));
      for (const { line } of said) expect(used).not.toContain(`r.yaml:${line}`);
    }),
    { numRuns: 300 },
  );
  expect(warned).toBeGreaterThan(100);
});

test('circles are found in a long chain, without exhausting the stack', () => {
  const services = Array.from(
    { length: 4_999 },
    (_, i) => `{ name: s${i}, owner: o, dependsOn: s${i + 1} }`,
  );
  const text = `services: [${services.join(', ')}, { name: s4999, owner: o, dependsOn: s0 }]`;
  const { warnings } = compileRules([{ name: 'r.yaml', text }]);
  expect(warnings.map(({ message }) => message.slice(0, 60))).toEqual([
    'services depend on each other in a circle: s0 -> s1 -> s2 ->',
  ]);
});
