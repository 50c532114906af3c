/**
 * The digest of a channel: what is worth knowing, but not at once.
 *
 * One standing message, updated at the times of day that the rules name (once a day by default). It says what came
 * since the last time and what still fires, and pings nobody. It is first posted when something in it still fires.
 * Delete it to have it posted anew at the end of the channel.
 */
import type { DigestLine, Incident, MessageRef } from '../model.ts';
import type { Digest } from '../state/small-records.ts';
import { LANE } from '../split.ts';
import { keyOf } from '../state/keys.ts';
import { type LaneState, putSmall, removeSmall, tallyOf } from '../state/state.ts';
import { leadOf } from './lead.ts';
import { inOrder } from '../state/tally.ts';
import { schedule } from '../state/timers.ts';
import { note, order, type Turn } from '../state/turn.ts';

/** Lines of one digest; further incidents are counted in the last one. */
const LINES_MAX = 200;
/** Services that a line names. */
const STILL_MAX = 6;

/** `why`: what its line says besides. */
export function addToDigest(turn: Turn, incident: Incident, channel: string, why?: string): void {
  const { state, now } = turn;
  const tally = tallyOf(state, incident.id);
  const lead = leadOf(state, incident);
  const line: DigestLine = {
    incident: incident.id,
    service: lead?.facts.service ?? '',
    name: lead?.facts.name ?? '',
    severity: incident.severity,
    environment: incident.environment,
    incidents: 1,
    alerts: tally.alerts,
    firing: tally.firing > 0,
    why,
  };
  const digest = state.digests.get(channel);
  const lines = addLine(digest?.lines ?? [], line);
  awaitTime(turn, { channel, from: now, message: undefined, dueAt: undefined, ...digest, lines });
}

/** Sees to it that the digest is brought up to date at its next time of day. */
function awaitTime(turn: Turn, digest: Digest): void {
  const dueAt = digest.dueAt ?? turn.rules.nextDigest(turn.now);
  putSmall(turn.state, 'digest', digest.channel, { ...digest, dueAt });
  schedule(turn.state.timers, keyOf('digest', digest.channel), dueAt);
}

function addLine(lines: readonly DigestLine[], line: DigestLine): readonly DigestLine[] {
  const same = lines.findIndex(
    (one) =>
      one.service === line.service &&
      one.name === line.name &&
      one.environment === line.environment,
  );
  const present = lines[same] ?? (lines.length >= LINES_MAX ? lines[lines.length - 1] : undefined);
  if (present === undefined) return [...lines, line];
  // It fires again.
  if (present.incident === line.incident) return lines;
  const summed = {
    ...present,
    incident: line.incident,
    why: line.why,
    incidents: present.incidents + line.incidents,
    alerts: present.alerts + line.alerts,
  };
  return lines.map((one) => (one === present ? summed : one));
}

export function sendDigest(turn: Turn, channel: string): void {
  const { state, now } = turn;
  const digest = state.digests.get(channel);
  if (digest?.dueAt === undefined) return;
  if (digest.dueAt > now) return schedule(state.timers, keyOf('digest', channel), digest.dueAt);
  // One at a time: the next is ordered when Slack has answered, and knows by then which message it is for.
  if (digest.sending !== undefined) return;
  const lines = digest.lines.map((line) => asOfNow(state, line));
  const going = lines.filter(({ firing }) => firing);
  const isOrdered = digest.message !== undefined || going.length > 0;
  // What was over before anybody looked is on record, and no reason for a message.
  if (isOrdered) {
    orderDigest(turn, digest, lines);
    note(turn, 'told', {
      because: `${lines.length} kinds of incident in the digest of ${channel}`,
    });
  }
  const sending = isOrdered ? lines : undefined;
  const next: Digest = { ...digest, from: now, dueAt: undefined, lines: going, sending };
  if (going.length > 0) awaitTime(turn, next);
  else putSmall(state, 'digest', channel, next);
}

function asOfNow(state: LaneState, line: DigestLine): DigestLine {
  const { services, firing } = tallyOf(state, line.incident);
  if (firing === 0) return { ...line, firing: false, still: undefined };
  const names = inOrder(services).flatMap(([name, own]) => (own.firing > 0 ? [name] : []));
  return {
    ...line,
    firing: true,
    still: { services: names.slice(0, STILL_MAX), of: names.length },
  };
}

function orderDigest(
  turn: Turn,
  { channel, from, message }: Digest,
  lines: readonly DigestLine[],
): void {
  order(turn, {
    kind: 'digest',
    // In another lane it is another message.
    id: turn.state.lane === LANE ? `digest:${channel}` : `digest:${channel}:${turn.state.lane}`,
    at: turn.now,
    channel,
    severity: 'info',
    delivery: turn.delivery,
    message,
    from,
    lines,
  });
}

/**
 * Slack answered: the message is there now. Undefined: somebody deleted it, and the next one is posted
 * anew. The next one is due already when this took so long; it says once more what nobody had time to read.
 */
export function digestDelivered(
  turn: Turn,
  channel: string,
  message: MessageRef | undefined,
): void {
  const digest = turn.state.digests.get(channel);
  if (digest === undefined) return;
  if (digest.message?.ts === message?.ts && digest.sending === undefined) return;
  const isDue = digest.dueAt !== undefined && digest.dueAt <= turn.now;
  const lines = isDue ? unreadLines(digest) : digest.lines;
  putSmall(turn.state, 'digest', channel, { ...digest, message, lines, sending: undefined });
  if (isDue) sendDigest(turn, channel);
}

/** With those on their way that are over: the others go on in the next digest. */
function unreadLines({ sending = [], lines }: Digest): readonly DigestLine[] {
  return sending.filter(({ firing }) => !firing).reduce(addLine, lines);
}

/**
 * A digest that its channel will not take joins the one of `fallback`, which is brought up to date
 * at once. Nothing of it is left where it cannot be read.
 */
export function moveDigest(turn: Turn, channel: string, fallback: string): void {
  const { state, now } = turn;
  const refused = state.digests.get(channel);
  if (refused === undefined) return;
  const { from } = refused;
  removeSmall(state, 'digest', channel);
  const target = state.digests.get(fallback);
  putSmall(state, 'digest', fallback, {
    channel: fallback,
    from: Math.min(from, target?.from ?? from),
    dueAt: now,
    message: target?.message,
    lines: unreadLines(refused).reduce(addLine, target?.lines ?? []),
    sending: target?.sending,
  });
  sendDigest(turn, fallback);
}
