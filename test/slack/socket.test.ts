/** Socket Mode against the stand-in: events, acknowledgements, and connections that come and go. */
import { expect, onTestFinished, test } from 'vitest';
import type { PersonEvent } from '../../src/slack/events.ts';
import { createSlackSocket, type SlackSocket } from '../../src/slack/socket.ts';
import { type SlackStandIn, startSlackStandIn } from '../support/slack-stand-in.ts';
import { type SleepingClock, sleepingClock } from '../support/sleeping-clock.ts';

interface Listening {
  readonly slack: SlackStandIn;
  readonly socket: SlackSocket;
  readonly clock: SleepingClock;
  readonly taken: readonly PersonEvent[];
  /** Resolves when the socket has connected that often. */
  readonly connections: (times: number) => Promise<void>;
  readonly failNext: (error: Error) => void;
}

async function listening(): Promise<Listening> {
  const slack = await startSlackStandIn();
  const clock = sleepingClock(0);
  const taken: PersonEvent[] = [];
  const failures: Error[] = [];
  let connected = 0;
  let watchers: (() => void)[] = [];
  const ignore = () => undefined;
  const socket = createSlackSocket({
    appToken: 'xapp-1',
    apiUrl: slack.url,
    clock,
    random: () => 0.5,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    submit: async (event) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      taken.push(event);
    },
    connected() {
      connected += 1;
      for (const watch of watchers) watch();
    },
  });
  onTestFinished(async () => {
    await socket.stop();
    await slack.close();
  });
  return {
    slack,
    socket,
    clock,
    taken,
    connections: (times) =>
      new Promise((resolve) => {
        const watch = () => {
          if (connected < times) return;
          watchers = watchers.filter((other) => other !== watch);
          resolve();
        };
        watchers.push(watch);
        watch();
      }),
    failNext: (error) => void failures.push(error),
  };
}

/** Something to react to. */
async function postedTo(slack: SlackStandIn) {
  await fetch(`${slack.url}chat.postMessage`, {
    method: 'POST',
    headers: { authorization: 'Bearer xoxb-1', 'content-type': 'application/json' },
    body: JSON.stringify({ channel: '#alerts', text: 'payments-db is down' }),
  });
  return slack.message(/payments-db/);
}

test('a reaction is kept, then acknowledged', async () => {
  const { slack, socket, taken, connections } = await listening();
  socket.start();
  await connections(1);
  const message = await postedTo(slack);
  await slack.react('eyes', message, 'U1');
  await slack.unreact('eyes', message, 'U1');
  expect(taken).toMatchObject([
    { added: true, emoji: 'eyes', user: 'U1', on: { channel: message.channel, ts: message.ts } },
    { added: false },
  ]);
  expect(socket.isConnected()).toBe(true);
});

test('what could not be kept is not acknowledged', async () => {
  const { slack, socket, taken, connections, failNext } = await listening();
  socket.start();
  await connections(1);
  const message = await postedTo(slack);
  failNext(new Error('the disk is full'));
  let acknowledged = false;
  void slack.react('eyes', message, 'U1').then(() => {
    acknowledged = true;
  });
  await slack.react('white_check_mark', message, 'U2');
  expect(acknowledged).toBe(false);
  expect(taken).toMatchObject([{ user: 'U2' }]);
});

test.each(['refreshConnections', 'cutConnections'] as const)(
  'after %s it connects again, and says so',
  async (end) => {
    const { slack, socket, clock, taken, connections } = await listening();
    socket.start();
    await connections(1);
    slack[end]();
    await clock.asleep();
    clock.pass(2_000);
    await connections(2);
    await slack.react('eyes', await postedTo(slack), 'U1');
    expect(taken).toHaveLength(1);
  },
);

test('while Slack is away it goes on trying, less and less often', async () => {
  const { slack, socket, clock, connections } = await listening();
  slack.next('apps.connections.open').dropBefore();
  slack.next('apps.connections.open').answerWith(500);
  slack.next('apps.connections.open').refuse('internal_error');
  socket.start();
  for (const expected of [1_000, 2_000, 4_000]) {
    const [ms = 0] = await clock.asleep();
    expect(ms).toBe(expected);
    clock.pass(ms);
  }
  await connections(1);
});

test('a socket that is stopped does not come back', async () => {
  const { slack, socket, connections } = await listening();
  socket.start();
  await connections(1);
  await socket.stop();
  expect(socket.isConnected()).toBe(false);
  expect(slack.callsOf('apps.connections.open')).toHaveLength(1);
});
