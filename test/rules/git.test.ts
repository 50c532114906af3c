import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commitOf, originOf } from '../../src/rules/files/git.ts';
import { isRulesFile, loadRules } from '../../src/rules/files/load.ts';
import { keepRules } from '../../src/rules/files/watch.ts';

let top = '';
let rules = '';

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'quell-git-'));
  rules = join(top, 'rules');
  await mkdir(rules);
  git('init', '-q', '-b', 'main');
  await writeFile(join(rules, 'quiet.yaml'), 'hold: [{ for: 5m }]\n');
  await writeFile(join(top, '.gitignore'), 'own.yaml\n*.log\n');
  commit('first');
});

afterEach(async () => {
  await rm(top, { recursive: true });
});

function git(...args: readonly string[]): string {
  const config = [
    '-c',
    'user.name=T',
    '-c',
    'user.email=t@example.com',
    '-c',
    'commit.gpgsign=false',
  ];
  return execFileSync('git', ['-C', top, ...config, ...args], { encoding: 'utf8' }).trim();
}

function commit(message: string): void {
  git('add', '-A');
  git('commit', '-q', '-m', message);
}

const head = (): string => git('rev-parse', 'HEAD').slice(0, 7);
const origin = (): Promise<string | undefined> => originOf(rules, isRulesFile);

test('a folder that is as committed has the commit in the version of its rules', async () => {
  expect(await origin()).toBe(head());
  const loaded = await loadRules(rules);
  if (loaded.kind !== 'loaded') throw new Error('the rules are refused');
  expect(loaded.rules.version).toMatch(new RegExp(`^[0-9a-f]{7}@${head()}$`));
});

test('rules files that are not as committed are changes; other files are not', async () => {
  await writeFile(join(top, 'README.md'), 'x');
  await writeFile(join(rules, 'debug.log'), 'x');
  await writeFile(join(rules, 'quiet.test.yaml'), 'tests: []');
  expect(await origin()).toBe(head());
  for (const [name, text] of [
    ['quiet.yaml', 'hold: [{ for: 6m }]\n'],
    ['new.yaml', 'hold: []\n'],
    ['own.yaml', 'hold: []\n'],
  ] as const) {
    await writeFile(join(rules, name), text);
    expect(await origin(), name).toBe(`${head()}+changes`);
    git('stash', '-q', '-u', '-a');
    expect(await origin(), name).toBe(head());
  }
});

test('a commit of other files, tests of rules among them, is not the commit of the rules', async () => {
  const first = head();
  await writeFile(join(top, 'README.md'), 'x');
  await writeFile(join(rules, 'quiet.test.yaml'), 'tests: []');
  await mkdir(join(rules, 'old'));
  await writeFile(join(rules, 'old', 'quiet.yaml'), 'hold: []\n');
  commit('second');
  expect(head()).not.toBe(first);
  expect(await origin()).toBe(first);
  await rm(join(rules, 'quiet.yaml'));
  await writeFile(join(rules, 'loud.yml'), 'hold: []\n');
  commit('third');
  expect(await origin()).toBe(head());
});

test('packed references, a detached HEAD and a linked work tree', async () => {
  const first = head();
  git('pack-refs', '--all');
  expect(await origin()).toBe(first);
  git('checkout', '-q', '--detach');
  expect(await origin()).toBe(first);
  git('worktree', 'add', '-q', '-b', 'other', join(top, 'linked'));
  expect(await originOf(join(top, 'linked', 'rules'), isRulesFile)).toBe(first);
});

test('no git, no commit', async () => {
  const plain = await mkdtemp(join(tmpdir(), 'quell-plain-'));
  try {
    expect(await commitOf(plain)).toBeUndefined();
    expect(await commitOf(join(plain, 'none'))).toBeUndefined();
  } finally {
    await rm(plain, { recursive: true });
  }
});

test('without git the commit is known, and that its changes are not', async () => {
  const path = process.env['PATH'];
  process.env['PATH'] = '';
  try {
    expect(await origin()).toMatch(/^[0-9a-f]{7}\?$/);
  } finally {
    process.env['PATH'] = path;
  }
});

test('a commit of what is in force changes only what the version is called', async () => {
  await writeFile(join(rules, 'quiet.yaml'), 'hold: [{ for: 7m }]\n');
  const changes: unknown[] = [];
  const kept = await keepRules(rules, {
    onChange: (loaded, isSame) => changes.push([loaded.rules.version, isSame]),
    onRefused: () => undefined,
    pollMs: 0,
  });
  if (kept.kind !== 'kept') throw new Error('the rules are refused');
  const before = kept.keeper.rules().version;
  commit('second');
  await kept.keeper.reload();
  kept.keeper.stop();
  expect(before).toMatch(/\+changes$/);
  expect(changes).toEqual([[`${before.slice(0, 7)}@${head()}`, true]]);
});
