/**
 * The ordered lists: hold, flap, chronic, correlate, silences, maintenance, heartbeats.
 */
import type { Instant } from '../../model.ts';
import type { Collected, Entry } from './collect.ts';
import { type MatchContext, type Matching, compileMatch, matchPlace } from './match.ts';
import { type Schedules, compileInterval } from './times.ts';
import {
  DEFAULT_CHRONIC,
  DEFAULT_CORRELATE,
  DEFAULT_FLAP,
  DEFAULT_HEARTBEAT,
} from '../defaults.ts';
import { eitherOf, type Schedule, scheduleOf } from '../interval.ts';
import { formatDuration } from '../duration.ts';
import type { Mute } from '../mute.ts';
import { boundsOf, contradiction, createOrder, matchesAll } from './reach.ts';
import { type Report, below } from '../files/report.ts';
import type { ChronicRule, CorrelateRule, FlapRule, HeartbeatRule, HoldRule } from '../rules.ts';
import { type Place, refOf } from '../files/source-file.ts';
import type { Ruled } from '../first-match.ts';

/** Reports entries that nothing reaches, because those before them take it all. */
function ruled<V extends Matching, T>(
  entries: readonly Entry<V>[],
  context: MatchContext,
  toRule: (entry: Entry<V>) => T,
): readonly Ruled<T>[] {
  const before = createOrder<Entry<V>>();
  return entries.map((entry) => {
    const { test, conditions } = compileMatch(entry, context);
    const bounds = boundsOf(conditions);
    const by = contradiction(bounds) === undefined ? before.takers(bounds) : undefined;
    if (by !== undefined) {
      const where = by.map(({ place }) => refOf(place)).join(', ');
      const takes = by.length === 1 ? `the entry in ${where} takes` : `those in ${where} take`;
      const message = `never used: ${takes} all that it would match`;
      context.report.warning(entry.place, message, 'the first entry that matches counts');
    }
    before.add(entry, conditions);
    return { matches: test, rule: toRule(entry) };
  });
}

export function compileHolds(
  collected: Collected,
  context: MatchContext,
): readonly Ruled<HoldRule>[] {
  return ruled(collected.hold, context, ({ value, place }) => {
    warnOfExpiry(value.for, below(place, 'for'), collected, context.report);
    return { forMs: value.for, rule: refOf(place), why: value.why };
  });
}

/** What its source mentions once and no more is over before it is told. */
function warnOfExpiry(forMs: number, place: Place, collected: Collected, report: Report): void {
  const timeoutMs = collected.incident?.value.resolveTimeout;
  if (collected.incident === undefined || timeoutMs === undefined || forMs < timeoutMs) return;
  const timeout = formatDuration(timeoutMs);
  const where = refOf(below(collected.incident.place, 'resolveTimeout'));
  const message = `a firing alert counts as resolved when it is not mentioned for ${timeout} (${where}): this hold is no shorter`;
  report.warning(place, message, `make it shorter than ${timeout}, or resolveTimeout longer`);
}

export function compileFlaps(
  collected: Collected,
  context: MatchContext,
): readonly Ruled<FlapRule | undefined>[] {
  return ruled(collected.flap, context, ({ value, place }) => {
    if (value.off === true) return undefined;
    const rule: FlapRule = {
      halfLifeMs: value.halfLife ?? DEFAULT_FLAP.halfLifeMs,
      suppress: value.suppress ?? DEFAULT_FLAP.suppress,
      reuse: value.reuse ?? Math.min(DEFAULT_FLAP.reuse, (value.suppress ?? Infinity) / 2),
      quietMs: value.quietFor ?? DEFAULT_FLAP.quietMs,
      maxSuppressMs: value.maxSuppress ?? DEFAULT_FLAP.maxSuppressMs,
      sustainedMs: value.sustained ?? DEFAULT_FLAP.sustainedMs,
      rule: refOf(place),
      why: value.why,
    };
    if (rule.halfLifeMs === 0) {
      context.report.error(below(place, 'halfLife'), '"halfLife" must be longer than 0');
    }
    if (rule.reuse >= rule.suppress) {
      const message = `"reuse" (${rule.reuse}) must be below "suppress" (${rule.suppress})`;
      context.report.error(below(place, 'reuse'), message, 'each re-fire adds 1000');
    }
    return rule;
  });
}

export function compileChronics(
  collected: Collected,
  context: MatchContext,
): readonly Ruled<ChronicRule | undefined>[] {
  return ruled(collected.chronic, context, ({ value, place }) => {
    if (value.off === true) return undefined;
    const firedMs = value.firedFor ?? DEFAULT_CHRONIC.firedMs;
    return { firedMs, rule: refOf(place), why: value.why };
  });
}

export function compileCorrelations(
  collected: Collected,
  context: MatchContext,
): readonly Ruled<CorrelateRule>[] {
  return ruled(collected.correlate, context, ({ value, place }) => {
    const windowMs = value.window ?? DEFAULT_CORRELATE.windowMs;
    return {
      on: value.off !== true,
      windowMs,
      spanMs: value.span ?? Math.max(DEFAULT_CORRELATE.spanMs, windowMs),
      maxHops: value.maxHops ?? DEFAULT_CORRELATE.maxHops,
      silent: value.silent ?? DEFAULT_CORRELATE.silent,
      by: value.by ?? [],
      rule: refOf(place),
      why: value.why,
    };
  });
}

