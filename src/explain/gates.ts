/**
 * The gates on an alert's way to a message of its own: what stopped it there, and the change that
 * would have let it through. Undefined for a gate that it passed. Pure.
 */
import { subjectOf } from '../life/lead.ts';
import { type Alert, type Decision, type Incident, type Instant, PENALTY } from '../model.ts';
import { duration, exactDuration, formatDuration } from '../rules/duration.ts';
import { quotedValue } from '../rules/matcher.ts';
import type { Rules } from '../rules/rules.ts';
import {
  byException,
  byHand,
  byRoute,
  bySetting,
  eitherWay,
  isWritten,
  matchOf,
  type RuleChange,
} from './change.ts';
import type { Place } from './place.ts';

/** All that is known of one alert when somebody asks. */
export interface About {
  readonly alert: Alert;
  /** Undefined for an alert that stands in none. */
  readonly incident: Incident | undefined;
  /** The alert of the likely cause, whose route the incident takes. */
  readonly lead: Alert | undefined;
  /** Of the whole incident: alertnames, then services. */
  readonly kinds: readonly string[];
  readonly services: readonly string[];
  readonly alerts: number;
  /** What was decided about the alert and its incidents, oldest first. */
  readonly decisions: readonly Decision[];
  /** In force now: the changes are changes of these. */
  readonly rules: Rules;
  readonly now: Instant;
}

export interface Gate {
  /** Goes on after "if". */
  readonly condition: string;
  /** Undefined where no rule can change it. */
  readonly change: RuleChange | undefined;
}

// --- muted ----------------------------------------------------------------------------------------

export function muteGate(about: About, place: Place): Gate | undefined {
  const { alert } = about;
  if (place.kind !== 'muted') return inhibitGate(about);
  if (place.decision.reason === 'inhibited') return inhibitedBy(place.decision, alert);
  const { because = '', rule: recorded = '' } = place.decision;
  const { by, rule, ground } = alert.muted ?? { ...place.decision, by: because, rule: recorded };
  if (ground === 'route') {
    const match = matchOf(alert);
    const change: RuleChange = {
      ...byRoute(rule, '', { match }),
      set: undefined,
      how: `Take the interval out of ${rule}; or, as time intervals are not inherited, put first under its \`routes:\` the entry \`- { match: [${match.map((one) => `'${one}'`).join(', ')}] }\``,
    };
    return { condition: `${rule} told it at that time as well: it is quiet by ${by}`, change };
  }
  if (!isWritten(rule)) {
    const how = `End the ${rule} in the API or amtool, or say \`unsilence\` in the thread of the message where it was set.`;
    return { condition: `${by} did not match it`, change: byHand(rule, how) };
  }
  const except = `alertname!=${quotedValue(alert.facts.name)}`;
  return { condition: `"${by}" did not match it`, change: byException(rule, except) };
}

/** It was inhibited until it took its place, and had to outlast its hold from then on. */
function inhibitGate({ alert, decisions }: About): Gate | undefined {
  const own = decisions.filter(({ fingerprint }) => fingerprint === alert.fingerprint);
  const was = own.some(({ reason, at }) => reason === 'uninhibited' && at === alert.since);
  const begun = was ? own.findLast(({ reason }) => reason === 'inhibited') : undefined;
  return begun === undefined ? undefined : inhibitedBy(begun, alert);
}

function inhibitedBy({ because = '', rule = '' }: Decision, { facts, muted }: Alert): Gate {
  const except = `alertname!=${quotedValue(facts.name)}`;
  return {
    condition: `${because} had not inhibited it`,
    change: byException(muted?.rule ?? rule, except, 'inhibit'),
  };
}

// --- part of an incident --------------------------------------------------------------------------

