/**
 * Carries a service over from one place to another, lane by lane; where the other place is split otherwise,
 * into its lanes. What is broken off has to be begun anew, at an empty place.
 */
import { AppError } from '../errors.ts';
import { relane, type LaneContents } from '../lane/relane.ts';
import { LANE, laneNames, type Split } from '../split.ts';
import type { Store } from '../store/contract.ts';
import {
  type Copied,
  copyHistory,
  copyLane,
  copyState,
  openTarget,
  type Writer,
} from '../store/copy.ts';

export interface Place {
  readonly store: Store;
  readonly split: Split;
}

export interface EmptyPlace extends Place {
  /** Makes it a place of its split. Rejects when it is not empty. */
  claim(): Promise<void>;
}

/** Rejects with an AppError when something is at the target already, or cannot be put into its lanes. */
export async function carry(from: Place, to: EmptyPlace): Promise<Copied> {
  const sources = laneNames(from.split);
  if (await isEmpty(from.store, sources)) throw nothingThere();
  if (JSON.stringify(from.split) === JSON.stringify(to.split)) {
    const writers = await claim(to, sources);
    const all: Copied[] = [];
    for (const [lane, writer] of writers) all.push(await copyLane(from.store, lane, writer));
    return sumOf(all);
  }
  // All that can fail comes before anything is written.
  const contents: LaneContents[] = [];
  for (const lane of sources) {
    const { records, outbox } = await from.store.load(lane);
    contents.push({ lane, records: [...records], outbox });
  }
  const lanes = relane(contents, to.split);
  const writers = await claim(to, laneNames(to.split));
  const written: Partial<Copied>[] = [];
  for (const lane of sources) {
    // History is read across all lanes: which one it lies in tells nobody anything.
    const writer = writers.get(lane) ?? writers.get(LANE);
    if (writer !== undefined) written.push(await copyHistory(from.store, lane, writer));
  }
  for (const { lane, ...state } of lanes) {
    const writer = writers.get(lane);
    if (writer !== undefined)
      written.push(await copyState({ ...state, wakeAt: undefined }, writer));
  }
  return sumOf(written);
}

/** From now on every lane of it is unfinished, until it was written. */
async function claim(to: EmptyPlace, lanes: readonly string[]): Promise<Map<string, Writer>> {
  await to.claim();
  const writers = new Map<string, Writer>();
  for (const lane of lanes) writers.set(lane, await openTarget(to.store, lane));
  return writers;
}

async function isEmpty(store: Store, lanes: readonly string[]): Promise<boolean> {
  for (const lane of lanes) if ((await store.load(lane)).version > 0) return false;
  return true;
}

function nothingThere(): AppError {
  const message = 'there is nothing at the source: is it the other way round, or another prefix?';
  return new AppError('no-data', message, { retryable: false });
}

function sumOf(parts: readonly Partial<Copied>[]): Copied {
  const sum = (key: keyof Copied) => parts.reduce((total, one) => total + (one[key] ?? 0), 0);
  return {
    records: sum('records'),
    decisions: sum('decisions'),
    closed: sum('closed'),
    effects: sum('effects'),
  };
}
