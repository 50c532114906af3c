import { expect, test } from 'vitest';
import { aboutLive } from '../../src/explain/about.ts';
import { otherwise, type Otherwise } from '../../src/explain/otherwise.ts';
import { HOUR, MINUTE, rulesOf, SHOP, type Story, tell } from '../support/story.ts';
import { changed, type Way } from './rules-editor.ts';

const WAYS: readonly Way[] = ['in-the-entry-that-decided', 'by-an-entry-of-its-own'];

interface Scene {
  readonly name: string;
  readonly yaml: string;
  readonly play: (story: Story) => void;
  /** `alertname service` of the alert that somebody asks about. */
  readonly asked: string;
  readonly outcomes: readonly Otherwise['outcome'][];
  readonly says: readonly RegExp[];
}

const BLIP = (story: Story): void => {
  story.fire('basket', 'Slow');
  story.wait(3 * MINUTE + 20_000);
  story.resolve('basket', 'Slow');
  story.wait(15 * MINUTE);
};

/** Its source is heard to say five minutes late that something is over. */
const BLIP_SAID_LATE =
  (lastsMs: number) =>
  (story: Story): void => {
    for (let blip = 0; blip < 60; blip++) {
      story.fire('newsletter', `Check${blip}`, { severity: 'info' });
      story.wait(6 * MINUTE);
      const endsAt = story.now() - 5 * MINUTE;
      story.resolve('newsletter', `Check${blip}`, { severity: 'info', endsAt });
      story.wait(MINUTE);
    }
    story.fire('basket', 'Down', { severity: 'critical' });
    story.wait(lastsMs);
    story.resolve('basket', 'Down', { severity: 'critical', endsAt: story.now() - MINUTE });
    story.wait(15 * MINUTE);
  };

const COMES_AND_GOES =
  (times: number, everyMs: number, lastsMs: number) =>
  (story: Story): void => {
    for (let firing = 0; firing < times; firing++) {
      story.fire('basket', 'Slow');
      story.wait(lastsMs);
      story.resolve('basket', 'Slow');
      story.wait(everyMs - lastsMs);
    }
  };

const LASTING =
  (severity = 'warning', env = 'production', service = 'basket') =>
  (story: Story): void => {
    story.fire(service, 'Slow', { severity, env });
    story.wait(30 * MINUTE);
  };

const CASCADE = (story: Story): void => {
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(40_000);
  story.fire('checkout', 'Errors', { severity: 'critical' });
  story.wait(30 * MINUTE);
};

const AGAIN = (story: Story): void => {
  story.fire('basket', 'Slow');
  story.wait(8 * HOUR);
  story.resolve('basket', 'Slow');
  story.wait(5 * HOUR);
  story.fire('basket', 'Slow');
  story.wait(30 * MINUTE);
};

const INHIBIT = `inhibit:
  - { sourceMatchers: ['alertname="Down"'], targetMatchers: ['alertname="Slow"'] }
`;
/** For 23 minutes, of which another alert fires for so many. */
const BESIDE =
  (lastsMs: number) =>
  (story: Story): void => {
    story.fire('newsletter', 'Down');
    story.fire('basket', 'Slow');
    story.wait(Math.min(lastsMs, 23 * MINUTE));
    if (lastsMs < 23 * MINUTE) story.resolve('newsletter', 'Down');
    story.wait(23 * MINUTE - Math.min(lastsMs, 23 * MINUTE));
    story.resolve('basket', 'Slow');
    story.wait(15 * MINUTE);
  };

/** Of each it is known what it depends on, so that the time alone links none of them. */
const APART = `services:\n${Array.from(
  { length: 80 },
  (_, n) => `  - { name: service-${n}, dependsOn: [db-${n}] }\n  - { name: db-${n} }\n`,
).join('')}`;

