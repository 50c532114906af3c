/**
 * The shell around `decide`: takes what came in, decides it in order, commits what changed, and only
 * then answers for it and lets the outbox act. One lane has one writer.
 *
 *     submit -> decide -> commit, on disk -> 2xx      (the sender may forget it)
 *                                         -> outbox   (Slack)
 *
 * What comes in during a commit shares the next one, so one write to the disk serves many requests.
 * A commit that failed, or may have, kills the lane's memory: it loads again from the store, and
 * whoever was not answered sends again. That is also how a lane starts; there is no other way.
 */
import { setImmediate } from 'node:timers/promises';
import { type Batch, changesNothing, createBatch, type LaneObserver } from './batch.ts';
import type { Clock } from './clock.ts';
import { runDueUntil, wakeAt } from '../decide.ts';
import { createGathering, type Gathering } from './gather.ts';
import { CAPACITY } from '../limits.ts';
import { firingIn } from '../life/room.ts';
import type { Effect, Event, Instant } from '../model.ts';
import { oddOf } from './odd.ts';
import { type LaneUse, refusal, unavailable, whyFull } from './refusals.ts';
import { type LaneStart, loadLane } from './load.ts';
import type { Rules } from '../rules/rules.ts';
import { createState, type LaneState } from '../state/state.ts';
import type { Commit, Store } from '../store/contract.ts';
import { DueFailed, schedule } from '../state/timers.ts';
import { decideEvents, ownEvent, quarantine, type Waiting } from './waiting.ts';
import { isHeavy } from '../state/weight.ts';

/** Events decided between two commits: about 20 ms of work ... */
const BATCH_MAX = 1_000;
/** ... and no longer than this, however large they are: then others have a turn. */
const TURN_MS = 40;
/** Rounds of what is due between two commits. */
const TICKS_MAX = 10;
/** Records that what is due changes between two commits, and a few more: each may be a message to be told, or a merge. */
const CHANGES_MAX = 200;
/** More than clocks are put right by while they run. */
const CLOCK_AHEAD_MS = 60_000;
/** After a load that failed. Doubles up to the last. */
const RELOAD_AFTER_MS = [100, 500, 2_000, 5_000] as const;

/** What carries effects out: slack/delivery.ts or slack/preview.ts. */
export interface Outbox {
  enqueue(effects: readonly Effect[]): void;
  /** Rows of an earlier run: each may have been tried already. */
  restore(effects: readonly Effect[]): void;
  /** Another instance carries the lane's effects out from now on. Resolves when nothing is on its way. */
  abandon(): Promise<void>;
}

export interface LaneOptions {
  readonly name: string;
  readonly store: Store;
  readonly rules: Rules;
  readonly clock: Clock;
  readonly observer: LaneObserver;
  /** Beyond these senders are asked to come back. */
  readonly limits?: LaneUse;
  /** How long a write may wait for others to share it, where senders come one after another. None: 0. */
  readonly gatherMs?: number;
  /** What the store would load, for whoever has it in memory already. */
  readonly start?: LaneStart | undefined;
}

export interface Lane {
  readonly name: string;
  /** Live state, for reading only: never keep a reference across an await. */
  readonly state: LaneState;
  readonly rules: Rules;
  /**
   * Takes one delivery of the instant `at`, by a `job` of the inbox. Resolves when it cannot be lost any
   * more: only then answer 2xx. Rejects with an AppError that is retryable: answer 503.
   */
  submit(at: Instant, events: readonly Event[], job?: string): Promise<void>;
  /** Other rules from now on. Open incidents keep their messages. */
  useRules(rules: Rules): void;
  /** Where effects go, those of before too. Called once. */
  attach(outbox: Outbox): void;
  /** Resolves when `state` is what this instance knows: it may have put off to look at what others decided. */
  caughtUp(): Promise<void>;
  /** Resolves when everything submitted so far is decided and committed. */
  settled(): Promise<void>;
  readonly ready: boolean;
  /** True where the lane is decided: only there effects are carried out. One process always leads. */
  readonly leads: boolean;
  /** Deliveries that are not decided yet. */
  readonly waiting: number;
  /** How far its limits are used up. Of alerts those count that fire: the others give way. */
  readonly used: LaneUse;
  /** Jobs of the inbox that were given up, and are kept. Always 0 where there is one process. */
  readonly setAside: number;
  /** Decides what it has accepted, then stops. The store stays open. */
  stop(): Promise<void>;
}

