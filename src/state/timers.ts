/**
 * What is due when: a heap of (instant, key) in which a key stands at most once.
 *
 * Moving a key to a later instant costs nothing: the entry stays where it is, and whoever is called
 * too early says when it is due now. So an alert that is mentioned again and again moves no heap.
 */
import type { Decision, Effect, Instant } from '../model.ts';

export interface Timers {
  /** Each key and the number of its entry. */
  readonly due: Map<string, number>;
  /** Of each entry its key and its instant, by its number: an object for each would be work for the collector. */
  readonly keys: string[];
  readonly ats: Instant[];
  /** Numbers of entries as a binary heap, earliest first, and where each stands in it. */
  readonly heap: number[];
  readonly places: number[];
  /** Numbers that are free again. */
  readonly free: number[];
  /** Keys that are never called: what is due for them fails. */
  readonly setAside: Set<string>;
  /** Go before all of it, one after the other. */
  readonly reviews: Review[];
}

/** Records that are still to be looked at after a start, by other rules, for a silence: see review.ts. */
export interface Review {
  /** What fails with it, if it fails. */
  readonly key: string;
  /** Looks at some, and adds what it decides and orders. True: that was all. */
  readonly goOn: (to: Reviewed) => boolean;
}

export interface Reviewed {
  readonly decisions: Decision[];
  effects: Map<string, Effect | undefined> | undefined;
}

/** Work that is done in slices: it yields after each record. */
export type Steps = Generator<void, void>;

/** What was due for a key failed: a bug, or rules that throw. The state is half changed: load it again. */
export class DueFailed extends Error {
  readonly key: string;

  constructor(key: string, cause: unknown) {
    super(`the pipeline failed on what was due for ${key}`, { cause });
    this.name = 'DueFailed';
    this.key = key;
  }
}

export function createTimers(): Timers {
  return {
    due: new Map(),
    keys: [],
    ats: [],
    heap: [],
    places: [],
    free: [],
    setAside: new Set(),
    reviews: [],
  };
}

/** Calls `key` at `at`, or earlier if it already is to be called earlier. */
export function schedule(timers: Timers, key: string, at: Instant): void {
  const { due, ats } = timers;
  const present = due.get(key);
  if (present !== undefined && at >= instantOf(timers, present)) return;
  if (timers.setAside.has(key)) return;
  const entry = present ?? addEntry(timers, key);
  ats[entry] = at;
  rise(timers, entry);
}

/** The last of the heap, whenever it is due. */
function addEntry(timers: Timers, key: string): number {
  const { due, keys, heap, places, free } = timers;
  const entry = free.pop() ?? keys.length;
  due.set(key, entry);
  keys[entry] = key;
  places[entry] = heap.push(entry) - 1;
  return entry;
}

function instantOf({ ats }: Timers, entry: number): Instant {
  return ats[entry] ?? Number.POSITIVE_INFINITY;
}

/** Whatever the clock says, and also when it was put back. */
const BEFORE_ALL: Instant = 0;

/** The earliest instant at which something is due. It may have been put off since: never too late. */
export function nextDue(timers: Timers): Instant | undefined {
  if (timers.reviews.length > 0) return BEFORE_ALL;
  const [first] = timers.heap;
  return first === undefined ? undefined : instantOf(timers, first);
}

/** Takes the earliest key that is due by `now`. */
export function takeDue(timers: Timers, now: Instant): string | undefined {
  const { due, keys, heap, free } = timers;
  const [first] = heap;
  if (first === undefined || instantOf(timers, first) > now) return undefined;
  const key = keys[first] ?? '';
  const last = heap.pop();
  if (last !== undefined && last !== first) sink(timers, last);
  due.delete(key);
  keys[first] = '';
  free.push(first);
  return key;
}

function rise(timers: Timers, entry: number): void {
  const { heap, places } = timers;
  let place = places[entry] ?? 0;
  while (place > 0) {
    const above = (place - 1) >> 1;
    const parent = heap[above] ?? entry;
    if (!isEarlier(timers, entry, parent)) break;
    heap[place] = parent;
    places[parent] = place;
    place = above;
  }
  heap[place] = entry;
  places[entry] = place;
}

/** From the top, which is free. */
function sink(timers: Timers, entry: number): void {
  const { heap, places } = timers;
  let place = 0;
  for (;;) {
    const left = heap[2 * place + 1];
    if (left === undefined) break;
    const right = heap[2 * place + 2];
    const child = right !== undefined && isEarlier(timers, right, left) ? right : left;
    if (!isEarlier(timers, child, entry)) break;
    const below = places[child] ?? 0;
    heap[place] = child;
    places[child] = place;
    place = below;
  }
  heap[place] = entry;
  places[entry] = place;
}

/** The key breaks ties, so that equal instants run in the same order everywhere. */
function isEarlier(timers: Timers, a: number, b: number): boolean {
  const [one, other] = [instantOf(timers, a), instantOf(timers, b)];
  return one < other || (one === other && (timers.keys[a] ?? '') < (timers.keys[b] ?? ''));
}
