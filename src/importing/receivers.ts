/**
 * What a receiver of Alertmanager is to Quell: a channel, and who is mentioned there.
 */
import type { Path } from '../rules/source-file.ts';
import { isRecord, type Notes } from './notes.ts';

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
  const others = Object.keys(OTHERS).filter((key) => isFilled(receiver[key]));
  for (const key of others) {
    const where = OTHERS[key] ?? key;
    notes.add(
      [...path, key],
      `receiver "${name}" notifies by ${where}, which Quell does not: keep that route in Alertmanager, or let Quell mention people in Slack`,
    );
  }
  const slack = receiver[SLACK];
  if (!isFilled(slack)) {
    return { channel: undefined, mention: [], isSilent: others.length === 0 };
  }
  if (slack.length > 1) {
    const message = `receiver "${name}" posts to ${slack.length} channels: the first is taken, an incident has one message`;
    notes.add([...path, SLACK], message);
  }
  return { ...readSlack(slack[0], [...path, SLACK, 0], name, notes), isSilent: false };
}

function isFilled(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}

/** Settings of a message: Quell writes its own, for all incidents alike. */
const TEXTS = ['title', 'text', 'pretext', 'fallback', 'color', 'fields', 'actions', 'blocks'];

function readSlack(
  config: unknown,
  path: Path,
  name: string,
  notes: Notes,
): Pick<Receiver, 'channel' | 'mention'> {
  if (!isRecord(config)) return { channel: undefined, mention: [] };
  const written = TEXTS.filter((key) => config[key] !== undefined);
  if (written.length > 0) {
    const message = `not carried over from receiver "${name}": ${written.join(', ')}; Quell writes the message itself`;
    notes.add([...path, written[0] ?? ''], message);
  }
  const mention = mentionsIn(written.map((key) => JSON.stringify(config[key])).join(' '));
  const { channel } = config;
  if (typeof channel !== 'string' || channel === '') return { channel: undefined, mention };
  if (channel.includes('{{')) {
    const message = `the channel of receiver "${name}" is a template: it becomes "owner", the channel of the service's team in services.yaml`;
    notes.add([...path, 'channel'], message);
    return { channel: 'owner', mention };
  }
  // Slack takes a bare name too; in the rules a name begins with #.
  const isId = /^[CG][A-Z0-9]{6,}$/.test(channel);
  return { channel: isId || /^[#@]/.test(channel) ? channel : `#${channel}`, mention };
}

/** `<!here>`, `<!channel>`, `<!subteam^S123>`, `<@U123>`: whoever was called is called on. */
function mentionsIn(text: string): readonly string[] {
  const found = new Set<string>();
  for (const [, word = ''] of text.matchAll(/<!(here|channel)(?:\|[^>]*)?>/g)) found.add(word);
  for (const [, id = ''] of text.matchAll(/<(?:!subteam\^|@)([A-Z0-9]{6,})(?:\|[^>]*)?>/g)) {
    found.add(id);
  }
  return [...found];
}
