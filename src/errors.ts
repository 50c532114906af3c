/**
 * Operating errors: things that go wrong outside Quell. Each has a stable code for logs, metrics and
 * documentation (docs/errors.md), and says whether trying again can help. Bugs are not AppErrors.
 */
export class AppError extends Error {
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.retryable = options.retryable;
  }
}

/** A command was called in a way that it cannot follow. */
export function misuse(message: string): AppError {
  return new AppError('usage', message, { retryable: false });
}

/** What the system calls an error of its own, as `ENOENT`; undefined for what is none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** Whatever was thrown. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
