/**
 * One process for each data directory.
 *
 * The lock is the reader table of an empty LMDB database: who has the store open stands in it, held by
 * the kernel, so a process that was killed leaves nothing behind, and a number that another process
 * has got meanwhile misleads nobody. Each enters itself first and looks then: of two that come at the
 * same moment none gets in, rather than both.
 */
import { open } from 'lmdb';
import { AppError } from '../../errors.ts';
import { storeFailure } from './failure.ts';

interface DirLock {
  release(): Promise<void>;
}

export async function lockDir(lockDirectory: string, dir: string): Promise<DirLock> {
  try {
    const env = open({ path: lockDirectory, encoding: 'binary', overlappingSync: false });
    const entry = env.useReadTransaction();
    env.get('', { transaction: entry });
    const readers = readersOf(env.readerList());
    const release = async (): Promise<void> => {
      entry.done();
      await env.close();
    };
    if (readers.length > 1) {
      await release();
      throw inUse(dir, readers);
    }
    return { release };
  } catch (error) {
    throw storeFailure(error, dir);
  }
}

/** Process ids in LMDB's table: a heading, then "pid thread txnid" in each line. */
function readersOf(table: string): readonly number[] {
  return [...table.matchAll(/^\s*(\d+)\s+\S+\s+\S+\s*$/gm)].map(([, pid]) => Number(pid));
}

function inUse(dir: string, readers: readonly number[]): AppError {
  const other = readers.find((pid) => pid !== process.pid) ?? process.pid;
  return new AppError(
    'store-in-use',
    `another Quell (process ${other}) works in ${dir}: stop it, or give this one a directory of its own with QUELL_DATA_DIR`,
    { retryable: false },
  );
}
