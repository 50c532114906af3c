/**
 * The story of an incident without its repetitions: at night nobody reads that 80 alerts joined. Pure.
 */

/** Reasons of steps that say little after the first of a service. */
export const FOLDED = ['joined', 'resolved', 'expired'] as const;
type Folded = (typeof FOLDED)[number];

interface Step {
  readonly reason: string;
  readonly service: string | null;
}

/** What is shown, in its order, and the rest by reason. Of a folded reason the first of each service is shown. */
export function fold<T extends Step>(
  chain: readonly T[],
): { readonly shown: readonly T[]; readonly folded: ReadonlyMap<Folded, readonly T[]> } {
  const seen = new Set<string>();
  const folded = new Map<Folded, T[]>();
  const shown = chain.filter((step) => {
    const reason = FOLDED.find((one) => one === step.reason);
    const key = `${step.reason} ${step.service}`;
    if (reason === undefined || !seen.has(key)) {
      seen.add(key);
      return true;
    }
    const rest = folded.get(reason);
    if (rest === undefined) folded.set(reason, [step]);
    else rest.push(step);
    return false;
  });
  return { shown, folded };
}
