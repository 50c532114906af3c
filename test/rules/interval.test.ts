import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Interval, contains, nextChange, scheduleOf } from '../../src/rules/interval.ts';
import { at } from './support.ts';

const MINUTE = 60_000;

function interval(parts: Partial<Interval>): Interval {
  return {
    times: [],
    weekdays: [],
    daysOfMonth: [],
    months: [],
    years: [],
    zone: 'UTC',
    ...parts,
  };
}

function clock(from: string, to: string): Interval['times'] {
  const minutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  return [{ from: minutes(from), to: minutes(to) }];
}

test('the start belongs to an interval, the end does not, seconds do not matter', () => {
  const patch = interval({ times: clock('02:00', '04:00') });
  expect(contains(patch, at('2026-03-01T01:59:59Z'))).toBe(false);
  expect(contains(patch, at('2026-03-01T02:00:00Z'))).toBe(true);
  expect(contains(patch, at('2026-03-01T03:59:59Z'))).toBe(true);
  expect(contains(patch, at('2026-03-01T04:00:00Z'))).toBe(false);
});

test('a day ends at 24:00', () => {
  const night = interval({ times: clock('22:00', '24:00') });
  expect(contains(night, at('2026-03-01T23:59:00Z'))).toBe(true);
  expect(contains(night, at('2026-03-02T00:00:00Z'))).toBe(false);
  expect(nextChange(night, at('2026-03-01T23:00:00Z'))).toBe(at('2026-03-02T00:00:00Z'));
});

test('every stated part must hold, each by one of its ranges', () => {
  const office = interval({
    times: clock('09:00', '17:00'),
    weekdays: [{ from: 1, to: 5 }],
    months: [
      { from: 1, to: 3 },
      { from: 11, to: 12 },
    ],
    years: [{ from: 2026, to: 2026 }],
  });
  expect(contains(office, at('2026-03-02T10:00:00Z'))).toBe(true);
  expect(contains(office, at('2026-03-01T10:00:00Z'))).toBe(false); // a Sunday
  expect(contains(office, at('2026-04-01T10:00:00Z'))).toBe(false);
  expect(contains(office, at('2027-03-02T10:00:00Z'))).toBe(false);
});

test('a range of week days or months may wrap', () => {
  const weekend = interval({ weekdays: [{ from: 6, to: 0 }] });
  expect(contains(weekend, at('2026-02-28T10:00:00Z'))).toBe(true); // Saturday
  expect(contains(weekend, at('2026-03-01T10:00:00Z'))).toBe(true); // Sunday
  expect(contains(weekend, at('2026-03-02T10:00:00Z'))).toBe(false);
  const winter = interval({ months: [{ from: 12, to: 2 }] });
  expect(contains(winter, at('2026-01-15T00:00:00Z'))).toBe(true);
  expect(contains(winter, at('2026-03-15T00:00:00Z'))).toBe(false);
});

test.each([
  [{ from: -3, to: -1 }, ['2026-02-26', '2026-02-28'], ['2026-02-25', '2026-03-01']],
  [{ from: 30, to: 31 }, ['2026-03-30', '2026-03-31'], ['2026-02-28']],
  [{ from: 28, to: 31 }, ['2026-02-28', '2026-03-31'], ['2026-02-27']],
  [{ from: 1, to: -1 }, ['2026-02-01', '2026-02-28'], []],
  [{ from: -31, to: -30 }, ['2026-03-01', '2026-03-02'], ['2026-02-01', '2026-03-03']],
])('days of the month %j are counted as in Alertmanager', (range, inside, outside) => {
  const days = interval({ daysOfMonth: [range] });
  for (const day of inside)
    expect([day, contains(days, at(`${day}T12:00:00Z`))]).toEqual([day, true]);
  for (const day of outside) {
    expect([day, contains(days, at(`${day}T12:00:00Z`))]).toEqual([day, false]);
  }
});

test('in London, 01:30 does not exist when the clocks go forward', () => {
  const half = interval({ times: clock('01:00', '02:00'), zone: 'Europe/London' });
  // 2026-03-29: 00:59 GMT is followed by 02:00 BST.
  expect(nextChange(half, at('2026-03-29T00:00:00Z'))).toBe(at('2026-03-30T00:00:00Z'));
  const across = interval({ times: clock('00:30', '01:30'), zone: 'Europe/London' });
  expect(nextChange(across, at('2026-03-29T00:40:00Z'))).toBe(at('2026-03-29T01:00:00Z'));
});

/** The first instants after `from` at which it begins and ends, in turns. */
function changesOf(one: Interval, from: string, count: number): readonly string[] {
  const changes = [at(from)];
  for (let i = 0; i < count; i += 1) changes.push(nextChange(one, changes.at(-1) ?? 0));
  return changes.slice(1).map((instant) => new Date(instant).toISOString().slice(0, 16));
}

test.each([
  // 2026-10-25: 02:59 CEST is followed by 02:00 CET, which is 01:00 UTC.
  [
    'begins in the hour that comes twice',
    '02:30',
    '04:00',
    ['2026-10-25T00:30', '2026-10-25T03:00'],
  ],
  ['is around it', '01:00', '04:00', ['2026-10-24T23:00', '2026-10-25T03:00']],
  ['ends where it begins', '01:00', '02:00', ['2026-10-24T23:00', '2026-10-25T00:00']],
  ['begins where it ends', '03:00', '04:00', ['2026-10-25T02:00', '2026-10-25T03:00']],
  [
    'is over when the clocks go back, and comes again',
    '01:00',
    '02:30',
    ['2026-10-24T23:00', '2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30'],
  ],
])('in Berlin, when the clocks go back: a window that %s', (_case, from, to, changes) => {
  const one = interval({ times: clock(from, to), zone: 'Europe/Berlin' });
  expect(changesOf(one, '2026-10-24T20:00:00Z', changes.length)).toEqual(changes);
});

