/** What each way of failing comes to, and finding things in Slack. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type CallOutcome, createSlackApi, type SlackApi } from '../../src/slack/api.ts';
import {
  type SlackStandIn,
  type StandInOptions,
  startSlackStandIn,
} from '../support/slack-stand-in.ts';

const ignore = () => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const text = { thread: undefined, blocks: undefined, tag: { id: 'message:A', revision: 1 } };

async function connected(
  options: StandInOptions = {},
  called?: (method: string, outcome: CallOutcome) => void,
): Promise<{ readonly slack: SlackStandIn; readonly api: SlackApi }> {
  const slack = await startSlackStandIn(options);
  onTestFinished(() => slack.close());
  const hook = called === undefined ? {} : { called };
  return {
    slack,
    api: createSlackApi({ token: 'xoxb-1', apiUrl: slack.url, log, ...hook }),
  };
}

test.each<[string, (slack: SlackStandIn) => void, object]>([
  [
    'a refusal',
    (slack) => slack.next('chat.postMessage').refuse('is_archived'),
    { kind: 'refused', error: 'is_archived' },
  ],
  [
    'a 429',
    (slack) => slack.next('chat.postMessage').rateLimit(7),
    { kind: 'rate-limited', retryAfterMs: 7_000 },
  ],
  [
    'a 429 of zero seconds',
    (slack) => slack.next('chat.postMessage').rateLimit(0),
    { kind: 'rate-limited', retryAfterMs: 1_000 },
  ],
  [
    'a 429 without a time',
    (slack) => slack.next('chat.postMessage').rateLimit(),
    { kind: 'rate-limited', retryAfterMs: 30_000 },
  ],
  [
    'the word ratelimited',
    (slack) => slack.next('chat.postMessage').refuse('ratelimited'),
    { kind: 'rate-limited', retryAfterMs: 30_000 },
  ],
  ['a dropped answer', (slack) => slack.next('chat.postMessage').dropAnswer(), { kind: 'unknown' }],
  [
    'a dropped request',
    (slack) => slack.next('chat.postMessage').dropBefore(),
    { kind: 'unknown' },
  ],
  [
    'a server error',
    (slack) => slack.next('chat.postMessage').answerWith(500),
    { kind: 'unknown' },
  ],
  [
    'a page of a proxy',
    (slack) => slack.next('chat.postMessage').answerWith(200),
    { kind: 'unknown' },
  ],
  [
    'an inner error of Slack',
    (slack) => slack.next('chat.postMessage').refuse('fatal_error'),
    { kind: 'unknown' },
  ],
])('%s is told apart', async (_, order, expected) => {
  const { slack, api } = await connected();
  order(slack);
  expect(await api.post({ channel: '#alerts', text: 'x', ...text })).toMatchObject(expected);
});

test('an answer that does not come in time may come later: it may have happened', async () => {
  const { slack } = await connected();
  slack.next('auth.test').stall();
  const api = createSlackApi({ token: 'xoxb-1', apiUrl: slack.url, log, timeoutMs: 50 });
  expect(await api.identify()).toMatchObject({ kind: 'unknown' });
});

test('a port where nobody listens: it surely did not happen', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const api = createSlackApi({ token: 'xoxb-1', apiUrl: `http://127.0.0.1:${port}/api/`, log });
  const answer = await api.post({ channel: '#alerts', text: 'x', ...text });
  expect(answer).toEqual({ kind: 'unreachable', error: 'ECONNREFUSED' });
});

test('a message is found by its tag behind hundreds of later ones', async () => {
  const { slack, api } = await connected();
  await api.post({ channel: '#alerts', text: 'the one', ...text });
  const message = await slack.message(/the one/);
  const { messages } = slack.channel('#alerts');
  const tag = { event_type: 'another_app', event_payload: { id: 'message:A' } };
  for (let other = 1; other <= 450; other++) {
    messages.push({ ...message, ts: `${Number(message.ts) + other}`, metadata: tag });
  }
  const search = { channel: '#alerts', thread: undefined, since: 0 };
  const { channel, ts } = message;
  expect(await api.find({ ...search, id: 'message:A' })).toEqual({
    kind: 'ok',
    value: { message: { channel, ts }, revision: 1 },
  });
  expect(await api.find({ ...search, id: 'message:B' })).toEqual({ kind: 'ok', value: undefined });
});

test('a name is looked up once, over as many pages as it takes', async () => {
  const names = Array.from({ length: 2_500 }, (_, index) => `#team-${index}`);
  const { slack, api } = await connected({ channels: names });
  slack.channel('#team-2400').member = false;
  expect(await api.join('#team-2400')).toMatchObject({ kind: 'ok' });
  expect(await api.join('#team-100')).toMatchObject({ kind: 'ok' });
  expect(slack.callsOf('conversations.list')).toHaveLength(3);
  expect(slack.channel('#team-2400').member).toBe(true);
});

test('who reacted: a name, and whether it is a bot', async () => {
  const { api } = await connected({
    people: { U7: { name: 'Ann', bot: false }, U8: { name: 'robot', bot: true } },
  });
  expect(await api.person('U7')).toEqual({ kind: 'ok', value: { name: 'Ann', bot: false } });
  expect(await api.person('U8')).toMatchObject({ value: { bot: true } });
});

test('who we are shows whether the token is good', async () => {
  const { slack, api } = await connected();
  expect(await api.identify()).toEqual({ kind: 'ok', value: { user: 'UQUELL', team: 'Stand-in' } });
  const wrong = createSlackApi({ token: 'xoxp-1', apiUrl: slack.url, log });
  expect(await wrong.identify()).toEqual({ kind: 'refused', error: 'invalid_auth' });
});

test('every call is counted by what came of it', async () => {
  const seen: string[] = [];
  const { slack, api } = await connected(
    {},
    (method, outcome) => void seen.push(`${method} ${outcome}`),
  );
  slack.next('auth.test').answerWith(500);
  await api.identify();
  await api.identify();
  expect(seen).toEqual(['auth.test unclear', 'auth.test ok']);
});

test('an ampersand in the text reaches people as one', async () => {
  const { slack, api } = await connected();
  await api.post({ channel: '#alerts', text: 'R&D', ...text });
  expect(slack.messages()[0]?.text).toBe('R&amp;D');
});
