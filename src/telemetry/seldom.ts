/**
 * Log lines that strangers can cause, but not flood: the first few of a kind in each minute are written,
 * the rest is counted, and told with the next line of that kind.
 */
interface SeldomOptions {
  readonly now: () => number;
  /** Lines of one kind in a minute. */
  readonly max: number;
}

/** Says of each line of a kind how many were left out before it; undefined: leave this one out too. */
export type Seldom = (kind: string) => number | undefined;

const MINUTE_MS = 60_000;

/** Kinds are a closed set: each is remembered. */
export function createSeldom({ now, max }: SeldomOptions): Seldom {
  const kinds = new Map<string, { since: number; lines: number; leftOut: number }>();
  return (kind) => {
    const at = now();
    const seen = kinds.get(kind) ?? { since: at, lines: 0, leftOut: 0 };
    kinds.set(kind, seen);
    if (at - seen.since >= MINUTE_MS || at < seen.since) {
      seen.since = at;
      seen.lines = 0;
    }
    if (seen.lines >= max) {
      seen.leftOut++;
      return undefined;
    }
    seen.lines++;
    const { leftOut } = seen;
    seen.leftOut = 0;
    return leftOut;
  };
}
