/**
 * Time intervals with Alertmanager's meaning: wall-clock minutes, week days, days of month, months and
 * years in a time zone, every stated part must hold, several intervals are joined by "or".
 *
 * `until` is when the answer may change next, found from the boundaries of each local day and the
 * clock changes in it, so that a timer can be set on it. The answer is kept until then.
 */
import { DateTime, IANAZone } from 'luxon';
import type { Instant } from '../model.ts';

/** Both ends belong to the range, except for `times`, whose end is exclusive. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Interval {
  /** Minutes since local midnight, end exclusive, up to 1440. */
  readonly times: readonly Range[];
  /** 0 is Sunday. A range may wrap: Saturday to Sunday. */
  readonly weekdays: readonly Range[];
  /** Negative counts from the end of the month. */
  readonly daysOfMonth: readonly Range[];
  readonly months: readonly Range[];
  readonly years: readonly Range[];
  readonly zone: string;
}

interface IntervalState {
  readonly active: boolean;
  /** The answer holds until then, exclusive. */
  readonly until: Instant;
}

export type Schedule = (now: Instant) => IntervalState;

const MINUTE = 60_000;
const DAY_MINUTES = 1_440;
/** We look no further than this: whoever asked looks again then. */
const LOOK_AHEAD_DAYS = 40;

/** Active while any of the intervals is. */
export function scheduleOf(intervals: readonly Interval[]): Schedule {
  return eitherOf(intervals.map(remembered));
}

export function eitherOf(each: readonly Schedule[]): Schedule {
  const [only] = each;
  if (only !== undefined && each.length === 1) return only;
  return (now) => {
    let active = false;
    let until = Number.POSITIVE_INFINITY;
    for (const state of each) {
      const one = state(now);
      active ||= one.active;
      until = Math.min(until, one.until);
    }
    return { active, until: Number.isFinite(until) ? until : now + LOOK_AHEAD_DAYS * 86_400_000 };
  };
}

function remembered(interval: Interval): Schedule {
  let from = 0;
  let last: IntervalState = { active: false, until: 0 };
  return (now) => {
    if (now >= from && now < last.until) return last;
    from = now;
    last = { active: contains(interval, now), until: nextChange(interval, now) };
    return last;
  };
}

export function contains(interval: Interval, at: Instant): boolean {
  const day = DateTime.fromMillis(at, { zone: interval.zone }).startOf('day');
  if (!dayMatches(interval, day)) return false;
  return spansOf(interval, day).some(({ from, to }) => at >= from && at < to);
}

function dayMatches(interval: Interval, day: DateTime): boolean {
  const { weekdays, daysOfMonth, months, years } = interval;
  return (
    (years.length === 0 || years.some((range) => within(range, day.year))) &&
    (months.length === 0 || months.some((range) => within(range, day.month))) &&
    (weekdays.length === 0 || weekdays.some((range) => within(range, day.weekday % 7))) &&
    (daysOfMonth.length === 0 || daysOfMonth.some((range) => dayOfMonthMatches(range, day)))
  );
}

function within({ from, to }: Range, value: number): boolean {
  return from <= to ? value >= from && value <= to : value >= from || value <= to;
}

/** As Alertmanager does it: a range that begins after the end of this month has no day in it. */
function dayOfMonthMatches({ from, to }: Range, day: DateTime): boolean {
  const days = day.daysInMonth ?? 31;
  const first = from < 0 ? days + from + 1 : from;
  const last = to < 0 ? days + to + 1 : to;
  if (first > days) return false;
  return day.day >= Math.max(first, -days) && day.day <= Math.min(last, days);
}

/** The first instant after `now` at which `contains` may answer differently. */
export function nextChange(interval: Interval, now: Instant): Instant {
  const active = contains(interval, now);
  let start: DateTime = DateTime.fromMillis(now, { zone: interval.zone }).startOf('day');
  for (let day = 0; day <= LOOK_AHEAD_DAYS; day += 1) {
    for (const at of boundaries(interval, start)) {
      if (at > now && contains(interval, at) !== active) return at;
    }
    start = nextDay(start);
  }
  return start.toMillis();
}

/** Instants in a local day at which an interval may begin or end, in order. */
function boundaries(interval: Interval, start: DateTime): readonly Instant[] {
  const spans = dayMatches(interval, start) ? spansOf(interval, start) : [];
  return [start.toMillis(), ...spans.flatMap(({ from, to }) => [from, to])].sort((a, b) => a - b);
}

interface Span {
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
}

/**
 * When, in a local day, the times of an interval are. A time that the clock shows twice comes twice; but
 * a window that is on when the clock is put back stays on until its last end, without a hole.
 */
function spansOf({ times, zone }: Interval, start: DateTime): readonly Span[] {
  const parts = partsOf(start, IANAZone.create(zone));
  const midnight = Date.UTC(start.year, start.month - 1, start.day);
  const ranges = times.length === 0 ? [{ from: 0, to: DAY_MINUTES }] : times;
  return ranges.flatMap((range) => {
    const pieces = parts
      .map(({ from, to, offset }) => ({
        from: Math.max(from, midnight + (range.from - offset) * MINUTE),
        to: Math.min(to, midnight + (range.to - offset) * MINUTE),
      }))
      .filter(({ from, to }) => from < to);
    const [first, second] = pieces;
    const goesOn = first !== undefined && second !== undefined && first.to === parts[0]?.to;
    return goesOn ? [{ from: first.from, to: second.to }] : pieces;
  });
}

/** A local day, in two parts if the clock changes in it; `offset` in minutes. */
function partsOf(start: DateTime, zone: IANAZone): readonly (Span & { readonly offset: number })[] {
  const from = start.toMillis();
  const to = nextDay(start).toMillis();
  const [before, after] = [zone.offset(from), zone.offset(to - MINUTE)];
  if (before === after) return [{ from, to, offset: before }];
  const change = clockChange(zone, from, to);
  return [
    { from, to: change, offset: before },
    { from: change, to, offset: after },
  ];
}

function nextDay(start: DateTime): DateTime {
  return start.plus({ days: 1 }).startOf('day');
}

/** When, in a day that has two offsets, the clock changes. */
function clockChange(zone: IANAZone, from: Instant, to: Instant): Instant {
  const before = zone.offset(from);
  let low = from;
  let high = to;
  while (high - low > MINUTE) {
    const middle = low + Math.floor((high - low) / 2 / MINUTE) * MINUTE;
    if (zone.offset(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}
