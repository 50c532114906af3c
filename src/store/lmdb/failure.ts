/**
 * What can go wrong with the files of the store, as errors that an operator can act on.
 */
import { AppError } from '../../errors.ts';

/** Turns what the operating system or LMDB reports into an AppError; passes on what is one already. */
export function storeFailure(error: unknown, dir: string): AppError {
  if (error instanceof AppError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT' || /No space left|MDB_MAP_FULL/.test(text)) {
    return failure(
      'store-full',
      `no space is left for ${dir}: make room, or move it with QUELL_DATA_DIR; nothing that was accepted is lost`,
      error,
    );
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return failure('store-denied', `${dir} cannot be written (${code}): check its owner`, error);
  }
  return failure('store-failed', `${dir} cannot be written: ${text}`, error);
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
