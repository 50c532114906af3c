/**
 * A lane that is being copied into has a record that says so, from the first commit to the last: whoever loads it
 * meanwhile, or after the copy was broken off, is refused.
 */
import { AppError } from '../errors.ts';

export const UNFINISHED = 'copy/unfinished';

export function unfinished(): AppError {
  const message =
    'what is kept here was not copied to the end: empty this place, and begin "quell migrate" anew';
  return new AppError('copy-unfinished', message, { retryable: false });
}