const SCENES: readonly Scene[] = [
  {
    name: 'a blip that a default held',
    yaml: SHOP,
    play: BLIP,
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/held for 3 min at most: its hold is 8 min and it lasted 3 min/, /in any file/],
  },
  {
    name: 'a blip that was held until its source had had time to say that it was over',
    yaml: SHOP,
    play: BLIP_SAID_LATE(5 * MINUTE),
    asked: 'Down basket',
    outcomes: ['told'],
    says: [
      /held for 5 min at most: its hold is 4 min, longer because alertmanager says late that something is over: 5 min \d+ s, and it lasted 5 min/,
    ],
  },
  {
    name: 'a blip that such a source said was over before its hold',
    yaml: SHOP,
    play: BLIP_SAID_LATE(2 * MINUTE),
    asked: 'Down basket',
    outcomes: ['told'],
    says: [/held for 2 min at most: its hold is 4 min, longer because .* and it lasted 2 min/],
  },
  {
    name: 'a blip that an entry held',
    yaml: `${SHOP}hold:\n  - { match: ['alertname="Slow"'], for: 10m }\n`,
    play: BLIP,
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/its hold is 10 min/, /In rules\.yaml:\d+ write `for: 3m`/],
  },
  {
    name: 'a blip whose route would have been a digest anyway',
    yaml: SHOP,
    play: (story) => {
      story.fire('newsletter', 'Slow');
      story.wait(2 * MINUTE);
      story.resolve('newsletter', 'Slow');
      story.wait(15 * MINUTE);
    },
    asked: 'Slow newsletter',
    outcomes: ['told'],
    says: [/its service is of tier 3/, /held for 2 min at most/],
  },
  {
    name: 'held, and still firing',
    yaml: SHOP,
    play: (story) => {
      story.fire('basket', 'Slow');
      story.wait(2 * MINUTE);
    },
    asked: 'Slow basket',
    outcomes: ['told-sooner'],
    says: [/if it were not held: its hold is 8 min and it fires for 2 min/],
  },
  {
    name: 'an alert that flaps',
    yaml: `${SHOP}hold: [{ for: 5m }]\n`,
    play: (story) => {
      COMES_AND_GOES(4, 15 * MINUTE, 4 * MINUTE)(story);
      COMES_AND_GOES(1, 15 * MINUTE, 6 * MINUTE)(story);
    },
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/flap damping were off for it: its penalty is \d+ after 5 firings/],
  },
  {
    name: 'an alert that flaps after people were told of it',
    yaml: `${SHOP}flap: [{ halfLife: 1h }]\n`,
    play: COMES_AND_GOES(5, 20 * MINUTE, 9 * MINUTE),
    asked: 'Slow basket',
    outcomes: ['told-again', 'not-told'],
    says: [/That it fired again would have been told if flap damping were off for it/],
  },
  {
    name: 'an alert that flaps for less than its hold',
    yaml: `${SHOP}flap:\n  - { halfLife: 2h }\n`,
    play: COMES_AND_GOES(5, 20 * MINUTE, 4 * MINUTE),
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/flap damping were off.*; and if it were held for 4 min at most/],
  },
  {
    name: 'a second firing that its penalty held for longer',
    yaml: `${SHOP}hold: [{ for: 8m }]\n`,
    play: (story) => {
      story.fire('basket', 'Slow');
      story.wait(3 * MINUTE);
      story.resolve('basket', 'Slow');
      story.wait(12 * MINUTE);
      story.fire('basket', 'Slow');
      story.wait(9 * MINUTE);
      story.resolve('basket', 'Slow');
      story.wait(HOUR);
    },
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/its hold of 8 min counts as 14 min, and it lasted 9 min/],
  },
  {
    name: 'silenced by a file',
    yaml: `${SHOP}silences:\n  - { name: deploy, match: ['service="basket"'] }\n`,
    play: LASTING(),
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/if "deploy" did not match it/, /In rules\.yaml:\d+ add `'alertname!="Slow"'`/],
  },
  {
    name: 'in a maintenance window, and over before its hold',
    yaml: `${SHOP}maintenance:\n  - { name: patching, match: ['service=~"bas.*"'], startsAt: 2026-03-03T09:00:00Z, endsAt: 2026-03-03T12:00:00Z }\n`,
    play: BLIP,
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/"patching" did not match it; and if it were held for 3 min at most/],
  },
  {
    name: 'muted by a window that is called as a time interval of a route would be',
    yaml: `${SHOP}silences:\n  - { name: outside of hours, match: ['service="basket"'] }\n`,
    play: LASTING(),
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/"outside of hours" did not match it/],
  },
  {
    name: 'inhibited by another alert',
    yaml: `${SHOP}${INHIBIT}`,
    play: BESIDE(HOUR),
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [
      /if Down of newsletter had not inhibited it\./,
      /add `'alertname!="Slow"'` to its targetMatchers/,
    ],
  },
  {
    name: 'inhibited until it took its place, and over before its hold was',
    yaml: `${SHOP}${INHIBIT}`,
    play: BESIDE(20 * MINUTE),
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/if Down of newsletter had not inhibited it\./],
  },
  {
    name: 'muted by the time interval of its route',
    yaml: `${SHOP}timeIntervals: [{ name: mornings, times: [{ start_time: '09:00', end_time: '12:00' }] }]
route:
  routes:
    - { match: ['service="basket"'], channel: '#shop', muteTimeIntervals: [mornings] }
`,
    play: LASTING(),
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/it is quiet by time interval mornings/],
  },
  {
    name: 'a default of the digest: information',
    yaml: SHOP,
    play: LASTING('info'),
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/its severity is that of information, and no route says how loudly/],
  },
  {
    name: 'a default of the digest: a test environment, where a route says nothing of it',
    yaml: `${SHOP}route:\n  channel: '#all'\n  routes:\n    - { match: ['service="basket"'], channel: '#shop' }\n`,
    play: LASTING('critical', 'staging'),
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [
      /its environment is one for testing/,
      /In rules\.yaml:\d+ write `urgency: post`, .* first under its `routes:`/,
    ],
  },
  {
    name: 'a route that says digest',
    yaml: `${SHOP}route:\n  routes:\n    - { match: ['service="basket"'], urgency: digest }\n`,
    play: LASTING(),
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/rules\.yaml:\d+ says `urgency: digest`/],
  },
  {
    name: 'a route that tells nobody',
    yaml: `${SHOP}route:\n  routes:\n    - match: ['service=~"basket.*"']\n      urgency: drop\n`,
    play: LASTING(),
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/says `urgency: drop`/],
  },
  {
    name: 'a route that says thread',
    yaml: `${SHOP}route:\n  routes:\n    - match: ['service="basket"']\n      urgency: thread\n`,
    play: (story) => {
      story.fire('newsletter', 'Down', { severity: 'critical' });
      story.wait(10 * MINUTE);
      LASTING()(story);
    },
    asked: 'Slow basket',
    outcomes: ['told'],
    says: [/says `urgency: thread`/],
  },
  {
    name: 'joined along a path',
    yaml: `${SHOP}correlate:\n  - { match: ['service="checkout"'], maxHops: 3 }\n`,
    play: CASCADE,
    asked: 'Errors checkout',
    outcomes: ['told-by-itself'],
    says: [
      /had not joined incident \w+: checkout -> payments -> payments-db, 2 hops, 40 s apart/,
      /In rules\.yaml:\d+ write `off: true`/,
    ],
  },
  {
    name: 'joined along a path in the same instant, and over soon',
    yaml: `${SHOP}correlate: [{ window: 5m }]\n`,
    play: (story) => {
      story.fire('basket-db', 'Down', { severity: 'critical' });
      story.fire('basket', 'Errors');
      story.wait(5 * MINUTE);
      story.resolve('basket', 'Errors');
      story.wait(30 * MINUTE);
    },
    asked: 'Errors basket',
    outcomes: ['told-by-itself'],
    says: [/`off: true`/, /held for 5 min at most/],
  },
  {
    name: 'joined by a host',
    yaml: `${SHOP}`,
    play: (story) => {
      story.fire('basket-db', 'Down', { severity: 'critical', labels: { host: 'node-7' } });
      story.wait(20_000);
      story.fire('newsletter', 'Down', { severity: 'critical', labels: { host: 'node-7' } });
      story.wait(30 * MINUTE);
    },
    asked: 'Down newsletter',
    outcomes: ['told-by-itself'],
    says: [/on the same host node-7, 20 s apart/],
  },
  {
    name: 'joined by a transaction',
    yaml: SHOP,
    play: (story) => {
      story.fire('payments', 'Failed', {
        severity: 'critical',
        labels: { trace_id: 'abc-123-def' },
      });
      story.wait(20_000);
      story.fire('newsletter', 'Bounced', {
        severity: 'critical',
        labels: { trace_id: 'abc-123-def' },
      });
      story.wait(30 * MINUTE);
    },
    asked: 'Bounced newsletter',
    outcomes: ['told-by-itself'],
    says: [/shares transaction abc-123-def with payments/],
  },
  {
    name: 'joined by labels that a rule names',
    yaml: `${SHOP}correlate:\n  - { match: ['job!=""'], by: [job] }\n`,
    play: (story) => {
      story.fire('export-a', 'Failed', { severity: 'critical', labels: { job: 'nightly' } });
      story.wait(20_000);
      story.fire('export-b', 'Failed', { severity: 'critical', labels: { job: 'nightly' } });
      story.wait(30 * MINUTE);
    },
    asked: 'Failed export-b',
    outcomes: ['told-by-itself'],
    says: [/same job \(nightly\)/, /In rules\.yaml:\d+ write `off: true`/],
  },
  {
    name: 'joined by the mere time',
    yaml: '',
    play: (story) => {
      story.fire('alpha', 'Down', { severity: 'critical' });
      story.wait(20_000);
      story.fire('beta', 'Down', { severity: 'critical' });
      story.wait(30 * MINUTE);
    },
    asked: 'Down beta',
    outcomes: ['told-by-itself'],
    says: [/began 20 s apart; nobody said what beta depends on/, /`services:`/],
  },
  {
    name: 'its incident was merged into another by what joined both',
    yaml: `services:
  - { name: shop, dependsOn: [ledger] }
  - { name: desk, dependsOn: [ledger] }
  - { name: ledger }
`,
    play: (story) => {
      story.fire('shop', 'Errors', { severity: 'critical' });
      story.wait(10_000);
      story.fire('desk', 'Errors', { severity: 'critical' });
      story.wait(10_000);
      story.fire('ledger', 'Down', { severity: 'critical' });
      story.wait(30 * MINUTE);
    },
    asked: 'Errors desk',
    outcomes: ['told-by-itself'],
    says: [/if not for this: its incident became part of \w+: /, /service="ledger"/],
  },
  {
    name: 'a storm told it',
    // What begins at once in so many places would be one incident.
    yaml: `${APART}correlate: [{ off: true }]\n`,
    play: (story) => {
      for (let service = 0; service < 80; service++) {
        story.fire(`service-${service}`, `Down${service}`, {
          severity: 'critical',
          labels: { namespace: `n${service}` },
        });
        story.wait(1_000);
      }
      story.wait(3 * MINUTE);
    },
    asked: 'Down70 service-70',
    outcomes: ['told'],
    says: [/there had been no storm: from 20 new alerts a minute/],
  },
  {
    name: 'told after its hold, and over',
    yaml: `${SHOP}hold:\n  - { for: 5m }\n`,
    play: (story) => {
      story.fire('basket', 'Slow');
      story.wait(12 * MINUTE);
      story.resolve('basket', 'Slow');
      story.wait(15 * MINUTE);
    },
    asked: 'Slow basket',
    outcomes: ['not-told', 'not-told', 'told-sooner'],
    says: [/held for 13 min, which is longer than the 12 min/, /it was, for 5 min/],
  },
  {
    name: 'told because several checks failed at once',
    yaml: SHOP,
    play: (story) => {
      story.fire('basket-db', 'Down', { severity: 'high' });
      story.fire('basket', 'Errors', { severity: 'high' });
      story.fire('basket', 'Slow', { severity: 'high' });
      story.wait(2 * MINUTE);
      for (const [service, name] of [
        ['basket-db', 'Down'],
        ['basket', 'Errors'],
        ['basket', 'Slow'],
      ] as const)
        story.resolve(service, name, { severity: 'high' });
      story.wait(15 * MINUTE);
    },
    asked: 'Down basket-db',
    outcomes: ['not-told'],
    says: [/alertname=~"Down\|Errors\|Slow"', 'service=~"basket\|basket-db"'.*urgency: digest/],
  },
];

