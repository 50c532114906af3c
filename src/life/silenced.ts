/**
 * What mutes an alert now: the rules (silences in files, maintenance windows, the hours of its route),
 * then the silences that people set, then another alert that inhibits it.
 */
import { type Inhibitor, inhibitorOf } from '../state/inhibit-index.ts';
import type { Alert, Instant, Muted, Silence } from '../model.ts';
import type { Subject } from '../rules/rules.ts';
import type { SilenceTest } from '../state/small-records.ts';
import type { Turn } from '../state/turn.ts';
import { subjectOf } from './lead.ts';

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
