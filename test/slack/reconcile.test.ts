/** Reactions that came while nobody listened. */
import { expect, onTestFinished, test } from 'vitest';
import { openLane } from '../../src/lane/lane.ts';
import { createLanes } from '../../src/lane/lanes.ts';
import type { Gesture } from '../../src/model.ts';
import { createSlackApi } from '../../src/slack/api.ts';
import { connectSlack } from '../../src/slack/connect.ts';
import type { ReactionEvent } from '../../src/slack/events.ts';
import { createPeople } from '../../src/slack/people.ts';
import { createReconciler, type OpenMessage } from '../../src/slack/reconcile.ts';
import { WHOLE } from '../../src/split.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { buildView } from '../../src/view.ts';
import { type SlackStandIn, startSlackStandIn } from '../support/slack-stand-in.ts';
import { sleepingClock } from '../support/sleeping-clock.ts';
import { alertEvent, rulesOf, SHOP, START } from '../support/story.ts';
import { within } from '../support/within.ts';

const ignore = () => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const gestures = new Map<string, Gesture>([
  ['eyes', 'acknowledge'],
  ['raised_hands', 'acknowledge'],
  ['white_check_mark', 'solved'],
]);

async function slackWith(texts: readonly string[], thread?: string): Promise<SlackStandIn> {
  const slack = await startSlackStandIn({ people: { UROBOT: { name: 'robot', bot: true } } });
  onTestFinished(() => slack.close());
  for (const text of texts) await post(slack, text, thread);
  return slack;
}

async function post(slack: SlackStandIn, text: string, thread?: string) {
  await apiOf(slack).post({
    channel: '#alerts',
    thread,
    text,
    blocks: undefined,
    tag: { id: text, revision: 1 },
  });
  return slack.message(new RegExp(text));
}

function apiOf(slack: SlackStandIn) {
  return createSlackApi({ token: 'xoxb-1', apiUrl: slack.url, log });
}

async function missed(
  slack: SlackStandIn,
  messages: readonly OpenMessage[],
  keep: (event: ReactionEvent) => void = ignore,
) {
  const clock = sleepingClock(0);
  const api = apiOf(slack);
  const events: ReactionEvent[] = [];
  clock.hurry();
  const reconciler = createReconciler({
    api,
    gestures: () => gestures,
    submit: async (event) => {
      keep(event);
      events.push(event);
    },
    isBot: createPeople(api, () => clock.now()).isBot,
    clock,
    signal: new AbortController().signal,
    log,
  });
  await reconciler.ask(messages);
  return events;
}

function open(
  message: { channel: string; ts: string },
  change: Partial<OpenMessage> = {},
): OpenMessage {
  const { channel, ts } = message;
  return { message: { channel, ts }, replies: [], reactions: {}, ...change };
}

test('a reaction that was put meanwhile is told, as early as it can count', async () => {
  const slack = await slackWith(['down']);
  const message = await slack.message(/down/);
  await slack.react('eyes::skin-tone-3', message, 'U1');
  await slack.react('tada', message, 'U1');
  await slack.react('eyes', message, 'UROBOT');
  const events = await missed(slack, [open(message)]);
  expect(events).toMatchObject([{ added: true, emoji: 'eyes', user: 'U1' }]);
  expect(events[0]?.orderedAt).toBeCloseTo(Number(message.ts) * 1_000 + 1, 1);
});

const KNOWN = { added: true, orderedAt: 5 };

test('a reaction that is known is not told again', async () => {
  const slack = await slackWith(['down']);
  const message = await slack.message(/down/);
  await slack.react('eyes', message, 'U1');
  const reactions = { [`U1 eyes ${message.ts}`]: KNOWN };
  expect(await missed(slack, [open(message, { reactions })])).toEqual([]);
});

test('a reaction that was taken away meanwhile is told, and what stands beside it stays', async () => {
  const slack = await slackWith(['down']);
  const message = await slack.message(/down/);
  await slack.react('eyes', message, 'U1');
  const reactions = {
    [`U1 eyes ${message.ts}`]: KNOWN,
    [`U1 raised_hands ${message.ts}`]: KNOWN,
  };
  const events = await missed(slack, [open(message, { reactions })]);
  const { channel, ts } = message;
  expect(events).toMatchObject([
    { added: false, emoji: 'raised_hands', user: 'U1', on: { channel, ts }, orderedAt: 6 },
  ]);
});