export interface PlacedMute {
  readonly mute: Mute;
  readonly kind: 'silence' | 'window';
  /** What a person would call it. */
  readonly called: string;
  readonly place: Place;
}

export function compileMutes(
  collected: Collected,
  context: MatchContext,
  schedules: Schedules,
): readonly PlacedMute[] {
  const silences = collected.silences.map((entry): PlacedMute => {
    const { value, place } = entry;
    const { test, conditions } = compileMatch(entry, context);
    if ((value.match ?? value.matchers ?? []).length === 0) {
      const hint = 'without it, it would mute everything';
      context.report.error(place, 'a silence needs a "match"', hint);
    } else if (conditions.length > 0 && matchesAll(conditions)) {
      const hint = 'say which alerts it is about';
      context.report.warning(matchPlace(entry), 'this silence mutes everything', hint);
    }
    if ((value.match ?? value.matchers) !== undefined)
      warnOfEndless(entry, 'this silence', context.report);
    const base = muteOf(entry, value.name ?? 'silence', context);
    const called = calledBy(value.name, 'silence');
    const mute = { ...base, matches: test, schedule: undefined };
    return { kind: 'silence', place, called, mute };
  });
  const windows = collected.maintenance.map((entry): PlacedMute => {
    const { test, conditions } = compileMatch(entry, context);
    // With a reason it is meant to; an entry without matchers matches everything as well.
    if (entry.value.why === undefined && matchesAll(conditions)) {
      const hint = 'say which alerts it is about, or say why: it is meant';
      context.report.warning(matchPlace(entry), 'this maintenance window mutes everything', hint);
    }
    const base = muteOf(entry, entry.value.name ?? 'maintenance', context);
    const schedule = scheduleFor(entry, context, schedules);
    if (schedule === undefined && entry.value.startsAt !== undefined)
      warnOfEndless(entry, 'this maintenance window', context.report);
    const called = calledBy(entry.value.name, 'maintenance window');
    const mute = { ...base, matches: test, schedule };
    return { kind: 'window', place: entry.place, called, mute };
  });
  return [...silences, ...windows];
}

/** What is forgotten mutes for ever. */
function warnOfEndless({ value, place }: Entry<Bounded>, what: string, report: Report): void {
  if (value.endsAt !== undefined) return;
  const hint = 'give it an endsAt:, or end it at the source of the alert';
  report.warning(place, `${what} never ends`, hint);
}

function calledBy(name: string | undefined, kind: string): string {
  return name === undefined ? `this ${kind}` : `"${name}"`;
}

/** Certain only with a clock. */
export function warnOfPast(
  mutes: readonly PlacedMute[],
  now: Instant | undefined,
  report: Report,
): void {
  if (now === undefined) return;
  for (const { mute, place, called } of mutes) {
    if (mute.endsAt === undefined || mute.endsAt > now) continue;
    report.warning(below(place, 'endsAt'), `${called} is already over`, 'take it out');
  }
}

interface Bounded {
  readonly startsAt?: number | undefined;
  readonly endsAt?: number | undefined;
  readonly why?: string | undefined;
}

function muteOf({ value, place }: Entry<Bounded>, name: string, context: MatchContext) {
  const { startsAt, endsAt, why } = value;
  if (startsAt !== undefined && endsAt !== undefined && endsAt <= startsAt) {
    context.report.error(below(place, 'endsAt'), 'the end is not after the start');
  }
  return { name, startsAt, endsAt, rule: refOf(place), why };
}

function scheduleFor(
  { value, place }: Collected['maintenance'][number],
  context: MatchContext,
  schedules: Schedules,
): Schedule | undefined {
  const every = (value.every ?? []).map((parts, i) =>
    compileInterval(parts, below(place, 'every', i), context.report),
  );
  const during = (value.during ?? []).map((name, i) =>
    schedules.find(name, below(place, 'during', i)),
  );
  const named = during.flatMap((one) => (one === undefined ? [] : [one.schedule]));
  if (every.length === 0 && during.length === 0) {
    if (value.startsAt === undefined && value.endsAt === undefined) {
      const hint = 'say every:, during:, or startsAt: and endsAt:';
      context.report.error(place, 'a maintenance window needs a time', hint);
    }
    return undefined;
  }
  const own = every.length > 0 ? [scheduleOf(every)] : [];
  return eitherOf([...own, ...named]);
}

export function compileHeartbeats(
  collected: Collected,
  context: MatchContext,
): readonly HeartbeatRule[] {
  if (!collected.states('heartbeats')) return [DEFAULT_HEARTBEAT];
  return collected.heartbeats.map((entry) => {
    const { value, place } = entry;
    const { test } = compileMatch(entry, context);
    if ((value.match ?? value.matchers ?? []).length === 0) {
      const hint = `say which alerts are the heartbeat, like match: ['alertname="Watchdog"']`;
      context.report.error(place, `heartbeat "${value.name}" needs a "match"`, hint);
    }
    const missingAfterMs = value.missingAfter ?? DEFAULT_HEARTBEAT.missingAfterMs;
    if (missingAfterMs < 10_000) {
      context.report.error(below(place, 'missingAfter'), '"missingAfter" must be at least 10s');
    }
    return {
      name: value.name,
      matches: test,
      missingAfterMs,
      expected: value.expected ?? true,
      channel: value.channel,
      rule: refOf(place),
      why: value.why,
    };
  });
}
