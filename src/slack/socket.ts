/**
 * Socket Mode: Slack's events down a connection that we open, so that no public address is needed.
 *
 * The SDK's own reconnecting can end the process with an unhandled rejection when Slack is away, so
 * it is off, and we connect again here. Events that happen in between are lost by Slack: whoever
 * listens is told of each new connection, and asks for the reactions that it missed.
 */
import type { SocketModeClient } from '@slack/socket-mode';
import { type IntakeOptions, takeIn } from './events.ts';
import { sdkLogger } from './log.ts';
import { type DeliveryClock, rest, backoffMs } from './pace.ts';

interface SocketOptions extends IntakeOptions {
  readonly appToken: string;
  readonly apiUrl: string | undefined;
  readonly clock: DeliveryClock;
  readonly random: () => number;
  /** Called after each connection: events may have been missed before it. */
  readonly connected?: () => void;
}

export interface SlackSocket {
  /** Resolves at once; connecting goes on until it succeeds. */
  start(): void;
  stop(): Promise<void>;
  isConnected(): boolean;
}

const RECONNECT_MS = { first: 500, most: 60_000 };
/** A connection that lasted longer was a good one: the next is tried for at once. */
const LASTED_MS = 10_000;
/** From the request for an address to Slack's hello. */
const CONNECT_WITHIN_MS = 20_000;
const CLOSE_WITHIN_MS = 2_000;

interface SlackEnvelope {
  readonly type: string;
  readonly body: unknown;
  readonly ack: () => Promise<void>;
}

export function createSlackSocket(options: SocketOptions): SlackSocket {
  const { clock, random, log } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let isConnected = false;
  let running: Promise<void> | undefined;

  /** One connection from its beginning to its end. */
  async function connect(): Promise<void> {
    const client = await createClient(options);
    if (signal.aborted) return;
    const ended = new Promise<void>((resolve) => {
      client.once('disconnected', () => resolve());
    });
    try {
      const late = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_WITHIN_MS)]);
      await Promise.race([client.start(), aborted(late).then(() => Promise.reject(late.reason))]);
      isConnected = true;
      log.info({}, 'Socket Mode: connected');
      options.connected?.();
      await Promise.race([ended, aborted(AbortSignal.any([signal]))]);
    } catch (error) {
      // Whatever it is: without a connection there is nothing to do but to try again.
      if (!signal.aborted) log.warn({ error }, 'Socket Mode: cannot connect, trying again');
    }
    isConnected = false;
    const closed = client.disconnect().catch(() => undefined);
    await Promise.race([closed, aborted(AbortSignal.timeout(CLOSE_WITHIN_MS))]);
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const began = clock.now();
      await connect();
      failures = clock.now() - began > LASTED_MS ? 0 : failures + 1;
      if (failures === 0) continue;
      await rest(clock, backoffMs(RECONNECT_MS, failures) * (0.5 + random()), signal);
    }
  }

  return {
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
    isConnected: () => isConnected,
  };
}

async function createClient(options: SocketOptions): Promise<SocketModeClient> {
  const { appToken, apiUrl, log } = options;
  const sdk = await import('@slack/socket-mode');
  const client = new sdk.SocketModeClient({
    appToken,
    autoReconnectEnabled: false,
    logger: sdkLogger(log),
    clientOptions: {
      retryConfig: { retries: 0 },
      ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl }),
    },
  });
  client.on('slack_event', (envelope: SlackEnvelope) => void acknowledge(envelope, options));
  return client;
}

async function acknowledge({ type, body, ack }: SlackEnvelope, options: SocketOptions) {
  try {
    if (type === 'events_api') await takeIn(body, options);
    await ack();
  } catch (error) {
    // Not acknowledged: Slack sends it again, or the next reconciliation finds the reaction.
    options.log.error({ error }, 'an event of Slack could not be kept');
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
