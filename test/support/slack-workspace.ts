/**
 * A Slack workspace in memory: channels, messages, reactions, and the Web API methods that Quell
 * calls, with Slack's own words for what is wrong. slack-stand-in.ts puts it on the network.
 */

export interface StandInMessage {
  readonly channel: string;
  readonly channelName: string;
  readonly ts: string;
  readonly thread: string | undefined;
  text: string;
  blocks: readonly unknown[];
  metadata: { readonly event_type: string; readonly event_payload: Record<string, unknown> };
  /** How often it was updated. */
  updates: number;
  /** Every text that it ever had, oldest first. */
  readonly texts: string[];
  readonly reactions: Map<string, string[]>;
}

export interface StandInChannel {
  readonly id: string;
  readonly name: string;
  readonly messages: StandInMessage[];
  /** False: the bot was not invited, or was removed. */
  member: boolean;
  isPrivate: boolean;
  isArchived: boolean;
}

export interface Person {
  readonly name: string;
  readonly bot: boolean;
}

export type Args = Readonly<Record<string, unknown>>;
export type Answer = { readonly ok: boolean; readonly [field: string]: unknown };

export interface WorkspaceOptions {
  /** The only channels there are; undefined: every name is a channel. */
  readonly channels?: readonly string[];
  readonly people?: Readonly<Record<string, Person>>;
  readonly now?: () => number;
}

export const BOT_USER = 'UQUELL';

export interface Workspace {
  readonly channels: Map<string, StandInChannel>;
  channel(nameOrId: string): StandInChannel | undefined;
  perform(method: string, args: Args): Answer;
  now(): number;
  /** Time in Slack's manner, different every time. */
  stamp(): string;
}

