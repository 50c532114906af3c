/**
 * The end of an incident: all its alerts are resolved. It stays in memory for a while, so that what
 * fires again re-opens the same message, and then goes to the store as closed.
 */
import { rankRoots } from '../correlate/root.ts';
import { LATE_MAX_MS } from '../dedupe/repeat.ts';
import { type Alert, type Incident, type Instant, PENALTY, SEVERITIES } from '../model.ts';
import { exactDuration } from '../rules/duration.ts';
import { alertsOf, closeIncident, incidentOf, tallyOf } from '../state/state.ts';
import { severityRank, worstFiring } from '../state/tally.ts';
import { change, note, type Turn, wakeIncident } from '../state/turn.ts';
import { learn } from './chronic.ts';
import { orderReply } from './reply.ts';
import { addToDigest } from './digest.ts';
import { armEscalation } from './escalation.ts';
import { show, touch, touchStorm } from './show.ts';
import { callAgain } from './worse.ts';

/** An incident whose message Slack has not taken yet is remembered this long. */
const UNSENT_MEMORY_MS = 24 * 60 * 60_000;
/** Alerts that fired more than once are remembered this long, so that slow flapping is seen too. */
const FLAP_MEMORY_MS = 2 * 60 * 60_000;
/** Between two looks whether it may be forgotten. */
const ASKED_MIN_MS = 60_000;

/**
 * One of its alerts, of `service`, ended or calmed down: is the incident over? `because`: how it ended, where no
 * source said so.
 */
export function settle(
  turn: Turn,
  incident: Incident,
  service: string,
  because?: string,
): Incident {
  const tally = tallyOf(turn.state, incident.id);
  if (incident.toldIn === 'storm') touchStorm(turn);
  const severity = worstFiring(tally);
  if (severity !== undefined) {
    // "Its own alerts have cleared" is worth saying of a cause whose symptoms go on.
    const isQuiet = (tally.services.get(service)?.firing ?? 0) === 0;
    const roots = isQuiet ? rankRoots(turn, incident) : incident.roots;
    const isNews = isQuiet || severity !== incident.severity;
    return touch(turn, isNews ? change(turn, incident, { severity, roots }) : incident);
  }
  if (incident.phase === 'resolved') return incident;
  if (tally.flapping > 0 && incident.toldIn === 'message') return touch(turn, incident);
  return end(turn, incident, service, because);
}

/** An alert, here as it was, left its incident: that may have waited for nothing else. */
export function settleWithout(turn: Turn, alert: Alert): void {
  const left = incidentOf(turn.state, alert);
  if (left !== undefined && left.phase !== 'resolved') settle(turn, left, alert.facts.service);
}

function end(
  turn: Turn,
  incident: Incident,
  service: string,
  because: string | undefined,
): Incident {
  const { now, rules } = turn;
  const ended = change(turn, incident, {
    phase: 'resolved',
    resolvedAt: now,
    severity:
      SEVERITIES[Math.min(severityRank(incident.severity), severityRank(incident.worstTold))] ??
      incident.severity,
    verifyAt: undefined,
    escalateAt: undefined,
  });
  wakeIncident(turn, ended.id, now + rules.life.reopenWithinMs);
  const cause = ended.roots[0]?.service ?? service;
  const tally = tallyOf(turn.state, ended.id);
  if (ended.toldAt === undefined) {
    // Nothing was over: all that it held was silenced, and the record says so.
    if (tally.alerts === 0) return ended;
    const lead = turn.state.alerts.get(tally.services.get(service)?.lead ?? '');
    const lasted = exactDuration(now - ended.gatheredAt);
    // Spelt out for speed, as what `noteAlert` writes: most incidents end so.
    note(turn, 'transient', {
      incident: ended.id,
      service: cause,
      fingerprint: lead?.fingerprint,
      because: `over after ${lasted}, before it was worth telling`,
      rule: lead?.holdRule,
      why: lead?.holdWhy,
    });
    return ended;
  }
  note(turn, 'ended', {
    incident: ended.id,
    service: cause,
    because: because ?? howItEnded(tally.alerts),
  });
  learn(turn, ended);
  return show(turn, ended);
}

