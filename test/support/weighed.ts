/**
 * A lane in virtual time whose commits are weighed, and fail when they are told to.
 */
import { onTestFinished } from 'vitest';
import { type Lane, openLane } from '../../src/lane/lane.ts';
import { CAPACITY } from '../../src/limits.ts';
import type { Event, Reason } from '../../src/model.ts';
import type { LaneUse } from '../../src/lane/refusals.ts';
import type { Rules } from '../../src/rules/rules.ts';
import type { Commit, Store } from '../../src/store/contract.ts';
import { createMemoryStore } from './memory-store.ts';
import { createClock, createTime, type VirtualTime } from '../simulation/time.ts';
import { alertEvent, rulesOf, SHOP, START } from './story.ts';

export const MB = 1024 * 1024;

export interface Weighed {
  readonly lane: Lane;
  readonly store: Store;
  readonly time: VirtualTime;
  /** Characters of each commit, as JSON. */
  readonly sizes: number[];
  /** The first commit fails of which it says so. */
  readonly fault: { when?: ((commit: Commit) => boolean) | undefined };
  /** What was decided, counted. */
  readonly reasons: Map<Reason, number>;
  /** One delivery; resolves some seconds after, when nothing is due. */
  readonly take: (events: readonly Event[]) => Promise<unknown>;
}

export async function weighed(
  rules: Rules = rulesOf(SHOP),
  {
    limits = CAPACITY,
    memory = createMemoryStore(),
  }: {
    readonly limits?: LaneUse;
    readonly memory?: Store;
  } = {},
): Promise<Weighed> {
  const time = createTime(START);
  const sizes: number[] = [];
  const fault: Weighed['fault'] = {};
  const reasons = new Map<Reason, number>();
  const store: Store = {
    ...memory,
    commit(name, commit) {
      sizes.push(JSON.stringify(commit).length);
      if (fault.when?.(commit) !== true) return memory.commit(name, commit);
      fault.when = undefined;
      return Promise.reject(new Error('the disk is full'));
    },
  };
  const lane = await openLane({
    name: 'default',
    store,
    rules,
    clock: createClock(time),
    limits,
    observer: {
      decided(_, decisions) {
        for (const { reason } of decisions) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      },
      committed: () => undefined,
      failed: () => undefined,
    },
  });
  await time.advance(1);
  onTestFinished(() => lane.stop());
  const take = async (events: readonly Event[]) => {
    await Promise.all([lane.submit(time.now(), events), time.advance(10_000)]);
    await lane.settled();
  };
  return { lane, store, time, sizes, fault, reasons, take };
}

/** Alerts of a hundred thousand characters each, or their ends. */
export function heavy(
  count: number,
  {
    service = 'basket',
    endsAt,
    labels = {},
  }: {
    readonly service?: string | ((number: number) => string);
    readonly endsAt?: number;
    readonly labels?: Readonly<Record<string, string>>;
  } = {},
): readonly Event[] {
  const annotations = endsAt === undefined ? { text: 'x'.repeat(100_000) } : {};
  const nameOf = typeof service === 'string' ? () => service : service;
  return Array.from({ length: count }, (_, n) =>
    alertEvent(
      {
        alertname: 'Down',
        service: nameOf(n),
        env: 'production',
        severity: 'warning',
        pod: `${n}`,
        ...labels,
      },
      { annotations, endsAt },
    ),
  );
}
