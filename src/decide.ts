/**
 * THE PIPELINE: what becomes of one event. Read this first.
 *
 * `decide` advances the lane's state in place and returns what it decided and what is to be done. It
 * reads no clock and rolls no dice: the same state, events, instants and rules always lead to the
 * same outcome. So this very code runs live, in replay, in tests of rules and in simulation.
 *
 *     alert -> recognise -> mute -> damp -> correlate -> hold -> tell (root cause, route) -> message
 *
 * What is held or damped is the telling: the alert itself takes its place in an incident at once.
 */
import { afterRefire } from './dedupe/flap.ts';
import { fingerprintOf } from './dedupe/fingerprint.ts';
import { type News, newsOf } from './dedupe/repeat.ts';
import { rejoin, takePlace } from './correlate/place.ts';
import { runDue, scheduleEverything } from './due.ts';
import { delivered } from './life/delivered.ts';
import { settle } from './life/end.ts';
import { beat, expectHeartbeats, heartbeatOf } from './life/heartbeat.ts';
import { react } from './life/people.ts';
import { touch } from './life/show.ts';
import { countEpisode } from './life/storm.ts';
import type {
  Alert,
  Event,
  Facts,
  Flap,
  Instant,
  Labels,
  Outcome,
  ReceivedAlert,
  Verdict,
} from './model.ts';
import { reviewMuting } from './mute.ts';
import type { Rules, Subject } from './rules/rules.ts';
import { scheduleAlert } from './schedule.ts';
import { incidentOf, type LaneState, putAlert, refreshAlert } from './state.ts';
import { nextDue, takeDue } from './timers.ts';
import { note, type Turn } from './turn.ts';

/** What is due at most in one turn, so that a thousand time-outs at once do not take the breath away. */
const DUE_MAX = 500;

export function decide(state: LaneState, event: Event, now: Instant, rules: Rules): Outcome {
  const delivery = event.kind === 'alert' || event.kind === 'odd' ? event.delivery : undefined;
  const turn: Turn = {
    state,
    rules,
    now,
    delivery,
    decisions: [],
    effects: new Map(),
    effectsDone: new Set(),
  };
  const verdict = dispatch(turn, event);
  return {
    verdict,
    decisions: turn.decisions,
    effects: [...turn.effects.values()],
    effectsDone: [...turn.effectsDone],
  };
}

/** When the lane wants a tick, if nothing comes in before. */
export function wakeAt(state: LaneState): Instant | undefined {
  return nextDue(state.timers);
}

/**
 * Decides what is due up to and including `until`, each at its own instant: live as in replay. Not
 * `done` when more than `ticksMax` rounds are due; `now` is then where it stopped.
 */
export function runDueUntil(
  state: LaneState,
  until: Instant,
  from: Instant,
  ticksMax: number,
  step: (event: Event, now: Instant) => void,
): { readonly now: Instant; readonly done: boolean } {
  let now = from;
  for (let ticks = 0; ; ticks++) {
    const at = wakeAt(state);
    if (at === undefined || at > until) return { now: Math.max(now, until), done: true };
    if (ticks >= ticksMax) return { now, done: false };
    now = Math.max(now, at);
    step({ kind: 'tick' }, now);
  }
}

function dispatch(turn: Turn, event: Event): Verdict | undefined {
  switch (event.kind) {
    case 'alert':
      return decideAlert(turn, event.alert);
    case 'odd':
      note(turn, 'quarantined', {
        because: `from ${event.source}: ${event.error}. It said: ${event.excerpt}`,
      });
      return 'quarantined';
    case 'reaction':
      react(turn, event);
      return undefined;
    case 'delivered':
      delivered(turn, event.effect, event.outcome);
      return undefined;
    case 'tick':
      tick(turn);
      return undefined;
    case 'started':
      scheduleEverything(turn);
      reviewMuting(turn);
      expectHeartbeats(turn);
      return undefined;
    case 'rules-changed':
      reviewMuting(turn);
      expectHeartbeats(turn);
      return undefined;
  }
}

function tick(turn: Turn): void {
  for (let ran = 0; ran < DUE_MAX; ran++) {
    const key = takeDue(turn.state.timers, turn.now);
    if (key === undefined) return;
    runDue(turn, key);
  }
}

