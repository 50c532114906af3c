/**
 * One page of a long list, newest first, with work that does not grow with what is on the page.
 *
 * The live state has no order by time, so a page is one pass over it that keeps the newest few. What
 * is older than the worst of these is passed over with one comparison; the pass goes backwards, because
 * what came in last is mostly the newest. Others have a turn meanwhile: of a million it takes a while.
 */
import type { Instant } from '../model.ts';
import { createPause } from './stream-array.ts';

export interface Place {
  readonly at: Instant;
  readonly id: string;
}

interface NewestOptions<T> {
  readonly atOf: (item: T) => Instant;
  readonly idOf: (item: T) => string;
  /** Asked only for what could be on the page. */
  readonly accepts: (item: T) => boolean;
  /** The last place of the page before. */
  readonly after: Place | undefined;
  readonly limit: number;
}

interface Newest<T> {
  readonly items: readonly T[];
  /** Undefined when there is nothing older. */
  readonly next: Place | undefined;
}

/** The time is not asked for each of them. */
const LOOKED_AT_ONCE = 100;

/** Of all lists together, as they are now: what changes meanwhile is not seen. */
export async function newest<T extends object>(
  lists: readonly Iterable<T>[],
  options: NewestOptions<T>,
): Promise<Newest<T>> {
  const { atOf, limit } = options;
  // One more than the page, to know whether there is a next one.
  const wanted = limit + 1;
  let kept: { readonly item: T; readonly place: Place }[] = [];
  let worst: Place | undefined;
  const pause = createPause();
  let looked = 0;
  for (const item of backwards(lists)) {
    const turn = ++looked % LOOKED_AT_ONCE === 0 ? pause() : undefined;
    if (turn !== undefined) await turn;
    if (worst !== undefined && atOf(item) < worst.at) continue;
    const place = placeOf(item, worst, options);
    if (place === undefined) continue;
    kept.push({ item, place });
    if (kept.length < wanted * 2) continue;
    kept = best(kept, wanted);
    worst = kept.at(-1)?.place;
  }
  const sorted = best(kept, wanted);
  const page = sorted.slice(0, limit);
  const next = sorted.length > limit ? page.at(-1)?.place : undefined;
  return { items: page.map(({ item }) => item), next };
}

/** Undefined: it is not on the page. */
function placeOf<T>(
  item: T,
  worst: Place | undefined,
  { atOf, idOf, accepts, after }: NewestOptions<T>,
): Place | undefined {
  const place = { at: atOf(item), id: idOf(item) };
  if (worst !== undefined && compare(place, worst) >= 0) return undefined;
  if (after !== undefined && compare(place, after) <= 0) return undefined;
  return accepts(item) ? place : undefined;
}

function* backwards<T>(lists: readonly Iterable<T>[]): Generator<T> {
  const copies = lists.map((list) => [...list]);
  for (const items of copies.reverse())
    for (let i = items.length - 1; i >= 0; i--) {
      const item = items[i];
      if (item !== undefined) yield item;
    }
}

function best<T extends { readonly place: Place }>(kept: readonly T[], wanted: number): T[] {
  return kept.toSorted((one, other) => compare(one.place, other.place)).slice(0, wanted);
}

/** Newest first; negative when `one` comes before `other`. */
function compare(one: Place, other: Place): number {
  if (one.at !== other.at) return other.at - one.at;
  return one.id < other.id ? -1 : Number(one.id > other.id);
}