test('a line in the thread is asked for the reactions that stood there', async () => {
  const slack = await slackWith(['down']);
  const message = await slack.message(/down/);
  const kept = await post(slack, 'worse', message.ts);
  const taken = await post(slack, 'better', message.ts);
  await slack.react('raised_hands', kept, 'U1');
  const reactions = { [`U1 raised_hands ${kept.ts}`]: KNOWN, [`U1 eyes ${taken.ts}`]: KNOWN };
  const replies = [kept.ts, taken.ts];
  const events = await missed(slack, [open(message, { reactions, replies })]);
  expect(events).toMatchObject([{ added: false, emoji: 'eyes', on: { ts: taken.ts } }]);
});

test('what stands on a message that was not asked is not taken back', async () => {
  const slack = await slackWith(['down']);
  const reactions = { 'U1 eyes 1.1': KNOWN, 'U1 request': KNOWN };
  expect(await missed(slack, [open(await slack.message(/down/), { reactions })])).toEqual([]);
});

test('a message that is gone, and Slack that says wait, stop nothing', async () => {
  const slack = await slackWith(['first', 'second']);
  const first = await slack.message(/first/);
  const second = await slack.message(/second/);
  await slack.react('eyes', first, 'U1');
  slack.deleteMessage(second);
  slack.next('reactions.get').rateLimit(30);
  const events = await missed(slack, [open(first), open(second)]);
  expect(events).toMatchObject([{ user: 'U1' }]);
});

test('a message that Slack did not answer for is asked for again', async () => {
  const slack = await slackWith(['first', 'second']);
  const first = await slack.message(/first/);
  const second = await slack.message(/second/);
  for (const message of [first, second]) await slack.react('eyes', message, 'U1');
  slack.next('reactions.get').answerWith(500);
  slack.next('reactions.get').dropBefore();
  slack.next('reactions.get').refuse('token_revoked');
  const events = await missed(slack, [open(first), open(second)]);
  expect(events.map(({ on }) => on)).toEqual(
    expect.arrayContaining([open(first).message, open(second).message]),
  );
  expect(events).toHaveLength(2);
});

test('what could not be kept is asked for again', async () => {
  const slack = await slackWith(['down']);
  const message = await slack.message(/down/);
  await slack.react('eyes', message, 'U1');
  let failing = 2;
  const events = await missed(slack, [open(message)], () => {
    if (failing-- > 0) throw new Error('the disk is full');
  });
  expect(events).toMatchObject([{ user: 'U1' }]);
});

test('a reaction that comes while a post is in doubt is heard of when that is found', async () => {
  const slack = await slackWith([]);
  const sleeping = sleepingClock(START);
  const clock = { ...sleeping, wakeAt: () => ignore };
  let acknowledged: () => void = ignore;
  const lane = await openLane({
    name: 'default',
    store: createMemoryStore(),
    rules: rulesOf(SHOP),
    clock,
    observer: {
      decided: (_, decisions) =>
        decisions.some(({ reason }) => reason === 'acknowledged') && acknowledged(),
      committed: ignore,
      failed: ignore,
    },
  });
  const connection = connectSlack({
    config: {
      botToken: 'xoxb-1',
      appToken: undefined,
      signingSecret: undefined,
      apiUrl: slack.url,
    },
    lanes: createLanes([lane], WHOLE),
    look: (one) => (id) => {
      const incident = one.state.incidents.get(id);
      if (incident === undefined) return undefined;
      const view = buildView(one.state, incident, one.rules, clock.now(), undefined);
      return { view, message: incident.message };
    },
    clock,
    random: () => 0.5,
    log,
    called: ignore,
    refused: ignore,
  });
  onTestFinished(async () => {
    await connection.stop();
    await lane.stop();
  });
  for (const [one, delivery] of connection.deliveries) one.attach(delivery);
  slack.next('chat.postMessage').dropAnswer();
  const labels = { alertname: 'Down', service: 'payments-db', severity: 'critical' };
  await lane.submit(START, [alertEvent(labels)]);
  await sleeping.asleep();
  await slack.react('eyes', await slack.message(/payments-db/), 'U1');
  const heard = new Promise<void>((resolve) => {
    acknowledged = resolve;
  });
  sleeping.hurry();
  await within(30, 'the reaction is heard of', heard);
  expect(slack.messages()).toHaveLength(1);
});
