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