function decideAlert(turn: Turn, received: ReceivedAlert): Verdict {
  const fingerprint = fingerprintOf(received.source, received.labels, turn.rules.notIdentity);
  const known = turn.state.alerts.get(fingerprint);
  if (known === undefined && isHeartbeat(turn, received)) return 'heartbeat';
  const news = newsOf(known, received, turn.now);
  switch (news.kind) {
    case 'stale':
      note(turn, 'stale', { fingerprint, service: known?.facts.service, because: news.because });
      return 'stale';
    case 'repeats':
      return known === undefined ? 'stale' : repeated(turn, known, received, news);
    case 'resolves':
      return resolved(turn, fingerprint, known, received, news);
    case 'goes-on':
      return known === undefined ? 'stale' : wentOn(turn, known, received);
    case 'fires':
      return fires(turn, fingerprint, known, received, news.hidden);
  }
}

function isHeartbeat(turn: Turn, received: ReceivedAlert): boolean {
  if (turn.rules.heartbeats.length === 0) return false;
  const subject = {
    labels: received.labels,
    facts: turn.rules.normalise(received),
    source: received.source,
  };
  const rule = heartbeatOf(turn, subject);
  if (rule !== undefined && received.status === 'firing') beat(turn, rule);
  return rule !== undefined;
}

/** The same news again: remembered, told to nobody, and no cause for a write unless something changed. */
function repeated(
  turn: Turn,
  known: Alert,
  received: ReceivedAlert,
  news: Extract<News, { kind: 'repeats' }>,
): Verdict {
  const { startsAt, endsAt } = news;
  const changed = startsAt !== known.startsAt || endsAt !== known.endsAt;
  const expiresAt = received.status === 'firing' ? expiry(turn, received) : known.expiresAt;
  if (isSame(known.annotations, received.annotations) && isSame(known.labels, received.labels)) {
    if (changed) putAlert(turn.state, { ...known, startsAt, endsAt, expiresAt });
    else if (expiresAt !== known.expiresAt) refreshAlert(turn.state, { ...known, expiresAt });
    return 'repeat';
  }
  const facts = mergeFacts(known.facts, turn.rules.normalise(received));
  const { labels, annotations, generatorURL } = received;
  const renewed = {
    ...known,
    startsAt,
    endsAt,
    expiresAt,
    labels,
    annotations,
    generatorURL,
    facts,
  };
  if (facts === known.facts) {
    if (changed) putAlert(turn.state, renewed);
    else refreshAlert(turn.state, renewed);
    return 'repeat';
  }
  putAlert(turn.state, renewed);
  note(turn, 'changed', { ...about(renewed), because: 'it says something else of itself now' });
  const incident = incidentOf(turn.state, renewed);
  if (incident !== undefined && incident.phase !== 'resolved') settle(turn, incident);
  return 'changed';
}

function resolved(
  turn: Turn,
  fingerprint: string,
  known: Alert | undefined,
  received: ReceivedAlert,
  news: Extract<News, { kind: 'resolves' }>,
): Verdict {
  const { now } = turn;
  const base = known ?? blank(turn, fingerprint, received);
  const { startsAt, endsAt } = news;
  const alert: Alert = {
    ...base,
    status: 'resolved',
    startsAt,
    endsAt,
    resolvedAt: now,
    expiresAt: undefined,
    muted: undefined,
  };
  putAlert(turn.state, alert);
  scheduleAlert(turn, alert);
  note(turn, 'resolved', {
    ...about(alert),
    because:
      known === undefined
        ? 'it was never seen firing'
        : `it fired for ${Math.max(0, Math.round((endsAt - startsAt) / 1000))} s`,
  });
  const incident = incidentOf(turn.state, alert);
  if (known !== undefined && incident !== undefined) settle(turn, incident);
  return 'resolved';
}

/** It had timed out, wrongly as it turns out: the same episode goes on. */
function wentOn(turn: Turn, known: Alert, received: ReceivedAlert): Verdict {
  const alert: Alert = {
    ...known,
    status: 'firing',
    resolvedAt: undefined,
    expiresAt: expiry(turn, received),
  };
  note(turn, 'refired', {
    ...about(alert),
    because: 'its source mentions it again after it had timed out',
  });
  rejoin(turn, known, alert);
  return 'refired';
}

function fires(
  turn: Turn,
  fingerprint: string,
  known: Alert | undefined,
  received: ReceivedAlert,
  hidden: boolean,
): Verdict {
  countEpisode(turn);
  const fresh = blank(turn, fingerprint, received);
  const subject: Subject = { labels: fresh.labels, facts: fresh.facts, source: fresh.source };
  const flap = known === undefined ? undefined : damped(turn, known, subject);
  const alert: Alert = {
    ...fresh,
    ...heldFor(turn, subject, received, flap),
    flap,
    episodes: (known?.episodes ?? 0) + 1,
    incident: known?.incident,
    muted: turn.rules.muted(subject, turn.now),
  };
  if (alert.muted !== undefined) return silenced(turn, alert);
  if (known !== undefined && belongsStill(turn, known)) {
    return refired(turn, known, alert, hidden);
  }
  return takePlace(turn, { ...alert, incident: undefined });
}

