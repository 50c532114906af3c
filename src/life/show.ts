/**
 * Keeps the message of an incident up to date: at once for what people wait for, together with what
 * else happens within a few seconds for everything else.
 */
import { rankRoots } from '../correlate/root.ts';
import type { Incident } from '../model.ts';
import { change, orderMessage, type Turn, wakeIncident } from '../state/turn.ts';

/** Something about the incident changed that its message shows. */
export function touch(turn: Turn, incident: Incident): Incident {
  if (incident.toldIn !== 'message' || incident.refreshAt !== undefined) return incident;
  const refreshAt = (incident.refreshedAt ?? 0) + turn.rules.life.refreshMs;
  if (refreshAt <= turn.now) return show(turn, incident);
  wakeIncident(turn, incident.id, refreshAt);
  return change(turn, incident, { refreshAt });
}

/**
 * What was decided and could not be kept may have been shown all the same. More revisions than one commit
 * holds lie between before and after, so that none is used twice for different things.
 */
const REVISIONS_APART = 10_000;

export function nextRevision(turn: Turn, { revision }: Incident): number {
  return revision + 1 + turn.state.reloads * REVISIONS_APART;
}

/** Orders the newest revision now. */
export function show(turn: Turn, incident: Incident): Incident {
  const changed = change(turn, incident, {
    // Whenever people are shown it, so that what is decided by it is what they read.
    roots: incident.special === undefined ? rankRoots(turn, incident) : incident.roots,
    revision: nextRevision(turn, incident),
    refreshAt: undefined,
    refreshedAt: turn.now,
  });
  if (changed.toldIn === 'message') orderMessage(turn, changed);
  return changed;
}

/** No alert ends an incident of Quell's own: a storm, or a heartbeat that was missing. */
export function endOwn(turn: Turn, incident: Incident): void {
  show(turn, change(turn, incident, { phase: 'resolved', resolvedAt: turn.now }));
  wakeIncident(turn, incident.id, turn.now + turn.rules.life.reopenWithinMs);
}

/** The storm's message counts what happens to the incidents it stands for. */
export function touchStorm(turn: Turn): void {
  const parent = turn.state.incidents.get(turn.state.storm?.incident ?? '');
  if (parent !== undefined && parent.phase !== 'resolved') touch(turn, parent);
}