test.for(SCENES)('what would have made a difference does: $name', (scene) => {
  const before = tell(scene.yaml);
  scene.play(before);
  const answers = ask(before, scene.asked);
  expect(answers.map(({ outcome }) => outcome)).toEqual(scene.outcomes);
  const said = answers
    .flatMap(({ text, changes }) => [text, ...changes.map(({ how }) => how)])
    .join('\n');
  for (const pattern of scene.says) expect(said).toMatch(pattern);
  expect(said).not.toMatch(/undefined|NaN|Infinity/);
  for (const { outcome, changes, text } of answers) {
    expect(changes.length).toBeGreaterThan(0);
    for (const way of WAYS) {
      const yaml = changed(scene.yaml, changes, way);
      const after = tell(yaml);
      scene.play(after);
      expect(isSo(outcome, scene.asked, before, after), `${way}: ${text}\n${yaml}`).toBe(true);
    }
  }
});

test.each([
  [SHOP, /Under `chronic:`, in any file of the rules/],
  [
    `${SHOP}chronic:\n  - { match: ['alertname="Slow"'], firedFor: 8h }\n`,
    /In rules\.yaml:\d+ write `off: true`/,
  ],
])('what is chronic would have been a message again', (yaml, says) => {
  const before = tell(yaml);
  AGAIN(before);
  const [answer, ...others] = ask(before, 'Slow basket');
  expect(others).toEqual([]);
  expect(answer?.text).toBe(
    'It would have been told in a message if not for this: it is chronic: the last time, 5 h 8 min earlier, it fired for 8 h and nobody reacted.',
  );
  expect(answer?.changes.map(({ how }) => how).join()).toMatch(says);
  for (const way of WAYS) {
    const after = tell(changed(yaml, answer?.changes ?? [], way));
    AGAIN(after);
    expect(before.posts()).toHaveLength(1);
    expect(after.posts()).toHaveLength(2);
  }
});

