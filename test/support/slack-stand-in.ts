/**
 * A stand-in for Slack on a real port: the Web API, signed Events and Socket Mode, with faults to
 * order. Tests speak to it in the words of a person who looks at Slack:
 *
 *     const slack = await startSlackStandIn();
 *     slack.next('chat.postMessage').dropAnswer();
 *     const message = await slack.message(/payments-db/);
 *     await slack.react('eyes', message, 'U1');
 *
 * Waiting is waiting for something to happen: nothing here sleeps.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createEvents, type EventsOutlet } from './slack-events-outlet.ts';
import {
  type Answer,
  type Args,
  createWorkspace,
  no,
  type StandInChannel,
  type StandInMessage,
  type Workspace,
  type WorkspaceOptions,
  yes,
} from './slack-workspace.ts';

export type { StandInChannel, StandInMessage } from './slack-workspace.ts';

export interface Call {
  readonly at: number;
  readonly method: string;
  readonly args: Args;
  /** What Slack did; undefined when a fault came first. */
  readonly answer: Answer | undefined;
  readonly fault: string | undefined;
}

export type Fault =
  | { readonly kind: 'refuse'; readonly error: string }
  | { readonly kind: 'rate-limit'; readonly seconds: number | undefined }
  /** Takes the request and never answers. */
  | { readonly kind: 'stall' }
  /** Does it, and cuts the line before it says so. */
  | { readonly kind: 'drop-answer' }
  /** Cuts the line without doing it. */
  | { readonly kind: 'drop-before' }
  /** Does it, and answers with an error page. */
  | { readonly kind: 'status'; readonly status: number };

export interface StandInOptions extends WorkspaceOptions {
  readonly port?: number;
  readonly onCall?: (call: Call) => void;
  /** Faults beyond those that a test orders, such as random ones. */
  readonly fault?: (method: string) => Fault | undefined;
}

export interface NextCall {
  refuse(error: string): void;
  rateLimit(seconds?: number): void;
  stall(): void;
  dropAnswer(): void;
  dropBefore(): void;
  answerWith(status: number): void;
}

export interface SlackStandIn extends EventsOutlet {
  /** For SLACK_API_URL. */
  readonly url: string;
  readonly port: number;
  readonly calls: readonly Call[];
  callsOf(method: string): readonly Call[];
  channel(name: string): StandInChannel;
  /** All messages, oldest first, replies included. */
  messages(): readonly StandInMessage[];
  /** The message whose text matches now, as soon as there is one. */
  message(pattern: RegExp): Promise<StandInMessage>;
  /** The first answer to `look` that is not undefined; asked after every call. */
  until<T>(look: () => T | undefined): Promise<T>;
  /** Resolves with the call when the method was called that often. */
  called(method: string, times?: number): Promise<Call>;
  next(method: string): NextCall;
  react(emoji: string, message: StandInMessage, user: string): Promise<void>;
  unreact(emoji: string, message: StandInMessage, user: string): Promise<void>;
  deleteMessage(message: StandInMessage): void;
  /** Every call is cut off until `up`. */
  down(): void;
  up(): void;
  close(): Promise<void>;
}

const KEEP_ALIVE_MS = 60_000;

interface Desk {
  readonly workspace: Workspace;
  readonly options: StandInOptions;
  readonly faults: Map<string, Fault[]>;
  readonly calls: Call[];
  readonly lookers: Set<() => void>;
  readonly events: ReturnType<typeof createEvents>;
  isDown: boolean;
}

export async function startSlackStandIn(options: StandInOptions = {}): Promise<SlackStandIn> {
  const workspace = createWorkspace(options);
  const desk: Desk = {
    workspace,
    options,
    faults: new Map(),
    calls: [],
    lookers: new Set(),
    events: createEvents(workspace),
    isDown: false,
  };
  const server = createServer((request, response) => void handle(desk, request, response));
  // As long as Slack: a request that was held up on its way still finds its connection.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on('upgrade', (request, socket) => desk.events.accept(request, socket));
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  return vocabulary(desk, server);
}