test('in London, 01:00 to 01:30 comes twice when the clocks go back', () => {
  const half = interval({ times: clock('01:00', '01:30'), zone: 'Europe/London' });
  expect(changesOf(half, '2026-10-24T23:00:00Z', 5)).toEqual([
    '2026-10-25T00:00', // 01:00 BST
    '2026-10-25T00:30', // 01:30 BST
    '2026-10-25T01:00', // 01:00 GMT
    '2026-10-25T01:30', // 01:30 GMT
    '2026-10-26T01:00',
  ]);
});

test.each([
  ['begins in the hour that is left out', '02:30', '04:00', '2026-03-29T01:00', '2026-03-29T02:00'],
  ['ends in it', '01:30', '02:30', '2026-03-29T00:30', '2026-03-29T01:00'],
  [
    'is within it, and so comes the night after',
    '02:10',
    '02:50',
    '2026-03-30T00:10',
    '2026-03-30T00:50',
  ],
])('in Berlin, a window that %s when the clocks go forward', (_case, from, to, begins, ends) => {
  const one = interval({ times: clock(from, to), zone: 'Europe/Berlin' });
  expect(changesOf(one, '2026-03-28T22:00:00Z', 2)).toEqual([begins, ends]);
});

test('in New York, a nightly window keeps to the wall clock over both clock changes', () => {
  const patch = interval({ times: clock('04:00', '05:00'), zone: 'America/New_York' });
  expect(nextChange(patch, at('2026-03-07T12:00:00Z'))).toBe(at('2026-03-08T08:00:00Z'));
  expect(nextChange(patch, at('2026-10-31T12:00:00Z'))).toBe(at('2026-11-01T09:00:00Z'));
});

test('a day that the clock change shortens or lengthens is still one day', () => {
  const sunday = interval({ weekdays: [{ from: 0, to: 0 }], zone: 'America/New_York' });
  expect(nextChange(sunday, at('2026-03-07T12:00:00Z'))).toBe(at('2026-03-08T05:00:00Z'));
  expect(nextChange(sunday, at('2026-03-08T12:00:00Z'))).toBe(at('2026-03-09T04:00:00Z'));
  expect(nextChange(sunday, at('2026-11-01T12:00:00Z'))).toBe(at('2026-11-02T05:00:00Z'));
});

test('the next change is where stepping minute by minute finds it', () => {
  const starts = [
    '2026-03-28T20:00:00Z',
    '2026-10-24T20:00:00Z',
    '2026-03-07T22:00:00Z',
    '2026-10-31T22:00:00Z',
    '2026-10-03T10:00:00Z',
    '2026-04-04T10:00:00Z',
  ];
  const zones = [
    'Europe/London',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kolkata',
    'America/Santiago',
    'UTC',
  ];
  const minute = fc.integer({ min: 0, max: 1_440 });
  const range = fc
    .tuple(minute, minute)
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
  fc.assert(
    fc.property(
      fc.constantFrom(...starts),
      fc.constantFrom(...zones),
      fc.array(range, { minLength: 1, maxLength: 2 }),
      fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 2 }),
      fc.integer({ min: 0, max: 600 }),
      (start, zone, times, days, offset) => {
        const weekdays = days.map((day) => ({ from: day, to: day }));
        const one = interval({ times, weekdays, zone });
        const now = at(start) + offset * MINUTE;
        const before = contains(one, now);
        let expected = now + MINUTE;
        const limit = now + 36 * 60 * MINUTE;
        while (expected < limit && contains(one, expected) === before) expected += MINUTE;
        const found = nextChange(one, now);
        if (expected < limit) expect(found).toBe(expected);
        else expect(found).toBeGreaterThanOrEqual(limit);
      },
    ),
    { numRuns: 40 },
  );
});

test('an interval that never comes is looked at again after a while', () => {
  const past = interval({ years: [{ from: 2020, to: 2020 }] });
  const now = at('2026-03-01T00:00:00Z');
  const { active, until } = scheduleOf([past])(now);
  expect(active).toBe(false);
  expect(until).toBeGreaterThan(now + 30 * 86_400_000);
});

test('a schedule answers the same whether it was asked before, later or never', () => {
  const night = interval({ times: clock('01:00', '03:00'), zone: 'Europe/London' });
  const day = interval({ times: clock('12:00', '13:00') });
  const asked = scheduleOf([night, day]);
  const from = at('2026-10-24T00:00:00Z');
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 3 * 1_440 }), { minLength: 1 }), (minutes) => {
      for (const minute of minutes) {
        const now = from + minute * MINUTE;
        const { active, until } = asked(now);
        expect(active).toBe(contains(night, now) || contains(day, now));
        expect(until).toBeGreaterThan(now);
      }
    }),
  );
});

test('the state of several intervals holds until the first of them changes', () => {
  const both = scheduleOf([
    interval({ times: clock('01:00', '02:00') }),
    interval({ times: clock('01:30', '03:00') }),
  ]);
  const state = both(at('2026-03-01T01:10:00Z'));
  expect(state).toEqual({ active: true, until: at('2026-03-01T01:30:00Z') });
});
