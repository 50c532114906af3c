/**
 * A world for the simulation: virtual time, a Slack that misbehaves, a store that fails, and senders
 * that, like Alertmanager, try again until they get a 2xx.
 *
 * Everything is drawn from one seed. The oracle computes by itself what must be told.
 */
import { builtInRules } from '../../src/rules/compile.ts';
import { type Lane, openLane } from '../../src/lane.ts';
import type { Event, MessageRef } from '../../src/model.ts';
import type { SlackApi } from '../../src/slack/api.ts';
import { createDelivery, type Delivery } from '../../src/slack/delivery.ts';
import type { SlackResult } from '../../src/slack/result.ts';
import type { Store } from '../../src/store/contract.ts';
import { createMemoryStore, type PlannedFault } from '../../src/store/memory.ts';
import { buildView } from '../../src/view.ts';
import { rulesOf, SHOP } from '../support/story.ts';

export interface Random {
  (): number;
  readonly below: (limit: number) => number;
  readonly chance: (probability: number) => boolean;
}

/** mulberry32: small, fast, and the same everywhere. */
export function createRandom(seed: number): Random {
  let a = seed >>> 0;
  const next = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return Object.assign(next, {
    below: (limit: number) => Math.floor(next() * limit),
    chance: (probability: number) => next() < probability,
  });
}

export interface VirtualTime {
  now: () => number;
  wakeAt: (at: number, callback: () => void) => () => void;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Runs everything that is due until then, and lets all that follows from it settle. */
  advance: (ms: number) => Promise<void>;
}

export function createTime(start: number): VirtualTime {
  let now = start;
  const timers = new Set<{ at: number; order: number; callback: () => void }>();
  let order = 0;
  const wakeAt = (at: number, callback: () => void) => {
    const timer = { at, order: order++, callback };
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  return {
    now: () => now,
    wakeAt,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const abort = () => {
          off();
          resolve();
        };
        const off = wakeAt(now + ms, () => {
          signal.removeEventListener('abort', abort);
          resolve();
        });
        signal.addEventListener('abort', abort);
      }),
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const due = [...timers]
          .filter(({ at }) => at <= until)
          .sort((a, b) => a.at - b.at || a.order - b.order)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = Math.max(now, due.at);
        due.callback();
        await settle();
      }
      now = until;
    },
  };
}

/** Everything here is memory: a few rounds of the event loop carry out all that can be. */
async function settle(): Promise<void> {
  for (let round = 0; round < 4; round++) await new Promise((resolve) => setImmediate(resolve));
}

export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  readonly thread: string | undefined;
  readonly id: string;
  revision: number;
  text: string;
}

export interface SlackWorld {
  readonly messages: SlackMessage[];
  faulty: boolean;
  readonly api: (isAlive: () => boolean) => SlackApi;
}

/** Faults planted to see that the checks can fail. */
export type Planted = 'finds-nothing' | undefined;