/** Its incident is open, or over for so short a time that it re-opens. */
function belongsStill(turn: Turn, known: Alert): boolean {
  const incident = incidentOf(turn.state, known);
  if (incident === undefined) return false;
  return (
    incident.resolvedAt === undefined ||
    turn.now - incident.resolvedAt <= turn.rules.life.reopenWithinMs
  );
}

function silenced(turn: Turn, alert: Alert): Verdict {
  // A muted alert stands in no incident: it neither tells nor explains anything.
  putAlert(turn.state, { ...alert, incident: undefined });
  scheduleAlert(turn, alert);
  note(turn, 'silenced', {
    ...about(alert),
    because: alert.muted?.by,
    rule: alert.muted?.rule,
    why: alert.muted?.why,
  });
  return 'silenced';
}

function refired(turn: Turn, known: Alert, alert: Alert, hidden: boolean): Verdict {
  const verdict = alert.flap?.flapping === true ? 'damped' : 'refired';
  const times = `firing number ${alert.episodes}`;
  note(turn, verdict, {
    ...about(alert),
    because: hidden ? `${times}; the resolve in between was never seen` : times,
  });
  if (verdict === 'damped' && known.flap?.flapping !== true) {
    note(turn, 'flapping', {
      ...about(alert),
      because: `penalty ${Math.round(alert.flap?.penalty ?? 0)} after ${alert.episodes} firings`,
    });
  }
  rejoin(turn, known, alert);
  const incident = incidentOf(turn.state, alert);
  if (verdict === 'damped' && incident !== undefined) touch(turn, incident);
  return verdict;
}

/** When it has outlasted its hold. Time that it already fired counts: delays do not add up. */
function heldFor(turn: Turn, subject: Subject, received: ReceivedAlert, flap: Flap | undefined) {
  const hold = turn.rules.hold(subject);
  const sustainedMs = flap?.flapping === true ? (turn.rules.flap(subject)?.sustainedMs ?? 0) : 0;
  const forMs = Math.max(hold.forMs, sustainedMs);
  const heldUntil = Math.min(turn.now + forMs, Math.max(turn.now, received.startsAt + forMs));
  return { heldUntil, holdRule: hold.rule };
}

function damped(turn: Turn, known: Alert, subject: Subject): Flap | undefined {
  const rule = turn.rules.flap(subject);
  return rule === undefined ? undefined : afterRefire(known, rule, turn.now);
}

function blank(turn: Turn, fingerprint: string, received: ReceivedAlert): Alert {
  return {
    fingerprint,
    source: received.source,
    labels: received.labels,
    annotations: received.annotations,
    generatorURL: received.generatorURL,
    facts: turn.rules.normalise(received),
    status: 'firing',
    startsAt: received.startsAt,
    endsAt: undefined,
    since: turn.now,
    expiresAt: expiry(turn, received),
    resolvedAt: undefined,
    episodes: 1,
    muted: undefined,
    incident: undefined,
    heldUntil: turn.now,
    holdRule: 'built-in',
    flap: undefined,
  };
}

function expiry(turn: Turn, received: ReceivedAlert): Instant | undefined {
  if (received.endsAt !== undefined) return Math.max(received.endsAt, turn.now);
  const { resolveTimeoutMs } = turn.rules.life;
  return Number.isFinite(resolveTimeoutMs) ? turn.now + resolveTimeoutMs : undefined;
}

/** The known facts themselves when nothing new was said. Transaction ids add up. */
function mergeFacts(known: Facts, heard: Facts): Facts {
  const fresh = heard.transactions.filter((id) => !known.transactions.includes(id));
  const same =
    fresh.length === 0 &&
    heard.severity === known.severity &&
    heard.service === known.service &&
    heard.environment === known.environment &&
    heard.host === known.host &&
    heard.runbook === known.runbook;
  return same ? known : { ...heard, transactions: [...known.transactions, ...fresh].slice(-8) };
}

function isSame(one: Labels, other: Labels): boolean {
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  for (const name of names) if (one[name] !== other[name]) return false;
  return true;
}

function about(alert: Alert) {
  return { fingerprint: alert.fingerprint, service: alert.facts.service, incident: alert.incident };
}
