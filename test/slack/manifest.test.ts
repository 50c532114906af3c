/** The Slack app may do what Quell calls, and nothing else; the documentation says the same. */
import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const ROOT = new URL('../../', import.meta.url);

const Manifest = z.object({
  oauth_config: z.object({ scopes: z.object({ bot: z.array(z.string()) }) }),
  settings: z.object({
    event_subscriptions: z.object({ bot_events: z.array(z.string()) }),
    socket_mode_enabled: z.boolean(),
  }),
});

/** What Slack's reference asks for each method, for public and private channels. */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  'auth.test': [],
  'chat.delete': ['chat:write'],
  'chat.postEphemeral': ['chat:write'],
  'chat.postMessage': ['chat:write'],
  'chat.update': ['chat:write'],
  'conversations.history': ['channels:history', 'groups:history'],
  'conversations.join': ['channels:join'],
  'conversations.list': ['channels:read', 'groups:read'],
  'conversations.replies': ['channels:history', 'groups:history'],
  'reactions.get': ['reactions:read'],
  'users.info': ['users:read'],
};
const EVENT_SCOPES = ['reactions:read', 'app_mentions:read'];

async function read(path: string): Promise<string> {
  return readFile(new URL(path, ROOT), 'utf8');
}

async function methodsCalled(): Promise<readonly string[]> {
  const files = await readdir(new URL('src/slack/', ROOT));
  const sources = await Promise.all(files.map((file) => read(`src/slack/${file}`)));
  const found = sources.flatMap((source) => source.match(/'[a-z]+\.[a-zA-Z]+'/g) ?? []);
  return [...new Set(found.map((name) => name.slice(1, -1)))].sort((one, other) =>
    one < other ? -1 : 1,
  );
}

test('the app has exactly the scopes that our calls and events need', async () => {
  const manifest = Manifest.parse(parse(await read('deploy/slack-app-manifest.yaml')));
  const methods = await methodsCalled();
  expect(methods).toEqual(Object.keys(SCOPES));
  const needed = new Set([...methods.flatMap((method) => SCOPES[method] ?? []), ...EVENT_SCOPES]);
  expect([...manifest.oauth_config.scopes.bot].sort()).toEqual([...needed].sort());
  expect(manifest.settings.event_subscriptions.bot_events).toEqual([
    'reaction_added',
    'reaction_removed',
    'app_mention',
  ]);
});

test('the documentation explains each scope', async () => {
  const manifest = Manifest.parse(parse(await read('deploy/slack-app-manifest.yaml')));
  const guide = await read('docs/slack.md');
  for (const scope of manifest.oauth_config.scopes.bot) expect(guide).toContain(`\`${scope}\``);
});