/** All that changes while a lane runs. */
interface Running {
  readonly options: LaneOptions;
  state: LaneState;
  rules: Rules;
  version: number;
  /** The lane's clock: it goes back only after it was wrong. */
  now: Instant;
  queue: Waiting[];
  /** Events in the queue. */
  queued: number;
  outbox: Outbox | undefined;
  /** Rows found and written before an outbox was attached: what is due is decided at once after a load. */
  restored: readonly Effect[];
  /** Committed with a part of a delivery, whose rest is not decided. */
  heldBack: readonly Effect[];
  ready: boolean;
  stopping: boolean;
  failures: number;
  /** How often it was loaded. */
  loads: number;
  /** What is due for these failed: they are left alone until other rules are in force. */
  readonly setAside: Set<string>;
  callOff: (() => void) | undefined;
  loop: Promise<void> | undefined;
  readonly gathering: Gathering;
}

export async function openLane(options: LaneOptions): Promise<Lane> {
  const lane: Running = {
    options,
    state: createState(options.name, options.limits ?? CAPACITY),
    rules: options.rules,
    version: 0,
    now: 0,
    queue: [],
    queued: 0,
    outbox: undefined,
    restored: [],
    heldBack: [],
    ready: false,
    stopping: false,
    failures: 0,
    loads: options.start === undefined ? 0 : 1,
    setAside: new Set(),
    callOff: undefined,
    loop: undefined,
    gathering: createGathering(options.clock, options.gatherMs ?? 0),
  };
  start(lane, options.start ?? (await loadLane(options, lane.loads++)));
  wake(lane);
  return {
    name: options.name,
    leads: true,
    setAside: 0,
    get state() {
      return lane.state;
    },
    get rules() {
      return lane.rules;
    },
    get ready() {
      return lane.ready;
    },
    get waiting() {
      return lane.queue.length;
    },
    get used() {
      return { waiting: lane.queued, ...firingIn(lane.state) };
    },
    submit: (at, events, job) => submit(lane, at, events, job),
    useRules(rules) {
      lane.rules = rules;
      forgive(lane);
      enqueue(lane, ownEvent(options.clock.now(), { kind: 'rules-changed' }));
    },
    attach(outbox) {
      lane.outbox = outbox;
      outbox.restore(lane.restored);
      lane.restored = [];
    },
    caughtUp: () => Promise.resolve(),
    settled: () => settled(lane),
    async stop() {
      lane.stopping = true;
      await settled(lane);
      lane.callOff?.();
    },
  };
}

function submit(lane: Running, ...[at, events, job]: Parameters<Lane['submit']>): Promise<void> {
  if (lane.stopping) return Promise.reject(refusal('stopping', 'Quell is stopping'));
  if (!lane.ready) return Promise.reject(unavailable());
  // What came by the inbox was answered for already.
  const limits = lane.options.limits ?? CAPACITY;
  const full = job === undefined ? whyFull(lane, limits, events) : undefined;
  if (full !== undefined) return Promise.reject(full);
  return new Promise((done, failed) =>
    enqueue(lane, { at, events, job, done, failed, decided: 0 }),
  );
}

function start(lane: Running, { state, version, outbox }: LaneStart): void {
  lane.state = state;
  lane.version = version;
  lane.heldBack = [];
  for (const key of lane.setAside) state.timers.setAside.add(key);
  lane.queue.unshift(ownEvent(lane.options.clock.now(), { kind: 'started' }));
  lane.queued++;
  if (lane.outbox === undefined) lane.restored = outbox;
  else lane.outbox.restore(outbox);
  lane.ready = true;
}

