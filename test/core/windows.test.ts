/** Maintenance windows on the days on which clocks change: told at the minute the wall clock says. */
import { expect, test } from 'vitest';
import { SHOP, tell } from '../support/story.ts';

interface Case {
  readonly zone: string;
  readonly what: string;
  /** Wall clock of the zone, every day. */
  readonly window: readonly [from: string, to: string];
  readonly firesAt: string;
  readonly toldAt: string;
}

function day(date: string, zone: string, what: string) {
  return (window: Case['window'], firesAt: string, toldAt: string): Case => ({
    zone,
    what,
    window,
    firesAt: `${date}T${firesAt}:00.000Z`,
    toldAt: `${date}T${toldAt}:00.000Z`,
  });
}

const londonForward = day('2026-03-29', 'Europe/London', '01:00 becomes 02:00');
const londonBack = day('2026-10-25', 'Europe/London', '02:00 becomes 01:00');
const newYorkForward = day('2026-03-08', 'America/New_York', '02:00 becomes 03:00');
const newYorkBack = day('2026-11-01', 'America/New_York', '02:00 becomes 01:00');
const lordHoweForward = day('2026-10-03', 'Australia/Lord_Howe', '02:00 becomes 02:30');
const lordHoweBack = day('2026-04-04', 'Australia/Lord_Howe', '02:00 becomes 01:30');

test.each([
  // The hour that is left out: there is no such window.
  londonForward(['01:00', '02:00'], '01:00', '01:00'),
  newYorkForward(['02:00', '03:00'], '07:00', '07:00'),
  lordHoweForward(['02:00', '02:30'], '15:30', '15:30'),
  // Across it: shorter by what is left out.
  londonForward(['00:30', '02:30'], '00:45', '01:30'),
  newYorkForward(['01:30', '03:30'], '06:45', '07:30'),
  lordHoweForward(['01:45', '02:45'], '15:20', '15:45'),
  // The hour that comes twice: both count.
  londonBack(['01:00', '02:00'], '00:30', '02:00'),
  newYorkBack(['01:00', '02:00'], '05:30', '07:00'),
  lordHoweBack(['01:30', '02:00'], '14:40', '15:30'),
  // A part of it comes, ends, and comes again.
  londonBack(['01:00', '01:30'], '00:10', '00:30'),
  londonBack(['01:00', '01:30'], '00:40', '00:40'),
  londonBack(['01:00', '01:30'], '01:10', '01:30'),
  newYorkBack(['01:15', '01:45'], '06:20', '06:45'),
  lordHoweBack(['01:40', '01:50'], '14:45', '14:50'),
  lordHoweBack(['01:40', '01:50'], '15:15', '15:20'),
  // Across both: longer by what comes twice.
  londonBack(['00:30', '02:30'], '00:00', '02:30'),
  newYorkBack(['00:30', '02:30'], '04:45', '07:30'),
  lordHoweBack(['01:00', '02:30'], '14:10', '16:00'),
])('$zone, when $what: window $window, fires $firesAt', (one) => {
  const [from, to] = one.window;
  const story = tell(`${SHOP}
maintenance:
  - match: ['service="payments"']
    every: { times: [{ start_time: '${from}', end_time: '${to}' }], location: ${one.zone} }
`);
  story.wait(Date.parse(one.firesAt) - story.now());
  story.fire('payments', 'Down', { severity: 'critical' });
  story.wait(24 * 3_600_000);
  expect(story.posts().map(({ at }) => at)).toEqual([one.toldAt]);
});