function vocabulary(desk: Desk, server: Server): SlackStandIn {
  const { workspace, calls, events } = desk;
  const { port } = server.address() as AddressInfo;
  const messages = () =>
    [...workspace.channels.values()]
      .flatMap((channel) => channel.messages)
      .sort((one, other) => Number(one.ts) - Number(other.ts));
  const callsOf = (method: string) => calls.filter((call) => call.method === method);
  return {
    ...events.outlet,
    url: `http://127.0.0.1:${port}/api/`,
    port,
    calls,
    callsOf,
    messages,
    channel: (name) => existing(workspace.channel(name), name),
    message: (pattern) =>
      until(desk, () => messages().find((message) => pattern.test(message.text))),
    until: (look) => until(desk, look),
    called: (method, times = 1) => until(desk, () => callsOf(method)[times - 1]),
    next: (method) => order(desk, method),
    async react(emoji, message, user) {
      const users = message.reactions.get(emoji) ?? [];
      message.reactions.set(emoji, [...users.filter((other) => other !== user), user]);
      await events.reaction('reaction_added', emoji, message, user);
    },
    async unreact(emoji, message, user) {
      const users = (message.reactions.get(emoji) ?? []).filter((other) => other !== user);
      if (users.length === 0) message.reactions.delete(emoji);
      else message.reactions.set(emoji, users);
      await events.reaction('reaction_removed', emoji, message, user);
    },
    deleteMessage(message) {
      const { messages } = existing(workspace.channels.get(message.channel), message.channel);
      messages.splice(messages.indexOf(message), 1);
    },
    down: () => void (desk.isDown = true),
    up: () => void (desk.isDown = false),
    async close() {
      events.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function until<T>(desk: Desk, look: () => T | undefined): Promise<T> {
  return new Promise((resolve) => {
    const ask = () => {
      const seen = look();
      if (seen === undefined) return;
      desk.lookers.delete(ask);
      resolve(seen);
    };
    desk.lookers.add(ask);
    ask();
  });
}

function order(desk: Desk, method: string): NextCall {
  const add = (fault: Fault) => {
    desk.faults.set(method, [...(desk.faults.get(method) ?? []), fault]);
  };
  return {
    refuse: (error) => add({ kind: 'refuse', error }),
    rateLimit: (seconds) => add({ kind: 'rate-limit', seconds }),
    stall: () => add({ kind: 'stall' }),
    dropAnswer: () => add({ kind: 'drop-answer' }),
    dropBefore: () => add({ kind: 'drop-before' }),
    answerWith: (status) => add({ kind: 'status', status }),
  };
}

async function handle(desk: Desk, request: IncomingMessage, response: ServerResponse) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('utf8');
  const method = (request.url ?? '').replace(/^\/api\//, '').replace(/\?.*/, '');
  if (method === '/messages') return void response.end(JSON.stringify(allMessages(desk)));
  const args = parse(request.headers['content-type'] ?? '', body);
  const fault = desk.isDown
    ? ({ kind: 'drop-before' } as const)
    : (desk.faults.get(method)?.shift() ?? desk.options.fault?.(method));
  const answer = isDone(fault) ? perform(desk, request, method, args) : undefined;
  const call = { at: desk.workspace.now(), method, args, answer, fault: fault?.kind };
  desk.calls.push(call);
  desk.options.onCall?.(call);
  respond(response, fault, answer);
  for (const ask of desk.lookers) ask();
}

function isDone(fault: Fault | undefined): boolean {
  return fault === undefined || fault.kind === 'drop-answer' || fault.kind === 'status';
}

function perform(desk: Desk, request: IncomingMessage, method: string, args: Args): Answer {
  const token = request.headers.authorization ?? '';
  const { port } = request.socket.address() as AddressInfo;
  if (method === 'apps.connections.open') {
    if (!token.startsWith('Bearer xapp-')) return no('not_allowed_token_type');
    return yes({ url: `ws://127.0.0.1:${port}/link` });
  }
  return token.startsWith('Bearer xoxb-')
    ? desk.workspace.perform(method, args)
    : no('invalid_auth');
}

function respond(
  response: ServerResponse,
  fault: Fault | undefined,
  answer: Answer | undefined,
): void {
  const json = { 'content-type': 'application/json' };
  switch (fault?.kind) {
    case undefined:
      response.writeHead(200, json).end(JSON.stringify(answer));
      return;
    case 'refuse':
      response.writeHead(200, json).end(JSON.stringify(no(fault.error)));
      return;
    case 'rate-limit': {
      const wait = fault.seconds === undefined ? {} : { 'retry-after': String(fault.seconds) };
      response.writeHead(429, { ...json, ...wait }).end(JSON.stringify(no('ratelimited')));
      return;
    }
    case 'status':
      response.writeHead(fault.status).end('<html>something is broken</html>');
      return;
    case 'drop-answer':
    case 'drop-before':
      response.destroy();
      return;
    case 'stall':
  }
}

/** The SDK sends a form whose values may be JSON; others send JSON. */
function parse(type: string, body: string): Args {
  if (type.includes('json')) return JSON.parse(body || '{}') as Args;
  const args: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(body)) {
    args[name] = /^[[{]/.test(value) && name !== 'text' ? JSON.parse(value) : value;
  }
  return args;
}

function allMessages(desk: Desk) {
  return [...desk.workspace.channels.values()].flatMap(({ messages }) =>
    messages.map(({ channelName, ts, thread, text, updates, metadata }) => ({
      channel: `#${channelName}`,
      ts,
      thread,
      text,
      updates,
      metadata,
    })),
  );
}

function existing<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`the stand-in has no ${name}`);
  return value;
}
