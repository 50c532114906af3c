/**
 * What mutes an alert: the rules (silences in files, maintenance windows, the hours of its route), then the silences
 * that people set, then another alert that inhibits it. A muted alert is known, but stands in no incident. When
 * nothing mutes it any more and it still fires, it takes its place as if it had just begun.
 */
import { takePlace } from '../correlate/place.ts';
import { settle } from './end.ts';
import { subjectOf } from './lead.ts';
import type { Alert, Instant, Muted, RuleRef, Silence } from '../model.ts';
import type { Subject } from '../rules/rules.ts';
import { type Inhibitor, inhibitorOf } from '../state/inhibit-index.ts';
import type { SilenceTest } from '../state/small-records.ts';
import { scheduleAlert } from './schedule.ts';
import { isBefore } from '../state/past.ts';
import { sorted } from '../state/sorted.ts';
import { incidentOf, putAlert } from '../state/state.ts';
import type { Steps } from '../state/timers.ts';
import { noteAlert, type Turn } from '../state/turn.ts';
import { alertWith } from '../state/with.ts';

/** Looks at one muted alert again: it stays muted, or is not any more. */
export function reviewMuted(turn: Turn, alert: Alert): void {
  if (alert.status !== 'firing' || alert.muted === undefined) return;
  const muted = stillMuted(turn, alert, alert.muted);
  if (muted === undefined) return unmute(turn, alert, alert.muted);
  if (isInhibited(muted) !== isInhibited(alert.muted)) noteMuted(turn, alert, muted);
  const isSame = muted.inhibitor === alert.muted.inhibitor && muted.rule === alert.muted.rule;
  // Written again only when it would be looked at without end otherwise.
  if (isSame && isInhibited(muted) && alert.muted.until > turn.now)
    return scheduleAlert(turn, alert);
  const still = alertWith(alert, { muted });
  putAlert(turn.state, still);
  scheduleAlert(turn, still);
}

function unmute(turn: Turn, alert: Alert, { by, rule, inhibitor }: Muted): void {
  const { now } = turn;
  // For its incident it begins now: what was muted together belongs together.
  const again = alertWith(alert, { muted: undefined, incident: undefined, since: now });
  if (inhibitor === undefined) {
    noteAlert(turn, 'unsilenced', alert, `${by} is over`, { rule });
    return void takePlace(turn, again);
  }
  const { inhibition, alerts } = turn.state;
  const fires = inhibitor !== inhibition.ending && alerts.get(inhibitor)?.status === 'firing';
  const because = fires ? `${by} does not inhibit it any more` : `${by} is over`;
  noteAlert(turn, 'uninhibited', alert, because, { rule });
  // What comes with something else ends a little after it: alone, it has to outlast its hold anew.
  const hold = turn.rules.hold(subjectOf(alert));
  const heldUntil = Math.max(alert.heldUntil, now + hold.forMs);
  const isProven = alert.heldUntil <= now;
  const held = { heldUntil, holdRule: hold.rule, holdWhy: hold.why, awaitsWord: false };
  takePlace(turn, alertWith(again, held), isProven);
}

/** How an alert that begins to be muted is spoken of, and the verdict where that is what became of it. */
export function noteMuted(turn: Turn, alert: Alert, muted: Muted): 'silenced' | 'inhibited' {
  const verdict = isInhibited(muted) ? 'inhibited' : 'silenced';
  noteAlert(turn, verdict, alert, muted.by, muted);
  return verdict;
}

function isInhibited({ inhibitor }: Muted): boolean {
  return inhibitor !== undefined;
}

/**
 * Other rules are in force, or the lane was loaded: what they mute, and what they no longer mute.
 * What people were told of already stays told: a message does not end because a window begins.
 */
export function* reviewMuting(turn: Turn): Steps {
  for (const alert of turn.state.alerts.values()) {
    yield;
    if (alert.status !== 'firing' || alert.muted !== undefined) continue;
    if (incidentOf(turn.state, alert)?.phase === 'gathering') muteIfMatched(turn, alert);
  }
  yield* reviewAllMuted(turn, () => true);
}

/**
 * Those that these rules mute, in order of time: the first to take its place begins an incident that the others
 * join.
 */
export function* reviewAllMuted(turn: Turn, isAsked: (rule: RuleRef) => boolean): Steps {
  const { alerts } = turn.state;
  const muted: Alert[] = [];
  for (const alert of alerts.values()) {
    yield;
    if (alert.muted !== undefined && isAsked(alert.muted.rule)) muted.push(alert);
  }
  for (const { fingerprint } of yield* sorted(muted, isBefore)) {
    yield;
    const alert = alerts.get(fingerprint);
    if (alert !== undefined) reviewMuted(turn, alert);
  }
}

