/**
 * A lane that several instances share. To whoever uses it, it is a lane like any other.
 *
 *     submit -> inbox in Redis -> 2xx             on any instance
 *               inbox -> decide -> commit          on the one that leads
 *                                  -> outbox       (Slack), by the same
 *
 * Every instance keeps the state in memory: the leader because it decides, the others because they
 * follow what it commits. When the leader is gone another one goes on with what it has, decides what is
 * left in the inbox, and carries out what is left in the outbox.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { LaneObserver } from '../lane/batch.ts';
import { AppError, asError } from '../errors.ts';
import type { Clock } from '../lane/clock.ts';
import { type Lane, openLane, type Outbox } from '../lane/lane.ts';
import { tooManyAlerts } from '../lane/refusals.ts';
import { firingIn, whatIsFull } from '../life/room.ts';
import type { Capacity } from '../limits.ts';
import type { Event } from '../model.ts';
import type { Rules } from '../rules/rules.ts';
import type { LaneState } from '../state/state.ts';
import type { SharedStore } from '../store/contract.ts';
import type { RedisAddress } from '../store/redis/address.ts';
import { connect, type Connection, settled } from '../store/redis/connection.ts';
import { laneTag } from '../store/redis/keys.ts';
import { type Inbox, type InboxJob, openInbox } from './inbox.ts';
import { isTooOld, type Lead, seekLead } from './lead.ts';
import { createReplica, type Replica, takeOver } from './replica.ts';

export interface SharedLaneOptions {
  readonly name: string;
  readonly address: RedisAddress;
  readonly store: SharedStore;
  readonly rules: Rules;
  readonly clock: Clock;
  /** Beyond these senders are asked to come back. */
  readonly limits: Capacity;
  /** How long other instances come first when it may be led. Undefined: they do not. */
  readonly patienceMs?: (() => number) | undefined;
  readonly observer: LaneObserver & SharedLaneObserver;
}

/** What becomes of this instance's part in the lane. */
export interface SharedLaneObserver {
  /** This instance leads from now on, or does not any more. */
  readonly leads: (now: boolean) => void;
  /** A job of the inbox could not be decided. */
  readonly jobFailed: (id: string, error: Error) => void;
  /** Redis did not do what was asked, or was not there. It is asked again. */
  readonly trouble: (error: Error) => void;
}

/** Lets another instance lead it, when this one does. */
interface SharedLane extends Lane {
  giveBack(): void;
}

/** How far behind the leader an instance is at most, while Redis answers. */
const FOLLOW_MS = 250;
/** What it read becomes state only while it is less busy than this, of 1. */
const BUSY = 0.5;
/** Records of which state is made in one go: a hundredth of a second of work at most. */
const SLICE = 200;
/** Of what it read while others had nothing to do for it: a round of following is three times as long. */
const SLICES_A_ROUND = 25;
/** Without a word from Redis for so long an instance is not ready. */
const SILENT_MS = 5_000;
/** After a commit that failed. */
const AGAIN_MS = 250;

interface Shared {
  readonly options: SharedLaneOptions;
  readonly inbox: Inbox;
  replica: Replica;
  rules: Rules;
  outbox: Outbox | undefined;
  lead: Lead | undefined;
  leading: Lane | undefined;
  /**
   * Whose the replica's state is. Who prepares to lead with it is the only one who changes it; what a
   * leader made of it may never have been committed.
   */
  stateOf: 'follower' | 'candidate' | 'leader';
  /** State is being made of all that was read. */
  settling: Promise<void> | undefined;
  /** When Redis answered last. */
  heardAt: number;
  stopping: boolean;
}

