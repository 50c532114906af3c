/**
 * What the service stands on: a store, and the lanes that are kept in it. A data directory for one process,
 * or a Redis for several that are one service; whoever gets them need not know which.
 */
import { mkdir, opendir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { AppError, codeOf } from '../errors.ts';
import { type LaneOptions, openLane } from '../lane/lane.ts';
import { createLanes, type Lanes } from '../lane/lanes.ts';
import { LANE, WHOLE } from '../split.ts';
import { acrossLanes } from '../store/across-lanes.ts';
import type { History, Store } from '../store/contract.ts';
import { openEmbeddedStore } from '../store/embedded.ts';
import type { Log } from '../telemetry/log.ts';

export interface Backing {
  readonly store: Store;
  readonly history: History;
  readonly lanes: Lanes;
}

export interface BackingOptions
  extends Omit<LaneOptions, 'name' | 'store' | 'start' | 'limits' | 'gatherMs'> {
  readonly log: Log;
  /** This instance leads the lane from now on; another one did. */
  readonly leads: () => void;
}

/** How long a write waits for others to share it: about as long as one takes. */
const GATHER_MS = 1;

/** In a data directory. Rejects with an AppError that says what to do when the state cannot be had. */
export async function openBacking(config: Config, options: BackingOptions): Promise<Backing> {
  const store = await openEmbeddedStore(config.dataDir);
  const { limits } = config;
  const lane = await openLane({ ...options, name: LANE, limits, store, gatherMs: GATHER_MS });
  return backingOf(store, createLanes([lane], WHOLE));
}

export function backingOf(store: Store, lanes: Lanes): Backing {
  const names = lanes.all.map(({ name }) => name);
  return { store, lanes, history: acrossLanes(store, names) };
}

/**
 * For its owner alone: alerts and messages are in there. Folder by folder: a recursive mkdir never ends where
 * nothing can be made, as under /proc.
 */
export async function makeDataDir(path: string): Promise<void> {
  const dir = resolve(path);
  try {
    await makeDir(dir, 0o700);
    // Fails with ENOTDIR where a file has the name.
    await (await opendir(dir)).close();
  } catch (error) {
    // Every failure of the file system has a code.
    const code = codeOf(error);
    if (code === undefined) throw error;
    const message = `the data directory ${dir} cannot be made or read (${WHY_NOT[code] ?? code}): set QUELL_DATA_DIR to another`;
    throw new AppError('store-denied', message, { retryable: false, cause: error });
  }
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  EPERM: 'no permission',
  ENOTDIR: 'there is a file of that name, or on the way to it',
  EROFS: 'its disk is read-only',
  ENOENT: 'nothing can be made there',
};

async function makeDir(dir: string, mode?: number, andParents = true): Promise<void> {
  try {
    await mkdir(dir, { mode });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || !andParents || dirname(dir) === dir) throw error;
    await makeDir(dirname(dir));
    await makeDir(dir, mode, false);
  }
}
