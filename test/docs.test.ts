/**
 * Documentation says what is there, and what is there is documented: links, commands, flags,
 * settings, metrics, error codes, examples. Pages about one room are checked beside its tests.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { SETTINGS } from '../src/config/sources.ts';
import { compileRules } from '../src/rules/compile.ts';
import { formatDiagnostics } from '../src/rules/files/diagnostics.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';
import { recommendedConfig } from './support/alertmanager.ts';
import { filesUnder } from './support/project-files.ts';

const pages = new Map(
  [
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...['docs', 'bench'].flatMap((folder) => filesUnder(folder, '.md')),
  ].map((path) => [path, readFileSync(path, 'utf8')]),
);
const everything = [...pages.values()].join('\n');
const sources = ['src', 'bench', 'scripts', 'test']
  .flatMap((folder) => filesUnder(folder, '.ts'))
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }));

/** Code spans and blocks: what a reader would copy. */
function codeOf(text: string): string {
  const blocks = [...text.matchAll(/^```.*?\n(.*?)^```/gms), ...text.matchAll(/^ {4}(.*)$/gm)];
  const spans = text.matchAll(/`([^`\n]+)`/g);
  return [...blocks, ...spans].map(([, code = '']) => code).join('\n');
}

/** Every match of the first group, once. */
function named(text: string, pattern: RegExp): readonly string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort();
}

/** As GitHub makes them. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('links lead somewhere', () => {
  const broken: string[] = [];
  for (const [page, text] of pages) {
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(target)) broken.push(`${page}: ${link}`);
      else if (anchor !== undefined && !anchorsOf(readFileSync(target, 'utf8')).includes(anchor)) {
        broken.push(`${page}: ${link}: no such title`);
      }
    }
  }
  expect(broken).toEqual([]);
});

test('pages that the code and the settings of deploy/ speak of exist', () => {
  const speaking = [
    ...sources,
    ...filesUnder('deploy', '').map((path) => ({ path, text: readFileSync(path, 'utf8') })),
  ];
  const missing = speaking.flatMap(({ path, text }) =>
    named(text, /\b(docs\/[\w-]+\.(?:md|svg|yml))\b/g)
      .filter((page) => !existsSync(page))
      .map((page) => `${path} speaks of ${page}`),
  );
  expect(missing).toEqual([]);
});

test('files and folders that pages name exist', () => {
  const paths = named(everything, /`((?:src|test|docs|scripts|rules|deploy|bench)\/[\w./-]*)`/g);
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
});

test('what pages name within a file is there', () => {
  const all = [...everything.matchAll(/`(\w+)` in `(src\/[\w./-]+\.ts)`/g)];
  expect(all.length).toBeGreaterThan(4);
  const gone = all.filter(([, name = '', path = '']) => !readFileSync(path, 'utf8').includes(name));
  expect(gone.map(([said]) => said)).toEqual([]);
});

test('metrics: every one is documented, and every documented one exists', async () => {
  const exposed = named(await createMetrics().text(), /^# TYPE (quell_\w+)/gm);
  const ours = exposed.filter((name) => !/^quell_(?:process|nodejs)_/.test(name));
  expect(ours.filter((name) => !everything.includes(`\`${name}\``))).toEqual([]);
  const isKnown = (name: string) =>
    exposed.includes(name) || exposed.includes(name.replace(/_(?:bucket|sum|count)$/, ''));
  const written = named(everything, /\b(quell_[a-z0-9_]+[a-z0-9])\b(?!_file|[-.])/g).filter(
    // Prefixes (`quell_process_...`), and Slack's name for what we post.
    (name) => !/^quell_(?:process|nodejs|message)$/.test(name),
  );
  expect(written.filter((name) => !isKnown(name))).toEqual([]);
});

test('settings: every one is documented, and every documented one exists', () => {
  const known = new Set<string>(Object.values(SETTINGS));
  expect([...known].filter((name) => !everything.includes(`\`${name}\``))).toEqual([]);
  const deployed = ['Dockerfile', 'quell.service'].map((name) =>
    readFileSync(`deploy/${name}`, 'utf8'),
  );
  const written = named([everything, ...deployed].join('\n'), /\b((?:QUELL|SLACK)_[A-Z_]+)\b/g);
  expect(written.filter((name) => !known.has(name.replace(/_FILE$/, '')))).toEqual([]);
});

test('commands and their flags: every one is documented, and every documented one exists', async () => {
  const names = named(readFileSync('src/main.ts', 'utf8'), /\.(\w+)Command\(\)/g);
  expect(names).toContain('serve');
  const flags = new Map<string, readonly string[]>();
  for (const name of names) {
    // The project's own modules: each exports `<name>Command`.
    const module = (await import(`../src/commands/${name}.ts`)) as Record<string, () => Command>;
    const command = module[`${name}Command`]?.();
    flags.set(name, ['--help', ...(command?.options ?? []).map(({ long }) => long ?? '')]);
  }
  const code = codeOf(everything);
  const used = named(code, /(?:^|[\s'(])(?:quell|node dist\/main\.js) ([a-z]+)\b/gm);
  expect(used).toEqual([...names].sort());
  for (const [, name = '', rest = ''] of code.matchAll(
    /(?:^|[\s'(])(?:quell|node dist\/main\.js) ([a-z]+)\b([^\n#]*)/gm,
  )) {
    for (const flag of named(rest, /(--[a-z][a-z-]*)/g)) {
      expect(flags.get(name), `quell ${name} ${flag}`).toContain(flag);
    }
  }
});

test('npm scripts that pages name exist', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const used = named(codeOf(everything), /\bnpm run (?:-s )?([a-z:]+)/g);
  expect(used).toContain('demo');
  expect(used.filter((name) => scripts[name] === undefined)).toEqual([]);
});

test('error codes: every one is documented, and every documented one exists', () => {
  const ours = sources.filter(({ path }) => path.startsWith('src/')).map(({ text }) => text);
  const codes = named(ours.join('\n'), /\b(?:new AppError|refusal|failure)\(\s*'([\w-]+)'/g);
  const documented = named(pages.get('docs/errors.md') ?? '', /^\| `([\w-]+)` \|/gm);
  expect(documented).toEqual(codes);
});

test('rules that a newcomer would copy are well', () => {
  const examples = ['README.md', 'docs/getting-started.md'].flatMap((page) =>
    [...(pages.get(page) ?? '').matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text),
  );
  const rules = examples.filter((text) => !/^route:|^alerting:/m.test(text));
  expect(rules.length).toBeGreaterThan(1);
  for (const text of rules) {
    const result = compileRules([{ name: 'example.yaml', text }]);
    expect(result.kind === 'refused' ? formatDiagnostics(result.errors) : '').toBe('');
  }
});

test('the Alertmanager configuration of the README says what the page about it says', () => {
  const [, short = ''] =
    /^```yaml\n# alertmanager\.yml\n(.*?)^```$/ms.exec(pages.get('README.md') ?? '') ?? [];
  const settings = (text: string) =>
    named(text, /^ *(?:- )?((?:group_by|group_wait|group_interval|repeat_interval): \S+)/gm);
  expect(settings(short).length).toBe(5);
  expect(settings(recommendedConfig())).toEqual(expect.arrayContaining([...settings(short)]));
});
