import { readFileSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { test as runFolder, testCommand } from '../../src/commands/test.ts';
import { CONSEQUENCES, VERDICTS } from '../../src/model.ts';
import { TEST_FORMATS, printResults } from '../../src/rule-tests/print.ts';
import { runTests } from '../../src/rule-tests/run.ts';
import { builtInRules } from '../../src/rules/compile.ts';
import { TestFile } from '../../src/rule-tests/schema.ts';
import { scratchDir } from '../support/scratch-dir.ts';

const RULES = `
services: [
  { name: web, owner: team-web, tier: 2, dependsOn: [db] }, { name: db, owner: team-db, tier: 1 },
  { name: elsewhere, owner: team-web, tier: 1, dependsOn: [far-away] }, { name: far-away, owner: team-web }
]
teams: [{ name: team-db, channel: '#db', oncall: Ann }, { name: team-web, channel: '#web' }]
people: [{ name: Ann, slack: U0ANN11 }, { name: Ben, slack: U0BEN11 }]
route: { channel: owner, routes: [{ match: 'service="db"', mention: oncall }] }
`;

async function folder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const dir = scratchDir('rule-tests');
  await writeFile(join(dir, 'rules.yaml'), RULES);
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return dir;
}

/** The tests of one file, with what is around them supplied. */
async function outcome(tests: string, filter?: string) {
  const dir = await folder({ 'a.test.yaml': tests });
  const { output, exitCode } = await runFolder(dir, {
    format: 'text',
    ...(filter === undefined ? {} : { filter }),
  });
  return { output: output.replaceAll(dir, 'rules'), exitCode };
}

const DOWN = `alerts: [{ labels: { alertname: Down, service: db, severity: critical } }]`;

test.each([
  ['failures', 1],
  ['mistakes', 2],
])('%s are shown as in the golden file', async (name, exitCode) => {
  const dir = await folder();
  const golden = new URL(`../golden/rule-tests/${name}`, import.meta.url).pathname;
  await cp(`${golden}.test.yaml`, join(dir, `${name}.test.yaml`));
  const ran = await runFolder(dir, { format: 'text' });
  expect(ran.exitCode).toBe(exitCode);
  await expect(`${ran.output.replaceAll(dir, 'rules')}\n`).toMatchFileSnapshot(`${golden}.txt`);
});

test('all passed: a line for each file, and exit code 0', async () => {
  expect(await outcome(`tests: [{ name: a, ${DOWN}, expect: { messages: [{}] } }]`)).toEqual({
    output: 'ok    rules/a.test.yaml  1 test\n1 of 1 test passed in 1 file.',
    exitCode: 0,
  });
});

test('a test that states no messages says nothing about them, one that states none says there are none', async () => {
  const named = (expects: string) => `tests: [{ name: a, ${DOWN}, expect: ${expects} }]`;
  expect(await outcome(named('{ decisions: [{ reason: told }] }'))).toMatchObject({ exitCode: 0 });
  expect(await outcome(named('{ messages: [] }'))).toMatchObject({ exitCode: 1 });
});

test('a test that ends before the digest is due says when that is', async () => {
  const alerts = `alerts: [{ labels: { alertname: Slow, service: db, env: staging } }]`;
  const named = (until: string) =>
    `tests: [{ name: a, ${alerts}, ${until} expect: { messages: [{ urgency: digest }] } }]`;
  const { output, exitCode } = await outcome(named(''));
  expect(exitCode).toBe(1);
  expect(output).toContain('the digest is due at +23h, and the test ends at +1h: state `until:`');
  expect(await outcome(named('until: 24h,'))).toMatchObject({ exitCode: 0 });
});

test('--filter takes tests by their name and by the name of their file', async () => {
  const tests = `tests:
  - { name: One is told, ${DOWN}, expect: { messages: [{}] } }
  - { name: two, ${DOWN}, expect: { messages: [] } }`;
  expect(await outcome(tests, 'one is')).toMatchObject({ exitCode: 0 });
  expect(await outcome(tests, 'a.test.yaml t')).toMatchObject({ exitCode: 1 });
  expect(await outcome(tests, 'three')).toEqual({
    output: 'no test is called "three"',
    exitCode: 2,
  });
});

