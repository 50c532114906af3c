/**
 * Other versions of Quell, built beside this one: an earlier one out of the history of the repository, and
 * later ones that do not exist yet, which are this one with a few changes.
 */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Planted, plant } from './plant.ts';
import { scratchDir } from './scratch-dir.ts';

const run = promisify(execFile);
const PARTS = ['src', 'package.json', 'tsconfig.json'];

/** The first whose formats in Redis later ones promise to read; or the commit or tag that is named. */
export const EARLIER = process.env['EARLIER_VERSION'] ?? '25c5a0bf5741c2809fe505c1b8b02d56c9589a76';

/** What has to be done before the earlier version can be built, in one line; undefined: nothing. */
export function earlierIsMissing(): string | undefined {
  try {
    execFileSync('git', ['cat-file', '-e', `${EARLIER}^{commit}`], { stdio: 'ignore' });
    return undefined;
  } catch {
    const short = EARLIER.slice(0, 10);
    return `needs commit ${short}, which is not in this checkout: git fetch --unshallow`;
  }
}

/** Its `main.js`. */
export async function buildEarlier(): Promise<string> {
  const dir = scratchDir('earlier');
  const archive = join(dir, 'src.tar');
  await run('git', ['archive', `--output=${archive}`, EARLIER, ...PARTS]);
  await run('tar', ['-xf', archive, '-C', dir]);
  return build(dir);
}

/** This one, as it may be one day. */
export function buildLater(changes: readonly Planted[]): Promise<string> {
  const dir = scratchDir('later');
  for (const part of PARTS) cpSync(part, join(dir, part), { recursive: true });
  for (const change of changes) plant(dir, change);
  return build(dir);
}

async function build(dir: string): Promise<string> {
  symlinkSync(resolve('node_modules'), join(dir, 'node_modules'));
  await run(resolve('node_modules/.bin/tsc'), ['-p', 'tsconfig.json', '--noCheck'], { cwd: dir });
  return join(dir, 'dist/main.js');
}

/** Writes more than this version knows, in the formats that it knows. */
export const WRITES_MORE: readonly Planted[] = [
  {
    file: 'src/state/alert-record.ts',
    from: '    alert.awaitsWord,\n  ];',
    to: "    alert.awaitsWord,\n    { of: 'a later version' },\n  ];",
  },
  {
    file: 'src/state/alert-record.ts',
    from: 'const KNOWN = 20;',
    to: 'const KNOWN = 21;',
  },
  {
    file: 'src/state/state.ts',
    from: 'return incident && recordOfIncident(incident);',
    to: "return incident && { ...recordOfIncident(incident), later: { is: ['better'] } };",
  },
  {
    file: 'src/lane/batch.ts',
    from: '      state.closed.length = 0;',
    to: "      state.closed.length = 0;\n      if (put.length > 0) put.push({ key: 'later/1', value: { kind: 'of a later version' } });",
  },
  {
    file: 'src/lane/batch.ts',
    from: 'for (const decision of outcome.decisions) decisions.push(decision);',
    to: "for (const decision of outcome.decisions) {\n        decisions.push(decision);\n        if (decision.reason === 'told') decisions.push({ ...decision, reason: 'noticed', because: 'by a later version' });\n      }",
  },
  {
    file: 'src/queue/inbox.ts',
    from: '{ format: FORMAT, at, rows: count };',
    to: "{ format: FORMAT, at, rows: count, by: 'a later version' };",
  },
  {
    file: 'src/queue/job-rows.ts',
    from: '[count, events.slice(first, end)]',
    to: '[count, events.slice(first, end).map((event) => ({ ...event, later: 1 }))]',
  },
];

/** Writes what this version cannot read. */
export const WRITES_OTHERWISE: readonly Planted[] = [
  { file: 'src/queue/inbox.ts', from: 'const FORMAT = 2;', to: 'const FORMAT = 3;' },
  { file: 'src/store/redis/load.ts', from: 'const FORMAT = 1;', to: 'const FORMAT = 2;' },
];