export function createWorkspace(options: WorkspaceOptions): Workspace {
  const channels = new Map<string, StandInChannel>();
  const now = options.now ?? Date.now;
  let lastMicros = 0;

  function stamp(): string {
    lastMicros = Math.max(lastMicros + 1, Math.floor(now() * 1_000));
    return `${Math.floor(lastMicros / 1e6)}.${String(lastMicros % 1e6).padStart(6, '0')}`;
  }

  function add(name: string): StandInChannel {
    const id = `C${String(channels.size + 1).padStart(3, '0')}`;
    const channel = { id, name, messages: [], member: true, isPrivate: false, isArchived: false };
    channels.set(id, channel);
    return channel;
  }

  function channel(nameOrId: string): StandInChannel | undefined {
    const byId = channels.get(nameOrId);
    if (byId !== undefined) return byId;
    const name = nameOrId.replace(/^#/, '');
    for (const known of channels.values()) if (known.name === name) return known;
    const mayAdd = options.channels === undefined && nameOrId.startsWith('#');
    return mayAdd ? add(name) : undefined;
  }

  for (const name of options.channels ?? []) add(name.replace(/^#/, ''));
  const people = options.people ?? {};
  const workspace: Workspace = {
    channels,
    channel,
    now,
    stamp,
    perform(method, args) {
      const perform = METHODS[method];
      return perform === undefined ? no('unknown_method') : perform(workspace, args, people);
    },
  };
  return workspace;
}

type Method = (
  workspace: Workspace,
  args: Args,
  people: Readonly<Record<string, Person>>,
) => Answer;

const METHODS: Readonly<Record<string, Method>> = {
  'auth.test': () => yes({ user_id: BOT_USER, user: 'quell', team: 'Stand-in', team_id: 'T1' }),
  'users.info': (_, { user }, people) => {
    const person = people[String(user)] ?? { name: String(user), bot: false };
    const { name, bot } = person;
    const profile = { display_name: name };
    return yes({ user: { id: user, name: name.toLowerCase(), profile, is_bot: bot } });
  },
  'chat.postEphemeral': (workspace, args) => {
    const channel = workspace.channel(text(args, 'channel'));
    if (channel === undefined) return no('channel_not_found');
    return channel.member ? yes({ message_ts: workspace.stamp() }) : no('not_in_channel');
  },
  'chat.postMessage': postMessage,
  'chat.update': updateMessage,
  'chat.delete': deleteMessage,
  'conversations.history': (workspace, args) => history(workspace, args, undefined),
  'conversations.replies': (workspace, args) => history(workspace, args, text(args, 'ts')),
  'conversations.list': listChannels,
  'conversations.join': (workspace, args) => {
    // Slack takes ids only here.
    const channel = workspace.channels.get(text(args, 'channel'));
    if (channel === undefined || channel.isPrivate) return no('channel_not_found');
    channel.member = true;
    return yes({ channel: { id: channel.id, name: channel.name } });
  },
  'reactions.get': (workspace, args) => {
    const message = find(workspace, text(args, 'channel'), text(args, 'timestamp'));
    if (message === undefined) return no('message_not_found');
    const reactions = [...message.reactions].map(([name, users]) => ({
      name,
      users,
      count: users.length,
    }));
    return yes({ type: 'message', message: { ts: message.ts, text: message.text, reactions } });
  },
};

function postMessage(workspace: Workspace, args: Args): Answer {
  const channel = workspace.channel(text(args, 'channel'));
  if (channel === undefined) return no('channel_not_found');
  if (!channel.member) return no(channel.isPrivate ? 'channel_not_found' : 'not_in_channel');
  if (channel.isArchived) return no('is_archived');
  const wrong = whatIsWrong(args);
  if (wrong !== undefined) return no(wrong);
  const thread = text(args, 'thread_ts') || undefined;
  if (thread !== undefined && find(workspace, channel.id, thread) === undefined) {
    return no('thread_not_found');
  }
  const message: StandInMessage = {
    channel: channel.id,
    channelName: channel.name,
    ts: workspace.stamp(),
    thread,
    text: text(args, 'text'),
    texts: [text(args, 'text')],
    blocks: list(args, 'blocks'),
    metadata: metadataOf(args),
    updates: 0,
    reactions: new Map(),
  };
  channel.messages.push(message);
  return yes({ channel: channel.id, ts: message.ts, message: shown(message) });
}

function updateMessage(workspace: Workspace, args: Args): Answer {
  const channel = workspace.channels.get(text(args, 'channel'));
  if (channel === undefined) return no('channel_not_found');
  const message = find(workspace, channel.id, text(args, 'ts'));
  if (message === undefined) return no('message_not_found');
  if (channel.isArchived) return no('is_inactive');
  const wrong = whatIsWrong(args);
  if (wrong !== undefined) return no(wrong);
  // Of an update only; a post may have 40,000.
  if (text(args, 'text').length > 4_000) return no('msg_too_long');
  message.text = text(args, 'text');
  message.texts.push(message.text);
  message.blocks = list(args, 'blocks');
  message.metadata = metadataOf(args);
  message.updates += 1;
  return yes({ channel: channel.id, ts: message.ts, text: message.text });
}

function deleteMessage(workspace: Workspace, args: Args): Answer {
  const { messages } = workspace.channels.get(text(args, 'channel')) ?? {};
  const at = messages?.findIndex(({ ts }) => ts === text(args, 'ts')) ?? -1;
  if (at < 0) return no('message_not_found');
  messages?.splice(at, 1);
  return yes({});
}

function history(workspace: Workspace, args: Args, thread: string | undefined): Answer {
  const channel = workspace.channels.get(text(args, 'channel'));
  if (channel === undefined) return no('channel_not_found');
  if (!channel.member) return no('not_in_channel');
  const oldest = Number(text(args, 'oldest') || 0);
  const limit = Number(text(args, 'limit') || 100);
  const from = Number(text(args, 'cursor') || 0);
  const all = channel.messages
    .filter((message) =>
      thread === undefined
        ? message.thread === undefined
        : message.thread === thread || message.ts === thread,
    )
    .filter(({ ts }) => Number(ts) > oldest);
  const newestFirst = thread === undefined ? all.reverse() : all;
  const page = newestFirst.slice(from, from + limit);
  const more = from + limit < newestFirst.length;
  return yes({
    messages: page.map(shown),
    has_more: more,
    response_metadata: { next_cursor: more ? String(from + limit) : '' },
  });
}

function listChannels(workspace: Workspace, args: Args): Answer {
  const limit = Number(text(args, 'limit') || 100);
  const from = Number(text(args, 'cursor') || 0);
  const all = [...workspace.channels.values()];
  const more = from + limit < all.length;
  return yes({
    channels: all.slice(from, from + limit).map(({ id, name }) => ({ id, name })),
    response_metadata: { next_cursor: more ? String(from + limit) : '' },
  });
}

/** What Slack documents and rejects: so that a test shows what Slack would. */
function whatIsWrong(args: Args): string | undefined {
  const blocks = list(args, 'blocks');
  if (text(args, 'text') === '' && blocks.length === 0) return 'no_text';
  if (blocks.length > 50) return 'invalid_blocks';
  const texts = blocks.flatMap((block) => {
    const { text: section, elements } = block as { text?: unknown; elements?: unknown[] };
    return [...(section === undefined ? [] : [section]), ...(elements ?? [])];
  }) as readonly { readonly text?: unknown }[];
  const bad = texts.some(
    ({ text }) => typeof text !== 'string' || text.length === 0 || text.length > 3_000,
  );
  return bad ? 'invalid_blocks' : undefined;
}

function shown({ ts, text, blocks, metadata, thread }: StandInMessage) {
  const inThread = thread === undefined ? {} : { thread_ts: thread };
  return { type: 'message', user: BOT_USER, bot_id: 'B1', ts, text, blocks, metadata, ...inThread };
}

export function find(
  workspace: Workspace,
  channel: string,
  ts: string,
): StandInMessage | undefined {
  return workspace.channels.get(channel)?.messages.find((message) => message.ts === ts);
}

function metadataOf(args: Args): StandInMessage['metadata'] {
  return (args['metadata'] ?? { event_type: '', event_payload: {} }) as StandInMessage['metadata'];
}

function text(args: Args, name: string): string {
  const value = args[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function list(args: Args, name: string): readonly unknown[] {
  const value = args[name];
  return Array.isArray(value) ? value : [];
}

export function yes(fields: Record<string, unknown>): Answer {
  return { ok: true, ...fields };
}

export function no(error: string): Answer {
  return { ok: false, error };
}