test('the order in which messages of one instant are stated does not count', async () => {
  const tests = `tests:
  - name: both
    alerts:
      - labels: { alertname: Down, service: db, severity: critical }
      - labels: { alertname: Down, service: elsewhere, severity: critical }
    expect: { messages: [{ root: elsewhere }, { root: db }] }`;
  expect(await outcome(tests)).toMatchObject({ exitCode: 0 });
});

test('a reaction can be taken back, and a name of people stands for its id', async () => {
  const tests = `tests:
  - name: taken back
    ${DOWN}
    reactions:
      - { at: 1m, reaction: eyes, user: ben }
      - { at: 2m, reaction: eyes, user: ben, removed: true }
    expect:
      - at: 1m
        messages: [{ state: acknowledged, mention: ann }]
        decisions: [{ reason: acknowledged, because: U0BEN11 }]
      - messages: [{ state: open }]`;
  expect(await outcome(tests)).toMatchObject({ exitCode: 0 });
});

test('a silence that begins later mutes what gathers, and what fires on is told at its end', async () => {
  const tests = `tests:
  - name: silenced
    alerts: [{ labels: { alertname: Slow, service: web, severity: warning } }]
    silences: [{ match: 'service="web"', at: 1m, for: 30m, why: we know }]
    expect:
      - { at: 30m, messages: [], decisions: [{ alert: Slow, reason: silenced, at: 1m, why: we know }] }
      - messages: [{ at: 31m }]`;
  expect(await outcome(tests)).toMatchObject({ output: expect.any(String), exitCode: 0 });
});

test('what its source keeps mentioning fires on, what it no longer mentions is over', async () => {
  const dir = await folder({
    'life.yaml': 'incident: { resolveTimeout: 5m }',
    'a.test.yaml': `tests:
  - name: mentioned or not
    alerts:
      - { labels: { alertname: Down, service: db, severity: critical }, resend: 1m }
      - labels: { alertname: Down, service: elsewhere, severity: critical }
    expect: { messages: [{ root: db, state: open }, { root: elsewhere, state: resolved }] }`,
  });
  expect(await runFolder(dir, { format: 'text' })).toMatchObject({ exitCode: 0 });
});

test('a heartbeat is missed only by a test that sends it', async () => {
  const beat = '{ labels: { alertname: Watchdog } }';
  const dir = await folder({
    'beat.yaml': `heartbeats: [{ name: main, match: 'alertname="Watchdog"', missingAfter: 10m }]`,
    'a.test.yaml': `tests:
  - { name: not sent, alerts: [], until: 1h, expect: { messages: [] } }
  - { name: sent once, alerts: [${beat}], until: 1h, expect: { messages: [{ at: 10m, text: main }] } }`,
  });
  const { output, exitCode } = await runFolder(dir, { format: 'text' });
  expect({ output, exitCode }).toMatchObject({ exitCode: 0 });
});

test('what stands in the thread of another message is a message of urgency thread', async () => {
  const dir = await folder();
  await writeFile(
    join(dir, 'rules.yaml'),
    `route: { channel: '#a', routes: [{ match: 'service="b"', urgency: thread }] }`,
  );
  await writeFile(
    join(dir, 'a.test.yaml'),
    `tests:
  - name: beside
    alerts:
      - labels: { alertname: Down, service: a, severity: critical }
      - { labels: { alertname: Odd, service: b, severity: critical }, at: 5m }
    expect:
      messages:
        - { urgency: post, alerts: Down, replies: [] }
        - { urgency: thread, alerts: Odd, at: 7m30s, text: odd }`,
  );
  const { output, exitCode } = await runFolder(dir, { format: 'text' });
  expect({ output, exitCode }).toMatchObject({ exitCode: 0 });
});

