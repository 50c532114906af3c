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
import { recallNature } from './correlate/outside.ts';
import { fingerprintOf } from './dedupe/fingerprint.ts';
import { forgetMapped, knownBefore, reviewIdentity } from './dedupe/identity.ts';
import { repeated } from './dedupe/renew.ts';
import { newsOf } from './dedupe/repeat.ts';
import { recogniseHeartbeats, runDue, scheduleEverything } from './life/due.ts';
import { fires, overUnseen, resolved, newAlert, wentOn } from './episode.ts';
import { reviewInhibited } from './life/inhibit.ts';
import { buildIndex, useInhibitRules } from './state/inhibit-index.ts';
import { delivered } from './life/delivered.ts';
import { expectHeartbeats } from './life/heartbeat.ts';
import { reviewSources } from './life/lost-source.ts';
import { react } from './life/react.ts';
import { request } from './life/request.ts';
import { endSilence, setSilence } from './life/silences.ts';
import { makeRoom, withinRoom } from './life/room.ts';
import type { Alert, Effect, Event, Instant, Outcome, ReceivedAlert, Verdict } from './model.ts';
import { reviewMuting } from './life/mute.ts';
import { beginReview, lookFurther } from './life/review.ts';
import type { Rules } from './rules/rules.ts';
import type { LaneState } from './state/state.ts';
import { nextDue, type Steps, takeDue } from './state/timers.ts';
import { note, type Turn } from './state/turn.ts';
import { isHeavy } from './state/weight.ts';

/** What is due at most in one turn, so that a thousand time-outs at once do not take the breath away. */
const DUE_MAX = 100;

export function decide(state: LaneState, event: Event, now: Instant, rules: Rules): Outcome {
  const delivery = event.kind === 'alert' || event.kind === 'odd' ? event.delivery : undefined;
  const turn: Turn = {
    state,
    rules,
    now,
    delivery,
    decisions: [],
    effects: undefined,
  };
  if (state.inhibition.rules !== rules.inhibit && !looksAtAll(event))
    useInhibitRules(state.inhibition, rules.inhibit, state.alerts.values());
  const verdict = dispatch(turn, event);
  reviewInhibited(turn);
  const { decisions } = turn;
  if (turn.effects === undefined) return { verdict, decisions, effects: NONE, effectsDone: NONE };
  const effects: Effect[] = [];
  const effectsDone: string[] = [];
  for (const [id, effect] of turn.effects) {
    if (effect === undefined) effectsDone.push(id);
    else effects.push(effect);
  }
  return { verdict, decisions, effects, effectsDone };
}

const NONE: readonly never[] = [];

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
      return decideAlert(turn, event.alert, event.fingerprint);
    case 'odd':
      note(turn, 'quarantined', {
        because: `from ${event.source}: ${event.error}. It said: ${event.excerpt}`,
      });
      return 'quarantined';
    case 'reaction':
      react(turn, event);
      return undefined;
    case 'silence':
      setSilence(turn, event.silence);
      return undefined;
    case 'unsilence':
      endSilence(turn, event.id, event.by);
      return undefined;
    case 'request':
      request(turn, event);
      return undefined;
    case 'delivered':
      delivered(turn, event);
      return undefined;
    case 'tick':
      tick(turn);
      return undefined;
    case 'started':
      beginReview(turn, (own) => lookAtAll(own, true));
      return undefined;
    case 'rules-changed':
      beginReview(turn, (own) => lookAtAll(own, false));
      return undefined;
  }
}

function looksAtAll({ kind }: Event): boolean {
  return kind === 'started' || kind === 'rules-changed';
}

/** What a start, or other rules, mean for each record. */
function* lookAtAll(turn: Turn, isStart: boolean): Steps {
  const { state, rules } = turn;
  if (state.inhibition.rules !== rules.inhibit)
    yield* buildIndex(state.inhibition, rules.inhibit, state.alerts.values());
  yield* reviewIdentity(turn);
  if (isStart) {
    yield* recallNature(turn);
    yield* scheduleEverything(turn);
  }
  yield* recogniseHeartbeats(turn);
  yield* reviewMuting(turn);
  expectHeartbeats(turn);
  yield* reviewSources(turn);
}

function tick(turn: Turn): void {
  const { timers, weights } = turn.state;
  if (timers.reviews.length > 0) return lookFurther(turn);
  for (let ran = 0; ran < DUE_MAX; ran++) {
    const key = takeDue(timers, turn.now);
    if (key === undefined) return;
    runDue(turn, key);
    if (timers.reviews.length > 0 || isHeavy(weights)) return;
  }
}

function decideAlert(turn: Turn, heard: ReceivedAlert, name: string | undefined): Verdict {
  const fingerprint = name ?? fingerprintOf(heard.source, heard.labels, turn.rules.notIdentity);
  const known = knownAs(turn, fingerprint, heard);
  const received = known === undefined ? heard : withinRoom(turn.state, known, heard);
  const news = newsOf(known, received, turn.now);
  switch (news.kind) {
    case 'stale':
      note(turn, 'stale', { fingerprint, service: known?.facts.service, because: news.because });
      return 'stale';
    case 'repeats':
      return repeated(turn, news.known, received, news);
    case 'goes-on':
      return wentOn(turn, news.known, received);
    case 'resolves':
      if (known === undefined) makeRoom(turn);
      return resolved(
        turn,
        known ?? newAlert(turn, fingerprint, received),
        known !== undefined,
        news,
      );
    case 'fires':
      if (known === undefined) makeRoom(turn);
      return fires(
        turn,
        newAlert(turn, fingerprint, received, known),
        news.hidden ? overUnseen(turn, known, received) : known,
        news.hidden,
      );
  }
}

function knownAs(turn: Turn, fingerprint: string, received: ReceivedAlert): Alert | undefined {
  const known = turn.state.alerts.get(fingerprint);
  if (turn.state.mapped.size === 0) return known;
  if (known === undefined) return knownBefore(turn, fingerprint, received);
  forgetMapped(turn.state, known);
  return known;
}