function howItEnded(alerts: number): string {
  if (alerts === 0) return 'what is left of it is silenced';
  return alerts === 1 ? 'its alert is resolved' : `all ${alerts} alerts are resolved`;
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
  const { facts } = alert;
  const isWorse = severityRank(facts.severity) < severityRank(incident.worstTold);
  const open = change(turn, incident, {
    phase: 'open',
    // Nobody asked for quiet about this.
    snoozed: isWorse ? undefined : incident.snoozed,
    resolvedAt: undefined,
    reopened: incident.reopened + 1,
    acknowledged: [],
    solved: undefined,
    worstTold: facts.severity,
    severity: facts.severity,
    roots: rankRoots(turn, incident),
  });
  const called = callAgain(turn, open);
  const reopened = armEscalation(turn, called.incident);
  note(turn, 'reopened', {
    incident: reopened.id,
    service: alert.facts.service,
    because: `${alert.facts.name} of ${alert.facts.service} fires`,
  });
  const shown = show(turn, reopened);
  // The digest that told of it was sent, or did not mention it because it was over.
  if (shown.toldIn === 'digest' && shown.route !== undefined)
    addToDigest(turn, shown, shown.route.channel);
  if (quiet) return shown;
  const about = { service: facts.service, mention: called.mention };
  return orderReply(
    turn,
    shown,
    isWorse
      ? { kind: 'severity-rose', from: incident.worstTold, to: facts.severity, ...about }
      : { kind: 'refired', times: shown.reopened, ...about },
  );
}

/** Its time in memory is over. Returns false when it must stay, and sees to it that it is asked again. */
export function forget(turn: Turn, incident: Incident): boolean {
  const { resolvedAt } = incident;
  if (incident.phase !== 'resolved' || resolvedAt === undefined) return false;
  const until = keptUntil(turn, incident, resolvedAt);
  if (turn.now < until) {
    askAgain(turn, incident, resolvedAt, until);
    return false;
  }
  closeIncident(turn.state, incident.id);
  return true;
}

/** After a load: it is asked at the instants at which a lane that never stopped would ask. */
export function scheduleForgetting(turn: Turn, incident: Incident): void {
  const { resolvedAt } = incident;
  if (resolvedAt === undefined) return;
  askAgain(turn, incident, resolvedAt, keptUntil(turn, incident, resolvedAt));
}

/**
 * The reason to keep it may go away earlier (Slack is back, what flapped fires elsewhere), so it is asked now and
 * then.
 */
function askAgain(turn: Turn, { id }: Incident, resolvedAt: Instant, until: Instant): void {
  const { now } = turn;
  const everyMs = Math.max(turn.rules.life.reopenWithinMs, ASKED_MIN_MS);
  const next = resolvedAt + (Math.floor((now - resolvedAt) / everyMs) + 1) * everyMs;
  wakeIncident(turn, id, until > now ? Math.min(until, next) : next);
}

function keptUntil(turn: Turn, incident: Incident, resolvedAt: Instant): Instant {
  const { rules } = turn;
  // Slack may be away: what was ordered is not forgotten before it is sent, within reason.
  const unsentMs = isUnsent(incident) ? UNSENT_MEMORY_MS : 0;
  const { flaps, endedAt } = membersOf(turn, incident);
  const keepMs = Math.max(rules.life.reopenWithinMs, unsentMs, flaps ? FLAP_MEMORY_MS : 0);
  // The end of a later firing may have been heard since, and its beginning may still be on its way.
  return Math.max(resolvedAt + keepMs, endedAt + LATE_MAX_MS);
}

/** Has Slack not taken its message yet, or not as it is now? */
export function isUnsent(incident: Incident): boolean {
  const { toldIn, message, sentRevision, revision, mergedInto } = incident;
  if (toldIn !== 'message') return false;
  // Of one that became part of another nobody misses a message; but Slack may have taken it, and kept its answer.
  if (message === undefined) return mergedInto === undefined || sentRevision === undefined;
  return (sentRevision ?? revision) < revision;
}

/** Did one of them fire twice and more? When did the last one end? */
function membersOf({ state }: Turn, { id }: Incident): { flaps: boolean; endedAt: Instant } {
  let flaps = false;
  let endedAt = 0;
  for (const { flap, resolvedAt = 0 } of alertsOf(state, id)) {
    flaps ||= (flap?.penalty ?? 0) > PENALTY;
    endedAt = Math.max(endedAt, resolvedAt);
  }
  return { flaps, endedAt };
}
