/**
 * The shell around `decide`: takes what came in, decides it in order, commits what changed, and only
 * then lets the outbox act. One lane has one writer.
 *
 *     submit -> inbox on disk -> 2xx      (the sender may forget it)
 *            -> decide -> commit -> outbox (what waits during a commit shares the next one)
 *
 * A commit that failed, or may have, kills the lane's memory: it loads again from the store, and the
 * inbox brings back what was not decided. That is also how a lane starts; there is no other way.
 */
import { type Batch, createBatch } from './batch.ts';
import { runDueUntil, wakeAt } from './decide.ts';
import { AppError } from './errors.ts';
import type { Decision, Effect, Event, Instant, Verdict } from './model.ts';
import type { Rules } from './rules/rules.ts';
import { createState, type LaneState, restore } from './state.ts';
import type { Commit, Incoming, Store } from './store/contract.ts';

/** Events that may wait to be decided: beyond that senders are asked to come back. */
export const WAITING_MAX = 200_000;
/** Events decided between two commits: about 20 ms of work. */
const BATCH_MAX = 1_000;
/** Rounds of what is due between two commits. */
const TICKS_MAX = 10;
/** After a commit that failed. Doubles up to the last. */
const RELOAD_AFTER_MS = [100, 500, 2_000, 5_000] as const;

export interface Clock {
  now(): Instant;
  /** Calls back at `at`, or soon after; returns how to call it off. */
  wakeAt(at: Instant, callback: () => void): () => void;
}

/** Whoever counts and writes logs. */
export interface LaneObserver {
  decided(verdict: Verdict | undefined, decisions: readonly Decision[]): void;
  committed(ms: number, events: number): void;
  failed(error: unknown): void;
}

/** What carries effects out: slack/delivery.ts or slack/preview.ts. */
export interface Outbox {
  enqueue(effects: readonly Effect[]): void;
  /** Rows of an earlier run: each may have been tried already. */
  restore(effects: readonly Effect[]): void;
}

export interface LaneOptions {
  readonly name: string;
  readonly store: Store;
  readonly rules: Rules;
  readonly clock: Clock;
  readonly observer: LaneObserver;
  /** What a stored body says, read again after a crash. */
  readonly parse: (incoming: Incoming, rules: Rules) => readonly Event[];
}

export interface Lane {
  readonly name: string;
  /** Live state, for reading only: never keep a reference across an await. */
  readonly state: LaneState;
  readonly rules: Rules;
  /**
   * Takes one delivery. Resolves when it is on disk: only then may a webhook be answered 2xx.
   * `events` are what `incoming.body` says, already parsed. Rejects with AppError `overloaded` or
   * `store-unavailable`, both retryable: answer 503.
   */
  submit(incoming: Incoming, events: readonly Event[]): Promise<void>;
  /** Other rules from now on. Open incidents keep their messages. */
  useRules(rules: Rules): void;
  /** Where effects go. Called once, before anything is submitted. */
  attach(outbox: Outbox): void;
  /** Resolves when everything submitted so far is decided and committed. */
  settled(): Promise<void>;
  readonly ready: boolean;
  /** Deliveries on disk that are not decided yet. */
  readonly waiting: number;
  /** Decides what it has accepted, then stops. The store stays open. */
  stop(): Promise<void>;
}

interface Waiting {
  /** Undefined for what concerns only this process: it is not in the inbox. */
  readonly seq: number | undefined;
  readonly at: Instant;
  readonly events: readonly Event[];
}

/** All that changes while a lane runs. */
interface Running {
  readonly options: LaneOptions;
  state: LaneState;
  rules: Rules;
  version: number;
  /** The lane's clock never goes back. */
  now: Instant;
  queue: Waiting[];
  /** Events in the queue. */
  queued: number;
  /** Inbox entries up to here came with the last load. */
  loadedSeq: number;
  /** Entries that the pipeline failed on: a bug. They are quarantined, so that one cannot stop all. */
  readonly poisoned: Set<number>;
  outbox: Outbox | undefined;
  /** Rows found before an outbox was attached. */
  restored: readonly Effect[];
  ready: boolean;
  stopping: boolean;
  failures: number;
  callOff: (() => void) | undefined;
  loop: Promise<void> | undefined;
}

export async function openLane(options: LaneOptions): Promise<Lane> {
  const lane: Running = {
    options,
    state: createState(options.name),
    rules: options.rules,
    version: 0,
    now: 0,
    queue: [],
    queued: 0,
    loadedSeq: -1,
    poisoned: new Set(),
    outbox: undefined,
    restored: [],
    ready: false,
    stopping: false,
    failures: 0,
    callOff: undefined,
    loop: undefined,
  };
  await load(lane);
  wake(lane);
  return {
    name: options.name,
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
    submit: (incoming, events) => submit(lane, incoming, events),
    useRules(rules) {
      lane.rules = rules;
      enqueue(lane, {
        seq: undefined,
        at: options.clock.now(),
        events: [{ kind: 'rules-changed' }],
      });
    },
    attach(outbox) {
      lane.outbox = outbox;
      outbox.restore(lane.restored);
      lane.restored = [];
    },
    settled: () => settled(lane),
    async stop() {
      lane.stopping = true;
      await settled(lane);
      lane.callOff?.();
    },
  };
}

