/**
 * What mutes an alert: silences, maintenance windows, and the time intervals of its route.
 *
 * `until` is when to look again: the end of the window, or earlier. An alert that still fires then is
 * told then.
 */
import type { Instant, Muted, RuleRef } from '../model.ts';
import type { Schedule } from './interval.ts';
import type { Predicate } from './matcher.ts';
import type { Subject } from './rules.ts';

export interface Mute {
  readonly name: string;
  readonly matches: Predicate;
  /** Both bounds are optional: a silence without an end lasts until somebody takes it out. */
  readonly startsAt: Instant | undefined;
  readonly endsAt: Instant | undefined;
  /** All the time between the bounds when undefined. */
  readonly schedule: Schedule | undefined;
  readonly rule: RuleRef;
  readonly why: string | undefined;
}

type MutedBy = (subject: Subject, now: Instant) => Muted | undefined;

/** An endless silence is looked at again after this. */
const AGAIN_MS = 86_400_000;

export function mutedBy(mutes: readonly Mute[], byRoute: MutedBy | undefined): MutedBy {
  if (mutes.length === 0) return byRoute ?? (() => undefined);
  // All alerts of a delivery ask at one instant.
  let asked = Number.NaN;
  let active: readonly Active[] = [];
  return (subject, now) => {
    if (now !== asked) {
      asked = now;
      active = activeAt(mutes, now);
    }
    for (const { mute, until } of active) {
      if (!mute.matches(subject)) continue;
      return { by: mute.name, rule: mute.rule, why: mute.why, until, inhibitor: undefined };
    }
    return byRoute?.(subject, now);
  };
}

interface Active {
  readonly mute: Mute;
  readonly until: Instant;
}

function activeAt(mutes: readonly Mute[], now: Instant): readonly Active[] {
  const active: Active[] = [];
  for (const mute of mutes) {
    const until = activeUntil(mute, now);
    if (until !== undefined) active.push({ mute, until });
  }
  return active;
}

function activeUntil(mute: Mute, now: Instant): Instant | undefined {
  const { startsAt, endsAt, schedule } = mute;
  if (startsAt !== undefined && now < startsAt) return undefined;
  if (endsAt !== undefined && now >= endsAt) return undefined;
  const end = endsAt ?? Number.POSITIVE_INFINITY;
  if (schedule === undefined) return Math.min(end, now + AGAIN_MS);
  const state = schedule(now);
  return state.active ? Math.min(end, state.until) : undefined;
}
