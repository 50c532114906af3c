/** Whatever a rules folder holds: a clear error in seconds, for every command that reads it. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { check } from '../../src/commands/check.ts';
import { test as runTests } from '../../src/commands/test.ts';
import { keepRules } from '../../src/rules/files/watch.ts';
import { scratchDir } from '../support/scratch-dir.ts';

type Make = (dir: string) => unknown;

const GOOD = 'services: [{ name: a, owner: x }]\n';

function write(name: string, text: string | Uint8Array): Make {
  return (dir) => writeFile(join(dir, name), text);
}

/** Nine times nine times nine ... of the same. */
function bomb(): string {
  const names = 'abcdefghijkl'.split('');
  const lines = names.map((name, i) => {
    const before = names[i - 1];
    const items = Array.from({ length: 9 }, () => (before === undefined ? 'x' : `*${before}`));
    return `${name}: &${name} [${items.join(', ')}]`;
  });
  return lines.join('\n');
}

/** The case, what makes it, and what is said of it, where. */
const CASES: readonly (readonly [string, Make, RegExp])[] = [
  [
    '10 MB of YAML',
    write('b.yaml', '# x\n'.repeat(2_500_000)),
    /b\.yaml:1:1 {2}it has more than 2 MB \(limit rules-file\)\n.*split it/,
  ],
  [
    '10 MB of YAML in several files',
    (dir) =>
      Promise.all([1, 2, 3, 4, 5].map((i) => write(`f${i}.yaml`, '# x\n'.repeat(500_000))(dir))),
    /f3\.yaml:1:1 {2}the files of a folder have at most 4 MB together \(limit rules-bytes\)/,
  ],
  [
    'more services than a list may have',
    write('b.yaml', `services:\n${'  - { name: x }\n'.repeat(5_001)}`),
    /b\.yaml:1:1 {2}"services" has 5001 entries, more than 5000 \(limit rules-list\)/,
  ],
  [
    'aliases that explode',
    write('b.yaml', bomb()),
    /b\.yaml:6:\d+ {2}.*aliases .* expand to too much\n.*\n +\^\^/,
  ],
  [
    'an anchor in itself',
    write('b.yaml', 'route: &r\n  routes: [*r]'),
    /b\.yaml:2:12 {2}\*r stands for nothing/,
  ],
  [
    'a tab as indent',
    write('b.yaml', 'hold:\n\t- for: 1m\n'),
    /b\.yaml:2:1 {2}.*\n.*\n.*spaces, never with tabs/,
  ],
  ['a NUL byte', write('b.yaml', 'hold: []\n\0'), /b\.yaml:2:1 {2}a NUL byte/],
  [
    'Latin-1',
    write('b.yaml', Uint8Array.of(0x61, 0x3a, 0x20, 0xe9)),
    /b\.yaml:1:4 {2}this is no UTF-8 text\n +save it as UTF-8/,
  ],
  [
    'UTF-16',
    write('b.yaml', Buffer.from('\uFEFFhold: []', 'utf16le')),
    /this is UTF-16, not UTF-8\n +save it as UTF-8/,
  ],
  [
    'deep brackets',
    write('b.yaml', '['.repeat(500_000)),
    /b\.yaml:1:\d+ {2}nested deeper than rules can be/,
  ],
  [
    'deep blocks',
    write('b.yaml', Array.from({ length: 1_400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')),
    /nested deeper/,
  ],
  ['half a million documents', write('b.yaml', '---\n'.repeat(500_000)), /a second YAML document/],
  [
    'the same service in two files',
    write('b.yaml', 'services: [{ name: A, owner: y }]'),
    /b\.yaml:1:20 {2}service "A" is the same as "a" in a\.yaml:1/,
  ],
  [
    'the same setting in two files',
    (dir) =>
      Promise.all([
        write('b.yaml', 'hubs: { callers: 3 }')(dir),
        write('c.yaml', 'hubs: { callers: 4 }')(dir),
      ]),
    /c\.yaml:1:1 {2}"hubs" is stated twice: also in b\.yaml:1/,
  ],
  [
    'a link to itself',
    (dir) => symlink('b.yaml', join(dir, 'b.yaml')),
    /b\.yaml:1:1 {2}cannot be read: its symbolic links lead in a circle/,
  ],
  [
    'a link to nothing',
    (dir) => symlink('gone', join(dir, 'b.yaml')),
    /b\.yaml:1:1 {2}cannot be read: there is none/,
  ],
  [
    'a link to a device without an end',
    (dir) => symlink('/dev/zero', join(dir, 'b.yaml')),
    /b\.yaml:1:1 {2}this is no file/,
  ],
  [
    'a pipe that nobody writes to',
    (dir) => execFileSync('mkfifo', [join(dir, 'b.yaml')]),
    /b\.yaml:1:1 {2}this is a pipe, not a file/,
  ],
  [
    'a folder called like a file',
    (dir) => mkdir(join(dir, 'b.yaml')),
    /b\.yaml:1:1 {2}this is a folder, not a file/,
  ],
  [
    'more files than a folder may have',
    (dir) => Promise.all(Array.from({ length: 501 }, (_, i) => write(`f${i}.yaml`, '')(dir))),
    /more than 500 files \(limit rules-files\)/,
  ],
  ['a list', write('b.yaml', '- a\n- b\n'), /b\.yaml:1:1 {2}this file is a mapping/],
  [
    'a binary',
    write(
      'b.yaml',
      Uint8Array.from({ length: 4_000 }, (_, i) => (i * 97) % 256),
    ),
    /b\.yaml:1:3 {2}this is no UTF-8 text/,
  ],
];

test.each(CASES)('%s: refused as a whole, in words', async (_case, make, said) => {
  const dir = scratchDir('rules');
  await writeFile(join(dir, 'a.yaml'), GOOD);
  await make(dir);
  const checked = await check(dir, { format: 'text' });
  expect(checked.output).toMatch(said);
  expect(checked.exitCode).toBe(1);
  const tested = await runTests(dir, { format: 'text' });
  expect(tested.output).toMatch(said);
  expect(tested.exitCode).toBe(2);
  const kept = await keepRules(dir, { onChange: () => undefined, onRefused: () => undefined });
  expect(kept.kind).toBe('refused');
});

test.each(CASES)('%s: a service that runs keeps its rules, all of them', async (_case, make) => {
  const dir = scratchDir('rules');
  await writeFile(join(dir, 'a.yaml'), GOOD);
  const options = { onChange: () => undefined, onRefused: () => undefined, pollMs: 0 };
  const kept = await keepRules(dir, { ...options, debounceMs: 60_000 });
  if (kept.kind === 'refused') throw new Error('refused');
  const before = kept.keeper.rules();
  await make(dir);
  expect((await kept.keeper.reload()).kind).toBe('refused');
  expect(kept.keeper.rules()).toBe(before);
  kept.keeper.stop();
});

test('in tests of rules the same is refused in the same words', async () => {
  for (const [, make, said] of CASES) {
    const dir = scratchDir('rules');
    const inTests: Make = async (folder) => {
      await make(folder);
      const name = join(folder, 'b.yaml');
      execFileSync('mv', [name, join(folder, 'b.test.yaml')]);
    };
    // What is not about one file is about rules.
    if (/stated twice|same as|500 files|5000|4 MB|itself/.test(said.source)) continue;
    if (said.source.includes('in a circle')) continue;
    await inTests(dir);
    const { output, exitCode } = await runTests(dir, { format: 'text' });
    expect(output).toMatch(new RegExp(said.source.replaceAll('b\\.yaml', 'b\\.test\\.yaml'), 's'));
    expect(exitCode).toBe(2);
  }
});

test('what looks odd and is well', async () => {
  const dir = scratchDir('rules');
  await writeFile(join(dir, 'bom.yaml'), '\uFEFFservices:\r\n  - name: a\r\n    owner: x\r\n');
  await writeFile(join(dir, 'empty.yaml'), '');
  await writeFile(join(dir, 'comments.yml'), '# nothing yet\r\n');
  const teams = Array.from({ length: 60 }, (_, i) => ({ name: i === 0 ? 'x' : `team-${i}` }));
  await writeFile(join(dir, 'one-line.json.yaml'), JSON.stringify({ teams }));
  await writeFile(
    join(dir, 'anchors.yaml'),
    'hold:\n  - { match: &m [\'a="b"\'], for: 1m }\nflap:\n  - { match: *m, off: true }\n',
  );
  expect(await check(dir, { format: 'text' })).toMatchObject({
    output: expect.stringMatching(/^no errors in 5 files; 1 service/),
    exitCode: 0,
  });
});

test.each([
  ['is not there', (dir) => rm(dir, { recursive: true }), 'there is none'],
  [
    'is a file',
    (dir) => rm(dir, { recursive: true }).then(() => writeFile(dir, '')),
    'it is no folder; name the folder that it is in',
  ],
  [
    'is a link to itself',
    (dir) => rm(dir, { recursive: true }).then(() => symlink(dir, dir)),
    'its symbolic links lead in a circle',
  ],
] satisfies [string, Make, string][])('a folder that %s: exit code 2', async (_case, make, why) => {
  const dir = scratchDir('rules');
  await make(dir);
  const output = `cannot read the rules folder ${dir}: ${why}`;
  expect(await check(dir, { format: 'text' })).toEqual({ output, exitCode: 2 });
  expect(await runTests(dir, { format: 'text' })).toEqual({ output, exitCode: 2 });
  await rm(dir, { force: true });
});

/** Root may read everything. */
function asNobody(): void {
  if (process.geteuid?.() !== 0) return;
  process.seteuid?.(65_534);
  onTestFinished(() => process.seteuid?.(0));
}

test('what may not be read is said, and leaves the rules of a service in force', async () => {
  const dir = scratchDir('rules');
  const file = join(dir, 'a.yaml');
  await writeFile(file, GOOD);
  const mayRead = async (folder: number, its: number) => {
    if (process.getuid?.() === 0) process.seteuid?.(0);
    await chmod(file, its);
    await chmod(dir, folder);
    asNobody();
  };
  await mayRead(0o755, 0o644);
  const options = { onChange: () => undefined, onRefused: () => undefined, pollMs: 0 };
  const kept = await keepRules(dir, { ...options, debounceMs: 60_000 });
  if (kept.kind === 'refused') throw new Error('refused');
  const before = kept.keeper.rules();
  for (const [folder, its, said, exitCode] of [
    [0o755, 0, 'a.yaml:1:1  cannot be read: no permission for user', 1],
    [0o644, 0o644, 'a.yaml:1:1  cannot be read: no permission for user', 1],
    [0, 0o644, `cannot read the rules folder ${dir}: no permission for user`, 2],
  ] as const) {
    await mayRead(folder, its);
    const checked = await check(dir, { format: 'text' });
    expect(checked.output).toContain(said);
    expect(checked.exitCode).toBe(exitCode);
    expect((await kept.keeper.reload()).kind).toBe('refused');
    expect(kept.keeper.rules()).toBe(before);
  }
  await mayRead(0o755, 0o644);
  expect((await kept.keeper.reload()).kind).toBe('loaded');
  kept.keeper.stop();
});