test('a digest is one message, however often it is brought up to date', async () => {
  const alert = (service: string, at: string) =>
    `{ labels: { alertname: Slow, service: ${service}, severity: info }, at: ${at} }`;
  const tests = `tests:
  - name: digest
    start: 2026-03-03T08:00:00Z
    alerts: [${alert('web', '0s')}, ${alert('elsewhere', '3h')}]
    until: 30h
    expect:
      messages: [{ urgency: digest, channel: '#web', at: 1h, root: none }]`;
  const { output } = await outcome(tests);
  expect(output).toContain('1 of 1 test passed');
});

test.each([
  ['there is no folder', '/nowhere/at/all', /^cannot read the rules folder .*: there is none$/],
])('%s: exit code 2', async (_case, dir, output) => {
  for (const format of TEST_FORMATS) {
    const ran = await runFolder(dir, { format });
    expect(ran).toEqual({ output: expect.stringMatching(output), exitCode: 2 });
  }
});

test('rules with mistakes: nothing runs', async () => {
  const dir = await folder({ 'bad.yaml': 'hold: [{ for: 5mins }]', 'a.test.yaml': 'tests: []' });
  const { output, exitCode } = await runFolder(dir, { format: 'text' });
  expect(exitCode).toBe(2);
  expect(output).toContain('"5mins" is no duration: write 5m');
  expect(output).toMatch(/1 error in 2 files: no test was run\.$/);
});

test('no tests, in no file or in files without any: exit code 2', async () => {
  const none = await folder();
  expect(await runFolder(none, { format: 'text' })).toEqual({
    output: `no tests in ${none}: write some in files named *.test.yaml`,
    exitCode: 2,
  });
  expect(await outcome('# later\n')).toEqual({
    output: 'no tests in the *.test.yaml of rules',
    exitCode: 2,
  });
});

test('a test file that cannot be read: nothing runs', async () => {
  const dir = await folder({ 'good.test.yaml': `tests: [{ name: a, ${DOWN}, expect: {} }]` });
  await mkdir(join(dir, 'folder.test.yaml'));
  expect(await runFolder(dir, { format: 'text' })).toMatchObject({
    output: expect.stringContaining('folder.test.yaml:1:1  this is a folder, not a file'),
    exitCode: 2,
  });
});

test('for programs: JSON and JUnit', async () => {
  const tests = `tests:
  - { name: 'a < b & "c"', ${DOWN}, expect: { messages: [] } }
  - { name: well, ${DOWN}, expect: { messages: [{}] } }`;
  const dir = await folder({ 'a.test.yaml': tests });
  const json = await runFolder(dir, { format: 'json' });
  expect(JSON.parse(json.output)).toMatchObject({
    ok: false,
    tests: [
      { name: 'a < b & "c"', line: 2, ok: false, failures: [{ line: 2, what: 'the messages' }] },
      { name: 'well', line: 3, ok: true, failures: [], decided: [] },
    ],
  });
  const junit = await runFolder(dir, { format: 'junit' });
  expect(junit.exitCode).toBe(1);
  expect(junit.output).toContain('tests="2" failures="1"');
  expect(junit.output).toContain('<testcase name="a &lt; b &amp; &quot;c&quot;"');
});

test('quell test --help says what the exit codes mean', () => {
  const command = testCommand();
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  expect(help).toContain('--filter');
  expect(help).toContain('Exit code: 0 all passed');
});

const PAGE = readFileSync(new URL('../../docs/testing-rules.md', import.meta.url), 'utf8');
const examples = [...PAGE.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);

test.each(examples)(
  'example %# of the documentation passes with the shipped rules',
  async (text) => {
    const dir = scratchDir('rule-tests');
    await cp(new URL('../../rules', import.meta.url), dir, { recursive: true });
    await writeFile(join(dir, 'example.test.yaml'), text);
    const ran = await runFolder(dir, { format: 'text', filter: 'example.test.yaml' });
    expect(ran).toEqual({ output: expect.stringMatching(/^ok /), exitCode: 0 });
  },
);