test('what quietens an incident leaves other alerts of its services as they are', () => {
  const before = tell(SHOP);
  CASCADE(before);
  const [answer] = ask(before, 'Down payments-db');
  const after = tell(changed(SHOP, answer?.changes ?? [], 'by-an-entry-of-its-own'));
  CASCADE(after);
  expect(after.posts()).toEqual([]);
  after.fire('checkout', 'CheckoutDown', { severity: 'critical' });
  after.wait(30 * MINUTE);
  expect(after.posts()).toHaveLength(1);
});

test('what no rule keeps apart is said to be so', () => {
  const story = tell(SHOP);
  story.fire('payments', 'Down', { severity: 'critical' });
  story.wait(30_000);
  story.fire('payments', 'Slow', { severity: 'critical' });
  story.wait(20 * MINUTE);
  const [answer] = ask(story, 'Slow payments');
  expect(answer?.changes).toEqual([]);
  expect(answer?.text).toMatch(/payments already has an alert in it\. Alerts of one service/);
});

test('of an incident is said what would have kept it quiet, not what its lead joined', () => {
  const story = tell(SHOP);
  CASCADE(story);
  const outcomes = (of: 'alert' | 'incident') =>
    ask(story, 'Errors checkout', of).map(({ outcome }) => outcome);
  expect(outcomes('alert')).toEqual(['told-by-itself']);
  expect(outcomes('incident')).toEqual(['not-told']);
});

