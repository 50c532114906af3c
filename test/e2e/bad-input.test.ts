/**
 * Rules that cannot be read, given to each command as its user would: words and an exit code, never a
 * stack, and nothing half done. Run as a user to whom files can be forbidden: root may read everything.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { scratchDir } from '../support/scratch-dir.ts';

const NOBODY = 65_534;
const USER = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
const GOOD = 'services: [{ name: a, owner: x }]\n';

function quell(...args: readonly string[]) {
  const dist = resolve('dist/main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [dist, ...args], {
    ...USER,
    cwd: tmpdir(),
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '' },
    timeout: 60_000,
  });
  return { status, output: stdout + stderr };
}

const CASES: Readonly<Record<string, readonly [make: (dir: string) => void, said: RegExp]>> = {
  'a file without permission': [
    (dir) => writeFileSync(join(dir, 'b.yaml'), GOOD, { mode: 0 }),
    /b\.yaml:1:1 {2}cannot be read: no permission/,
  ],
  'a folder that may not be listed': [
    (dir) => chmodSync(dir, 0o311),
    /cannot read the rules folder .*: no permission/,
  ],
  'a folder that may not be entered': [
    (dir) => chmodSync(dir, 0o444),
    /a\.yaml:1:1 {2}cannot be read: no permission/,
  ],
  'a folder called like a file': [
    (dir) => mkdirSync(join(dir, 'b.yaml')),
    /b\.yaml:1:1 {2}this is a folder, not a file/,
  ],
  'a link to nothing': [
    (dir) => symlinkSync('gone', join(dir, 'b.yaml')),
    /b\.yaml:1:1 {2}cannot be read: there is none/,
  ],
  'the same service in two files': [
    (dir) => writeFileSync(join(dir, 'b.yaml'), GOOD),
    /b\.yaml:1:20 {2}service "a" stands twice: also in a\.yaml:1/,
  ],
  'a binary': [
    (dir) => writeFileSync(join(dir, 'b.yaml'), Buffer.alloc(4_096, 0xfe)),
    /b\.yaml:1:1 {2}this is /,
  ],
};

// Where nobody may read the program itself, there is nothing to try.
test.skipIf(quell('--version').status !== 0).each(Object.entries(CASES))(
  '%s is said by every command',
  { timeout: 120_000 },
  (_case, [make, said]) => {
    const [dir, good, data] = [scratchDir('rules'), scratchDir('rules'), scratchDir('data')];
    for (const folder of [dir, good, data]) chmodSync(folder, 0o777);
    writeFileSync(join(dir, 'a.yaml'), GOOD, { mode: 0o644 });
    const recording = join(good, 'recording.jsonl');
    writeFileSync(recording, '');
    make(dir);
    const commands = [
      ['check', dir],
      ['test', dir],
      ['replay', recording, '--rules', dir],
      ['replay', recording, '--rules', good, '--against', dir],
      ['suggest', recording, '--rules', dir],
      ['serve', '--port=0', `--rules=${dir}`, `--data-dir=${data}`],
    ];
    for (const command of commands) {
      const { status, output } = quell(...command);
      expect(output).toMatch(said);
      expect(output).not.toMatch(/^ +at |node:internal/m);
      expect(status).toBe(command[0] === 'check' && !/rules folder/.test(output) ? 1 : 2);
    }
  },
);

const CONFIGURATIONS: Readonly<Record<string, readonly [make: (path: string) => void, RegExp]>> = {
  'is not there': [() => undefined, /cannot be read: there is none/],
  'is a folder': [(path) => mkdirSync(path), /this is a folder, not a file/],
  'may not be read': [(path) => writeFileSync(path, '', { mode: 0 }), /no permission/],
  'is empty': [(path) => writeFileSync(path, ''), /is this the configuration of an Alertmanager/],
  'is UTF-16': [
    (path) => writeFileSync(path, Buffer.from('\uFEFFroute:', 'utf16le')),
    /this is UTF-16, not UTF-8/,
  ],
  'has 10 MB': [(path) => writeFileSync(path, '# x\n'.repeat(2_500_000)), /more than 2 MB/],
  'has tabs': [(path) => writeFileSync(path, 'route:\n\treceiver: a\n'), /alertmanager\.yml:2 /],
  explodes: [
    (path) => writeFileSync(path, bomb()),
    /alertmanager\.yml:\d+ {2}.*aliases \(\*name\) expand to too much/,
  ],
};

function bomb(): string {
  const names = 'abcdefghijkl'.split('');
  return names
    .map((name, i) => {
      const items = Array.from({ length: 9 }, () => (i === 0 ? 'x' : `*${names[i - 1]}`));
      return `${name}: &${name} [${items.join(', ')}]`;
    })
    .join('\n');
}

test.skipIf(quell('--version').status !== 0).each(Object.entries(CONFIGURATIONS))(
  'import: a configuration that %s makes no rules',
  { timeout: 60_000 },
  (_case, [make, said]) => {
    const dir = scratchDir('import');
    chmodSync(dir, 0o777);
    const path = join(dir, 'alertmanager.yml');
    make(path);
    const { status, output } = quell('import', path, '--out', join(dir, 'rules'));
    expect(output).toMatch(said);
    expect(output).not.toMatch(/^ +at |node:internal/m);
    expect([1, 2]).toContain(status);
    expect(existsSync(join(dir, 'rules'))).toBe(false);
  },
);