async function submit(lane: Running, incoming: Incoming, events: readonly Event[]): Promise<void> {
  if (lane.stopping)
    throw new AppError('stopping', 'Quell is stopping; send it again', { retryable: true });
  if (!lane.ready) {
    throw new AppError('store-unavailable', 'The store cannot be written; send it again', {
      retryable: true,
    });
  }
  if (lane.queued + events.length > WAITING_MAX) {
    throw new AppError('overloaded', `${lane.queued} events wait to be decided; send it again`, {
      retryable: true,
    });
  }
  const [seq] = await lane.options.store.accept(lane.options.name, [incoming]);
  // A reload in between has found it in the inbox already.
  if (seq !== undefined && seq > lane.loadedSeq) enqueue(lane, { seq, at: incoming.at, events });
}

async function load(lane: Running): Promise<void> {
  const { store, name, clock, parse } = lane.options;
  const snapshot = await store.load(name);
  lane.state = createState(name);
  restore(lane.state, snapshot.records);
  lane.version = snapshot.version;
  lane.loadedSeq = snapshot.inbox.reduce((max, { seq }) => Math.max(max, seq), lane.loadedSeq);
  const undecided = snapshot.inbox.map(({ seq, item }) => ({
    seq,
    at: item.at,
    events: parse(item, lane.rules),
  }));
  const later = lane.queue.filter((one) => one.seq === undefined || one.seq > lane.loadedSeq);
  lane.queue = [
    { seq: undefined, at: clock.now(), events: [{ kind: 'started' }] },
    ...undecided,
    ...later,
  ];
  lane.queued = lane.queue.reduce((sum, one) => sum + one.events.length, 0);
  if (lane.outbox === undefined) lane.restored = snapshot.outbox;
  else lane.outbox.restore(snapshot.outbox);
  lane.ready = true;
}

function enqueue(lane: Running, waiting: Waiting): void {
  lane.queue.push(waiting);
  lane.queued += waiting.events.length;
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
    try {
      await decideAndCommit(lane);
      lane.failures = 0;
    } catch (error) {
      await recover(lane, error);
    }
  }
}

function isDue(lane: Running): boolean {
  const at = wakeAt(lane.state);
  return at !== undefined && at <= lane.options.clock.now() && !lane.stopping;
}

async function recover(lane: Running, error: unknown): Promise<void> {
  const { clock, observer } = lane.options;
  lane.ready = false;
  for (let failed = error; ; ) {
    observer.failed(failed);
    const ms = RELOAD_AFTER_MS[Math.min(lane.failures++, RELOAD_AFTER_MS.length - 1)] ?? 0;
    await new Promise<void>((resolve) => {
      clock.wakeAt(clock.now() + ms, resolve);
    });
    try {
      return await load(lane);
    } catch (again) {
      failed = again;
    }
  }
}

async function decideAndCommit(lane: Running): Promise<void> {
  const { store, name, clock, observer } = lane.options;
  const outcome = createBatch(lane.state, lane.rules, observer);
  const decided: number[] = [];
  const until = lane.queue[0]?.at ?? clock.now();
  const ticked = runDueUntil(
    lane.state,
    Math.max(lane.now, until),
    lane.now,
    TICKS_MAX,
    outcome.decide,
  );
  lane.now = ticked.now;
  // Very much is due at once: commit that first, and let others have a turn.
  if (ticked.done) decideWaiting(lane, outcome, decided);
  const commit: Commit = {
    version: lane.version,
    decided,
    ...outcome.take(),
    wakeAt: wakeAt(lane.state),
  };
  const began = clock.now();
  const result = await store.commit(name, commit);
  if (result.kind === 'stale') {
    throw new AppError('lane-lost', 'Another process wrote to this lane; it is loaded anew', {
      retryable: true,
    });
  }
  lane.version = result.version;
  observer.committed(clock.now() - began, outcome.events());
  if (commit.effects.length > 0) lane.outbox?.enqueue(commit.effects);
}

function decideWaiting(lane: Running, outcome: Batch, decided: number[]): void {
  let count = 0;
  for (; count < lane.queue.length && outcome.events() < BATCH_MAX; count++) {
    const waiting = lane.queue[count];
    if (waiting === undefined) break;
    const ticked = runDueUntil(
      lane.state,
      Math.max(lane.now, waiting.at),
      lane.now,
      TICKS_MAX,
      outcome.decide,
    );
    lane.now = ticked.now;
    if (!ticked.done) break;
    decideOne(lane, outcome, waiting);
    if (waiting.seq !== undefined) decided.push(waiting.seq);
    lane.queued -= waiting.events.length;
  }
  lane.queue.splice(0, count);
}

function decideOne(lane: Running, outcome: Batch, waiting: Waiting): void {
  const { seq } = waiting;
  if (seq !== undefined && lane.poisoned.has(seq)) return outcome.decide(poison(seq), lane.now);
  try {
    for (const event of waiting.events) outcome.decide(event, lane.now);
  } catch (error) {
    if (seq !== undefined) lane.poisoned.add(seq);
    throw error;
  }
}

function poison(seq: number): Event {
  const error = 'the pipeline failed on it: a bug in Quell, please report it with the log';
  return { kind: 'odd', delivery: `inbox ${seq}`, source: 'quell', error, excerpt: '' };
}
