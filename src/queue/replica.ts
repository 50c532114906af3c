/**
 * A lane's state in the memory of an instance that does not lead it: for whoever asks for alerts and
 * incidents here, and so that this instance can lead at once when the leader is gone.
 *
 * It reads what changed since its version, so keeping up costs what changes and not what is there.
 */
import { createState, follow, type LaneState, restore } from '../state.ts';
import type { SharedStore } from '../store/contract.ts';

export interface Replica {
  /** For reading only. Another one after a `catchUp` that had to load everything. */
  readonly state: LaneState;
  readonly version: number;
  /** Resolves when it has all that was committed before the call. */
  catchUp(): Promise<void>;
}

/** `alertsMax`: the limit of alerts in memory. `shown`: what is shown until the first `catchUp` is done. */
export function createReplica(
  store: SharedStore,
  lane: string,
  alertsMax: number,
  shown = createState(lane, alertsMax),
): Replica {
  let state = shown;
  let version = 0;
  let turn: Promise<void> = Promise.resolve();

  async function readOn(): Promise<void> {
    const changes = version === 0 ? undefined : await store.changes(lane, version);
    if (changes === undefined) {
      const snapshot = await store.load(lane);
      state = createState(lane, alertsMax);
      restore(state, snapshot.records);
      version = snapshot.version;
    } else if (changes.version !== version) {
      follow(state, changes.put, changes.remove);
      version = changes.version;
    }
  }

  return {
    get state() {
      return state;
    },
    get version() {
      return version;
    },
    catchUp() {
      // One after the other: what was read earlier must not be applied later.
      turn = turn.catch(() => undefined).then(readOn);
      return turn;
    },
  };
}
