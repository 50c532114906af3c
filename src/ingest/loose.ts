/**
 * How the generic source and mappings read what tools write: numbers and booleans are text too, and a
 * time may be a number of seconds or milliseconds.
 */
import { readTime, type ReadTime } from './time.ts';

/** Undefined for what is no text: objects, arrays, null. */
export function stringified(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** Seconds of the year 1970 to 5138 are below it; milliseconds since March 1973 are above. */
const SECONDS_MAX = 1e11;
/** 9999-12-31T23:59:59.999Z. */
const INSTANT_MAX = 253_402_300_799_999;

/** As databases and many tools write it; they mean UTC. */
const BARE_TIME = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?)$/;

/** An offset without its colon: Amazon CloudWatch and PagerDuty write `+0000`. */
const OFFSET = /([+-]\d\d)(\d\d)$/;

/** RFC 3339, without a zone in UTC, or a number (also in quotes) of seconds or milliseconds since 1970. Zero is not given. */
export function readLooseTime(value: unknown): ReadTime {
  const number = numberOf(value);
  if (number === undefined) {
    return readTime(typeof value === 'string' ? lenient(value) : value);
  }
  if (number === 0) return 'unset';
  const at = Math.floor(number < SECONDS_MAX ? number * 1000 : number);
  return at > 0 && at <= INSTANT_MAX ? at : 'odd';
}

function lenient(text: string): string {
  return text.replace(BARE_TIME, '$1T$2Z').replace(OFFSET, '$1:$2');
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !/^\d{1,16}(\.\d{1,9})?$/.test(value)) return undefined;
  return Number(value);
}
