/** Reactions that came while nobody listened. */
import { expect, onTestFinished, test } from 'vitest';
import type { Gesture } from '../../src/model.ts';
import { createSlackApi } from '../../src/slack/api.ts';
import type { ReactionEvent } from '../../src/slack/events.ts';
import { createPeople } from '../../src/slack/people.ts';
import { type OpenMessage, reconcile } from '../../src/slack/reconcile.ts';
import { type SlackStandIn, startSlackStandIn } from '../support/slack-stand-in.ts';
import { sleepingClock } from '../support/sleeping-clock.ts';

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
  clock = sleepingClock(0),
) {
  const api = apiOf(slack);
  const events: ReactionEvent[] = [];
  clock.hurry();
  await reconcile(messages, {
    api,
    gestures,
    submit: async (event) => void events.push(event),
    isBot: createPeople(api).isBot,
    clock,
    signal: new AbortController().signal,
    log,
  });
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
  for (const key of [`U1 eyes ${message.ts}`, 'U1 acknowledge'])
    expect(await missed(slack, [open(message, { reactions: { [key]: KNOWN } })])).toEqual([]);
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
  const reactions = { 'U1 eyes 1.1': KNOWN, 'U1 acknowledge': KNOWN, 'U1 request': KNOWN };
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
