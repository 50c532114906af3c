/**
 * Sorting in steps, because a million records in one go would let nobody else have a turn for seconds:
 * short runs are sorted, and merged two by two.
 */
type IsBefore<T> = (one: T, other: T) => boolean;

/** Sorted, or merged, in one step. */
const RUN = 64;

/** Nothing is said of the order of two items of which neither is before the other. */
export function* sorted<T>(
  items: readonly T[],
  isBefore: IsBefore<T>,
): Generator<void, readonly T[]> {
  let runs: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += RUN) {
    const run = items.slice(at, at + RUN);
    runs.push(run.sort((one, other) => (isBefore(one, other) ? -1 : 1)));
    yield;
  }
  while (runs.length > 1) {
    const longer: (readonly T[])[] = [];
    for (let at = 0; at < runs.length; at += 2)
      longer.push(yield* merged(runs[at] ?? [], runs[at + 1] ?? [], isBefore));
    runs = longer;
  }
  return runs[0] ?? [];
}

/** The first ones, in order. Without sorting all: there may be very many. */
export function topOf<T>(items: Iterable<T>, most: number, isBefore: IsBefore<T>): readonly T[] {
  const first: T[] = [];
  for (const item of items) {
    let place = first.length;
    while (place > 0 && isBefore(item, first[place - 1] ?? item)) place--;
    if (place < most) first.splice(place, 0, item);
    if (first.length > most) first.pop();
  }
  return first;
}

function* merged<T>(
  left: readonly T[],
  right: readonly T[],
  isBefore: IsBefore<T>,
): Generator<void, readonly T[]> {
  if (right.length === 0) return left;
  const all: T[] = [];
  let atRight = 0;
  for (const one of left) {
    for (; atRight < right.length; atRight++) {
      const other = right[atRight];
      if (other === undefined || isBefore(one, other)) break;
      all.push(other);
      if (all.length % RUN === 0) yield;
    }
    all.push(one);
    if (all.length % RUN === 0) yield;
  }
  return all.concat(right.slice(atRight));
}
