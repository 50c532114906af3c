/**
 * One turn of the pipeline: the state it works on and what it has decided and ordered so far.
 *
 * Stages read and write the state through it and say everything they do with `note`. A turn belongs
 * to one event at one instant.
 */
import type { Alert, Decision, Effect, Ground, Incident, Instant, Reason } from '../model.ts';
import type { Rules } from '../rules/rules.ts';
import { keyOf } from './keys.ts';
import { type LaneState, putIncident } from './state.ts';
import { schedule } from './timers.ts';
import { incidentWith } from './with.ts';

export interface Turn {
  readonly state: LaneState;
  readonly rules: Rules;
  readonly now: Instant;
  readonly delivery: string | undefined;
  readonly decisions: Decision[];
  /** What was ordered, by id; undefined for what is done. Most turns order nothing. */
  effects: Map<string, Effect | undefined> | undefined;
}

/** What is asked, and changes nothing, needs no more of a turn. */
export type Moment = Pick<Turn, 'state' | 'rules' | 'now'>;

/** As `turn`, but for some values: of one kind with all others (with.ts). */
export function turnWith(turn: Turn, changes: Partial<Turn>): Turn {
  const { state, rules, now, delivery, decisions, effects } = turn;
  return Object.assign({ state, rules, now, delivery, decisions, effects }, changes);
}

export interface About {
  readonly fingerprint?: string | undefined;
  readonly service?: string | undefined;
  readonly incident?: string | undefined;
  readonly because?: string | undefined;
  readonly ground?: Ground | undefined;
  readonly rule?: string | undefined;
  readonly why?: string | undefined;
}

type Entry = Pick<About, 'ground' | 'rule' | 'why'>;

/** A sentence weighs nothing in a commit, but names in it can have thousands of characters. */
const SENTENCE_MAX = 1_000;

export function note(turn: Turn, reason: Reason, about: About): void {
  weighSentence(turn, about.because);
  turn.decisions.push({
    at: turn.now,
    reason,
    fingerprint: about.fingerprint,
    service: about.service,
    incident: about.incident,
    delivery: turn.delivery,
    because: about.because,
    ground: about.ground,
    rule: about.rule,
    why: about.why,
  });
}

/**
 * Of an alert as it is now. Runs for every event, so nothing is spread: V8 makes a new shape of each
 * object that is, and all who read it are slow.
 */
export function noteAlert(
  turn: Turn,
  reason: Reason,
  alert: Alert,
  because: string | undefined,
  entry: Entry | undefined,
): void {
  weighSentence(turn, because);
  turn.decisions.push({
    at: turn.now,
    reason,
    fingerprint: alert.fingerprint,
    service: alert.facts.service,
    incident: alert.incident,
    delivery: turn.delivery,
    because,
    ground: entry?.ground,
    rule: entry?.rule,
    why: entry?.why,
  });
}

/** Of an incident as it is now: of its likely cause. */
export function noteIncident(
  turn: Turn,
  reason: Reason,
  { id, roots }: Incident,
  because: string,
  entry?: Entry,
): void {
  note(turn, reason, { incident: id, service: roots[0]?.service, because, ...entry });
}

function weighSentence({ state }: Turn, because: string | undefined): void {
  if (because !== undefined && because.length > SENTENCE_MAX)
    state.weights.changed += because.length;
}

/** Orders what is to be carried out, in place of what was ordered by the same id. */
export function order(turn: Turn, effect: Effect): void {
  turn.effects ??= new Map();
  turn.effects.set(effect.id, effect);
}

/** It was carried out, or never will be. */
export function orderDone(turn: Turn, id: string): void {
  turn.effects ??= new Map();
  turn.effects.set(id, undefined);
}

/** Changes an incident and returns it as it is now. */
export function change(turn: Turn, incident: Incident, changes: Partial<Incident>): Incident {
  const changed = incidentWith(incident, changes);
  putIncident(turn.state, changed);
  return changed;
}

export function wakeIncident(turn: Turn, id: string, at: Instant): void {
  schedule(turn.state.timers, keyOf('i', id), Math.max(at, turn.now + 1));
}

export function orderMessage(turn: Turn, incident: Incident): void {
  order(turn, {
    kind: 'message',
    id: `message:${incident.id}`,
    incident: incident.id,
    at: turn.now,
    channel: channelOf(incident),
    severity: incident.severity,
    delivery: turn.delivery,
  });
}

/** Where it is told, or is to be. */
export function channelOf({ message, route }: Incident): string {
  return message?.channel ?? route?.channel ?? '';
}
