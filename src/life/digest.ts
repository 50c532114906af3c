/**
 * The digest of a channel: one message a day for what is worth knowing, but not at once.
 */
import type { DigestLine, Incident } from '../model.ts';
import { putDigest, removeDigest, tallyOf } from '../state.ts';
import { schedule } from '../timers.ts';
import { note, type Turn } from '../turn.ts';

/** Lines of one digest; further incidents are counted in the last one. */
const LINES_MAX = 200;

export function digestKey(channel: string): string {
  return `digest/${channel}`;
}

export function addToDigest(turn: Turn, incident: Incident, channel: string): void {
  const { state, now } = turn;
  const tally = tallyOf(state, incident.id);
  const [service, own] = tally.services.entries().next().value ?? ['', undefined];
  const lead = own === undefined ? undefined : state.alerts.get(own.lead);
  const line: DigestLine = {
    incident: incident.id,
    service,
    name: lead?.facts.name ?? '',
    severity: incident.severity,
    environment: incident.environment,
    incidents: 1,
    alerts: tally.alerts,
    firing: tally.firing > 0,
  };
  const digest = state.digests.get(channel) ?? {
    channel,
    from: now,
    dueAt: turn.rules.nextDigest(now),
    lines: [],
  };
  putDigest(state, { ...digest, lines: addLine(digest.lines, line) });
  schedule(state.timers, digestKey(channel), digest.dueAt);
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
  const summed = {
    ...present,
    incident: line.incident,
    incidents: present.incidents + 1,
    alerts: present.alerts + line.alerts,
  };
  return lines.map((one) => (one === present ? summed : one));
}

export function sendDigest(turn: Turn, channel: string): void {
  const { state, now } = turn;
  const digest = state.digests.get(channel);
  if (digest === undefined) return;
  if (digest.dueAt > now) return schedule(state.timers, digestKey(channel), digest.dueAt);
  const id = `digest:${channel}:${digest.from}`;
  turn.effects.set(id, {
    kind: 'digest',
    id,
    at: now,
    channel,
    severity: 'info',
    delivery: turn.delivery,
    from: digest.from,
    lines: digest.lines.map((line) => ({
      ...line,
      firing: tallyOf(state, line.incident).firing > 0,
    })),
  });
  note(turn, 'told', {
    because: `${digest.lines.length} kinds of incident in the digest of ${channel}`,
  });
  removeDigest(state, channel);
}