export function createSlack(random: Random, time: VirtualTime, planted: Planted): SlackWorld {
  const messages: SlackMessage[] = [];
  const never = () => new Promise<never>(() => {});
  const world: SlackWorld = { messages, faulty: true, api };
  function refusal(): SlackResult<never> | undefined {
    if (!world.faulty || random.chance(0.7)) return undefined;
    if (random.chance(0.3))
      return { kind: 'rate-limited', retryAfterMs: 1000 * (1 + random.below(5)) };
    return { kind: 'unreachable', error: 'ECONNREFUSED' };
  }
  const losesAnswer = () => world.faulty && random.chance(0.25);
  const lost: SlackResult<never> = { kind: 'unknown', error: 'socket hang up' };
  function api(isAlive: () => boolean): SlackApi {
    const answer = async <T>(act: () => SlackResult<T>): Promise<SlackResult<T>> => {
      if (!isAlive()) return never();
      const refused = refusal();
      if (refused !== undefined) return refused;
      const result = act();
      await Promise.resolve();
      if (!isAlive()) return never();
      return losesAnswer() ? lost : result;
    };
    return {
      post: ({ channel, thread, text, tag }) =>
        answer(() => {
          const ts = `${time.now()}.${messages.length}`;
          messages.push({ channel, ts, thread, id: tag.id, revision: tag.revision, text });
          return { kind: 'ok', value: { channel, ts } };
        }),
      update: (message: MessageRef, { text, tag }) =>
        answer(() => {
          const found = messages.find(({ ts }) => ts === message.ts);
          if (found === undefined) return { kind: 'refused', error: 'message_not_found' };
          found.text = text;
          found.revision = tag.revision;
          return { kind: 'ok', value: message };
        }),
      find: ({ channel, thread, id }) =>
        answer(() => {
          const found = messages.find(
            (one) =>
              one.id === id &&
              one.channel === channel &&
              (thread === undefined || one.thread === thread),
          );
          if (found === undefined || planted === 'finds-nothing')
            return { kind: 'ok', value: undefined };
          return {
            kind: 'ok',
            value: { message: { channel: found.channel, ts: found.ts }, revision: found.revision },
          };
        }),
      join: (channel) => answer(() => ({ kind: 'ok', value: channel })),
      reactions: () => answer(() => ({ kind: 'ok', value: [] })),
      person: () => answer(() => ({ kind: 'ok', value: { name: 'Ann', bot: false } })),
      identify: () => answer(() => ({ kind: 'ok', value: { user: 'U0', team: 'T0' } })),
    };
  }
  return world;
}

export interface Process {
  readonly lane: Lane;
  readonly delivery: Delivery;
  kill: () => void;
}

/** A process of Quell. When it is killed, nothing it waits for ever comes back. */
export async function startProcess(
  store: Store,
  slack: SlackWorld,
  time: VirtualTime,
  random: Random,
): Promise<Process> {
  let alive = true;
  const rules = rulesOf(SHOP) ?? builtInRules();
  const lane = await openLane({
    name: 'default',
    store: mortal(store, () => alive),
    rules,
    clock: time,
    observer: { decided: () => {}, committed: () => {}, failed: () => {} },
  });
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const delivery = createDelivery({
    api: slack.api(() => alive),
    view: (id) => {
      const incident = lane.state.incidents.get(id);
      if (incident === undefined) return undefined;
      return {
        view: buildView(lane.state, incident, lane.rules, time.now(), undefined),
        message: incident.message,
      };
    },
    report: (effect, outcome) => {
      const event: Event = { kind: 'delivered', effect: effect.id, outcome };
      return lane.submit(time.now(), [event]);
    },
    clock: time,
    random,
    log: silent,
  });
  lane.attach(delivery);
  return {
    lane,
    delivery,
    kill: () => {
      alive = false;
    },
  };
}

function mortal(store: Store, isAlive: () => boolean): Store {
  const guard = async <T>(act: () => Promise<T>): Promise<T> => {
    if (!isAlive()) return new Promise<never>(() => {});
    const result = await act();
    return isAlive() ? result : new Promise<never>(() => {});
  };
  return {
    load: (lane) => guard(() => store.load(lane)),
    commit: (lane, commit) => guard(() => store.commit(lane, commit)),
    decisions: (query) => store.decisions(query),
    closedIncidents: (query) => store.closedIncidents(query),
    closedIncident: (lane, id) => store.closedIncident(lane, id),
    prune: (lane, before, limit) => store.prune(lane, before, limit),
    close: () => store.close(),
  };
}

/** A store that fails now and then, before or after the fact. */
export function createFaultyStore(random: Random, faulty: () => boolean): Store {
  const fault = (): PlannedFault => {
    if (!faulty() || random.chance(0.9)) return 'ok';
    return random.chance(0.5) ? 'fail-before' : 'fail-after';
  };
  return createMemoryStore({ faults: { commit: fault } });
}
