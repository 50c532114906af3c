import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readLooseTime } from '../../src/ingest/loose.ts';
import { parseTime, readTime } from '../../src/ingest/time.ts';

test('a time is what Date makes of it, for every instant that can be written', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (at) => {
      expect(parseTime(new Date(at).toISOString())).toBe(at);
    }),
  );
});

test('fractions of any length are cut to milliseconds', () => {
  for (const [text, ms] of [
    ['2026-11-21T01:08:53Z', 0],
    ['2026-11-21T01:08:53.1Z', 100],
    ['2026-11-21T01:08:53.19Z', 190],
    ['2026-11-21T01:08:53.1899Z', 189],
    ['2026-11-21T01:10:49.290774225Z', 0],
  ] as const) {
    const base = text.includes(':10:49')
      ? Date.parse('2026-11-21T01:10:49.290Z')
      : Date.parse('2026-11-21T01:08:53Z');
    expect(parseTime(text), text).toBe(base + ms);
  }
});

test('offsets count, also over midnight and with small letters', () => {
  const at = Date.parse('2026-03-01T00:30:00Z');
  for (const text of [
    '2026-03-01T00:30:00+00:00',
    '2026-03-01T02:30:00+02:00',
    '2026-02-28T19:00:00-05:30',
    '2026-03-01t00:30:00z',
    '2026-03-01T00:29:60Z',
  ]) {
    expect(parseTime(text), text).toBe(at);
  }
});

test('what is no RFC 3339 time of this era is refused', () => {
  for (const text of [
    '',
    'now',
    '2026-11-21',
    '2026-11-21 01:08:53Z',
    '2026-11-21T01:08Z',
    '2026-11-21T01:08:53',
    '2026-11-21T01:08:53.Z',
    '2026-11-21T01:08:53,5Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-11-21T24:00:00Z',
    '2026-11-21T01:60:00Z',
    '2026-11-21T01:08:61Z',
    '2026-11-21T01:08:53+0100',
    '2026-11-21T01:08:53+24:00',
    '2026-11-21T01:08:53Zulu',
    '+02026-11-21T01:08:53Z',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+01:00',
    '٢٠٢٦-11-21T01:08:53Z',
    `2026-11-21T01:08:53.${'1'.repeat(30)}Z`,
  ]) {
    expect(parseTime(text), text).toBeUndefined();
  }
});

test('no text makes it throw or gives anything but a whole instant of this era', () => {
  const nearly = fc.stringMatching(/^[0-9T:.Z+-]{15,35}$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearly), (text) => {
      const at = parseTime(text);
      expect(at === undefined || (Number.isInteger(at) && at >= 0)).toBe(true);
    }),
  );
});

test("missing, null, empty and Go's zero time are not given", () => {
  for (const value of [
    undefined,
    null,
    '',
    '0001-01-01T00:00:00Z',
    '0001-01-01T00:00:00.000Z',
    '0001-01-01T00:00:00+00:00',
  ]) {
    expect(readTime(value)).toBe('unset');
  }
  for (const value of [0, true, {}, [], '0001-01-01T00:00:01Z'])
    expect(readTime(value)).toBe('odd');
});

test('tools may also leave the zone out, or give seconds or milliseconds since 1970, as a number or in quotes', () => {
  const at = Date.parse('2026-11-21T01:08:53Z');
  for (const value of [
    at,
    at / 1000,
    String(at),
    String(at / 1000),
    `${at / 1000}.0`,
    '2026-11-21T01:08:53Z',
    '2026-11-21 01:08:53',
    '2026-11-21 01:08:53.000',
    '2026-11-21T01:08:53',
    '2026-11-21T02:08:53.000+0100',
  ]) {
    expect(readLooseTime(value), String(value)).toBe(at);
  }
  expect(readLooseTime(1_795_223_333.5)).toBe(1_795_223_333_500);
  expect(readLooseTime(0)).toBe('unset');
  for (const value of [-1, Number.NaN, Infinity, 1e300, '12h', '2026-11-21 25:00:00', true, {}]) {
    expect(readLooseTime(value)).toBe('odd');
  }
});
