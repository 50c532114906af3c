/**
 * The machine that Quell runs on: its disk, and its processes, which die between any two awaits. What a
 * dead process waits for never comes back; what its last call did may have happened.
 */
import { AppError } from '../../src/errors.ts';
import { type Lane, openLane } from '../../src/lane/lane.ts';
import type { Event } from '../../src/model.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { openMessages } from '../../src/slack/connect.ts';
import { createDelivery } from '../../src/slack/delivery.ts';
import { createReconciler } from '../../src/slack/reconcile.ts';
import type { Store } from '../../src/store/contract.ts';
import { createMemoryStore, type PlannedFault } from '../support/memory-store.ts';
import { buildView } from '../../src/view.ts';
import type { Random } from '../support/random.ts';
import type { SlackWorld, Step } from './slack.ts';
import type { MachineClock } from './time.ts';

export interface Disk {
  readonly store: Store;
  faulty: boolean;
  /** No write succeeds until there is room again. */
  full: boolean;
}

/** A store that fails now and then, before or after the fact. */
export function createDisk(random: Random): Disk {
  const fault = (): PlannedFault => {
    if (!disk.faulty || random.chance(0.9)) return 'ok';
    return random.chance(0.5) ? 'fail-before' : 'fail-after';
  };
  const store = createMemoryStore({ faults: { commit: fault } });
  const disk: Disk = {
    store: {
      ...store,
      commit(lane, commit) {
        if (!disk.full) return store.commit(lane, commit);
        return Promise.reject(new AppError('store-full', 'no space is left', { retryable: true }));
      },
    },
    faulty: true,
    full: false,
  };
  return disk;
}

export interface Process {
  readonly lane: Lane;
  readonly isAlive: () => boolean;
  readonly kill: () => void;
  /** Somebody reacts. Rejects when it could not be kept. */
  readonly hear: (event: Event) => Promise<void>;
  /** Asks for reactions that came while nobody listened. */
  readonly listen: () => void;
}

export interface Machine {
  readonly disk: Disk;
  readonly slack: SlackWorld;
  readonly clock: MachineClock;
  readonly random: Random;
  /** How likely a process dies between two awaits. */
  crashes: number;
  /** People react to messages. */
  readonly hasPeople: boolean;
  /** Reactions that count as taken away. */
  readonly takenBack: string[];
}

const REST_STARTS_MS = 200;

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function startProcess(machine: Machine, rules: Rules): Promise<Process> {
  const { disk, slack, clock, random } = machine;
  let alive = true;
  const never = <T>() => new Promise<T>(() => {});
  const step: Step = async (act) => {
    if (random.chance(machine.crashes)) alive = false;
    if (!alive) return never();
    const result = await act();
    if (random.chance(machine.crashes)) alive = false;
    return alive ? result : never();
  };
  const { store } = disk;
  const lane = await openLane({
    gatherMs: 1,
    name: 'default',
    store: {
      ...store,
      load: (name) => step(() => store.load(name)),
      commit: (name, commit) => step(() => store.commit(name, commit)),
    },
    rules,
    clock,
    observer: {
      decided(_, decisions) {
        for (const { reason, because } of decisions)
          if (reason === 'unacknowledged' || reason === 'taken-back')
            machine.takenBack.push(String(because));
      },
      committed: () => {},
      failed: () => {},
    },
  });
  const hear = (event: Event) => step(() => lane.submit(clock.now(), [event]));
  const reconciler = createReconciler({
    api: slack.api(step),
    gestures: () => lane.rules.gestures,
    submit: hear,
    clock,
    signal: new AbortController().signal,
    log: silent,
  });
  const listen = () => void (machine.hasPeople && reconciler.ask(openMessages(lane)));
  const delivery = createDelivery({
    api: slack.api(step),
    view: (id) => {
      const incident = lane.state.incidents.get(id);
      if (incident === undefined) return undefined;
      const view = buildView(lane.state, incident, lane.rules, clock.now(), undefined);
      return { view, message: incident.message, sentRevision: incident.sentRevision };
    },
    async report(effect, outcome) {
      const { id, at: orderedAt } = effect;
      await hear({ kind: 'delivered', effect: id, orderedAt, outcome });
      if (outcome.kind === 'sent' && outcome.late === true && machine.hasPeople)
        void reconciler.ask([{ message: outcome.message, replies: [], reactions: {} }]);
    },
    clock,
    random,
    log: silent,
  });
  // The rest of the service starts, while the lane decides what is due already.
  await step(() => clock.sleep(REST_STARTS_MS, new AbortController().signal));
  lane.attach(delivery);
  listen();
  const kill = () => {
    alive = false;
  };
  return { lane, isAlive: () => alive, kill, hear, listen };
}
