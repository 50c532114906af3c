/** Asks a running service over its API, and says in words why there is no answer. */
import { AppError } from '../errors.ts';

/** A service that a command asks: where it is, and the token that is shown to it. */
export interface Service {
  readonly base: string;
  readonly token: string | undefined;
}

/** Rejects with an AppError that says `unreached` when there is no answer in time, or it ends before it is read. */
export async function ask<T>(
  { base, token }: Service,
  path: string,
  read: (answer: Response) => Promise<T>,
  { timeoutMs, unreached }: { timeoutMs: number; unreached: string },
): Promise<T> {
  try {
    const answer = await fetch(`${base}${path}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
    return await read(answer);
  } catch (error) {
    // fetch fails with a TypeError when it gets no answer, and with a DOMException after the time-out.
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    throw new AppError('cannot-ask', unreached, { retryable: true, cause: error });
  }
}
