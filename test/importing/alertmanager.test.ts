/** Rules made of an Alertmanager configuration: what is carried over, and what is said of the rest. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { runImport } from '../../src/commands/import.ts';
import { importAlertmanager } from '../../src/importing/alertmanager.ts';
import { compileRules } from '../../src/rules/compile.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { scratchDir } from '../support/scratch-dir.ts';

const CONFIG = 'test/golden/importing/alertmanager.yml';

function imported(text: string) {
  const result = importAlertmanager({ name: 'alertmanager.yml', text });
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.notes));
  return result;
}

function rulesOf(text: string): Rules {
  const result = compileRules(imported(text).files);
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.errors));
  return result.rules;
}

test('an Alertmanager configuration becomes rules that people can read', async () => {
  const { files, notes } = imported(readFileSync(CONFIG, 'utf8'));
  const said = notes.map(({ file, line, message }) => `${file}:${line}  ${message}`).join('\n');
  const text = files.map((file) => `==> ${file.name}\n${file.text}`).join('\n');
  await expect(`${text}\n==> said\n${said}\n`).toMatchFileSnapshot('../golden/importing/rules.txt');
});

test('no secret of the configuration is repeated', () => {
  const { files, notes } = imported(readFileSync(CONFIG, 'utf8'));
  expect(JSON.stringify([files, notes])).not.toMatch(/SECRET|hooks\.slack/);
});

test('an alert goes to the channel that Alertmanager would have sent it to', () => {
  const rules = rulesOf(readFileSync(CONFIG, 'utf8'));
  const channelOf = (labels: Record<string, string>) => {
    const facts = rules.normalise({
      source: 'alertmanager',
      status: 'firing',
      labels,
      annotations: {},
      startsAt: 0,
      endsAt: undefined,
      generatorURL: undefined,
    });
    return rules.route({ labels, facts, source: 'alertmanager' }, 0);
  };
  expect(channelOf({ alertname: 'Any', severity: 'warning' }).channel).toBe('#alerts');
  expect(channelOf({ team: 'payments', severity: 'page', env: 'prod' })).toMatchObject({
    channel: '#payments',
    mention: ['here', 'S0123ABC'],
  });
  expect(channelOf({ alertname: 'Watchdog' }).urgency).toBe('drop');
});

test.each([
  ['', 'no route: is this the configuration of an Alertmanager?'],
  ['receivers: []', 'no route: is this the configuration of an Alertmanager?'],
  ['- a list', expect.stringContaining('is a mapping, not a list') as string],
  ['route: {', expect.any(String) as string],
])('%j is no configuration', (text, message) => {
  const result = importAlertmanager({ name: 'alertmanager.yml', text });
  expect(result).toMatchObject({ kind: 'refused', notes: [{ message }] });
});

test('odd parts are left out and said, the rest is carried over', () => {
  const { files, notes } = imported(`
route:
  receiver: nowhere
  routes: [7, { matchers: ['a=b', '!!'], receiver: team }]
receivers: [{ slack_configs: [] }, { name: team, slack_configs: [{ channel: team }] }]
surprise: yes
`);
  expect(files[0]?.text).toContain(`match: ['a="b"']`);
  expect(files[0]?.text).toContain(`channel: '#team'`);
  expect(notes.map(({ line }) => line)).toEqual([2, 3, 4, 4, 5, 6]);
});

test('whatever the configuration says, what is made of it is valid or what is wrong is said', () => {
  const text = fc.string({ maxLength: 12 });
  const matcher = fc.oneof(text, fc.constant('severity="page"'), fc.constant('a=~"("'));
  const receiver = fc.record({
    name: text,
    slack_configs: fc.array(fc.record({ channel: text, text }), { maxLength: 2 }),
  });
  const leaf = fc.record({ receiver: text, matchers: fc.array(matcher, { maxLength: 3 }) });
  const branch = fc.record({ receiver: text, routes: fc.array(leaf, { maxLength: 2 }) });
  const route = fc.record({ receiver: text, routes: fc.array(branch, { maxLength: 2 }) });
  fc.assert(
    fc.property(route, fc.array(receiver, { maxLength: 3 }), (root, receivers) => {
      const { files, notes } = imported(stringify({ route: root, receivers }));
      const result = compileRules(files);
      const errors = result.kind === 'refused' ? result.errors : [];
      expect(notes.length).toBeGreaterThanOrEqual(errors.length);
      for (const { file, line } of errors) {
        expect(notes.some((note) => note.file === file && note.line === line)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test('files that are there are not overwritten unasked', async () => {
  const dir = join(scratchDir('import'), 'rules');
  const first = await runImport(CONFIG, { out: dir });
  expect(first.exitCode).toBe(0);
  expect(first.output).toContain(`quell check ${dir}`);
  await expect(runImport(CONFIG, { out: dir })).rejects.toThrow(/exists already/);
  expect((await runImport(CONFIG, { out: dir, force: true })).exitCode).toBe(0);
  await expect(runImport('nowhere.yml', { out: dir })).rejects.toThrow(
    'nowhere.yml cannot be read',
  );
});

test('a file that is no configuration writes nothing', async () => {
  const dir = scratchDir('import');
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'a.yml'), 'services: []');
  const { exitCode, output } = await runImport(join(dir, 'a.yml'), { out: join(dir, 'rules') });
  expect({ exitCode, output }).toEqual({
    exitCode: 1,
    output:
      'a.yml:1  no route: is this the configuration of an Alertmanager?\nNothing was written.',
  });
});
