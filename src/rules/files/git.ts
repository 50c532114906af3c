/**
 * Which commit a rules folder is of, if it is in a work tree of git: `1a2b3c4`, the last one that touched a
 * rules file; `1a2b3c4+changes` when one is not as committed; `1a2b3c4?`, the one that is checked out, when
 * neither can be told.
 *
 * What is checked out is read from the files of git, so it is known where git is not installed, as in most
 * containers. The rest only git can say: it is asked, briefly, and never waited for long.
 */
import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf } from '../../errors.ts';

const GIT_TIMEOUT_MS = 2_000;
const OUTPUT_BYTES_MAX = 1024 * 1024;
const SHOWN = 7;
/** Of a reference that leads to another. */
const STEPS_MAX = 5;

/** Undefined where there is no git. `isWanted`: the files that count. */
export async function originOf(
  dir: string,
  isWanted: (name: string) => boolean,
): Promise<string | undefined> {
  const head = await commitOf(dir);
  if (head === undefined) return undefined;
  const [changes, touched] = await Promise.all([changesIn(dir, isWanted), lastTouch(dir)]);
  if (changes === 'unknown' || touched === undefined) return `${head}?`;
  // None touched files that were never committed.
  const commit = touched === '' ? head : touched.slice(0, SHOWN);
  return changes ? `${commit}+changes` : commit;
}

const RULES_FILES = [':(glob)*.yaml', ':(glob)*.yml', ':(glob,exclude)*.test.y*ml'];

/** The last commit that changed a rules file; empty when none did, undefined when git cannot say. */
async function lastTouch(dir: string): Promise<string | undefined> {
  const log = await git(dir, ['log', '-1', '--format=%H', 'HEAD', '--', ...RULES_FILES]);
  return log?.trim();
}

/** The commit that is checked out, shortened; costs a few small reads. */
export async function commitOf(dir: string): Promise<string | undefined> {
  const gitDir = await gitDirOf(dir);
  if (gitDir === undefined) return undefined;
  const common = await textOf(join(gitDir, 'commondir'));
  const commonDir = common === undefined ? gitDir : resolve(gitDir, common);
  let said = await textOf(join(gitDir, 'HEAD'));
  for (let step = 0; step < STEPS_MAX && said !== undefined; step++) {
    const ref = /^ref: (refs\/\S+)$/.exec(said)?.[1];
    if (ref === undefined) return /^[0-9a-f]{40,64}$/.test(said) ? said.slice(0, SHOWN) : undefined;
    if (ref.split('/').includes('..')) return undefined;
    said =
      (await textOf(join(gitDir, ref))) ??
      (await textOf(join(commonDir, ref))) ??
      (await packed(commonDir, ref));
  }
  return undefined;
}

/** `.git` of the nearest folder above that has one; a linked work tree has a file there that names it. */
async function gitDirOf(dir: string): Promise<string | undefined> {
  let at = await realpath(dir).catch(() => undefined);
  while (at !== undefined) {
    const place = join(at, '.git');
    const linked = /^gitdir: (.+)$/.exec((await textOf(place)) ?? '')?.[1];
    if (linked !== undefined) return resolve(at, linked);
    if ((await textOf(join(place, 'HEAD'))) !== undefined) return place;
    at = dirname(at) === at ? undefined : dirname(at);
  }
  return undefined;
}

async function packed(commonDir: string, ref: string): Promise<string | undefined> {
  const lines = (await textOf(join(commonDir, 'packed-refs')))?.split('\n') ?? [];
  return lines.find((line) => line.endsWith(` ${ref}`))?.split(' ')[0];
}

/** Undefined when there is no such file, or none that may be read. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Also true for rules files that git does not know, or was told to ignore: no commit has them. */
async function changesIn(
  dir: string,
  isWanted: (name: string) => boolean,
): Promise<boolean | 'unknown'> {
  const status = await git(dir, [
    'status',
    '--porcelain=v1',
    '-z',
    '--no-renames',
    '--ignored',
    '--untracked-files=all',
    '--',
    '.',
  ]);
  if (status === undefined) return 'unknown';
  return status.split('\0').some((line) => isWanted(basename(line.slice(3))));
}

/** No program that a configuration in the folder names is run. */
function git(dir: string, args: readonly string[]): Promise<string | undefined> {
  const safe = ['-C', dir, '-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null'];
  // A hook of git that runs us says by these where it is at work: that may be elsewhere.
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  const env = { ...Object.fromEntries(own), GIT_OPTIONAL_LOCKS: '0' };
  const options = { env, timeout: GIT_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
  return new Promise((done) => {
    execFile('git', [...safe, ...args], options, (error, stdout) => {
      done(error === null ? stdout : undefined);
    });
  });
}
