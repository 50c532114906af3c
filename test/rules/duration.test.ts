import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  duration,
  exactDuration,
  formatDuration,
  parseDuration,
} from '../../src/rules/duration.ts';

test.each([
  ['0', 0],
  [0, 0],
  ['0s', 0],
  ['90s', 90_000],
  ['10m', 600_000],
  ['1h30m', 5_400_000],
  ['500ms', 500],
  ['1d', 86_400_000],
  ['2w', 1_209_600_000],
  [' 5m ', 300_000],
])('%s is a duration', (text, ms) => {
  expect(parseDuration(text)).toEqual({ kind: 'duration', ms });
});

test.each([
  ['10mins', '"10mins" is no duration: write 10m'],
  ['10 minutes', '"10 minutes" is no duration: write 10m'],
  ['5sec', '"5sec" is no duration: write 5s'],
  ['2hours', '"2hours" is no duration: write 2h'],
  ['10M', '"10M" is no duration: write 10m'],
  ['1.5h', '"1.5h" is no duration: write 1h30m'],
  ['10', '"10" is no duration: add the unit, 10s or 10m'],
  [10, '10 is no duration: add the unit, 10s or 10m'],
  ['soon', '"soon" is no duration: write it like 90s, 10m or 1h30m'],
  ['-5m', '"-5m" is no duration: write it like 90s, 10m or 1h30m'],
  ['', '"" is no duration: write it like 90s, 10m or 1h30m'],
  ['999999d', '999999d is longer than a year'],
  [true, 'a duration is written like 90s, 10m or 1h30m'],
])('%s is none, and it is said what would be', (text, message) => {
  expect(parseDuration(text)).toEqual({ kind: 'refused', message });
});

test('a duration is written so that it reads back the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 366 * 86_400_000 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toEqual({ kind: 'duration', ms });
    }),
  );
});

test.each([
  [45_000, '45 s', '45 s'],
  [90_000, '1 min', '90 s'],
  [119_700, '1 min', '2 min'],
  [570_000, '9 min', '9 min 30 s'],
  [3_900_000, '1 h 5 min', '1 h 5 min'],
  [9_000_000, '2 h 30 min', '2 h 30 min'],
  [180_000_000, '2 d 2 h', '2 d 2 h'],
])('people are told %i ms as %s, and to the second where that matters as %s', (ms, said, exact) => {
  expect([duration(ms), exactDuration(ms)]).toEqual([said, exact]);
});