function enqueue(lane: Running, waiting: Waiting): void {
  lane.queue.push(waiting);
  lane.queued += waiting.events.length;
  lane.gathering.arrived(lane.queue.length);
  wake(lane);
}

function wake(lane: Running): void {
  lane.loop ??= run(lane).finally(() => {
    lane.loop = undefined;
    if (lane.queue.length > 0) wake(lane);
    else sleep(lane);
  });
}

/** Until the next thing is due, or something comes in. */
function sleep(lane: Running): void {
  lane.callOff?.();
  lane.callOff = undefined;
  const at = wakeAt(lane.state);
  if (at !== undefined && !lane.stopping)
    lane.callOff = lane.options.clock.wakeAt(at, () => wake(lane));
}

async function settled(lane: Running): Promise<void> {
  while (lane.loop !== undefined) await lane.loop;
}

async function run(lane: Running): Promise<void> {
  while (lane.queue.length > 0 || isDue(lane)) {
    // Requests that have arrived by now are read first: one write to the disk then serves them all.
    await setImmediate();
    await lane.gathering.enough(lane.queue.length);
    try {
      await decideAndCommit(lane);
    } catch (error) {
      await recover(lane, error);
    }
  }
}

function isDue(lane: Running): boolean {
  const at = wakeAt(lane.state);
  return at !== undefined && at <= lane.options.clock.now() && !lane.stopping;
}

/** Loads the lane again, however often that takes, unless it stops. Meanwhile senders are told to come back. */
async function recover(lane: Running, error: unknown): Promise<void> {
  const { clock, observer } = lane.options;
  // What was decided of it may not have been committed. To decide it twice does no harm.
  for (const one of lane.queue) one.decided = 0;
  if (error instanceof DueFailed) setAside(lane, error);
  for (let failed = error; ; ) {
    observer.failed(failed);
    if (lane.stopping) return dismiss(lane, lane.queue.splice(0));
    // The first time at once; then it is no accident, and the store is given time.
    if (lane.failures++ > 0) {
      lane.ready = false;
      dismiss(lane, lane.queue.splice(0));
      const ms = RELOAD_AFTER_MS[Math.min(lane.failures - 2, RELOAD_AFTER_MS.length - 1)] ?? 0;
      await new Promise<void>((resolve) => void clock.wakeAt(clock.now() + ms, resolve));
    }
    try {
      return start(lane, await loadLane(lane.options, lane.loads++));
    } catch (again) {
      failed = again;
    }
  }
}

function dismiss(lane: Running, waiting: readonly Waiting[]): void {
  lane.queued = lane.queue.reduce((sum, one) => sum + one.events.length, 0);
  for (const one of waiting) one.failed(unavailable());
}

async function decideAndCommit(lane: Running): Promise<void> {
  const { store, name, clock, observer } = lane.options;
  const outcome = createBatch(lane.state, lane.rules, observer);
  const began = clock.now();
  // The clock was ahead, and is right again: nothing would be due for as long as it was.
  if (lane.now > began + CLOCK_AHEAD_MS) lane.now = began;
  // Very much is due at once: commit that first, and let others have a turn.
  const isUpToDate = runDueBy(lane, Math.min(lane.queue[0]?.at ?? began, began), outcome);
  const decided = isUpToDate ? decideWaiting(lane, outcome, began) : [];
  const commit: Commit = {
    version: lane.version,
    ...outcome.take(),
    wakeAt: wakeAt(lane.state),
    jobs: decided.flatMap(({ job }) => job ?? []),
  };
  const decidedAt = clock.now();
  // Repeats change nothing that must outlive the process: they cost no write.
  if (changesNothing(commit)) return conclude(lane, decided, []);
  try {
    const result = await store.commit(name, commit);
    if (result.kind === 'stale') throw refusal('lane-lost', 'another process wrote to this lane');
    lane.version = result.version;
    lane.failures = 0;
  } catch (error) {
    dismiss(lane, decided);
    throw error;
  }
  lane.gathering.written(decided.length, lane.queue.length);
  observer.committed(clock.now() - decidedAt, outcome.events());
  conclude(lane, decided, commit.effects);
}

