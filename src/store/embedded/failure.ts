/**
 * What can go wrong with the files of the store, as errors that an operator can act on.
 */
import { statfsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { AppError } from '../../errors.ts';

const { errno } = constants;
/** Node names what the system says, LMDB gives its number. */
const FULL: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG', errno.ENOSPC, errno.EDQUOT];
const DENIED: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS', errno.EACCES, errno.EROFS];
const FULL_BELOW_BYTES = 1 << 20;

/** Turns what the operating system or LMDB reports into an AppError; passes on what is one already. */
export function storeFailure(error: unknown, dir: string): AppError {
  if (error instanceof AppError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (FULL.includes(code) || (code === errno.EIO && isFull(dir))) {
    return failure(
      'store-full',
      `no space is left for ${dir}: make room, or move it with QUELL_DATA_DIR; nothing that was accepted is lost`,
      error,
    );
  }
  if (DENIED.includes(code)) {
    return failure(
      'store-denied',
      `${dir} cannot be written (${text}): check its owner, and that its disk is not read-only`,
      error,
    );
  }
  return failure('store-failed', `${dir} cannot be written: ${text}`, error);
}

/** LMDB calls a write that the disk had no room for an input/output error. */
function isFull(dir: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(dir));
    return bavail * bsize < FULL_BELOW_BYTES;
  } catch {
    // Whatever is wrong with the disk, the error that brought us here tells it.
    return false;
  }
}

export function storeDamaged(what: string, cause?: unknown): AppError {
  return new AppError(
    'store-damaged',
    `${what}: restore the data directory from a backup, or move it away to start empty`,
    { retryable: false, cause },
  );
}

function failure(code: string, message: string, cause: unknown): AppError {
  return new AppError(code, message, { retryable: true, cause });
}
