import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { CHECK_FORMATS, check, checkCommand } from '../../src/commands/check.ts';
import { loadRules, overlookedIn } from '../../src/rules/files/load.ts';
import {
  type Loaded,
  type Refused,
  type RulesKeeper,
  keepRules,
} from '../../src/rules/files/watch.ts';
import { messagesOf } from './support.ts';

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

async function folder(files: Record<string, string | Uint8Array> = {}): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'quell-rules-'));
  cleanUp.push(() => rm(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return dir;
}

// ---------------------------------------------------------------------------------------------

test('every *.yaml and *.yml counts, tests and hidden files do not', async () => {
  const dir = await folder({
    'a.yaml': 'hold: [{ for: 1m }]',
    'b.yml': 'storm: { perMinute: 5 }',
    'a.test.yaml': 'not: rules',
    '.hidden.yaml': 'not: rules',
    'notes.md': 'not rules',
  });
  expect(await loadRules(dir)).toMatchObject({ kind: 'loaded', files: ['a.yaml', 'b.yml'] });
});

test('an empty folder means the built-in rules, an absent one is an error', async () => {
  const dir = await folder();
  expect(await loadRules(dir)).toMatchObject({ kind: 'loaded', files: [] });
  await expect(loadRules(join(dir, 'nope'))).rejects.toMatchObject({
    code: 'rules-dir',
    message: `cannot read the rules folder ${join(dir, 'nope')}: there is none`,
  });
});

test('what cannot be read is said, and hides no error in other files', async () => {
  const dir = await folder({
    'big.yaml': '#'.repeat(3 * 1024 * 1024),
    'latin.yaml': Uint8Array.of(0x61, 0x3a, 0x20, 0xe9),
    'ok.yaml': 'services: [{ name: a, owner: x, dependsOn: [perhaps-in-big] }]',
    'wrong.yaml': 'hold: [{ for: 5mins }]',
  });
  await mkdir(join(dir, 'folder.yaml'));
  await symlink(join(dir, 'gone'), join(dir, 'link.yaml'));
  expect(messagesOf(await loadRules(dir))).toEqual([
    'it has more than 2 MB (limit rules-file)',
    'this is a folder, not a file',
    'this is no UTF-8 text',
    'cannot be read: there is none',
    '"5mins" is no duration: write 5m',
  ]);
});

// ---------------------------------------------------------------------------------------------

test('quell check: well', async () => {
  const dir = await folder({ 'a.yaml': 'services: [{ name: a, owner: x }]' });
  const { output, exitCode } = await check(dir, { format: 'text' });
  expect(output).toMatch(/^no errors in 1 file; 1 service, version [0-9a-f]{7}\.$/);
  expect(exitCode).toBe(0);
});

test('quell check: an empty folder is well', async () => {
  expect(await check(await folder(), { format: 'text' })).toEqual({
    output: 'no errors in 0 files: the built-in rules apply.',
    exitCode: 0,
  });
});

test('quell check: errors found', async () => {
  const dir = await folder({
    'a.yaml': 'hold: [{ for: 5mins }]',
    'b.yaml': 'services: [{ name: b }]',
  });
  const { output, exitCode } = await check(dir, { format: 'text' });
  expect(output.replaceAll(dir, 'rules')).toBe(
    [
      'rules/a.yaml:1:15  "5mins" is no duration: write 5m',
      '    1 | hold: [{ for: 5mins }]',
      '                      ^^^^^',
      'rules/b.yaml:1:20  warning: service "b" has no owner',
      '    1 | services: [{ name: b }]',
      '                           ^  say who is told: owner: TEAM',
      '1 error, 1 warning in 2 files.',
    ].join('\n'),
  );
  expect(exitCode).toBe(1);
});

test('quell check: for programs', async () => {
  const dir = await folder({ 'a.yaml': 'hold: [{ for: 5mins }]' });
  const { output, exitCode } = await check(dir, { format: 'json' });
  expect(JSON.parse(output)).toMatchObject({
    ok: false,
    files: ['a.yaml'],
    errors: [{ file: 'a.yaml', line: 1, column: 15, width: 5, severity: 'error' }],
    warnings: [],
  });
  expect(exitCode).toBe(1);
});

test('quell check: for pull requests on GitHub', async () => {
  const dir = await folder({ 'a,b.yaml': 'hold: [{ for: 100%, x: 1 }]' });
  const { output } = await check(dir, { format: 'github' });
  expect(output.replaceAll(dir, 'rules').split('\n')).toEqual([
    '::error file=rules/a%2Cb.yaml,line=1,col=15,endColumn=19::"100%25" is no duration: write it like 90s, 10m or 1h30m',
    '::error file=rules/a%2Cb.yaml,line=1,col=21,endColumn=22::unknown key "x"%0Aknown here: match, matchers, for, why',
    '2 errors in 1 file.',
  ]);
});

test('quell check: could not look', async () => {
  for (const format of CHECK_FORMATS) {
    expect((await check('/nowhere/at/all', { format })).exitCode).toBe(2);
  }
});

test('quell check --help says what the exit codes mean', () => {
  const command = checkCommand();
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  expect(help).toContain('--format');
  expect(help).toContain('Exit code: 0 well');
});

// ---------------------------------------------------------------------------------------------

interface Kept {
  readonly keeper: RulesKeeper;
  /** The next time that the keeper tells of other rules, or of a refusal. */
  readonly next: () => Promise<Loaded | Refused>;
  readonly told: () => number;
}

async function kept(dir: string, options: { readonly pollMs: number }): Promise<Kept> {
  const waiting: ((result: Loaded | Refused) => void)[] = [];
  const early: (Loaded | Refused)[] = [];
  let told = 0;
  function tell(result: Loaded | Refused): void {
    told += 1;
    const wake = waiting.shift();
    if (wake === undefined) early.push(result);
    else wake(result);
  }
  const started = await keepRules(dir, {
    onChange: tell,
    onRefused: tell,
    debounceMs: 5,
    pollMs: options.pollMs,
  });
  if (started.kind === 'refused') throw new Error('refused');
  const { keeper } = started;
  cleanUp.push(() => keeper.stop());
  const next = (): Promise<Loaded | Refused> => {
    const already = early.shift();
    if (already !== undefined) return Promise.resolve(already);
    return new Promise((resolve) => {
      waiting.push(resolve);
    });
  };
  return { keeper, next, told: () => told };
}

const CALM = 'storm: { perMinute: 5 }';
const BUSY = 'storm: { perMinute: 50 }';

/** Written beside and moved into place, so that nobody sees half of it. */
async function replace(dir: string, name: string, text: string): Promise<void> {
  await writeFile(join(dir, '.new'), text);
  await rename(join(dir, '.new'), join(dir, name));
}

test('a change of a file brings other rules into force', async () => {
  const dir = await folder({ 'a.yaml': CALM });
  const { keeper, next } = await kept(dir, { pollMs: 0 });
  expect(keeper.rules().storm.perMinute).toBe(5);
  await replace(dir, 'a.yaml', BUSY);
  expect((await next()).kind).toBe('loaded');
  expect(keeper.rules().storm.perMinute).toBe(50);
});

test('a change that no event tells of is found by looking now and then', async () => {
  const parent = await folder();
  await mkdir(join(parent, 'one'));
  await mkdir(join(parent, 'two'));
  await writeFile(join(parent, 'one', 'a.yaml'), CALM);
  await writeFile(join(parent, 'two', 'a.yaml'), BUSY);
  await symlink('one', join(parent, 'rules'));
  const { keeper, next } = await kept(join(parent, 'rules'), { pollMs: 20 });
  // As a ConfigMap is swapped: the watched folder itself never changes.
  await symlink('two', join(parent, 'rules.new'));
  await rename(join(parent, 'rules.new'), join(parent, 'rules'));
  expect((await next()).kind).toBe('loaded');
  expect(keeper.rules().storm.perMinute).toBe(50);
});

test('a ConfigMap that is swapped behind its links is noticed', async () => {
  const dir = await folder();
  for (const [name, text] of [
    ['..v1', CALM],
    ['..v2', BUSY],
  ] as const) {
    await mkdir(join(dir, name));
    await writeFile(join(dir, name, 'a.yaml'), text);
  }
  await symlink('..v1', join(dir, '..data'));
  await symlink('..data/a.yaml', join(dir, 'a.yaml'));
  const { keeper, next } = await kept(dir, { pollMs: 0 });
  expect(keeper.rules().storm.perMinute).toBe(5);
  await symlink('..v2', join(dir, '..data_tmp'));
  await rename(join(dir, '..data_tmp'), join(dir, '..data'));
  expect((await next()).kind).toBe('loaded');
  expect(keeper.rules().storm.perMinute).toBe(50);
});

test('broken files leave the rules in force, and say what is wrong', async () => {
  const dir = await folder({ 'a.yaml': CALM });
  const { keeper, next } = await kept(dir, { pollMs: 0 });
  const before = keeper.rules();
  await replace(dir, 'a.yaml', 'storm: { perMinut: 50 }');
  expect(messagesOf(await next())).toEqual(['unknown key "perMinut"']);
  expect(keeper.rules()).toBe(before);
  expect(keeper.last().kind).toBe('refused');
  await replace(dir, 'a.yaml', BUSY);
  expect((await next()).kind).toBe('loaded');
  expect(keeper.rules().storm.perMinute).toBe(50);
  expect(keeper.last().kind).toBe('loaded');
});

test('reload loads now, and tells of nothing when nothing changed', async () => {
  const dir = await folder({ 'a.yaml': CALM });
  const { keeper, told } = await kept(dir, { pollMs: 0 });
  const before = keeper.rules();
  expect((await keeper.reload()).kind).toBe('loaded');
  expect(told()).toBe(0);
  expect(keeper.rules()).toBe(before);
});

test('files that are mended to what is in force are told of as such', async () => {
  const dir = await folder({ 'a.yaml': CALM });
  const same: boolean[] = [];
  const started = await keepRules(dir, {
    onChange: () => undefined,
    onRefused: () => undefined,
    onSame: (_loaded, mended) => void same.push(mended),
    pollMs: 0,
    debounceMs: 60_000,
  });
  if (started.kind === 'refused') throw new Error('refused');
  const { keeper } = started;
  cleanUp.push(() => keeper.stop());
  await keeper.reload();
  await replace(dir, 'a.yaml', 'storm: { perMinut: 5 }');
  await keeper.reload();
  await replace(dir, 'a.yaml', CALM);
  await keeper.reload();
  expect(same).toEqual([false, true]);
});

test('reloads at the same time all see the files as they are', async () => {
  const dir = await folder({ 'a.yaml': CALM });
  const { keeper } = await kept(dir, { pollMs: 0 });
  const early = keeper.reload();
  await replace(dir, 'a.yaml', BUSY);
  await Promise.all([early, keeper.reload()]);
  expect(keeper.rules().storm.perMinute).toBe(50);
});

test('a folder that goes away leaves the rules in force', async () => {
  const dir = await folder({ 'a.yaml': CALM });
  const { keeper } = await kept(dir, { pollMs: 0 });
  await rm(dir, { recursive: true });
  expect(messagesOf(await keeper.reload())[0]).toMatch(/cannot read the rules folder/);
  expect(keeper.rules().storm.perMinute).toBe(5);
});

test('broken files at the start are refused', async () => {
  const dir = await folder({ 'a.yaml': 'nope: 1' });
  const options = { onChange: () => undefined, onRefused: () => undefined };
  expect(await keepRules(dir, options)).toMatchObject({ kind: 'refused' });
  await expect(keepRules(join(dir, 'nope'), options)).rejects.toMatchObject({ code: 'rules-dir' });
});

test('a file that leads back to itself is unreadable, for everybody', async () => {
  const dir = await folder({ 'b.yaml': CALM });
  await symlink('a.yaml', join(dir, 'a.yaml'));
  expect(messagesOf(await loadRules(dir))[0]).toMatch(/^cannot be read/);
});

test('what looks like rules and is not read is named, and nothing else', async () => {
  const dir = await folder();
  await mkdir(join(dir, 'team-a'));
  await mkdir(join(dir, 'notes'));
  await mkdir(join(dir, '..2026_data'));
  for (const name of [
    'a.yaml',
    'b.YAML',
    'c.md',
    'team-a/d.yaml',
    'notes/e.md',
    '..2026_data/f.yaml',
  ])
    await writeFile(join(dir, name), '');
  expect((await overlookedIn(dir)).map(({ file, message }) => `${file} ${message}`)).toEqual([
    'b.YAML this is not read',
    'team-a/ rules in folders below are not read',
  ]);
});
