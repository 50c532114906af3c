/** What commands print for programs has the keys that docs/api.md names, no more and no fewer. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runQuell } from '../support/run-quell.ts';
import { scratchDir } from '../support/scratch-dir.ts';

const API = readFileSync('docs/api.md', 'utf8');
const SECTION = API.slice(
  API.indexOf('## JSON of the other commands'),
  API.indexOf('## The recording'),
);
const START = '2026-01-01T00:00:00.000Z';

const COMMANDS: readonly (readonly [documented: string, args: readonly string[]])[] = [
  ['check --format json', ['check', 'rules', '--format', 'json']],
  ['test --format json', ['test', 'rules', '--format', 'json']],
  ['replay --json', ['replay', 'a.jsonl', '--json']],
  ['replay --against DIR --json', ['replay', 'a.jsonl', '--against', 'rules', '--json']],
  ['suggest --json', ['suggest', 'a.jsonl', '--json']],
  ['report --json', ['report', 'a.jsonl', '--json']],
];

function keysOf(command: string): ReadonlySet<string> {
  const row = SECTION.split('\n').find((line) => line.startsWith(`| \`${command}\``)) ?? '';
  return new Set([...row.matchAll(/`(\w+)`/g)].map(([, name = '']) => name));
}

test.each(COMMANDS)(
  'quell %s prints the keys that are documented',
  { timeout: 60_000 },
  async (command, args) => {
    const dir = scratchDir('json');
    const rules = join(dir, 'rules');
    mkdirSync(rules);
    writeFileSync(join(rules, 'hold.yaml'), 'hold: [{ for: 0s }]\n');
    const tests =
      'tests: [{ name: a, alerts: [{ labels: { alertname: A } }], expect: { decisions: [{ reason: opened }] } }]\n';
    writeFileSync(join(rules, 'a.test.yaml'), tests);
    const alert = { status: 'firing', labels: { alertname: 'A', service: 'a' }, startsAt: START };
    const line = { at: START, source: 'alertmanager', body: { alerts: [alert] } };
    writeFileSync(join(dir, 'a.jsonl'), `${JSON.stringify(line)}\n`);
    const { text } = await runQuell(args, dir);
    const printed = JSON.parse(text) as Readonly<Record<string, unknown>>;
    expect(new Set(Object.keys(printed))).toEqual(keysOf(command));
    if ('from' in printed) expect(printed['from']).toBe(START);
  },
);