export async function openSharedLane(options: SharedLaneOptions): Promise<SharedLane> {
  const { name, address, observer } = options;
  const tag = laneTag(address.prefix, name);
  const prompt = connect(address, 'prompt', observer.trouble);
  const blocking = connect(address, 'blocking', observer.trouble);
  const connections = { prompt, blocking, tag, trouble: observer.trouble };
  const inbox = await openInbox({
    ...connections,
    limits: options.limits,
    failed(id, error) {
      observer.jobFailed(id, error);
      if (isTooOld(error)) leaveIt(shared);
    },
  });
  const shared: Shared = {
    options,
    inbox,
    replica: newReplica(options, () => shared.rules),
    rules: options.rules,
    outbox: undefined,
    lead: undefined,
    leading: undefined,
    stateOf: 'follower',
    settling: undefined,
    heardAt: performance.now(),
    stopping: false,
  };
  const close = async (): Promise<void> => {
    await inbox.close();
    await Promise.all([prompt.close(), blocking.close()]);
  };
  try {
    await settled(prompt, tag);
    await shared.replica.catchUp();
  } catch (error) {
    await close();
    throw error;
  }
  // Whoever has to lead soon after its start should not have all of it to do then.
  settleAll(shared).catch(observer.trouble);
  const following = follow(shared);
  return laneOf(shared, {
    begin: () => begin(shared, connections),
    async end() {
      shared.stopping = true;
      await shared.lead?.stop();
      await following;
      await close();
    },
  });
}

function newReplica(
  { store, name, limits }: SharedLaneOptions,
  rules: () => Rules,
  shown?: LaneState,
): Replica {
  return createReplica({
    store,
    lane: name,
    room: limits,
    notIdentity: () => rules().notIdentity,
    shown,
  });
}

interface Life {
  readonly begin: () => void;
  readonly end: () => Promise<void>;
}

function laneOf(shared: Shared, { begin, end }: Life): SharedLane {
  const { inbox, options } = shared;
  return {
    name: options.name,
    get state() {
      return shared.leading?.state ?? shared.replica.state;
    },
    get rules() {
      return shared.rules;
    },
    get ready() {
      return performance.now() - shared.heardAt < SILENT_MS;
    },
    get waiting() {
      return inbox.waiting + (shared.leading?.waiting ?? 0);
    },
    get used() {
      return {
        waiting: inbox.waitingEvents + (shared.leading?.used.waiting ?? 0),
        ...firingIn((shared.leading ?? shared.replica).state),
      };
    },
    get setAside() {
      return inbox.setAside;
    },
    get leads() {
      return shared.lead?.holds() ?? false;
    },
    async submit(at, events) {
      if (shared.stopping) {
        throw new AppError('stopping', 'Quell is stopping', { retryable: true });
      }
      const full = await whatHasNoRoom(shared, events);
      if (full !== undefined) throw tooManyAlerts(full, options.limits);
      await inbox.add(at, events);
    },
    useRules(rules) {
      shared.rules = rules;
      shared.leading?.useRules(rules);
    },
    attach(outbox) {
      shared.outbox = outbox;
      begin();
    },
    caughtUp: () => settleAll(shared),
    async settled() {
      await shared.leading?.settled();
    },
    stop: end,
    giveBack: () => shared.lead?.giveBack(),
  };
}

/** What an instance that follows has not looked at yet may all fire: only if that were too much it is looked at. */
async function whatHasNoRoom(shared: Shared, events: readonly Event[]) {
  const { rules, options } = shared;
  if (shared.leading === undefined) {
    const { alerts, bytes } = shared.replica.firingMax;
    const { limits } = options;
    if (alerts + events.length <= limits['open-alerts'] && bytes < limits['alert-bytes'])
      return undefined;
    await settleAll(shared);
  }
  return whatIsFull((shared.leading ?? shared.replica).state, rules, events, 0);
}

/** Makes state of all that was read. Others have a turn meanwhile: the lock of this lane and of others must be kept. */
function settleAll(shared: Shared): Promise<void> {
  // One at a time, however many wait for it: else all of them would do a slice in each turn.
  shared.settling ??= settle(shared).finally(() => {
    shared.settling = undefined;
  });
  return shared.settling;
}

async function settle(shared: Shared): Promise<void> {
  while (!shared.stopping && shared.replica.settle(SLICE)) await setImmediate();
}

