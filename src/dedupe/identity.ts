/**
 * Who an alert is under other rules. Which labels count is a matter of rules (`replica:`,
 * `transaction:`), and what labels there are is one too where a mapping makes them (`ingest:`). An alert
 * that fires goes on under its new name, so that its source can still end it.
 */
import { settleWithout } from '../life/end.ts';
import type { Alert, Instant, Labels, ReceivedAlert } from '../model.ts';
import { scheduleAlert } from '../life/schedule.ts';
import { keyOf } from '../state/keys.ts';
import { type LaneState, putAlert, removeAlert } from '../state/state.ts';
import { schedule, type Steps } from '../state/timers.ts';
import type { Turn } from '../state/turn.ts';
import { alertWith } from '../state/with.ts';
import { fingerprintOf } from './fingerprint.ts';
import { REPLICA_SKEW_MS } from './repeat.ts';

/**
 * Other rules are in force, or the lane was loaded, perhaps with others than before. Who may have another
 * name now gets it as what is due: in slices if they are many, and before anything else is decided.
 */
export function* reviewIdentity(turn: Turn): Steps {
  const { state, rules, now } = turn;
  const isOther = otherNames(state.notIdentity, rules.notIdentity);
  state.notIdentity = rules.notIdentity;
  if (isOther !== undefined)
    for (const alert of state.alerts.values()) {
      if (isOther(alert)) schedule(state.timers, keyOf('name', alert.fingerprint), now);
      yield;
    }
  state.mapped.clear();
  if (rules.mappings.size === 0) return;
  for (const alert of state.alerts.values()) {
    yield;
    if (alert.status !== 'firing' || !rules.mappings.has(alert.source)) continue;
    const key = beganKey(alert.source, alert.startsAt);
    state.mapped.set(key, (state.mapped.get(key) ?? new Set()).add(alert.fingerprint));
  }
}

/** Which alerts have another name by other rules? Undefined: none. Without rules `before` each is looked at. */
function otherNames(
  before: ReadonlySet<string> | undefined,
  after: ReadonlySet<string>,
): ((alert: Alert) => boolean) | undefined {
  if (before === undefined)
    return ({ source, labels, fingerprint }) =>
      fingerprintOf(source, labels, after) !== fingerprint;
  const changed = [...before, ...after].filter((name) => before.has(name) !== after.has(name));
  if (changed.length === 0) return undefined;
  return ({ labels }) => changed.some((name) => Object.hasOwn(labels, name));
}

/** Gives an alert its name under the rules in force. */
export function nameAnew(turn: Turn, before: string): void {
  const { state, rules } = turn;
  const alert = state.alerts.get(before);
  if (alert === undefined) return;
  const fingerprint = fingerprintOf(alert.source, alert.labels, rules.notIdentity);
  if (fingerprint === before) return;
  // Whoever has that name by the rules before, and not by these, makes way: its new name is nobody's old one.
  nameAnew(turn, fingerprint);
  rename(turn, alert, fingerprint);
}

/** Replicas date a firing up to this far apart, so it is found under the key of its own or a next span. */
function beganKey(source: string, startsAt: Instant, later = 0): string {
  return `${source}\n${Math.floor(startsAt / REPLICA_SKEW_MS) + later}`;
}

/**
 * The alert that this one is, known from before the rules changed by labels that its mapping does not
 * make any more, or not yet; renamed. Undefined: it is a new one.
 */
export function knownBefore(
  turn: Turn,
  fingerprint: string,
  received: ReceivedAlert,
): Alert | undefined {
  const { state } = turn;
  const { source, labels, startsAt, undated } = received;
  const spans = undated === true ? spansOf(state, source) : around(source, startsAt);
  let looked = 0;
  for (const span of spans) {
    for (const name of state.mapped.get(span) ?? []) {
      if (++looked > LOOKED_AT_MAX) return undefined;
      const alert = state.alerts.get(name);
      if (alert === undefined) continue;
      const isThen = undated === true || Math.abs(alert.startsAt - startsAt) <= REPLICA_SKEW_MS;
      if (!isThen || !isMappedOtherwise(alert.labels, labels)) continue;
      state.mapped.get(span)?.delete(name);
      return rename(turn, alertWith(alert, { labels }), fingerprint);
    }
  }
  return undefined;
}

/** More that began together is a storm, in which a new alert must cost no more than before. */
const LOOKED_AT_MAX = 200;

function around(source: string, startsAt: Instant): readonly string[] {
  return [-1, 0, 1].map((later) => beganKey(source, startsAt, later));
}

/** Its source says of none when it began. */
function spansOf(state: LaneState, source: string): readonly string[] {
  return [...state.mapped.keys()].filter((key) => key.startsWith(`${source}\n`));
}

/** It is mentioned by the name that it has, so no other will come for it. */
export function forgetMapped({ mapped }: LaneState, alert: Alert): void {
  const key = beganKey(alert.source, alert.startsAt);
  const names = mapped.get(key);
  if (names?.delete(alert.fingerprint) === true && names.size === 0) mapped.delete(key);
}

/** One mapping makes the same names of all alerts. What both have must say the same. */
function isMappedOtherwise(one: Labels, other: Labels): boolean {
  const names = Object.keys(one);
  const shared = names.filter((name) => Object.hasOwn(other, name));
  if (shared.length === 0 || shared.length === Math.max(names.length, Object.keys(other).length))
    return false;
  return shared.every((name) => one[name] === other[name]);
}

/** Two that are one now, as of two replicas: what fires goes on, else what came last. */
function rename(turn: Turn, alert: Alert, fingerprint: string): Alert {
  const { state } = turn;
  const twin = state.alerts.get(fingerprint);
  removeAlert(state, alert.fingerprint);
  const [kept, gone] = twin === undefined || outweighs(alert, twin) ? [alert, twin] : [twin, alert];
  if (gone === twin && gone !== undefined) removeAlert(state, fingerprint);
  const renamed = alertWith(kept, { fingerprint });
  putAlert(state, renamed);
  const names = state.mapped.get(beganKey(alert.source, alert.startsAt));
  if (names?.delete(alert.fingerprint) === true) names.add(fingerprint);
  scheduleAlert(turn, renamed);
  if (gone !== undefined) settleWithout(turn, gone);
  return renamed;
}

function outweighs(one: Alert, other: Alert): boolean {
  if (one.status !== other.status) return one.status === 'firing';
  return one.startsAt > other.startsAt;
}
