/**
 * One expected message against one that was told, field by field; what a test does not state may be
 * anything.
 */
import { subjectOf } from '../life/lead.ts';
import type { Alert, Instant } from '../model.ts';
import { formatDuration } from '../rules/duration.ts';
import type { Path } from '../rules/files/source-file.ts';
import type { Told } from './play.ts';
import type { WantedMessage } from './read.ts';

export interface Mismatch {
  readonly path: Path;
  readonly what: string;
  readonly expected: string;
  readonly got: string;
  readonly note: string | undefined;
}

interface Around {
  readonly startsAt: Instant;
  /** Slack id -> name. */
  readonly people: ReadonlyMap<string, string>;
}

export function checkMessage(
  wanted: WantedMessage,
  told: Told,
  around: Around,
): readonly Mismatch[] {
  return [
    ...checkPlain(wanted, told, around.startsAt),
    ...checkMention(wanted, told, around.people),
    ...checkAlerts(wanted, told),
    ...checkText(wanted, told),
    ...checkReplies(wanted, told, around.startsAt),
  ];
}

/** What is one word of the message: what a test may state, as it is. */
function plainOf(told: Told, startsAt: Instant) {
  const { incident, message, urgency, postedAt } = told;
  const route = incident?.route;
  return {
    at: formatDuration(postedAt - startsAt),
    channel: message.channel,
    urgency,
    severity: message.severity,
    root: message.root ?? 'none',
    state: incident?.phase ?? 'none',
    rule: route?.rule,
  };
}

const PLAIN = ['at', 'channel', 'urgency', 'severity', 'root', 'state'] as const;
const ROUTED: ReadonlySet<string> = new Set(['channel', 'urgency']);

function checkPlain({ value }: WantedMessage, told: Told, startsAt: Instant): readonly Mismatch[] {
  const is = plainOf(told, startsAt);
  return PLAIN.flatMap((name) => {
    const stated = value[name];
    if (stated === undefined) return [];
    const expected = typeof stated === 'number' ? formatDuration(stated) : stated;
    if (expected === is[name]) return [];
    const note = ROUTED.has(name) && is.rule !== undefined ? `routed by ${is.rule}` : undefined;
    return [{ path: [name], what: name, expected, got: is[name], note }];
  });
}

function checkMention(
  { value }: WantedMessage,
  told: Told,
  people: Around['people'],
): readonly Mismatch[] {
  if (value.mention === undefined) return [];
  const ids = told.incident?.route?.mention ?? [];
  const names = (id: string) => [id, people.get(id) ?? id].map((name) => name.toLowerCase());
  const isSaid = (one: string) => ids.some((id) => names(id).includes(one.toLowerCase()));
  const isWanted = (id: string) =>
    value.mention?.some((one) => names(id).includes(one.toLowerCase()));
  if (value.mention.every(isSaid) && ids.every(isWanted)) return [];
  const got = ids.map((id) => (people.has(id) ? `${people.get(id)} (${id})` : id));
  const rule = told.incident?.route?.rule;
  return [
    {
      path: ['mention'],
      what: 'mention',
      expected: value.mention.join(', ') || 'nobody',
      got: got.join(', ') || 'nobody',
      note: rule && `routed by ${rule}`,
    },
  ];
}

function checkAlerts({ alerts }: WantedMessage, told: Told): readonly Mismatch[] {
  if (alerts === undefined) return [];
  const subjects = told.alerts.map((alert) => ({ alert, subject: subjectOf(alert) }));
  const missing = alerts.filter((one) => !subjects.some(({ subject }) => one.matches(subject)));
  const surplus = subjects.filter(({ subject }) => !alerts.some((one) => one.matches(subject)));
  if (missing.length + surplus.length === 0) return [];
  const notes = [
    ...missing.map(({ text }) => `not there: ${text}`),
    ...surplus.map(({ alert }) => `not expected: ${alertName(alert)}`),
  ];
  return [
    {
      path: ['alerts'],
      what: 'alerts',
      expected: alerts.map(({ text }) => text).join(', ') || 'none',
      got: told.alerts.map(alertName).join(', ') || 'none',
      note: notes.join('; '),
    },
  ];
}

function checkText({ value }: WantedMessage, told: Told): readonly Mismatch[] {
  const said = told.message.text;
  return (value.text ?? []).flatMap((part, i) =>
    said.includes(part)
      ? []
      : [{ path: ['text', i], what: 'text', expected: `… ${part} …`, got: said, note: undefined }],
  );
}

function checkReplies(
  { value }: WantedMessage,
  told: Told,
  startsAt: Instant,
): readonly Mismatch[] {
  const { replies } = value;
  if (replies === undefined) return [];
  const is = told.replies.map(({ at, text }) => ({ at: at - startsAt, text }));
  const same =
    replies.length === is.length &&
    replies.every(({ at, text = '' }, i) => {
      const one = is[i];
      return one !== undefined && one.text.includes(text) && (at === undefined || at === one.at);
    });
  if (same) return [];
  const line = ({
    at,
    text,
  }: {
    readonly at?: number | undefined;
    readonly text?: string | undefined;
  }) =>
    [at === undefined ? [] : [`+${formatDuration(at)}`], text === undefined ? [] : [text]]
      .flat()
      .join(' ');
  const expected = replies.map(line).join('\n') || 'none';
  const got = is.map(line).join('\n') || 'none';
  return [{ path: ['replies'], what: 'replies', expected, got, note: undefined }];
}

/** As one would write it in a test. */
export function alertName({ facts }: Pick<Alert, 'facts'>): string {
  return facts.name === facts.service ? facts.name : `${facts.name}{service="${facts.service}"}`;
}

export function describeTold(told: Told, startsAt: Instant): string {
  const { at, channel, urgency, severity, root } = plainOf(told, startsAt);
  const alerts = told.alerts.map(alertName).join(', ');
  const parts = { at, channel, urgency, severity, root, alerts: `[${alerts}]` };
  return Object.entries(parts)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}

export function describeWanted({ value }: WantedMessage): string {
  const parts = Object.entries(value).flatMap(([name, stated]) => {
    if (stated === undefined) return [];
    const shown = name === 'at' && typeof stated === 'number' ? formatDuration(stated) : stated;
    return [`${name}: ${typeof shown === 'string' ? shown : JSON.stringify(shown)}`];
  });
  return parts.join(', ') || 'a message';
}
