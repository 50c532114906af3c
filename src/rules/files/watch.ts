/**
 * Keeps the rules of a folder current: loads them, and loads them anew when the folder changes.
 *
 * All or nothing: files with an error leave the rules in force as they are, and say so. Changes are
 * noticed by the file system's events, and by looking now and then, because events get lost (network
 * drives, a ConfigMap that is swapped by a symbolic link).
 */
import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, codeOf } from '../../errors.ts';
import type { LoadResult } from '../compile.ts';
import { commitOf } from './git.ts';
import { isRulesFile, loadRules, unreadable } from './load.ts';
import { hashOf, type Rules } from '../rules.ts';

export type Loaded = Extract<LoadResult, { readonly kind: 'loaded' }>;
export type Refused = Extract<LoadResult, { readonly kind: 'refused' }>;

export interface RulesKeeper {
  /** The rules in force. */
  readonly rules: () => Rules;
  readonly inForce: () => Loaded;
  /** What the last attempt to load led to: refused files leave `rules` as they were. */
  readonly last: () => LoadResult;
  /** Loads now, changed or not, and tells what came of it. */
  readonly reload: () => Promise<LoadResult>;
  readonly stop: () => void;
}

interface KeepOptions {
  /**
   * Other rules are in force from now on. Not called for the first ones, nor when nothing changed.
   * `isSame`: the files are as before, and only their commit is another one.
   */
  readonly onChange: (loaded: Loaded, isSame: boolean) => void;
  /** The files were loaded, and are those in force. `mended`: before this they were refused. */
  readonly onSame?: (loaded: Loaded, mended: boolean) => void;
  /** The folder changed, but cannot be used as it is. */
  readonly onRefused: (refused: Refused) => void;
  /** Events that come together are one. */
  readonly debounceMs?: number;
  /** How often to look without an event; 0: never. */
  readonly pollMs?: number;
}

const DEBOUNCE_MS = 200;
const POLL_MS = 10_000;

/** Refused when the folder cannot be used to begin with. Rejects with rules-dir when there is none. */
export async function keepRules(
  dir: string,
  options: KeepOptions,
): Promise<{ readonly kind: 'kept'; readonly keeper: RulesKeeper } | Refused> {
  const stamp = await stampOf(dir);
  const first = await loadRules(dir);
  if (first.kind === 'refused') return first;
  return { kind: 'kept', keeper: keep(dir, first, stamp, options) };
}

function keep(dir: string, first: Loaded, stamp: string, options: KeepOptions): RulesKeeper {
  let inForce = first;
  let last: LoadResult = first;
  let seen = stamp;
  let loading: Promise<LoadResult> = Promise.resolve(first);
  let stopped = false;

  async function load(): Promise<LoadResult> {
    seen = await stampOf(dir);
    const result = await loadOrSay(dir);
    if (stopped) return result;
    const mended = last.kind === 'refused';
    last = result;
    if (result.kind === 'refused') {
      options.onRefused(result);
    } else if (result.rules.version !== inForce.rules.version) {
      const isSame = hashOf(result.rules.version) === hashOf(inForce.rules.version);
      inForce = result;
      options.onChange(result, isSame);
    } else options.onSame?.(result, mended);
    return result;
  }

  /** One after another: a load in progress may have read a file before it was written. */
  function reload(): Promise<LoadResult> {
    loading = loading.then(load);
    return loading;
  }

  async function look(): Promise<void> {
    await loading;
    if (!stopped && (await stampOf(dir)) !== seen) await reload();
  }

  const wake = watchFolder(dir, options, () => void look());
  return {
    rules: () => inForce.rules,
    inForce: () => inForce,
    last: () => last,
    reload,
    stop: () => {
      stopped = true;
      wake.stop();
    },
  };
}

async function loadOrSay(dir: string): Promise<LoadResult> {
  try {
    return await loadRules(dir);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { kind: 'refused', errors: [unreadable('.', error.message)], warnings: [], files: [] };
  }
}

function watchFolder(
  dir: string,
  { debounceMs = DEBOUNCE_MS, pollMs = POLL_MS }: KeepOptions,
  look: () => void,
): { readonly stop: () => void } {
  let soon: NodeJS.Timeout | undefined;
  function noticed(): void {
    clearTimeout(soon);
    soon = setTimeout(look, debounceMs);
    soon.unref();
  }
  const watcher = tryWatch(dir, noticed);
  const poll = pollMs > 0 ? setInterval(look, pollMs) : undefined;
  poll?.unref();
  return {
    stop: () => {
      clearTimeout(soon);
      clearInterval(poll);
      watcher?.close();
    },
  };
}

/** Without events (no inotify watches left, a network drive) looking now and then has to do. */
function tryWatch(dir: string, noticed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(dir, { persistent: false }, noticed);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return undefined;
  }
}

/** Changes whenever a rules file comes, goes or is written. */
async function stampOf(dir: string): Promise<string> {
  try {
    const names = (await readdir(dir)).filter(isRulesFile).sort();
    const stamps = await Promise.all(names.map((name) => stampOfFile(join(dir, name))));
    // A commit of what is there already gives it another name.
    return JSON.stringify([await commitOf(dir), names.map((name, i) => [name, stamps[i]])]);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return `unreadable: ${code}`;
  }
}

async function stampOfFile(path: string): Promise<string> {
  try {
    const { mtimeMs, ctimeMs, size, ino } = await stat(path);
    return [mtimeMs, ctimeMs, size, ino].join(' ');
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return code;
  }
}
