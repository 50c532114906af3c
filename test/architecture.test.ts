/**
 * Keeps the house's plan true: docs/ARCHITECTURE.md says in words what the tables here say exactly.
 *
 * A new file at the top of src/ needs a place in ROOMS; a new arrow between rooms needs a reason.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { filesUnder } from './support/project-files.ts';

/** 300 by taste; more than this is two files. */
const LINES_MAX = 400;

/**
 * Files that stand at the top of src/ -> the room they belong to. A folder is a room of its name; only
 * the store's contract is one by itself, because others may know it and not what fulfils it.
 */
const ROOMS: Readonly<Record<string, string>> = {
  'main.ts': 'main',
  'replay.ts': 'replay',
  'view.ts': 'view',
  'view/cause.ts': 'view',
  'decide.ts': 'decide',
  'episode.ts': 'decide',
  'errors.ts': 'errors',
  'limits.ts': 'limits',
  'model.ts': 'model',
  'split.ts': 'model',
};

const BASE = ['model', 'errors', 'limits'];
const SHELL = [
  'explain',
  'replay',
  'rule-tests',
  'suggest',
  'importing',
  'rehearse',
  'config',
  'web',
  'ingest',
  'slack',
  'queue',
  'lane',
  'contract',
  'view',
  'telemetry',
];
const CORE = ['dedupe', 'correlate', 'life', 'state', 'rules', ...BASE];

/** Room -> the rooms whose files it may import, besides its own. Arrows point downwards only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  main: ['commands'],
  commands: ['service', ...SHELL, 'store', ...CORE],
  service: [...SHELL, 'store', ...CORE],
  web: ['explain', 'slack', 'lane', 'contract', 'ingest', 'view', 'telemetry', ...CORE],
  ingest: ['lane', 'state', 'telemetry', 'rules', ...BASE],
  config: ['ingest', 'rules', 'store', 'telemetry', ...BASE],
  replay: ['decide', 'slack', 'view', ...CORE],
  'rule-tests': ['replay', ...CORE],
  importing: ['rules', ...BASE],
  suggest: ['rehearse', 'slack', ...CORE],
  rehearse: ['replay', 'ingest', 'slack', 'web', ...CORE],
  slack: ['lane', 'ingest', 'config', 'view', 'state', 'rules', ...BASE],
  telemetry: [...BASE],
  queue: ['lane', 'contract', 'store', ...CORE],
  lane: ['decide', 'contract', 'view', ...CORE],
  view: ['slack', ...CORE],
  explain: ['view', 'slack', ...CORE],
  decide: CORE,
  correlate: CORE,
  life: CORE,
  dedupe: CORE,
  state: ['contract', 'rules', ...BASE],
  store: ['contract', ...BASE],
  contract: ['model'],
  rules: BASE,
  errors: [],
  limits: [],
  model: [],
};

/** Client libraries -> the only rooms that may know them. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  '@slack/socket-mode': ['slack'],
  '@slack/web-api': ['slack'],
  bullmq: ['queue'],
  commander: ['commands', 'main'],
  express: ['web', 'slack'],
  ioredis: ['store'],
  lmdb: ['store'],
  luxon: ['rules'],
  pino: ['telemetry'],
  'prom-client': ['telemetry'],
  re2js: ['rules'],
  undici: ['slack'],
  yaml: ['rules', 'importing'],
  zod: ['rules', 'rule-tests', 'config', 'slack'],
};

/** TypeScript builds what `npm start` runs; undici is a peer of @slack/socket-mode, pinned for it. */
const NOT_IMPORTED: ReadonlySet<string> = new Set(['typescript', 'undici']);

interface Source {
  readonly path: string;
  readonly room: string;
  readonly text: string;
  /** Ours, from the top of the repository. */
  readonly files: readonly string[];
  /** Packages and node: modules. */
  readonly packages: readonly string[];
}

const sources = new Map(filesUnder('src', '.ts').map((path) => [path, read(path)]));

