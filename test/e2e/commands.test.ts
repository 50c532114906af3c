/** The command line as a person meets it: what it says, and the code it ends with. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { startChild } from '../support/child.ts';
import { checkBuilt } from '../support/quell-process.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { within } from '../support/within.ts';

const COMMANDS = [...readFileSync('src/main.ts', 'utf8').matchAll(/\.(\w+)Command\(\)/g)].map(
  ([, name = '']) => name,
);

interface Ran {
  readonly code: number | null;
  readonly lines: readonly string[];
}

/** In a folder where nothing is. */
function quell(...args: readonly string[]): Promise<Ran> {
  return quellOn([], ...args);
}

async function quellOn(node: readonly string[], ...args: readonly string[]): Promise<Ran> {
  checkBuilt();
  const child = startChild({
    name: `quell ${args.join(' ')}`,
    command: process.execPath,
    args: [...node, resolve('dist/main.js'), ...args],
    cwd: scratchDir('nothing'),
    env: { QUELL_RULES_DIR: '', QUELL_DATA_DIR: '', QUELL_PORT: '0' },
  });
  const { code } = await within(60, 'it ends', child.exited, child.tail);
  return { code, lines: child.lines };
}

test('quell --help lists every command', { timeout: 90_000 }, async () => {
  const { code, lines } = await quell('--help');
  expect(code).toBe(0);
  for (const name of COMMANDS) expect(lines.join('\n')).toMatch(new RegExp(`^  ${name} `, 'm'));
});

test.each(COMMANDS)('quell %s --help says what it is for', { timeout: 90_000 }, async (name) => {
  const { code, lines } = await quell(name, '--help');
  expect(code).toBe(0);
  expect(lines[0]).toMatch(new RegExp(`^Usage: quell ${name}`));
  expect((lines[2] ?? '').length).toBeGreaterThan(20);
});

test('a command that is not there ends with code 2 and says what was meant', {
  timeout: 90_000,
}, async () => {
  const { code, lines } = await quell('serv');
  expect(code).toBe(2);
  expect(lines.join('\n')).toContain('Did you mean serve?');
});

test('quell --version says which it is', { timeout: 90_000 }, async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await quell('--version')).toEqual({ code: 0, lines: [version] });
});

test('a reader that has enough ends no command with a stack', { timeout: 90_000 }, async () => {
  checkBuilt();
  const command = 'NODE=$1; shift; "$NODE" "$@" | true';
  const child = startChild({
    name: 'quell into a closed pipe',
    command: 'sh',
    args: ['-c', command, 'sh', process.execPath, resolve('dist/main.js'), '--help'],
    cwd: scratchDir('nothing'),
    env: {},
  });
  await within(60, 'it ends', child.exited, child.tail);
  expect(child.lines).toEqual([]);
});

test('a Node that is too old is named, with the one that is needed', {
  timeout: 90_000,
}, async () => {
  const old = "Object.defineProperty(process, 'versions', { value: { node: '20.18.3' } })";
  const { code, lines } = await quellOn(['--import', `data:text/javascript,${old}`], '--version');
  expect(code).toBe(2);
  expect(lines).toEqual(['Quell needs Node 20.19.0 or later; this is 20.18.3']);
});

const RULES = resolve('rules');

test.each([
  [['serve', '--no-such-flag'], "error: unknown option '--no-such-flag'"],
  [['explain'], "error: missing required argument 'alert'"],
  [['replay', 'x', '--rules', RULES], 'cannot read x: no such file or folder'],
  [
    ['replay', '/tmp', '--rules', RULES],
    'cannot read /tmp: it is a folder; rules are named with --rules',
  ],
  [['replay', 'x', '--rules', '/nope'], 'cannot read the rules folder /nope: there is none'],
  [['check', '/nope'], 'cannot read the rules folder /nope: there is none'],
  [['check', '--rules', '/nope'], 'cannot read the rules folder /nope: there is none'],
  [['test', '--rules', '/nope'], 'cannot read the rules folder /nope: there is none'],
  [['test', '/a', '--rules', '/b'], 'name one rules folder: /b (--rules), or /a'],
  [['serve', '--rules', '/nope'], 'cannot read the rules folder /nope: there is none'],
  [['serve', '--rules-dir', '/nope'], 'cannot read the rules folder /nope: there is none'],
  [
    ['serve', '--rules', RULES, '--data-dir', '/proc/x'],
    'the data directory /proc/x cannot be made or read (nothing can be made there): set QUELL_DATA_DIR to another',
  ],
  [
    ['serve', '--rules', RULES, '--record', '/nope/x'],
    'cannot record to /nope/x (ENOENT): check QUELL_RECORD; its folder must exist',
  ],
])('quell %j ends with code 2 and one line about it', { timeout: 90_000 }, async (args, line) => {
  const { code, lines } = await quell(...args);
  expect({ code, said: lines.filter((one) => !one.startsWith('{')) }).toEqual({
    code: 2,
    said: [line],
  });
});

test.each([['serve'], ['check'], ['replay', 'recording.jsonl']])(
  'without a rules folder quell %s ends with code 2 and one line about it',
  {
    timeout: 90_000,
  },
  async (...args) => {
    const { code, lines } = await quell(...args);
    const said = lines.filter((line) => !line.startsWith('{'));
    expect({ code, said }).toEqual({
      code: 2,
      said: ['cannot read the rules folder ./rules: there is none'],
    });
  },
);