/** Only now: whoever leads has effects to be carried out. */
function begin(
  shared: Shared,
  connections: {
    readonly prompt: Connection;
    readonly blocking: Connection;
    readonly tag: string;
    readonly trouble: (error: Error) => void;
  },
): void {
  let decider: { stop(): Promise<void> } | undefined;
  void seekLead({
    ...connections,
    patienceMs: shared.options.patienceMs ?? (() => 0),
    async gained() {
      shared.leading = await lead(shared);
      decider = shared.inbox.decide((job) => decideJob(shared, job));
      shared.options.observer.leads(true);
    },
    async lost() {
      await decider?.stop();
      decider = undefined;
      const { leading } = shared;
      shared.leading = undefined;
      await leading?.stop();
      await shared.outbox?.abandon();
      if (shared.stateOf === 'leader')
        shared.replica = newReplica(shared.options, () => shared.rules, shared.replica.state);
      shared.stateOf = 'follower';
      if (leading !== undefined) shared.options.observer.leads(false);
    },
  }).then((found) => {
    shared.lead = found;
  }, shared.options.observer.trouble);
}

/** Goes on with what the instance has in memory, once that is all there is. */
async function lead(shared: Shared): Promise<Lane> {
  const { options, replica, outbox } = shared;
  const { store } = options;
  shared.stateOf = 'candidate';
  let rest = await readOn(shared);
  while (rest.version !== replica.version) rest = await readOn(shared);
  shared.stateOf = 'leader';
  const lane = await openLane({
    ...options,
    rules: shared.rules,
    observer: {
      ...options.observer,
      failed(error) {
        options.observer.failed(error);
        if (isTooOld(error)) leaveIt(shared);
      },
    },
    store: {
      ...store,
      commit: (_, commit) => asLeader(shared, () => store.commit(options.name, commit)),
      load: () => asLeader(shared, () => store.load(options.name)),
    },
    start: takeOver(replica, rest),
  });
  if (outbox !== undefined) lane.attach(outbox);
  return lane;
}

/** Reads on, makes state of it, and returns the outbox. Rejects when the lead was lost meanwhile. */
async function readOn(shared: Shared) {
  const { options, replica } = shared;
  await replica.catchUp();
  await settleAll(shared);
  if (shared.lead?.holds() === false) throw laneLost();
  return options.store.outbox(options.name);
}

function laneLost(): AppError {
  return new AppError('lane-lost', 'another instance leads the lane', { retryable: true });
}

/** To an instance of the version that wrote what this one does not know. */
function leaveIt({ lead: held }: Shared): void {
  void held?.stop();
}

/**
 * An instance that lost the lead while it decided must not commit: another one may have decided it, too. Nor need
 * it load the lane, which is work.
 */
function asLeader<T>({ lead: held }: Shared, act: () => Promise<T>): Promise<T> {
  return held?.holds() === true ? act() : Promise.reject(laneLost());
}

async function decideJob(shared: Shared, { id, at, events, again }: InboxJob): Promise<void> {
  const { store, name } = shared.options;
  for (let asked = again; ; asked = true) {
    if (asked && (await store.decided(name, id))) return;
    const { leading } = shared;
    if (leading === undefined) throw laneLost();
    try {
      await leading.submit(at, events, id);
      return;
    } catch (error) {
      // Whether the commit took effect nobody can tell: the lane loads, and Redis is asked.
      if (shared.lead?.holds() !== true) throw error;
      await setTimeout(AGAIN_MS);
    }
  }
}

async function settleSome(shared: Shared): Promise<void> {
  for (let slices = 0; slices < SLICES_A_ROUND && shared.stateOf === 'follower'; slices++) {
    if (!shared.replica.settle(SLICE)) return;
    await setImmediate();
  }
}

async function follow(shared: Shared): Promise<void> {
  for (let before = performance.eventLoopUtilization(); !shared.stopping; ) {
    await setTimeout(FOLLOW_MS);
    const busy = performance.eventLoopUtilization(before).utilization;
    before = performance.eventLoopUtilization();
    if (shared.stopping) return;
    try {
      await shared.inbox.look();
      if (shared.stateOf === 'follower') {
        await shared.replica.catchUp();
        if (busy < BUSY && shared.settling === undefined) await settleSome(shared);
      }
      // What it has in memory is neither the leader's any more nor what the leader has committed.
      else if (shared.lead?.holds() !== true) continue;
      shared.heardAt = performance.now();
    } catch (error) {
      shared.options.observer.trouble(asError(error));
    }
  }
}