function read(path: string): Source {
  const text = readFileSync(path, 'utf8');
  const lazy = [...text.matchAll(/\bimport\(\s*'([^']+)'/g)].map(([, name = '']) => name);
  const imports = [...namesIn(text), ...lazy];
  const isOurs = (name: string) => name.startsWith('.');
  return {
    path,
    room: roomOf(path),
    text,
    files: imports.filter(isOurs).map((name) => normalize(join(dirname(path), name))),
    packages: imports.filter((name) => !isOurs(name)),
  };
}

function namesIn(text: string): readonly string[] {
  const named = text.matchAll(/^\s*(?:import|export|\}) ?(?:[^'";]*? from )?'([^']+)'/gm);
  return [...named].map(([, name = '']) => name);
}

function roomOf(path: string): string {
  if (path === 'src/store/contract.ts') return 'contract';
  const [, first = '', ...rest] = path.split('/');
  return rest.length > 0 ? first : (ROOMS[first] ?? `nowhere: give ${path} a place in ROOMS`);
}

/** `@slack/web-api` of `@slack/web-api/dist/x`; node: modules as they are. */
function packageOf(name: string): string {
  if (name.startsWith('node:')) return name;
  return name.split('/', name.startsWith('@') ? 2 : 1).join('/');
}

/** A file and all that it imports, and what they import. */
function closure(path: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const next of sources.get(path)?.files ?? []) closure(next, seen);
  return seen;
}

test('every file has a room, and what it imports exists', () => {
  const lost = [...sources.values()].flatMap(({ path, room, files }) => [
    ...(Object.hasOwn(MAY_IMPORT, room) ? [] : [`${path}: ${room}`]),
    ...files.filter((file) => !sources.has(file)).map((file) => `${path} imports ${file}`),
  ]);
  expect(lost).toEqual([]);
});

test('every room stands in the house that docs/ARCHITECTURE.md shows', () => {
  const page = readFileSync('docs/ARCHITECTURE.md', 'utf8');
  const folders = new Set([...sources.keys()].map((path) => path.split('/').slice(0, 2).join('/')));
  const shown = (folder: string) => page.includes(`\`${folder.replace(/(?<!\.ts)$/, '/')}\``);
  const models = [...folders].filter((path) => ROOMS[path.slice('src/'.length)] === 'model');
  expect([...folders].filter((path) => !shown(path) && !models.includes(path))).toEqual([]);
});

test('imports between rooms point downwards only', () => {
  const wrong = [...sources.values()].flatMap(({ path, room, files }) =>
    files
      .filter((file) => ![room, ...(MAY_IMPORT[room] ?? [])].includes(roomOf(file)))
      .map((file) => `${path} (${room}) imports ${file} (${roomOf(file)})`),
  );
  expect(wrong).toEqual([]);
});

test('nothing imports in a circle', () => {
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) {
      circles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const next of sources.get(path)?.files ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of sources.keys()) walk(path, []);
  expect(circles).toEqual([]);
});

test('decide, and all that it stands on, is pure: no I/O module, no library', () => {
  const impure = [...closure('src/decide.ts')].flatMap((path) =>
    (sources.get(path)?.packages ?? [])
      .filter((name) => name !== 'node:crypto')
      .map((name) => `${path} imports ${name}`),
  );
  expect(impure).toEqual([]);
});

test('decide, and all that it stands on, reads no clock, rolls no dice and knows no process', () => {
  const impure = [...closure('src/decide.ts')].flatMap((path) => {
    const code = withoutComments(sources.get(path)?.text ?? '');
    return [
      ...code.matchAll(/\b(?:Date\b|Math\.random|setTimeout|setInterval|process\.|fetch\()/g),
    ].map(([what]) => `${path} uses ${what}`);
  });
  expect(impure).toEqual([]);
});

test('the thread that reads history ahead loads no library: whoever decides it again waits for that', () => {
  const libraries: string[] = [];
  const seen = new Set<string>();
  const load = (path: string) => {
    if (seen.has(path)) return;
    seen.add(path);
    // Types are gone when it runs.
    const loaded = namesIn((sources.get(path)?.text ?? '').replaceAll(/^import type [^;]*;/gm, ''));
    for (const name of loaded) {
      if (name.startsWith('.')) load(normalize(join(dirname(path), name)));
      else if (!name.startsWith('node:')) libraries.push(`${path} imports ${name}`);
    }
  };
  load('src/commands/history-thread.ts');
  expect(seen).toContain('src/ingest/recording.ts');
  expect(libraries).toEqual([]);
});

test('rules touch the disk only to load them and to see that they changed', () => {
  const touching = [...sources.values()]
    .filter(
      ({ room, packages }) =>
        room === 'rules' && packages.some((name) => name.startsWith('node:fs')),
    )
    .map(({ path }) => path);
  expect(touching.sort()).toEqual([
    'src/rules/files/git.ts',
    'src/rules/files/load.ts',
    'src/rules/files/watch.ts',
  ]);
});

test('only Slack, Redis and commands that ask the service open connections: alerts lead nowhere', () => {
  const opening =
    /\bfetch\(|from 'undici'|from 'ioredis'|new WebClient\(|import .*\b(?:request|connect|get)\b.* from 'node:(?:https?|http2|net|tls|dgram)'/;
  const allowed = /^src\/(?:slack|commands|store|queue)\//;
  const wrong = [...sources.values()]
    .filter(({ path, text }) => !allowed.test(path) && opening.test(text))
    .map(({ path }) => path);
  expect(wrong).toEqual([]);
});

test('each library is known to its own room only', () => {
  const wrong = [...sources.values()].flatMap(({ path, room, packages }) =>
    packages
      .filter((name) => !name.startsWith('node:'))
      .filter((name) => !LIBRARIES[packageOf(name)]?.includes(room))
      .map((name) => `${path} (${room}) imports ${name}`),
  );
  expect(wrong).toEqual([]);
});

test('every dependency is used, and docs/ARCHITECTURE.md says what for', () => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const page = readFileSync('docs/ARCHITECTURE.md', 'utf8');
  const explained = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name = '']) => name);
  const known = new Set(explained.filter((name) => Object.hasOwn(dependencies, name)));
  expect(known).toEqual(new Set(Object.keys(dependencies)));
  const used = new Set([...sources.values()].flatMap(({ packages }) => packages.map(packageOf)));
  const unused = Object.keys(dependencies).filter((name) => !NOT_IMPORTED.has(name));
  expect(unused.filter((name) => !used.has(name))).toEqual([]);
});

test('every dependency is of one version, so that all who install it build and test the same', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  const versions = Object.entries({ ...dependencies, ...devDependencies });
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

test('every file opens by saying what it is for; a test file does so by its tests', () => {
  const silent = ['src', 'test', 'bench', 'scripts']
    .flatMap((folder) => filesUnder(folder, '.ts'))
    .filter((path) => !path.endsWith('.test.ts'))
    .filter((path) => !/^(?:#!.*\n)?\/\*\*/.test(readFileSync(path, 'utf8')));
  expect(silent).toEqual([]);
});

test(`no file of src is longer than ${LINES_MAX} lines`, () => {
  const long = [...sources.values()]
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX);
  expect(long).toEqual([]);
});

test('every import of src names a file with its ending, and exports have names', () => {
  const wrong = [...sources.values()].flatMap(({ path, files, text }) => [
    ...files.filter((file) => !file.endsWith('.ts')).map((file) => `${path} imports ${file}`),
    ...(/^export default\b/m.test(text) ? [`${path} has a default export`] : []),
  ]);
  expect(wrong).toEqual([]);
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*.*?\*\//gs, '').replaceAll(/^\s*\/\/.*$/gm, '');
}
