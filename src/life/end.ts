/**
 * The end of an incident: all its alerts are resolved. It stays in memory for a while, so that what
 * fires again re-opens the same message, and then goes to the store as closed.
 */
import { rankRoots } from '../correlate/root.ts';
import { PENALTY } from '../dedupe/flap.ts';
import type { Alert, Incident } from '../model.ts';
import { closeIncident, tallyOf } from '../state.ts';
import { worstFiring } from '../tally.ts';
import { change, note, orderReply, type Turn, wakeIncident } from '../turn.ts';
import { show, touch } from './show.ts';

/** Alerts that fired more than once are remembered this long, so that slow flapping is seen too. */
export const FLAP_MEMORY_MS = 2 * 60 * 60_000;

/** One of its alerts ended, or calmed down: is it all over? */
export function settle(turn: Turn, incident: Incident): Incident {
  const tally = tallyOf(turn.state, incident.id);
  const severity = worstFiring(tally);
  if (severity !== undefined) {
    // "Its own alerts have cleared" is worth saying of a cause whose symptoms go on.
    return touch(turn, change(turn, incident, { severity, roots: rankRoots(turn, incident) }));
  }
  if (incident.phase === 'resolved') return incident;
  if (tally.flapping > 0 && incident.toldIn === 'message') return touch(turn, incident);
  return end(turn, incident);
}

function end(turn: Turn, incident: Incident): Incident {
  const { now, rules } = turn;
  const ended = change(turn, incident, {
    phase: 'resolved',
    resolvedAt: now,
    verifyAt: undefined,
    escalateAt: undefined,
  });
  wakeIncident(turn, ended.id, now + rules.life.reopenWithinMs);
  const about = { incident: ended.id, service: ended.roots[0]?.service };
  if (ended.toldAt === undefined) {
    note(turn, 'transient', {
      ...about,
      because: `over after ${minutes(now - ended.gatheredAt)}, before it was worth telling`,
    });
    return ended;
  }
  note(turn, 'ended', {
    ...about,
    because: `all ${tallyOf(turn.state, ended.id).alerts} alerts are resolved`,
  });
  return show(turn, ended);
}

/** Something fires in an incident that was over, or unseen and over. */
export function revive(turn: Turn, incident: Incident, alert: Alert): Incident {
  if (incident.phase !== 'resolved') return incident;
  if (incident.toldAt === undefined) {
    return change(turn, incident, {
      phase: 'gathering',
      resolvedAt: undefined,
      gatheredAt: turn.now,
    });
  }
  const quiet = alert.flap?.flapping === true;
  const reopened = change(turn, incident, {
    phase: 'open',
    resolvedAt: undefined,
    reopened: incident.reopened + 1,
    acknowledged: [],
    solved: undefined,
    worstTold: alert.facts.severity,
    severity: alert.facts.severity,
  });
  note(turn, 'reopened', {
    incident: reopened.id,
    service: alert.facts.service,
    because: `${alert.facts.name} of ${alert.facts.service} fires again`,
  });
  const shown = show(turn, reopened);
  if (quiet) return shown;
  return orderReply(turn, shown, {
    kind: 'refired',
    times: shown.reopened,
    service: alert.facts.service,
  });
}

/** Its time in memory is over. Returns false when it must stay, and sees to it that it is asked again. */
export function forget(turn: Turn, incident: Incident): boolean {
  const { state, now, rules } = turn;
  if (incident.phase !== 'resolved' || incident.resolvedAt === undefined) return false;
  const keepMs = Math.max(rules.life.reopenWithinMs, mayFlap(turn, incident) ? FLAP_MEMORY_MS : 0);
  if (now < incident.resolvedAt + keepMs) {
    wakeIncident(turn, incident.id, incident.resolvedAt + keepMs);
    return false;
  }
  closeIncident(state, incident.id);
  return true;
}

/** Few alerts ever fire twice: the first that did answers. */
function mayFlap(turn: Turn, incident: Incident): boolean {
  for (const fingerprint of turn.state.members.get(incident.id) ?? []) {
    if ((turn.state.alerts.get(fingerprint)?.flap?.penalty ?? 0) > PENALTY) return true;
  }
  return false;
}

function minutes(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
