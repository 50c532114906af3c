/**
 * A lane's state in the memory of an instance that does not lead it: for whoever asks for alerts and
 * incidents here, and so that this instance can lead soon when the leader is gone.
 *
 * It reads what changed since its version, so keeping up costs what changes and not what is there. What it
 * read stays text until somebody needs it: making state of it is three quarters of the work of following,
 * which an instance can put off while it has lanes of its own to decide. Nothing here works for long
 * without giving others a turn, however much there is: the lead of a lane is lost by whoever does.
 */
import { setImmediate } from 'node:timers/promises';
import { fingerprintOf } from '../dedupe/fingerprint.ts';
import type { LaneStart } from '../lane/load.ts';
import type { Room } from '../limits.ts';
import { isAlertKey, readKey } from '../state/keys.ts';
import { deriveAnew } from '../state/past.ts';
import { follow } from '../state/restore.ts';
import { createState, type LaneState } from '../state/state.ts';
import type { Steps } from '../state/timers.ts';
import type { LaneSnapshot, SharedStore, StateRecord } from '../store/contract.ts';

export interface Replica {
  /** Of what state was made of so far: see `settle`. For reading only. Another one after a `catchUp` that had to load everything. */
  readonly state: LaneState;
  readonly version: number;
  /** No more alerts than this fire, and they do not weigh more. It costs nothing. */
  readonly firingMax: { readonly alerts: number; readonly bytes: number };
  /** Resolves when it has read all that was committed before the call. */
  catchUp(): Promise<void>;
  /** Makes state of so many records that are text, and then what a load would make of them. True: there is more. */
  settle(records: number): boolean;
}

/** What a character of a record's JSON weighs in memory at most: an empty label has six. See weight.ts. */
const WEIGHT_OF_CHARACTER = 16;
/** Records that are sorted in one go: as many as Redis tells at most of what changed. */
const SORTED_MAX = 20_000;

interface ReplicaOptions {
  readonly store: Pick<SharedStore, 'changes'>;
  readonly lane: string;
  readonly room: Room;
  /** Labels that do not count in the names of alerts, by the rules here: whoever decides may have others. */
  readonly notIdentity: () => ReadonlySet<string>;
  /** What is shown until the first `catchUp` is done. */
  readonly shown?: LaneState | undefined;
}

export function createReplica(options: ReplicaOptions): Replica {
  const { store, lane, room } = options;
  let state = options.shown ?? createState(lane, room);
  let version = 0;
  let turn: Promise<void> = Promise.resolve();
  let unread = createUnread();
  let deriving: Steps | undefined;

  async function readOn(): Promise<void> {
    const changes = await store.changes(lane, version);
    const into = changes.whole ? createUnread() : unread;
    for (const key of changes.remove) {
      into.alerts.drop(key);
      into.others.drop(key);
      into.pasts.drop(key);
      into.gone.put(key, '');
    }
    let sorted = 0;
    for (const [key, json] of changes.put) {
      // What was gone before is there again: it need not go first.
      into.gone.drop(key);
      pileOf(into, key).put(key, json);
      if (++sorted % SORTED_MAX === 0) await setImmediate();
    }
    if (changes.whole) {
      state = createState(lane, room);
      state.notIdentity = options.notIdentity();
      deriving = undefined;
    }
    unread = into;
    version = changes.version;
  }

  function settle(records: number): boolean {
    const { put, remove } = takeSome(unread, records);
    if (put.length + remove.length > 0) {
      follow(state, put, remove);
      deriving = deriveAnew(state);
    }
    if (!areNamedAlike(state, put)) state.notIdentity = undefined;
    const { gone, others, alerts, pasts } = unread;
    if ([gone, others, alerts, pasts].some(({ texts }) => texts.size > 0)) return true;
    if (goesOn(deriving, records - put.length - remove.length)) return true;
    deriving = undefined;
    return false;
  }

  return {
    get state() {
      return state;
    },
    get version() {
      return version;
    },
    get firingMax() {
      const { texts, characters } = unread.alerts;
      return {
        alerts: state.alerts.size - state.resolved.size + texts.size,
        bytes: state.weights.firing + characters * WEIGHT_OF_CHARACTER,
      };
    },
    catchUp() {
      // One after the other: what was read earlier must not be applied later.
      turn = turn.catch(() => undefined).then(readOn);
      return turn;
    },
    settle,
  };
}

/** True when there is more than so many steps. */
function goesOn(work: Steps | undefined, steps: number): boolean {
  if (work === undefined) return false;
  for (let left = steps; left > 0; left--) if (work.next().done === true) return false;
  return true;
}

/** What a lane begins with that goes on where the one before it stopped: `rest` is of the version that the replica has. */
export function takeOver(
  { state, version }: Pick<Replica, 'state' | 'version'>,
  { outbox, wakeAt }: Omit<LaneSnapshot, 'records'>,
): LaneStart {
  state.decidedUntil = wakeAt;
  return { state, version, outbox };
}

/** Whoever is to lead with this state need not look at all alerts in one go, to see how they are named. */
function areNamedAlike({ alerts, notIdentity }: LaneState, put: readonly StateRecord[]): boolean {
  if (notIdentity === undefined) return true;
  return put.every(({ key }) => {
    const alert = alerts.get(key);
    return alert === undefined || fingerprintOf(alert.source, alert.labels, notIdentity) === key;
  });
}

/** What was read and is no state yet, in the order in which it becomes that: alerts stand in incidents, and pasts count alerts. */
interface Unread {
  readonly gone: Pile;
  readonly others: Pile;
  readonly alerts: Pile;
  readonly pasts: Pile;
}

function pileOf({ others, alerts, pasts }: Unread, key: string): Pile {
  if (isAlertKey(key)) return alerts;
  return readKey(key).kind === 'past' ? pasts : others;
}

function createUnread(): Unread {
  return {
    gone: createPile(),
    others: createPile(),
    alerts: createPile(),
    pasts: createPile(),
  };
}

function takeSome(
  { gone, others, alerts, pasts }: Unread,
  records: number,
): { readonly put: readonly StateRecord[]; readonly remove: readonly string[] } {
  const put: StateRecord[] = [];
  const remove: string[] = [];
  for (let left = records; left > 0; left--) {
    const key = gone.take()?.key;
    if (key !== undefined) {
      remove.push(key);
      continue;
    }
    const next = others.take() ?? alerts.take() ?? pasts.take();
    if (next === undefined) break;
    put.push({ key: next.key, value: JSON.parse(next.json) });
  }
  return { put, remove };
}

interface Pile {
  /** Key -> JSON. */
  readonly texts: ReadonlyMap<string, string>;
  /** Of all JSON in it. */
  readonly characters: number;
  put(key: string, json: string): void;
  drop(key: string): void;
  /** The first of them; undefined when there is none. */
  take(): { readonly key: string; readonly json: string } | undefined;
}

function createPile(): Pile {
  const texts = new Map<string, string>();
  let characters = 0;
  // Goes on where it stopped, because those that went before leave gaps to walk over.
  let left = texts.entries();
  const drop = (key: string): void => {
    const json = texts.get(key);
    if (json === undefined) return;
    characters -= json.length;
    texts.delete(key);
  };
  return {
    texts,
    get characters() {
      return characters;
    },
    put(key, json) {
      characters += json.length - (texts.get(key)?.length ?? 0);
      texts.set(key, json);
    },
    drop,
    take() {
      const next = left.next();
      if (next.done === true) {
        left = texts.entries();
        return undefined;
      }
      const [key, json] = next.value;
      drop(key);
      return { key, json };
    },
  };
}