export function joinGate(about: About, place: Place): Gate | undefined {
  if (place.kind === 'merged') return mergeGate(about, place);
  if (place.kind !== 'joined') return undefined;
  const { alert, incident, rules } = about;
  const { because = '', ground } = place.decision;
  const rule = rules.correlate(subjectOf(alert)).rule;
  const condition = `it had not joined incident ${incident?.id}: ${because}`;
  const match = matchOf(alert);
  // An earlier version did not note it.
  if (ground === undefined) return { condition, change: undefined };
  if (ground === 'service') {
    const apart = `${condition}. Alerts of one service that fire at the same time are one incident by design: only another name for the service (\`service:\` in the rules) or another environment keeps them apart`;
    return { condition: apart, change: undefined };
  }
  if (ground === 'time') {
    const how = `In the catalog (\`services:\`) say what ${alert.facts.service} depends on, or who depends on it: the mere time then counts no more. Or else: `;
    const change = keptApart(match);
    return { condition, change: { ...change, how: `${how}${lowered(change.how)}` } };
  }
  return { condition, change: eitherWay('correlate', rule, 'off: true', { match, off: true }) };
}

function lowered(sentence: string): string {
  return sentence.slice(0, 1).toLowerCase() + sentence.slice(1);
}

/** Whatever decided, an entry that keeps it to itself comes before it. */
function keptApart(match: readonly string[]): RuleChange {
  const change = eitherWay('correlate', 'built-in', '', { match, off: true });
  const how = `Under \`correlate:\`, before all others, put the entry \`- ${change.entry}\``;
  return { ...change, how };
}

/** What joined both made one of them: it would have to stay out. */
function mergeGate({ alert }: About, place: Extract<Place, { kind: 'merged' }>): Gate {
  const { service, because } = place.decision;
  const condition = `not for this: its incident ${because}`;
  const match = service === undefined ? matchOf(alert) : [`service=${quotedValue(service)}`];
  return { condition, change: keptApart(match) };
}

// --- flapping and held ----------------------------------------------------------------------------

export function flapGate({ alert, rules, now }: About): Gate | undefined {
  const { flap } = alert;
  if (flap === undefined) return undefined;
  const subject = subjectOf(alert);
  const rule = rules.flap(subject);
  if (rule === undefined) return undefined;
  const change = eitherWay('flap', rule.rule, 'off: true', { match: matchOf(alert), off: true });
  const firings = `${alert.episodes} firings`;
  if (flap.flapping) {
    const penalty = Math.round(flap.penalty);
    const isCritical = alert.facts.severity === 'critical';
    const whenCritical = isCritical ? `, or flaps for ${duration(rule.sustainedMs / 2)}` : '';
    const condition = `flap damping were off for it: its penalty is ${penalty} after ${firings}, and from ${rule.suppress} on an alert flaps; as it is, it is told once it fires on for ${duration(rule.sustainedMs)}${whenCritical}`;
    return { condition, change };
  }
  // Its hold alone would have let it through: what it did before made the hold longer.
  const { forMs } = rules.hold(subject);
  const lasted = lastedMs(alert, now);
  const held = forMs * factorOf(alert, forMs);
  if (forMs > lasted || held <= lasted || alert.heldUntil <= alert.since) return undefined;
  const condition = `flap damping were off for it: after ${firings} its hold of ${duration(forMs)} counts as ${duration(held)}, and it lasted ${duration(lasted)}`;
  return { condition, change };
}