test('after an edit of its hold an alert keeps its own, and the other is called that of the rules in force', () => {
  const story = tell(SHOP);
  story.fire('basket', 'Slow');
  story.wait(2 * MINUTE);
  const [alert] = story.state.alerts.values();
  if (alert === undefined) throw new Error('no alert');
  const asked = { decisions: story.decisions, now: story.now() };
  const edited = rulesOf(`${SHOP}hold: [{ for: 20m }]\n`);
  const [before] = otherwise(
    aboutLive(story.state, alert, { ...asked, rules: story.rules }),
    'alert',
  );
  const [after] = otherwise(aboutLive(story.state, alert, { ...asked, rules: edited }), 'alert');
  expect(before?.text).toMatch(/its hold is 8 min and it fires for 2 min/);
  expect(after?.text).toMatch(
    /its hold is 20 min in the rules that are in force now, and it fires/,
  );
});

test('where nothing was to be told, nothing would have been different', () => {
  const story = tell(SHOP);
  story.resolve('basket', 'Slow');
  expect(ask(story, 'Slow basket')).toEqual([]);
});

test('a silence that somebody set is ended by hand', () => {
  const story = tell(SHOP);
  const matchers = [{ name: 'service', value: 'basket', isRegex: false, isEqual: true }];
  const now = story.now();
  const silence = {
    id: 'cafe',
    matchers,
    startsAt: now,
    endsAt: now + HOUR,
    createdBy: 'Ann',
    comment: '',
  };
  story.event({ kind: 'silence', silence });
  story.fire('basket', 'Slow');
  const [answer] = ask(story, 'Slow basket');
  expect(answer?.text).toMatch(/a silence of Ann did not match it/);
  expect(answer?.changes[0]?.how).toMatch(/^End the silence cafe in the API/);
});

