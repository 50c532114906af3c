/**
 * Slack as a whole: what carries messages there, and what brings reactions back. Without a bot token
 * everything is shown instead of sent.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../config/config.ts';
import type { Lane } from '../lane/lane.ts';
import type { Lanes } from '../lane/lanes.ts';
import type { DeliveryOutcome, Effect, Event } from '../model.ts';
import { type CallOutcome, createSlackApi, type WholeSlackApi } from './api.ts';
import { onlyAsLeader } from './as-leader.ts';
import { createDelivery, type Delivery, type DeliveryOptions } from './delivery.ts';
import { type EventRefusal, slackEventsHandler } from './events-http.ts';
import type { Log } from './log.ts';
import type { DeliveryClock } from './pace.ts';
import { createHints } from './hint.ts';
import { createPeople } from './people.ts';
import { createPreview, createWall, type PreviewMessage } from './preview.ts';
import { createReconciler, type OpenMessage } from './reconcile.ts';
import { createSlackSocket } from './socket.ts';
import type { Look } from './track.ts';
import { survivorOf } from '../state/state.ts';

interface SlackOptions {
  readonly config: Config['slack'];
  readonly lanes: Lanes;
  readonly look: (lane: Lane) => Look;
  readonly clock: DeliveryClock;
  readonly random: () => number;
  readonly log: Log;
  readonly called: (method: string, outcome: CallOutcome, seconds: number) => void;
  /** A request to /slack/events was not believed. */
  readonly refused: (reason: EventRefusal) => void;
}

export interface Slack {
  /** What carries out the effects of each lane. */
  readonly deliveries: ReadonlyMap<Lane, Delivery>;
  /** Answers POST /slack/events; undefined when reactions come another way, or not at all. */
  readonly events: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** What would have been said; undefined when Slack gets the messages. */
  readonly preview: (() => readonly PreviewMessage[]) | undefined;
  /** What Slack calls somebody, as far as that is known. */
  readonly nameOf: (user: string) => string | undefined;
  /** Begins to listen for reactions. */
  start(): void;
  /** Asks for reactions that came while nobody listened: this instance leads a lane from now on. */
  catchUp(): void;
  /** Hlistening nothing more; what is on its way to Slack ends. */
  stop(): Promise<void>;
}

export function connectSlack(options: SlackOptions): Slack {
  const { config } = options;
  if (config.botToken === undefined) return showOnly(options);
  const api = createSlackApi({
    token: config.botToken,
    apiUrl: config.apiUrl,
    log: options.log,
    called: options.called,
  });
  const stopping = new AbortController();
  const listening = listen(options, api);
  const deliveries = forEachLane(options, (lane) => {
    const own = deliveryOptions(options, lane, listening.knownLate);
    const { signal } = stopping;
    const leading = onlyAsLeader({ ...own, look: own.view, lane, api, signal });
    return createDelivery({ ...own, api: leading });
  });
  return {
    deliveries,
    events: listening.events,
    preview: undefined,
    nameOf: listening.nameOf,
    start() {
      void api.identify().then((answer) => {
        const { log } = options;
        if (answer.kind === 'ok') log.info(answer.value, 'Slack knows us');
        else if (answer.kind === 'refused') {
          log.error({ answer }, 'Slack does not know us: check SLACK_BOT_TOKEN');
        } else log.warn({ answer }, 'Slack cannot be reached: what is to be said waits for it');
      });
      listening.start();
    },
    catchUp: listening.catchUp,
    async stop() {
      await listening.stop();
      await stopAll(deliveries);
      stopping.abort();
    },
  };
}

function showOnly(options: SlackOptions): Slack {
  const wall = createWall(options.clock);
  const deliveries = forEachLane(options, (lane) =>
    createPreview(deliveryOptions(options, lane), wall),
  );
  return {
    deliveries,
    events: undefined,
    preview: () => wall.messages(),
    nameOf: () => undefined,
    start: () => undefined,
    catchUp: () => undefined,
    stop: () => stopAll(deliveries),
  };
}

function forEachLane<T>({ lanes }: SlackOptions, make: (lane: Lane) => T): ReadonlyMap<Lane, T> {
  return new Map(lanes.all.map((lane) => [lane, make(lane)]));
}

async function stopAll(deliveries: ReadonlyMap<Lane, Delivery>): Promise<void> {
  await Promise.all([...deliveries.values()].map((one) => one.stop()));
}

function deliveryOptions(
  { look, clock, random, log }: SlackOptions,
  lane: Lane,
  knownLate: (message: OpenMessage) => void = () => undefined,
): Omit<DeliveryOptions, 'api'> {
  return {
    view: look(lane),
    async report(effect: Effect, outcome: DeliveryOutcome) {
      const { id, at: orderedAt } = effect;
      await lane.submit(clock.now(), [{ kind: 'delivered', effect: id, orderedAt, outcome }]);
      if (effect.kind !== 'message' || outcome.kind !== 'sent' || outcome.late !== true) return;
      const { replies = [], reactions = {} } = lane.state.incidents.get(effect.incident) ?? {};
      knownLate({ message: outcome.message, replies, reactions });
    },
    clock,
    random,
    log,
  };
}

/** Socket Mode with an app token, else signed requests with a signing secret, else nothing is heard. */
function listen(options: SlackOptions, api: WholeSlackApi) {
  const { config, lanes, clock, log, random, refused } = options;
  const stopping = new AbortController();
  const { isBot, nameOf } = createPeople(api, () => clock.now());
  const submit = (event: Event) => lanes.submit(clock.now(), [event]);
  const asked = createHints({ api, lanes, log });
  const { signal } = stopping;
  const gestures = () => lanes.rules.gestures;
  const reconciler = createReconciler({ api, gestures, submit, isBot, clock, signal, log });
  const catchUp = () =>
    void reconciler.ask(lanes.all.filter(({ leads }) => leads).flatMap(openMessages));
  const knownLate = (message: OpenMessage) => void reconciler.ask([message]);
  if (config.appToken !== undefined) {
    const { appToken, apiUrl } = config;
    const socket = createSlackSocket({
      appToken,
      apiUrl,
      submit,
      isBot,
      asked,
      clock,
      random,
      log,
      connected: catchUp,
    });
    const stop = async () => {
      stopping.abort();
      await socket.stop();
    };
    return { events: undefined, nameOf, start: () => socket.start(), catchUp, knownLate, stop };
  }
  const { signingSecret } = config;
  const events =
    signingSecret === undefined
      ? undefined
      : slackEventsHandler({
          signingSecret,
          submit,
          isBot,
          asked,
          log,
          now: () => clock.now(),
          refused,
        });
  const stop = async () => stopping.abort();
  return { events, nameOf, start: catchUp, catchUp, knownLate, stop };
}

/** Whose reactions count: what became part of an incident has a message of its own, which points to it. */
export function openMessages({ state }: Pick<Lane, 'state'>): readonly OpenMessage[] {
  const found: OpenMessage[] = [];
  for (const { id, message, replies } of state.incidents.values()) {
    const standing = survivorOf(state, id);
    if (message === undefined || standing === undefined || !state.open.has(standing.id)) continue;
    found.push({ message, replies, reactions: standing.reactions });
  }
  return found;
}