export function holdGate(about: About): Gate | undefined {
  const { alert, rules, now, incident } = about;
  const subject = subjectOf(alert);
  const { forMs, rule } = rules.hold(subject);
  const lasted = lastedMs(alert, now);
  const isGathering = incident?.phase === 'gathering' && alert.status === 'firing';
  // What fires on outlasts any hold; only who waits for it now asks for a shorter one.
  if (!isOver(alert) && !isGathering) return undefined;
  const factor = flapGate(about) === undefined ? factorOf(alert, forMs) : 1;
  const waitedMs = waitedForWord(alert, rule, forMs * factorOf(alert, forMs));
  const heldMs = Math.max(waitedMs, forMs * factor);
  if (heldMs <= lasted) return undefined;
  const atMost = isOver(alert) ? neatBelow(lasted / factor) : 0;
  const text = formatDuration(atMost);
  const why = isOver(alert) ? `it lasted ${duration(lasted)}` : `it fires for ${duration(lasted)}`;
  const wanted = atMost === 0 ? 'not held' : `held for ${duration(atMost)} at most`;
  const since = isHeldBy(alert, heldMs) ? '' : ' in the rules that are in force now,';
  const longer = whyLonger(alert, factor, waitedMs);
  const condition = `it were ${wanted}: its hold is ${exactDuration(forMs)}${longer}${since} and ${why}`;
  const entry = { match: matchOf(alert), for: text };
  return { condition, change: eitherWay('hold', rule, `for: ${text}`, entry) };
}

/** False after an edit of its hold: an alert keeps the one that it began with. */
function isHeldBy({ startsAt, since, heldUntil }: Alert, holdMs: number): boolean {
  return [startsAt, since].some((begun) => Math.abs(heldUntil - begun - holdMs) < 1_000);
}

/** How long its source was waited for, to say that it was over (dedupe/lateness.ts); 0 where its hold was no shorter. */
function waitedForWord(alert: Alert, rule: string, holdMs: number): number {
  const { heldUntil, since, holdRule, flap } = alert;
  if (rule !== 'built-in' || holdRule !== 'built-in' || flap?.flapping === true) return 0;
  return isHeldBy(alert, holdMs) || heldUntil - since <= holdMs ? 0 : heldUntil - since;
}

function whyLonger({ source, episodes }: Alert, factor: number, waitedMs: number): string {
  const flapped =
    factor === 1 ? '' : `, made ${factor.toFixed(1)} times as long by ${episodes} firings,`;
  if (waitedMs === 0) return flapped;
  return `${flapped}, longer because ${source} says late that something is over: ${exactDuration(waitedMs)},`;
}

/** How many times as long as its hold it was held because it came and went lately: see episode.ts. */
function factorOf(alert: Alert, forMs: number): number {
  const { flap } = alert;
  if (flap === undefined || flap.flapping) return 1;
  const factor = flap.penalty / PENALTY;
  // Not where people were told of it before, nor where its source is waited for longer still.
  return isHeldBy(alert, forMs * factor) ? factor : 1;
}

/** As the hold counts it: time that it fired before it was heard of counts as well. */
export function lastedMs({ startsAt, since, resolvedAt }: Alert, now: Instant): number {
  return Math.max(0, (resolvedAt ?? now) - Math.min(startsAt, since));
}

export function isOver({ status }: Alert): boolean {
  return status === 'resolved';
}

/** A round time that is no longer. */
function neatBelow(ms: number): number {
  const step = ms >= 120_000 ? 60_000 : ms >= 20_000 ? 10_000 : 1_000;
  return Math.floor(ms / step) * step;
}

// --- chronic --------------------------------------------------------------------------------------

/** It would have been a message, had it not fired before. */
export function chronicGate({ alert, incident, decisions, rules }: About): Gate | undefined {
  const left = decisions.findLast(
    ({ reason, incident: id }) => reason === 'chronic' && id === incident?.id,
  );
  const rule = rules.chronic(subjectOf(alert));
  if (left === undefined || rule === undefined) return undefined;
  const entry = { match: matchOf(alert), off: true };
  return {
    condition: `not for this: ${left.because}`,
    change: eitherWay('chronic', rule.rule, 'off: true', entry),
  };
}

// --- a storm --------------------------------------------------------------------------------------

export function stormGate({ incident, rules }: About): Gate | undefined {
  if (incident?.toldIn !== 'storm') return undefined;
  const condition = `there had been no storm: from ${rules.storm.perMinute} new alerts a minute on, one message stands for all`;
  return { condition, change: bySetting('storm', 'off: true') };
}
