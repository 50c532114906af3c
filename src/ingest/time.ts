/**
 * Times as sources write them: RFC 3339, strictly, to the millisecond.
 *
 * Read by hand, because `Date.parse` takes many things for a time that are none, and because two
 * times stand in every alert.
 */
import type { Instant } from '../model.ts';

/** Go's zero time. Prometheus, Alertmanager and amtool write it for "not given". */
const ZERO = '0001-01-01T00:00:00Z';
const ZERO_TIME = /^0001-01-01T00:00:00(\.0+)?(Z|[+-]00:00)$/;
const YEAR_MIN = 1970;

export type ReadTime = Instant | 'unset' | 'odd';

/** `unset` for undefined, null, an empty string and Go's zero time. */
export function readTime(value: unknown): ReadTime {
  if (value === undefined || value === null || value === '' || value === ZERO) return 'unset';
  if (typeof value !== 'string') return 'odd';
  const at = parseTime(value);
  if (at !== undefined) return at;
  return ZERO_TIME.test(value) ? 'unset' : 'odd';
}

/** Undefined for what is no RFC 3339 time of the years 1970 to 9999. */
export function parseTime(text: string): Instant | undefined {
  if (text.length < 20 || text.length > 40 || !punctuated(text)) return undefined;
  const day = readDay(text);
  const time = readTimeOfDay(text);
  const zone = skipFraction(text);
  if (day === undefined || time === undefined || zone === undefined) return undefined;
  const offset = offsetMs(text, zone);
  if (offset === undefined) return undefined;
  const at = day + time + fractionMs(text, zone) - offset;
  return at >= 0 ? at : undefined;
}

function punctuated(text: string): boolean {
  return (
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    lower(text.charCodeAt(10)) === LOWER_T &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON
  );
}

function readDay(text: string): number | undefined {
  const year = two(text, 0) * 100 + two(text, 2);
  const month = two(text, 5);
  const day = two(text, 8);
  if (!(year >= YEAR_MIN && month >= 1 && month <= 12)) return undefined;
  return day >= 1 && day <= daysIn(year, month) ? daysBefore(year, month, day) * DAY_MS : undefined;
}

const DAY_MS = 86_400_000;

/** Days since 1970-01-01. The year is counted from March, so that the leap day is its last. */
function daysBefore(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const m = month > 2 ? month - 3 : month + 9;
  const leaps = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return y * 365 + leaps + Math.floor((153 * m + 2) / 5) + day - 719_469;
}

/** A leap second is the second after it. */
function readTimeOfDay(text: string): number | undefined {
  const hour = two(text, 11);
  const minute = two(text, 14);
  const second = two(text, 17);
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return undefined;
  return ((hour * 60 + minute) * 60 + second) * 1000;
}

const DASH = 45;
const COLON = 58;
const DOT = 46;
const PLUS = 43;
const LOWER_T = 116;
const LOWER_Z = 122;

function lower(code: number): number {
  return code | 32;
}

/** NaN, which no comparison holds for, unless both are digits. */
function two(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Where the zone begins; undefined when the fraction is none. */
function skipFraction(text: string): number | undefined {
  if (text.charCodeAt(19) !== DOT) return 19;
  let at = 20;
  while (at < text.length && isDigit(text.charCodeAt(at))) at++;
  return at > 20 ? at : undefined;
}

/** Cut, not rounded: an end must not come after the moment that saw it. */
function fractionMs(text: string, zone: number): number {
  let ms = 0;
  for (let i = 0; i < 3; i++) ms = ms * 10 + (20 + i < zone ? text.charCodeAt(20 + i) - 48 : 0);
  return ms;
}

function offsetMs(text: string, zone: number): number | undefined {
  const sign = text.charCodeAt(zone);
  if (lower(sign) === LOWER_Z) return text.length === zone + 1 ? 0 : undefined;
  if (sign !== PLUS && sign !== DASH) return undefined;
  if (text.length !== zone + 6 || text.charCodeAt(zone + 3) !== COLON) return undefined;
  const hours = two(text, zone + 1);
  const minutes = two(text, zone + 4);
  if (!(hours <= 23 && minutes <= 59)) return undefined;
  const ms = (hours * 60 + minutes) * 60_000;
  return sign === PLUS ? ms : -ms;
}