/** True when it is muted from now on. */
export function muteIfMatched(turn: Turn, alert: Alert): boolean {
  const muted = mutedNow(turn, alert);
  if (muted === undefined) return false;
  const incident = incidentOf(turn.state, alert);
  const silenced = alertWith(alert, { muted, incident: undefined });
  putAlert(turn.state, silenced);
  scheduleAlert(turn, silenced);
  noteMuted(turn, alert, muted);
  if (incident !== undefined) settle(turn, incident, alert.facts.service);
  return true;
}

/** How a decision refers to a silence that people set. */
export function silenceRef(id: string): string {
  return `silence ${id}`;
}

/** Reads of the alert what can match, and its fingerprint. */
export function mutedNow(turn: Turn, alert: Alert): Muted | undefined {
  const { state, rules, now } = turn;
  const subject = subjectOf(alert);
  const muted = rules.muted(subject, now) ?? silencedNow(turn, subject);
  if (muted !== undefined || rules.inhibit.length === 0) return muted;
  return inhibitedNow(alert, inhibitorOf(state.inhibition, alert), now);
}

function silencedNow(turn: Turn, subject: Subject): Muted | undefined {
  const longest = longestInForce(turn, (silence) => testOf(turn, silence)(subject));
  return longest === undefined ? undefined : mutedBy(longest);
}

/** The silence in force that lasts longest, of those that are wanted. */
export function longestInForce(
  { state, now }: Turn,
  isWanted: (silence: Silence) => boolean,
): Silence | undefined {
  let longest: Silence | undefined;
  for (const { silence } of state.silences.values()) {
    if (!isInForce(silence, now)) continue;
    if (longest !== undefined && lastsLonger(longest, silence)) continue;
    if (isWanted(silence)) longest = silence;
  }
  return longest;
}

export function isInForce({ startsAt, endsAt }: Silence, now: Instant): boolean {
  return startsAt <= now && now < endsAt;
}

function mutedBy({ createdBy, id, comment, endsAt }: Silence): Muted {
  return {
    by: `a silence of ${createdBy}`,
    rule: silenceRef(id),
    why: comment,
    until: endsAt,
    inhibitor: undefined,
  };
}

/** What mutes a muted alert from now on: what does so already, as long as it does. */
export function stillMuted(turn: Turn, alert: Alert, muted: Muted): Muted | undefined {
  const { state, now } = turn;
  if (muted.inhibitor !== undefined) {
    const inhibitor = inhibitorOf(state.inhibition, alert, muted.inhibitor);
    return inhibitor === undefined ? mutedNow(turn, alert) : inhibitedNow(alert, inhibitor, now);
  }
  const silence = state.silences.get(muted.rule.slice(silenceRef('').length))?.silence;
  const isSilence = silence !== undefined && muted.rule === silenceRef(silence.id);
  if (!isSilence || !isInForce(silence, now)) return mutedNow(turn, alert);
  return testOf(turn, silence)(subjectOf(alert)) ? mutedBy(silence) : mutedNow(turn, alert);
}

/** Of two that end together the first by id. */
function lastsLonger(one: Silence, other: Silence): boolean {
  return one.endsAt > other.endsAt || (one.endsAt === other.endsAt && one.id < other.id);
}

/** Nobody has to look before its inhibitor ends, which is looked after at once: this is in case of a fault. */
const AGAIN_MS = 86_400_000;

function inhibitedNow(
  { facts: own }: Alert,
  inhibitor: Inhibitor | undefined,
  now: Instant,
): Muted | undefined {
  if (inhibitor === undefined) return undefined;
  const { fingerprint, facts } = inhibitor;
  const { rule, why } = inhibitor.rule;
  // The same check, but worse, would be called the same.
  const isAlike = facts.name === own.name && facts.service === own.service;
  const by = `${isAlike ? `${facts.severity} ` : ''}${facts.name} of ${facts.service}`;
  return { by, rule, why, until: now + AGAIN_MS, inhibitor: fingerprint };
}

export function testOf(
  { state, rules }: Pick<Turn, 'state' | 'rules'>,
  silence: Silence,
): SilenceTest['matches'] {
  const known = state.silenceTests.get(silence);
  if (known?.rules === rules) return known.matches;
  const matches = rules.matching(silence.matchers);
  state.silenceTests.set(silence, { rules, matches });
  return matches;
}
