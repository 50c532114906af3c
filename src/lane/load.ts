/**
 * A lane, read back from its store. In slices: a lane is also loaded while others run, and while this
 * instance leads.
 */
import { setImmediate } from 'node:timers/promises';
import { CAPACITY, type Room } from '../limits.ts';
import type { Effect } from '../model.ts';
import { restoring } from '../state/restore.ts';
import { createState, type LaneState } from '../state/state.ts';
import type { Store } from '../store/contract.ts';

interface LoadOptions {
  readonly name: string;
  readonly store: Store;
  readonly limits?: Room;
}

/** What a lane begins with. */
export interface LaneStart {
  readonly state: LaneState;
  readonly version: number;
  readonly outbox: readonly Effect[];
}

/** Steps between two turns of others: about a hundredth of a second of work. */
const SLICE = 1_000;

/** `reloads`: how often this process loaded it before. */
export async function loadLane(
  { name, store, limits = CAPACITY }: LoadOptions,
  reloads: number,
): Promise<LaneStart> {
  const { version, records, outbox, wakeAt } = await store.load(name);
  const state = createState(name, limits, reloads);
  state.decidedUntil = wakeAt;
  const steps = restoring(state, records);
  for (let done = 1; steps.next().done !== true; done++)
    if (done % SLICE === 0) await setImmediate();
  return { state, version, outbox };
}