function ask(
  story: Story,
  asked: string,
  of: 'alert' | 'incident' = 'alert',
): readonly Otherwise[] {
  const alert = [...story.state.alerts.values()].find(
    ({ facts }) => `${facts.name} ${facts.service}` === asked,
  );
  if (alert === undefined) throw new Error(`no alert ${asked}`);
  const { rules, decisions } = story;
  return otherwise(aboutLive(story.state, alert, { rules, decisions, now: story.now() }), of);
}

/** Of a message that stands for this alert. */
function tellingsOf(story: Story, asked: string): readonly { at: string; alerts: number }[] {
  return story
    .posts()
    .filter(
      ({ alerts, text }) =>
        !/new alerts/.test(text.split('\n')[0] ?? '') &&
        alerts.some(({ labels }) => `${labels['alertname']} ${labels['service']}` === asked),
    )
    .map(({ at, alerts }) => ({ at, alerts: alerts.length }));
}

/** What rings a bell: all but updates. */
function loudOf({ messages }: Story): number {
  return messages.filter(({ action }) => action !== 'update').length;
}

function isSo(outcome: Otherwise['outcome'], asked: string, before: Story, after: Story): boolean {
  const [was, is] = [tellingsOf(before, asked), tellingsOf(after, asked)];
  switch (outcome) {
    case 'told':
      return was.length === 0 && is.length > 0;
    case 'told-by-itself':
      return !was.some(({ alerts }) => alerts === 1) && is.some(({ alerts }) => alerts === 1);
    case 'told-sooner':
      return (is[0]?.at ?? '~') < (was[0]?.at ?? '~');
    case 'told-again':
      return loudOf(after) > loudOf(before);
    case 'not-told':
      return was.length > 0 && is.length === 0;
  }
}
