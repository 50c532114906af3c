/**
 * What is due when: a heap of (instant, key) in which a key stands at most once.
 *
 * Moving a key to a later instant costs nothing: the entry stays where it is, and whoever is called
 * too early says when it is due now. So an alert that is mentioned again and again moves no heap.
 */
import type { Decision, Effect, Instant } from './model.ts';

export interface Timers {
  /** Binary heap, earliest first. */
  readonly heap: { at: Instant; readonly key: string }[];
  /** When each key stands in the heap. */
  readonly due: Map<string, Instant>;
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
  return { heap: [], due: new Map(), setAside: new Set(), reviews: [] };
}

/** Calls `key` at `at`, or earlier if it already is to be called earlier. */
export function schedule(timers: Timers, key: string, at: Instant): void {
  const present = timers.due.get(key);
  if (present !== undefined && present <= at) return;
  if (timers.setAside.has(key)) return;
  timers.due.set(key, at);
  if (timers.heap.length > 2 * timers.due.size + OUTDATED_MAX) rebuild(timers);
  const { heap } = timers;
  let index = heap.push({ at, key }) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!swapIfEarlier(heap, index, parent)) return;
    index = parent;
  }
}

/** Entries that a reschedule left behind, beyond as many as there are living ones. */
const OUTDATED_MAX = 100;

function rebuild(timers: Timers): void {
  const living = timers.heap.filter(({ at, key }) => timers.due.get(key) === at);
  // An ordered list is a heap.
  living.sort((one, other) => one.at - other.at || (one.key < other.key ? -1 : 1));
  timers.heap.length = 0;
  for (const entry of living) timers.heap.push(entry);
}

/** Whatever the clock says, and also when it was put back. */
const BEFORE_ALL: Instant = 0;

/** The earliest instant at which something is due. May be too early, never too late. */
export function nextDue(timers: Timers): Instant | undefined {
  if (timers.reviews.length > 0) return BEFORE_ALL;
  dropOutdated(timers);
  return timers.heap[0]?.at;
}

/** Takes the earliest key that is due by `now`. */
export function takeDue(timers: Timers, now: Instant): string | undefined {
  dropOutdated(timers);
  const first = timers.heap[0];
  if (first === undefined || first.at > now) return undefined;
  removeFirst(timers.heap);
  timers.due.delete(first.key);
  return first.key;
}

/** An entry whose key was rescheduled to an earlier instant, and has run since, is outdated. */
function dropOutdated(timers: Timers): void {
  for (;;) {
    const first = timers.heap[0];
    if (first === undefined || timers.due.get(first.key) === first.at) return;
    removeFirst(timers.heap);
  }
}

function removeFirst(heap: { at: Instant; readonly key: string }[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    const right = left + 1;
    let earliest = index;
    if (isEarlier(heap, left, earliest)) earliest = left;
    if (isEarlier(heap, right, earliest)) earliest = right;
    if (earliest === index) return;
    swapIfEarlier(heap, earliest, index);
    index = earliest;
  }
}

function isEarlier(heap: readonly { at: Instant; key: string }[], a: number, b: number): boolean {
  const one = heap[a];
  const other = heap[b];
  if (one === undefined || other === undefined) return false;
  // The key breaks ties, so that equal instants run in the same order everywhere.
  return one.at < other.at || (one.at === other.at && one.key < other.key);
}

function swapIfEarlier(
  heap: { at: Instant; readonly key: string }[],
  a: number,
  b: number,
): boolean {
  if (!isEarlier(heap, a, b)) return false;
  const one = heap[a];
  const other = heap[b];
  if (one === undefined || other === undefined) return false;
  heap[a] = other;
  heap[b] = one;
  return true;
}
