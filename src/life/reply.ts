/**
 * Lines in the thread of a message: which are said, and which would be too many.
 */
import type { Incident, Instant, Reply } from '../model.ts';
import { change, channelOf, order, type Turn } from '../state/turn.ts';

/**
 * A thread line, unless people asked for quiet. What can come in numbers (services that join, alerts
 * that fire again, also as severe as before) is limited; what each time is worse, or is due to people, is not.
 */
export function orderReply(turn: Turn, incident: Incident, reply: Reply): Incident {
  const { now } = turn;
  if (incident.toldIn !== 'message') return incident;
  if (isQuiet(incident, now) && !LOUD.has(reply.kind)) return incident;
  const there = 'there' in reply ? reply.there : undefined;
  const key = there === undefined ? reply.kind : thereKey(there.channel);
  const counted = countedAs(reply);
  if (isTooSoon(turn, incident, reply)) return incident;
  const of = reply.kind === 'beside' ? reply.incident : reply.kind;
  order(turn, {
    kind: 'reply',
    id: `reply:${incident.id}:${of}:${now}${there === undefined ? '' : ':there'}`,
    incident: incident.id,
    at: now,
    channel: there?.channel ?? channelOf(incident),
    severity: incident.severity,
    delivery: turn.delivery,
    reply,
  });
  const repliedAt = { ...incident.repliedAt, [key]: now, [counted]: now };
  return change(turn, incident, { repliedAt });
}

/** It comes in numbers, and the like of it was said in the thread lately: it is not said again. */
export function isTooSoon({ now, rules }: Turn, { repliedAt }: Incident, reply: Reply): boolean {
  const last = repliedAt[countedAs(reply)];
  return comesInNumbers(reply) && last !== undefined && now - last < rules.life.replyEveryMs;
}

/** Under which it is remembered that something was said in another channel. */
export function thereKey(channel: string): string {
  return `there ${channel}`;
}

/** What is over may fire again, and be as severe again. */
function countedAs(reply: Reply): string {
  if ('there' in reply && reply.there !== undefined) return thereKey(reply.there.channel);
  return reply.kind === 'severity-rose' ? `${reply.kind} ${reply.to}` : reply.kind;
}

/** Whom a service that joined calls was not called before: that is said each time. */
function comesInNumbers(reply: Reply): boolean {
  if (reply.kind === 'severity-rose') return reply.there === undefined;
  if (reply.kind === 'service-joined') return (reply.mention ?? []).length === 0;
  return reply.kind === 'refired';
}

/** Also where people want quiet: owed to whoever asked, or what nobody knew who asked for it. */
const LOUD: ReadonlySet<Reply['kind']> = new Set([
  'severity-rose',
  // Nothing stands beside what is quiet, but a storm goes on, and people asked for quiet about what it was.
  'beside',
  'silenced',
  'unsilenced',
  'split',
  'not-split',
  'not-unsplit',
  'misunderstood',
]);

/** What was said of a warning says nothing of what is critical now. */
export function isQuiet({ snoozed, notActionable, repliedAt }: Incident, now: Instant): boolean {
  const rosenAt = repliedAt['severity-rose'] ?? 0;
  return (
    (snoozed !== undefined && snoozed.until > now) || notActionable.some(({ at }) => at >= rosenAt)
  );
}
