/**
 * Time intervals in Alertmanager's notation: `monday:friday`, `1:5`, `-3:-1`, `january:march`.
 */
import type { z } from 'zod';
import type { Collected } from './collect.ts';
import { type Interval, type Range, type Schedule, scheduleOf } from '../interval.ts';
import { type Report, below } from '../files/report.ts';
import type { NamedSchedule } from '../route.ts';
import type { IntervalParts } from './schema.ts';
import { type Place, refOf } from '../files/source-file.ts';
import { didYouMean } from '../did-you-mean.ts';

type Parts = z.output<typeof IntervalParts>;

const WEEKDAYS = words('sunday monday tuesday wednesday thursday friday saturday');
const MONTHS = words(
  'january february march april may june july august september october november december',
);

function words(text: string): readonly string[] {
  return text.split(' ');
}

export interface Schedules {
  /** Reports a name that is not defined. */
  readonly find: (name: string, place: Place) => NamedSchedule | undefined;
}

export function compileSchedules(collected: Collected, report: Report): Schedules {
  const named = new Map<string, Schedule>();
  const places = new Map<string, Place>();
  for (const { value, place } of collected.timeIntervals) {
    const before = places.get(value.name);
    if (before !== undefined) {
      const message = `time interval "${value.name}" stands twice: also in ${refOf(before)}`;
      report.error(below(place, 'name'), message);
      continue;
    }
    places.set(value.name, place);
    const { name, why: _why, intervals, time_intervals: theirs, ...inline } = value;
    const own = Object.values(inline).some((part) => part !== undefined) ? [inline] : [];
    const all = [
      ...own.map((parts) => compileInterval(parts, place, report)),
      ...(intervals ?? []).map((p, i) => compileInterval(p, below(place, 'intervals', i), report)),
      ...(theirs ?? []).map((p, i) =>
        compileInterval(p, below(place, 'time_intervals', i), report),
      ),
    ];
    if (all.length === 0) report.error(place, `time interval "${name}" says no time`);
    named.set(name, scheduleOf(all));
  }
  function find(name: string, place: Place): NamedSchedule | undefined {
    const schedule = named.get(name);
    if (schedule !== undefined) return { name, schedule };
    if (collected.mayDefine(name)) return undefined;
    const hint = didYouMean(name, named.keys()) ?? 'define it under timeIntervals:';
    report.error(place, `unknown time interval "${name}"`, hint);
    return undefined;
  }
  return { find };
}

export function compileInterval(parts: Parts, place: Place, report: Report): Interval {
  const read = (key: keyof Parts, kind: RangeKind): readonly Range[] => {
    const texts: unknown = parts[key];
    if (!Array.isArray(texts)) return [];
    return texts.flatMap((text: unknown, i) => {
      const range = parseRange(String(text), kind);
      if (range.kind === 'range') return [range.range];
      report.error(below(place, key, i), range.message, range.hint);
      return [];
    });
  };
  return {
    times: timesOf(parts, place, report),
    weekdays: read('weekdays', WEEKDAY),
    daysOfMonth: [...read('days_of_month', MONTH_DAY), ...read('daysOfMonth', MONTH_DAY)],
    months: read('months', MONTH),
    years: read('years', YEAR),
    zone: parts.location ?? 'UTC',
  };
}

function timesOf(parts: Parts, place: Place, report: Report): readonly Range[] {
  return (parts.times ?? []).flatMap((time, i) => {
    const at = below(place, 'times', i);
    const from = time.start_time ?? time.startTime;
    const to = time.end_time ?? time.endTime;
    if (from === undefined || to === undefined) {
      report.error(
        at,
        `"times" needs start_time and end_time`,
        'the end is exclusive, up to 24:00',
      );
      return [];
    }
    if (from < to) return [{ from, to }];
    const hint = 'over midnight takes two entries: until 24:00, and from 00:00';
    report.error(at, 'the end is not after the start', hint);
    return [];
  });
}

interface RangeKind {
  readonly what: string;
  readonly names: readonly string[];
  /** Number that the first name stands for. */
  readonly base: number;
  readonly least: number;
  readonly most: number;
  readonly wraps: boolean;
  readonly example: string;
}
const WEEKDAY: RangeKind = {
  what: 'day of the week',
  names: WEEKDAYS,
  base: 0,
  least: Number.POSITIVE_INFINITY,
  most: Number.NEGATIVE_INFINITY,
  wraps: true,
  example: 'write it like monday or monday:friday',
};
const MONTH: RangeKind = {
  what: 'month',
  names: MONTHS,
  base: 1,
  least: 1,
  most: 12,
  wraps: true,
  example: 'write it like march, 3 or march:may',
};
const MONTH_DAY: RangeKind = {
  what: 'day of the month',
  names: [],
  base: 0,
  least: -31,
  most: 31,
  wraps: false,
  example: 'write it like 1, 1:7 or -3:-1 (the last three days)',
};
const YEAR: RangeKind = {
  what: 'year',
  names: [],
  base: 0,
  least: 1970,
  most: 9999,
  wraps: false,
  example: 'write it like 2027 or 2027:2029',
};

type ParsedRange =
  | { readonly kind: 'range'; readonly range: Range }
  | { readonly kind: 'refused'; readonly message: string; readonly hint: string };

function parseRange(text: string, kind: RangeKind): ParsedRange {
  const refused = (message: string, hint: string): ParsedRange => ({
    kind: 'refused',
    message,
    hint,
  });
  const [first = '', second, ...more] = text.trim().toLowerCase().split(':');
  const from = parseOne(first, kind);
  const to = second === undefined ? from : parseOne(second, kind);
  if (from === undefined || to === undefined || more.length > 0) {
    const wrong = from === undefined ? first : (second ?? first);
    const hint = didYouMean(wrong.trim(), kind.names) ?? kind.example;
    return refused(`"${text.slice(0, 40)}" is no ${kind.what}`, hint);
  }
  // Negative days count from the end: only two of the same sign can be compared.
  const comparable = from < 0 === to < 0;
  if (!kind.wraps && comparable && from > to) {
    return refused(`"${text.slice(0, 40)}" ends before it begins`, kind.example);
  }
  if (from < 0 && to > 0) {
    return refused(`"${text.slice(0, 40)}" counts from the end to the beginning`, kind.example);
  }
  return { kind: 'range', range: { from, to } };
}

function parseOne(text: string, kind: RangeKind): number | undefined {
  const word = text.trim();
  const index = kind.names.findIndex((name) => name === word);
  if (index >= 0) return kind.base + index;
  if (!/^-?\d{1,4}$/.test(word)) return undefined;
  const value = Number(word);
  const isDay = kind === MONTH_DAY && value === 0;
  return value >= kind.least && value <= kind.most && !isDay ? value : undefined;
}