test('the documentation names every key of a test, and every reason', () => {
  const keys = new Set<string>();
  JSON.stringify(
    z.toJSONSchema(TestFile, { io: 'input', unrepresentable: 'any' }),
    (key, value) => {
      if (key === 'properties') for (const name of Object.keys(value)) keys.add(name);
      return value;
    },
  );
  expect(keys.size).toBeGreaterThan(30);
  const names = [...keys, ...Object.keys(VERDICTS), ...Object.keys(CONSEQUENCES)];
  expect(names.filter((name) => !PAGE.includes(`\`${name}`) && name !== 'tests')).toEqual([]);
});

test('no text crashes it: results or diagnostics', () => {
  const blocks = ['correlate', 'quiet', 'routes'].flatMap((name) =>
    readFileSync(`rules/${name}.test.yaml`, 'utf8')
      .split(/^(?= {2}- name:)/m)
      .slice(1),
  );
  const odd = fc.constantFrom(
    '- {}',
    '  x: y',
    '[',
    'null',
    '    at: -1',
    '    for: 0s',
    '\t',
    ': :',
  );
  const edit = fc.tuple(fc.nat(12), fc.nat(2), odd);
  const rules = builtInRules();
  let ran = 0;
  fc.assert(
    fc.property(fc.constantFrom(...blocks), fc.array(edit, { maxLength: 2 }), (block, edits) => {
      const lines = block.split('\n');
      for (const [at, gone, line] of edits) lines.splice(at, gone, line);
      const file = { name: 'a.test.yaml', text: `tests:\n${lines.join('\n')}` };
      const run = runTests([file], rules, () => true);
      if (run.kind === 'refused') {
        expect(run.errors.length).toBeGreaterThan(0);
        return;
      }
      for (const format of TEST_FORMATS) printResults(run.results, format, '');
      ran += run.results.length;
    }),
    { numRuns: 300 },
  );
  expect(ran).toBeGreaterThan(50);
});

const CHAIN = `
services: [
  { name: a, dependsOn: [b] }, { name: b, dependsOn: [c] }, { name: c, dependsOn: [d] }, { name: d },
  { name: other, dependsOn: [elsewhere] }, { name: elsewhere }
]
`;

test.each([
  [
    'a path that is a hop too long',
    ['a', 'd'],
    '',
    'a -> b -> c -> d is 3 hops long, and maxHops is 2',
  ],
  [
    'too many silent services',
    ['a', 'd'],
    'correlate: [{ maxHops: 3 }]',
    'a -> b -> c -> d leads over b and c without an alert, and silent is 1 (rules.yaml:',
  ],
  [
    'no path',
    ['a', 'other'],
    '',
    'no path of dependsOn, of up to 5 hops and through no hub, leads from other to a, or back',
  ],
  ['time', ['c', 'd, at: 12m'], '', 'they began 12m apart, and window is 5m'],
  [
    'another environment',
    ['c', 'd, env: staging'],
    '',
    'one is of staging, the other of production',
  ],
] as const)(
  'a message too many is said to be apart for %s',
  async (_, [one, other], more, note) => {
    const [service, ...rest] = other.split(', ');
    const env = rest.find((text) => text.startsWith('env')) ?? 'env: production';
    const at = rest.find((text) => text.startsWith('at')) ?? 'at: 10s';
    const dir = scratchDir('rule-tests');
    await writeFile(
      join(dir, 'rules.yaml'),
      `${CHAIN}${more}\nroute: { channel: '#x', urgency: post }\n`,
    );
    await writeFile(
      join(dir, 'a.test.yaml'),
      `tests:
  - name: together
    until: 40m
    alerts:
      - { labels: { alertname: Down, service: ${one}, severity: critical, env: production } }
      - { ${at}, labels: { alertname: Down, service: ${service}, severity: critical, ${env} } }
    expect:
      messages: [{}]
`,
    );
    const { output } = await runFolder(dir, { format: 'text' });
    expect(output).toContain(`; not in message 1: ${note}`);
  },
);