/**
 * Answers, and hands on to the outbox: what follows from a delivery that is decided in parts not before all of it is
 * decided. What one commit says of the end of one and the beginning of the next waits for the end of that.
 */
function conclude(lane: Running, decided: readonly Waiting[], committed: readonly Effect[]): void {
  for (const one of decided) one.done();
  const { heldBack, queue, outbox } = lane;
  const all = heldBack.length === 0 ? committed : [...heldBack, ...committed];
  const isPart = (queue[0]?.decided ?? 0) > 0;
  const isOneDone = decided.length > 0;
  lane.heldBack = !isPart ? [] : isOneDone ? committed : all;
  const ready = !isPart ? all : isOneDone ? heldBack : [];
  if (outbox === undefined) lane.restored = [...lane.restored, ...ready];
  else if (ready.length > 0) outbox.enqueue(ready);
}

/** False when more is due than one commit should hold. The lane's clock is at `until` otherwise. */
function runDueBy(lane: Running, until: Instant, { decide }: Batch): boolean {
  const latest = Math.max(lane.now, until);
  const most = changesOf(lane) + CHANGES_MAX;
  for (
    let ticks = 0;
    ticks < TICKS_MAX && changesOf(lane) < most && !isHeavy(lane.state.weights);
    ticks++
  ) {
    const ticked = runDueUntil(lane.state, latest, lane.now, 1, decide);
    lane.now = ticked.now;
    if (ticked.done) return true;
  }
  return false;
}

function changesOf({ state }: Running): number {
  return state.changedAlerts.size + state.changed.size;
}

/** Takes from the queue as much as one commit should hold. `present`: no instant is later, by whose clock ever. */
function decideWaiting(lane: Running, outcome: Batch, present: Instant): readonly Waiting[] {
  let count = 0;
  const { clock } = lane.options;
  const until = clock.now() + TURN_MS;
  const isOver = () => clock.now() >= until || isHeavy(lane.state.weights);
  try {
    for (; count < lane.queue.length && outcome.events() < BATCH_MAX && !isOver(); count++) {
      const waiting = lane.queue[count];
      if (waiting === undefined || !runDueBy(lane, Math.min(waiting.at, present), outcome)) break;
      const most = outcome.events() + BATCH_MAX;
      // What one event means for very many records goes before the next.
      const isFull = () =>
        outcome.events() >= most || isOver() || lane.state.timers.reviews.length > 0;
      const decide = (event: Event) => outcome.decide(event, lane.now);
      if (!decideEvents(waiting, decide, isFull)) break;
    }
  } catch (error) {
    // What was due before it is no fault of the entry.
    if (!(error instanceof DueFailed)) quarantine(lane.queue, count);
    throw error;
  }
  const decided = lane.queue.splice(0, count);
  for (const one of decided) lane.queued -= one.events.length;
  return decided;
}

/** What is due fails, and would fail again: the rest goes on without it. */
function setAside(lane: Running, { key, message }: DueFailed): void {
  lane.setAside.add(key);
  // No accident of the store: the lane can be loaded at once.
  lane.failures = 0;
  lane.queue.unshift(ownEvent(lane.options.clock.now(), oddOf(message, key)));
  lane.queued++;
}

/** Other rules may be all that was missing: what is set aside is tried again. */
function forgive(lane: Running): void {
  for (const key of lane.setAside) {
    lane.state.timers.setAside.delete(key);
    schedule(lane.state.timers, key, lane.now);
  }
  lane.setAside.clear();
}
