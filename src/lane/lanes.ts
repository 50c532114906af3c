/**
 * The lanes of a service as one: what comes in goes to the lane that it concerns.
 *
 * Lanes know nothing of each other. An alert goes to the lane of its labels, a reaction to the lane whose
 * message it is on, a silence to all. Heartbeats are watched over by the first lane, wherever they come
 * from: there one name is one heartbeat, and is expected once.
 */
import { AppError, asError } from '../errors.ts';
import { heartbeatOf } from '../life/heartbeat.ts';
import type { Lane } from './lane.ts';
import type { Event, Instant, MessageRef, ReceivedAlert } from '../model.ts';
import type { Rules } from '../rules/rules.ts';
import { LANE, laneOf, type Split } from '../split.ts';
import { messageKey } from '../state/message-index.ts';

export interface Lanes {
  /** The first is the one that takes what has no lane of its own. */
  readonly all: readonly [Lane, ...Lane[]];
  readonly rules: Rules;
  /** As `Lane.submit`: resolves when all of it cannot be lost any more. Rejects with PartlyTaken when some of it was taken. */
  submit(at: Instant, events: readonly Event[]): Promise<void>;
  useRules(rules: Rules): void;
  /** Resolves when the states of all lanes are what this instance knows. */
  caughtUp(): Promise<void>;
  /** True when every lane is. */
  readonly ready: boolean;
  stop(): Promise<void>;
}

/** Some lanes took their part of a delivery, and others did not. Sent again, that part is a repeat. */
export class PartlyTaken extends AppError {
  readonly taken: readonly Event[];

  constructor(taken: readonly Event[], cause: AppError) {
    super(cause.code, cause.message, { retryable: cause.retryable, cause });
    this.taken = taken;
  }
}

/** `all` are the lanes of `split`, in its order. `before`: what ends before them. */
export function createLanes(
  all: Lanes['all'],
  split: Split,
  before: () => Promise<void> = async () => undefined,
): Lanes {
  const [first, ...others] = all;
  return {
    all,
    get rules() {
      return first.rules;
    },
    submit: (at, events) =>
      others.length === 0 ? first.submit(at, events) : submit(all, split, at, events),
    useRules(rules) {
      for (const lane of all) lane.useRules(rules);
    },
    async caughtUp() {
      for (const lane of all) await lane.caughtUp();
    },
    get ready() {
      return all.every(({ ready }) => ready);
    },
    async stop() {
      await before();
      await Promise.all(all.map((lane) => lane.stop()));
    },
  };
}

/** The lane whose incident owns a message, or a line in its thread; undefined when none does, as far as is known here. */
export function ownerOf<One extends Pick<Lane, 'state'>>(
  { all }: { readonly all: readonly One[] },
  on: MessageRef | { readonly incident: string },
): One | undefined {
  return 'incident' in on
    ? all.find(({ state }) => state.incidents.has(on.incident))
    : all.find(({ state }) => state.byMessage.has(messageKey(on.channel, on.ts)));
}

/** The incident of a message, or of a line in its thread. */
export function incidentOn(
  { all }: { readonly all: readonly Pick<Lane, 'state'>[] },
  { channel, ts }: MessageRef,
): string | undefined {
  const key = messageKey(channel, ts);
  return all.find(({ state }) => state.byMessage.has(key))?.state.byMessage.get(key);
}

async function submit(
  all: Lanes['all'],
  split: Split,
  at: Instant,
  events: readonly Event[],
): Promise<void> {
  const parts = new Map<Lane, Event[]>();
  for (const event of events) {
    for (const lane of lanesOf(all, split, event)) {
      const part = parts.get(lane);
      if (part === undefined) parts.set(lane, [event]);
      else part.push(event);
    }
  }
  const taken: Event[] = [];
  const refusals: Error[] = [];
  await Promise.all(
    [...parts].map(async ([lane, part]) => {
      try {
        await lane.submit(at, part);
        taken.push(...part);
      } catch (error) {
        refusals.push(asError(error));
      }
    }),
  );
  const [refusal] = refusals;
  if (refusal === undefined) return;
  if (taken.length === 0 || !(refusal instanceof AppError)) throw refusal;
  throw new PartlyTaken(taken, refusal);
}

function lanesOf(all: Lanes['all'], split: Split, event: Event): readonly Lane[] {
  const [first] = all;
  switch (event.kind) {
    case 'alert':
      return [laneNamed(all, nameFor(first.rules, split, event.alert))];
    case 'reaction':
    case 'request': {
      const owner = ownerOf({ all }, event.on);
      // A message that is only now being posted: its lane knows it by the time that this is decided.
      return owner === undefined ? all : [owner];
    }
    case 'silence':
    case 'unsilence':
      return all;
    case 'odd':
    case 'delivered':
    case 'tick':
    case 'started':
    case 'rules-changed':
      return [first];
  }
}

function nameFor(rules: Rules, split: Split, alert: ReceivedAlert): string {
  const { labels, source } = alert;
  const name = laneOf(split, labels);
  if (name === LANE || rules.heartbeats.length === 0) return name;
  const subject = { labels, source, facts: rules.normalise(alert) };
  return heartbeatOf({ rules }, subject) === undefined ? name : LANE;
}

function laneNamed(all: Lanes['all'], name: string): Lane {
  return all.find((lane) => lane.name === name) ?? all[0];
}
