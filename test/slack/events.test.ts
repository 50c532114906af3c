/** Reactions as Slack tells of them, signed over HTTP, and who may be believed. */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { parseSlackEvent, type PersonEvent } from '../../src/slack/events.ts';
import { slackEventsHandler, verifySignature } from '../../src/slack/events-http.ts';
import { type SlackStandIn, startSlackStandIn } from '../support/slack-stand-in.ts';

/** The example of Slack's own documentation. */
const DOCUMENTED = {
  secret: '8f742231b10e8888abcd99yyyzzz85a5',
  headers: {
    'x-slack-request-timestamp': '1531420618',
    'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
  },
  body: Buffer.from(
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  ),
  now: 1_531_420_618_000,
};

const SECRET = '0123456789abcdef0123456789abcdef';

function payload(change: object = {}, event: object = {}) {
  return {
    type: 'event_callback',
    event_id: 'Ev1',
    authorizations: [{ team_id: 'T1', user_id: 'UQUELL', is_bot: true }],
    event: {
      type: 'reaction_added',
      user: 'U1',
      reaction: 'eyes',
      item: { type: 'message', channel: 'C1', ts: '1710000000.000100' },
      event_ts: '1710000042.123456',
      ...event,
    },
    ...change,
  };
}

test('a reaction is who, what, on which message and when, by the clock of Slack', () => {
  expect(parseSlackEvent(payload())).toEqual({
    kind: 'reaction',
    added: true,
    emoji: 'eyes',
    user: 'U1',
    on: { channel: 'C1', ts: '1710000000.000100' },
    orderedAt: 1_710_000_042_123.456,
  });
});

test('taking a reaction away is told as such', () => {
  expect(parseSlackEvent(payload({}, { type: 'reaction_removed' }))).toMatchObject({
    added: false,
  });
});

test('the tone of skin makes no difference', () => {
  const event = parseSlackEvent(payload({}, { reaction: 'thumbsup::skin-tone-2' }));
  expect(event).toMatchObject({ emoji: 'thumbsup' });
});

test.each([
  ['of our own bot', payload({}, { user: 'UQUELL' })],
  ['of Slackbot', payload({}, { user: 'USLACKBOT' })],
  ['on a file', payload({}, { item: { type: 'file', file: 'F1' } })],
  ['without a time', payload({}, { event_ts: 'yesterday' })],
  ['of another type', payload({}, { type: 'message' })],
  ['in another envelope', payload({ type: 'app_rate_limited' })],
  ['that is no object', 'hello'],
  ['that is nothing', undefined],
])('an event %s is nothing to us', (_, given) => {
  expect(parseSlackEvent(given)).toBeUndefined();
});

test('a challenge is answered with itself', () => {
  const given = { type: 'url_verification', token: 'x', challenge: '3eZbrw1aB' };
  expect(parseSlackEvent(given)).toEqual({ kind: 'challenge', challenge: '3eZbrw1aB' });
});

test("Slack's documented example of a signature is right", () => {
  const { secret, headers, body, now } = DOCUMENTED;
  expect(verifySignature(secret, headers, body, now)).toBe(true);
});

test.each([
  ['another secret', { secret: 'other' }],
  ['another body', { body: Buffer.from('token=other') }],
  ['a time more than 5 min ago', { now: DOCUMENTED.now + 300_001 }],
  ['a time more than 5 min ahead', { now: DOCUMENTED.now - 300_001 }],
  ['no headers', { headers: {} }],
  ['no timestamp', { headers: { 'x-slack-signature': 'v0=1' } }],
  [
    'a timestamp that is no number',
    { headers: { ...DOCUMENTED.headers, 'x-slack-request-timestamp': '1531420618 ' } },
  ],
  ['a short signature', { headers: { ...DOCUMENTED.headers, 'x-slack-signature': 'v0=a2114d' } }],
  [
    'as many characters, but more bytes',
    { headers: { ...DOCUMENTED.headers, 'x-slack-signature': `v0=${'é'.repeat(64)}` } },
  ],
])('a signature with %s is wrong', (_, change) => {
  const { secret, headers, body, now } = { ...DOCUMENTED, ...change };
  expect(verifySignature(secret, headers, body, now)).toBe(false);
});

interface Listener {
  readonly slack: SlackStandIn;
  readonly url: string;
  readonly taken: readonly PersonEvent[];
  readonly refusals: readonly string[];
}

async function listen(submit?: () => Promise<void>): Promise<Listener> {
  const slack = await startSlackStandIn();
  const taken: PersonEvent[] = [];
  const refusals: string[] = [];
  const ignore = () => undefined;
  const handler = slackEventsHandler({
    signingSecret: SECRET,
    submit: async (event) => {
      await submit?.();
      taken.push(event);
    },
    isBot: async (user) => user === 'UROBOT',
    now: Date.now,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    refused: (reason) => refusals.push(reason),
  });
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await slack.close();
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/slack/events`;
  slack.sendEventsTo(url, SECRET);
  return { slack, url, taken, refusals };
}

test('a signed reaction is kept before it is acknowledged', async () => {
  const { slack, taken } = await listen();
  expect(await slack.sendPayload(payload())).toBe(200);
  expect(taken).toMatchObject([{ user: 'U1', emoji: 'eyes' }]);
});

test('the challenge of a new address is answered', async () => {
  const { slack } = await listen();
  expect(await slack.sendPayload({ type: 'url_verification', challenge: 'abc' })).toBe(200);
});

test('a request that Slack did not sign changes nothing', async () => {
  const { slack, url, taken } = await listen();
  slack.sendEventsTo(url, 'another secret');
  expect(await slack.sendPayload(payload())).toBe(401);
  expect(taken).toEqual([]);
});

test('a reaction that could not be kept is not acknowledged, so that Slack sends it again', async () => {
  const { slack, taken } = await listen(() => Promise.reject(new Error('the disk is full')));
  expect(await slack.sendPayload(payload())).toBe(503);
  expect(taken).toEqual([]);
});

test('the reaction of another bot is acknowledged and forgotten', async () => {
  const { slack, taken } = await listen();
  expect(await slack.sendPayload(payload({}, { user: 'UROBOT' }))).toBe(200);
  expect(taken).toEqual([]);
});

test('an event that is nothing to us is acknowledged', async () => {
  const { slack } = await listen();
  expect(await slack.sendPayload(payload({}, { type: 'app_home_opened' }))).toBe(200);
});

test('a body without end is cut off', async () => {
  const { url } = await listen();
  const headers = { 'x-slack-signature': 'v0=0' };
  const response = await fetch(url, { method: 'POST', headers, body: 'x'.repeat(1_100_000) });
  expect(response.status).toBe(413);
});

test('events that nobody signed take no more memory than 64 MB together, and not for long', async () => {
  const { url, refusals } = await listen();
  const headers = { 'x-slack-signature': 'v0=0', 'content-length': '1000001' };
  const outcomes = Array.from({ length: 100 }, () => {
    const unfinished = request(url, { method: 'POST', headers, agent: false });
    unfinished.write('x'.repeat(1_000_000));
    return new Promise<number | string>((resolve) => {
      unfinished.once('response', ({ statusCode }) => resolve(statusCode ?? 0));
      unfinished.once('error', () => resolve('closed'));
    });
  });
  const all = await Promise.all(outcomes);
  expect(new Set(all)).toEqual(new Set([503, 'closed']));
  expect(new Set(refusals)).toEqual(new Set(['too-many']));
});
