/**
 * What a receiver of Alertmanager is to Quell: a channel, and who is mentioned there.
 */
import type { Path } from '../rules/files/source-file.ts';
import { isRecord, type Notes, textOf } from './notes.ts';

export interface Receiver {
  readonly channel: string | undefined;
  readonly mention: readonly string[];
  /** It sends nothing anywhere: what goes there is to be heard by nobody. */
  readonly isSilent: boolean;
}

const SLACK = 'slack_configs';
/** Receivers of Quell itself would lead in a circle. */
const OTHERS: Readonly<Record<string, string>> = {
  discord_configs: 'Discord',
  email_configs: 'e-mail',
  jira_configs: 'Jira',
  msteams_configs: 'Microsoft Teams',
  msteamsv2_configs: 'Microsoft Teams',
  opsgenie_configs: 'Opsgenie',
  pagerduty_configs: 'PagerDuty',
  pushover_configs: 'Pushover',
  rocketchat_configs: 'Rocket.Chat',
  sns_configs: 'SNS',
  telegram_configs: 'Telegram',
  victorops_configs: 'VictorOps',
  webex_configs: 'Webex',
  webhook_configs: 'a webhook',
  wechat_configs: 'WeChat',
};

export function readReceivers(value: unknown, notes: Notes): ReadonlyMap<string, Receiver> {
  const receivers = new Map<string, Receiver>();
  if (!Array.isArray(value)) return receivers;
  for (const [index, one] of value.entries()) {
    if (!isRecord(one) || typeof one['name'] !== 'string') {
      notes.add(['receivers', index], 'a receiver without a name: left out');
      continue;
    }
    if (receivers.has(one['name'])) {
      notes.add(['receivers', index], `receiver "${one['name']}" stands twice: the first is taken`);
      continue;
    }
    receivers.set(one['name'], readReceiver(one, ['receivers', index], notes));
  }
  return receivers;
}

function readReceiver(
  receiver: Readonly<Record<string, unknown>>,
  path: Path,
  notes: Notes,
): Receiver {
  const name = String(receiver['name']);
  const others: string[] = [];
  for (const key of Object.keys(receiver)) {
    if (key === 'name' || key === SLACK) continue;
    if (!key.endsWith('_configs')) {
      notes.add([...path, key], `"${key}" of a receiver is nothing that Quell knows: left out`);
    } else if (isFilled(receiver[key])) others.push(key);
  }
  const slack = receiver[SLACK];
  const instead = isFilled(slack)
    ? ''
    : '; where its route stays, its alerts go to the channel of the route above: write urgency: drop there if they should not';
  for (const key of others) {
    // Tried beside what there was before: that is no other way to tell people.
    if (key === 'webhook_configs' && leadsHere(receiver[key])) continue;
    const where = OTHERS[key] ?? key.replace(/_configs$/, '');
    notes.add(
      [...path, key],
      `receiver "${name}" notifies by ${where}, which Quell does not: keep that route in Alertmanager, or let Quell mention people in Slack${instead}`,
    );
  }
  if (!isFilled(slack)) {
    return { channel: undefined, mention: [], isSilent: others.length === 0 };
  }
  if (slack.length > 1) {
    const message = `receiver "${name}" posts to ${slack.length} channels: the first is taken, an incident has one message`;
    notes.add([...path, SLACK], message);
  }
  return { ...readSlack(slack[0], [...path, SLACK, 0], name, notes), isSilent: false };
}

function leadsHere(webhooks: unknown): boolean {
  const urls = isFilled(webhooks) ? webhooks.map((one) => isRecord(one) && textOf(one['url'])) : [];
  return urls.every((url) => typeof url === 'string' && url.includes('/v1/ingest/'));
}

function isFilled(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}

/** Settings of a message: Quell writes its own, for all incidents alike. */
const TEXTS: ReadonlySet<string> = new Set(
  'actions blocks callback_id color fallback fields footer icon_emoji icon_url image_url link_names mrkdwn_in pretext short_fields text thumb_url title title_link username'.split(
    ' ',
  ),
);
/** Settings of the way there. Quell posts as an app. */
const DELIVERY: ReadonlySet<string> = new Set(
  'api_url api_url_file app_token app_token_file app_url channel http_config send_resolved timeout update_message'.split(
    ' ',
  ),
);

function readSlack(
  config: unknown,
  path: Path,
  name: string,
  notes: Notes,
): Pick<Receiver, 'channel' | 'mention'> {
  if (!isRecord(config)) return { channel: undefined, mention: [] };
  const keys = Object.keys(config);
  const written = keys.filter((key) => TEXTS.has(key));
  if (written.length > 0) {
    const message = `not carried over from receiver "${name}": ${written.join(', ')}; Quell writes the message itself`;
    notes.add([...path, written[0] ?? ''], message);
  }
  for (const key of keys) {
    if (/^(api_url|app_token)/.test(key)) {
      const message = `${key} is not used: Quell posts as a Slack app, because a webhook can neither change a message nor see reactions; set SLACK_BOT_TOKEN`;
      notes.add([...path, key], message);
    } else if (!TEXTS.has(key) && !DELIVERY.has(key)) {
      notes.add([...path, key], `"${key}" of a slack_config is nothing that Quell knows: left out`);
    }
  }
  const mention = [...new Set(written.flatMap((key) => mentionsIn(config[key])))];
  return { channel: readChannel(config['channel'], [...path, 'channel'], name, notes), mention };
}

function readChannel(value: unknown, path: Path, name: string, notes: Notes): string | undefined {
  const channel = textOf(value)?.trim() ?? '';
  if (channel.includes('{{')) {
    const message = `the channel of receiver "${name}" is a template: it becomes "owner", the channel of the service's team in services.yaml`;
    notes.add(path, message);
    return 'owner';
  }
  // Slack takes a bare name too; in the rules a name begins with #.
  const isBare = /^[\p{L}\p{N}_.-]+$/u.test(channel) && !ID.test(channel);
  const named = isBare ? `#${channel}` : channel;
  if (ID.test(named) || /^#[\p{L}\p{N}_.-]{1,80}$/u.test(named)) return named;
  const why =
    channel === ''
      ? 'does not say its channel: its webhook decides'
      : 'names no channel: a person, a placeholder or a name that Slack does not have';
  notes.add(path, `receiver "${name}" ${why}; what it got goes to the channel above it`);
  return undefined;
}

const ID = /^[CGD][A-Z0-9]{7,}$/;

/**
 * `<!here>`, `<!channel>`, `<!subteam^S123>`, `<@U123>`: whoever was called is called on. Under a
 * condition of a template nobody can tell who was.
 */
function mentionsIn(value: unknown): readonly string[] {
  const text = textOf(value) ?? '';
  if (/\{\{-?\s*(if|range|with|template)\b/.test(text)) return [];
  const found: string[] = [];
  for (const [, word, group, user] of text.matchAll(MENTION))
    found.push(word ?? group ?? user ?? '');
  return found;
}

const MENTION =
  /<!(here|channel)(?:\|[^>]*)?>|<!subteam\^(S[A-Z0-9]{5,})(?:\|[^>]*)?>|<@([UW][A-Z0-9]{5,})(?:\|[^>]*)?>/g;
