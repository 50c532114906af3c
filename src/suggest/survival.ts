/**
 * How long alerts last when nobody touches them, from firings of which some were touched.
 *
 * What people took on, or what still fires, says only that it would have lasted at least so long: it is
 * right-censored. The product-limit estimate (Kaplan and Meier, 1958) uses both. Pure.
 */

export interface Lifetime {
  readonly ms: number;
  /** False: censored; it would have lasted at least that long. */
  readonly ended: boolean;
}

/** Steps of the share that still fires after `ms`, from the shortest; starts at 1. */
export interface Survival {
  readonly lives: number;
  readonly ended: number;
  readonly steps: readonly { readonly ms: number; readonly share: number }[];
}

export function survivalOf(lives: readonly Lifetime[]): Survival {
  const sorted = [...lives].sort(
    // What ends at an instant was still there when what is censored then was last seen.
    (one, other) => one.ms - other.ms || Number(other.ended) - Number(one.ended),
  );
  const steps: { ms: number; share: number }[] = [];
  let share = 1;
  for (const [index, { ms, ended }] of sorted.entries()) {
    if (!ended) continue;
    share *= 1 - 1 / (sorted.length - index);
    const last = steps.at(-1);
    if (last?.ms === ms) last.share = share;
    else steps.push({ ms, share });
  }
  return { lives: lives.length, ended: lives.filter(({ ended }) => ended).length, steps };
}

/** The share that is over within `ms`. */
export function overWithin({ steps }: Survival, ms: number): number {
  let share = 1;
  for (const step of steps) {
    if (step.ms > ms) break;
    ({ share } = step);
  }
  return 1 - share;
}

/** By when this share is over; undefined when so many never ended. */
export function quantile({ steps }: Survival, share: number): number | undefined {
  return steps.find((step) => 1 - step.share >= share)?.ms;
}
