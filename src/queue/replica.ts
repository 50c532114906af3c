/**
 * A lane's state in the memory of an instance that does not lead it: for whoever asks for alerts and
 * incidents here, and so that this instance can lead soon when the leader is gone.
 *
 * It reads what changed since its version, so keeping up costs what changes and not what is there. What it
 * read stays text until somebody needs it: making state of it is three quarters of the work of following,
 * which an instance can put off while it has lanes of its own to decide.
 */
import { isAlertKey } from '../alert-record.ts';
import { createState, follow, type LaneState } from '../state.ts';
import type { SharedStore, StateRecord } from '../store/contract.ts';

export interface Replica {
  /**
   * Of all that was read so far: asking for it makes state of what is still text. For reading only. Another
   * one after a `catchUp` that had to load everything.
   */
  readonly state: LaneState;
  readonly version: number;
  /** No more alerts than this fire. It costs nothing. */
  readonly firingMax: number;
  /** Resolves when it has read all that was committed before the call. */
  catchUp(): Promise<void>;
  /** Makes state of about `alerts` that are text. True: there is more. */
  settle(alerts: number): boolean;
}

/** `alertsMax`: the limit of alerts in memory. `shown`: what is shown until the first `catchUp` is done. */
export function createReplica(
  store: Pick<SharedStore, 'changes'>,
  lane: string,
  alertsMax: number,
  shown = createState(lane, alertsMax),
): Replica {
  let state = shown;
  let version = 0;
  let turn: Promise<void> = Promise.resolve();
  /** Key -> JSON. */
  const alerts = new Map<string, string>();
  /** Goes on where it stopped, because those that went before leave gaps to walk over. */
  let unread = alerts.entries();
  /** All that goes before them: other records, and what is gone (undefined). */
  const others = new Map<string, string | undefined>();

  async function readOn(): Promise<void> {
    const changes = await store.changes(lane, version);
    if (changes.whole) {
      state = createState(lane, alertsMax);
      alerts.clear();
      others.clear();
    }
    version = changes.version;
    for (const key of changes.remove) {
      alerts.delete(key);
      others.set(key, undefined);
    }
    for (const [key, json] of changes.put) {
      if (isAlertKey(key)) {
        // What was gone before is there again: it need not go first.
        others.delete(key);
        alerts.set(key, json);
      } else others.set(key, json);
    }
  }

  function settle(count: number): boolean {
    if (alerts.size === 0 && others.size === 0) return false;
    const put: StateRecord[] = [];
    const remove: string[] = [];
    for (const [key, json] of others) {
      if (json === undefined) remove.push(key);
      else put.push({ key, value: JSON.parse(json) });
    }
    others.clear();
    for (let left = count; left > 0; left--) {
      const next = unread.next();
      if (next.done === true) break;
      const [key, json] = next.value;
      put.push({ key, value: JSON.parse(json) });
      alerts.delete(key);
    }
    if (alerts.size === 0) unread = alerts.entries();
    follow(state, put, remove);
    return alerts.size > 0;
  }

  return {
    get state() {
      settle(Infinity);
      return state;
    },
    get version() {
      return version;
    },
    get firingMax() {
      return state.alerts.size - state.resolved.size + alerts.size;
    },
    catchUp() {
      // One after the other: what was read earlier must not be applied later.
      turn = turn.catch(() => undefined).then(readOn);
      return turn;
    },
    settle,
  };
}
