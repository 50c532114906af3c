/**
 * A warning that fired for hours, was told, and nobody acted: the next time it is a line of the digest that says
 * why. Whatever makes it more than that, or anybody who ever acted, makes it a message.
 */
import { expect, test } from 'vitest';
import { createState, type LaneState, putSmall } from '../../src/state/state.ts';
import { follow, restore } from '../../src/state/restore.ts';
import { type LaneContents, relane } from '../../src/lane/relane.ts';
import { LANE } from '../../src/split.ts';
import { HOUR, MINUTE, SHOP, type Story, tell } from '../support/story.ts';

const DAY = 24 * HOUR;
const DISK = ['payments', 'DiskSpaceLow'] as const;

interface Lasting {
  readonly lastsMs?: number;
  readonly severity?: string;
}

/** Without those of digests. */
function posts(story: Story) {
  return story.posts().filter(({ incident }) => !incident.startsWith('digest:'));
}

/** Fires, lasts, ends, and is out of memory. Returns its message, if it has one. */
function firing(story: Story, { lastsMs = 7 * HOUR, severity = 'warning' }: Lasting = {}) {
  const before = posts(story).length;
  story.fire(...DISK, { severity });
  story.wait(lastsMs);
  const [post] = posts(story).slice(before);
  story.resolve(...DISK, { severity });
  story.wait(DAY);
  return post?.incident;
}

/** It fires once more. Does it make a message? */
function isTold(story: Story, severity = 'warning'): boolean {
  const before = posts(story).length;
  story.fire(...DISK, { severity });
  story.wait(HOUR);
  return posts(story).length > before;
}

function chronic(story: Story) {
  return story.decisions.filter(({ reason }) => reason === 'chronic');
}

test('what fired for hours and nobody acted is in the digest the next time, and says why', () => {
  const story = tell();
  expect(firing(story)).toBeDefined();
  expect(isTold(story)).toBe(false);
  expect(chronic(story)).toMatchObject([
    {
      service: 'payments',
      because: 'it is chronic: the last time, 1 d earlier, it fired for 7 h and nobody reacted',
      rule: 'built-in',
    },
  ]);
  const incident = story.state.incidents.get(chronic(story)[0]?.incident ?? '');
  expect(incident).toMatchObject({
    toldIn: 'digest',
    toldBecause: chronic(story)[0]?.because,
    route: { urgency: 'digest', mention: [], escalate: undefined },
  });
  story.wait(DAY);
  expect(story.last()?.text).toContain(
    'it is chronic: the last time, 1 d earlier, it fired for 7 h and nobody reacted',
  );
});

test('it is told once a month', () => {
  const story = tell();
  firing(story);
  for (const _ of [1, 2, 3]) expect(firing(story)).toBeUndefined();
  story.wait(28 * DAY);
  expect(firing(story)).toBeDefined();
  expect(firing(story)).toBeUndefined();
});

test('hours are six, unless a rule says otherwise, and a rule can switch it off', () => {
  const isTwice = (yaml: string, lastsMs: number): boolean => {
    const story = tell(yaml);
    firing(story, { lastsMs });
    return isTold(story);
  };
  const rule = (text: string) =>
    `${SHOP}\nchronic: [{ match: ['alertname="DiskSpaceLow"'], ${text} }]`;
  expect(isTwice(SHOP, 6 * HOUR - MINUTE)).toBe(true);
  expect(isTwice(SHOP, 6 * HOUR)).toBe(false);
  expect(isTwice(rule('firedFor: 2h'), 2 * HOUR)).toBe(false);
  expect(isTwice(rule('off: true'), 7 * HOUR)).toBe(true);
});

test('never what is worse than a warning, nor worse than it was', () => {
  const times = (...severities: readonly string[]) => {
    const story = tell();
    return severities.map((severity) => firing(story, { severity }) !== undefined);
  };
  expect(times('critical', 'critical')).toEqual([true, true]);
  expect(times('high', 'high')).toEqual([true, true]);
  expect(times('warning', 'warning', 'critical', 'warning')).toEqual([true, false, true, false]);
});

test('what ends is not what came and went for hours', () => {
  const story = tell();
  const before = posts(story).length;
  for (let hour = 0; hour < 20; hour++) {
    story.fire(...DISK);
    story.wait(50 * MINUTE);
    story.resolve(...DISK);
    story.wait(5 * MINUTE);
  }
  expect(posts(story).length).toBe(before + 1);
  story.wait(DAY);
  expect(isTold(story)).toBe(true);
});

test.each(['eyes', 'white_check_mark', 'no_bell'])(
  'what people acted upon (:%s:) is a message for a month, also when nobody did the next time',
  (emoji) => {
    const story = tell();
    story.fire(...DISK);
    story.wait(HOUR);
    story.react(emoji, posts(story).at(-1)?.incident ?? '');
    story.wait(8 * HOUR);
    story.resolve(...DISK);
    story.wait(DAY);
    expect(firing(story)).toBeDefined();
    expect(firing(story)).toBeDefined();
    story.wait(30 * DAY);
    expect(firing(story)).toBeDefined();
    expect(firing(story)).toBeUndefined();
  },
);

test('who acts after the end acted, and whoever says that it is not worth an alert did not', () => {
  const after = (emoji: string): boolean => {
    const story = tell();
    story.fire(...DISK);
    story.wait(7 * HOUR);
    const incident = story.last()?.incident ?? '';
    story.resolve(...DISK);
    story.wait(MINUTE);
    story.react(emoji, incident);
    story.wait(DAY);
    return isTold(story);
  };
  expect(after('eyes')).toBe(true);
  expect(after('wastebasket')).toBe(false);
});

test('who reacts to its last message, however late, has a message again for a month', () => {
  const story = tell();
  const incident = firing(story) ?? '';
  expect(firing(story, { lastsMs: DAY })).toBeUndefined();
  expect(story.messages.map(({ text }) => text).join()).toContain(
    'when you react to its last one with anything but 🗑️',
  );
  story.wait(3 * DAY);
  story.react('wastebasket', incident);
  expect(isTold(story)).toBe(false);
  story.resolve(...DISK);
  story.wait(DAY);
  story.react('eyes', incident);
  expect(story.decisions.at(-1)).toMatchObject({ reason: 'acknowledged', incident });
  expect(isTold(story)).toBe(true);
});

test('whoever asked for something in the thread acted', () => {
  const story = tell();
  story.fire(...DISK);
  story.wait(HOUR);
  const on = { incident: story.last()?.incident ?? '' };
  story.event({ kind: 'request', user: 'U7', text: 'unsilence', on, orderedAt: story.now() });
  story.wait(7 * HOUR);
  story.resolve(...DISK);
  story.wait(DAY);
  expect(isTold(story)).toBe(true);
});

test('what failed with something else was no warning that stood alone', () => {
  for (const service of ['payments', 'payments-db']) {
    const story = tell();
    story.fire(...DISK);
    story.fire(service, 'HighLatency');
    story.wait(7 * HOUR);
    story.resolve(service, 'HighLatency');
    story.resolve(...DISK);
    story.wait(DAY);
    expect(isTold(story)).toBe(true);
  }
});

test('it is a message as soon as something else lasts with it, before and after the digest has it', () => {
  const toldAfterMin = (afterMs: number, ...other: readonly [string, string]): number => {
    const story = tell();
    firing(story);
    const before = posts(story).length;
    story.fire(...DISK);
    const at = story.now();
    story.wait(afterMs);
    story.fire(...other);
    story.wait(HOUR);
    return (Date.parse(posts(story)[before]?.at ?? '') - at) / MINUTE;
  };
  expect(toldAfterMin(0, 'payments', 'HighLatency')).toBe(4);
  expect(toldAfterMin(MINUTE, 'payments-db', 'HighLatency')).toBe(5);
  // Its hold is over, and the other one may still be a blip.
  expect(toldAfterMin(6 * MINUTE, 'payments', 'HighLatency')).toBe(14);
  expect(toldAfterMin(20 * MINUTE, 'payments', 'HighLatency')).toBe(28);
});

test('a blip beside it makes no message of it', () => {
  const story = tell();
  firing(story);
  const before = posts(story).length;
  story.fire(...DISK);
  story.wait(6 * MINUTE);
  story.fire('payments', 'HighLatency');
  story.wait(3 * MINUTE);
  story.resolve('payments', 'HighLatency');
  story.wait(HOUR);
  expect(posts(story).length).toBe(before);
  expect(chronic(story)).toHaveLength(1);
});

test('it is a message as soon as it is worse', () => {
  const story = tell();
  firing(story);
  const before = posts(story).length;
  story.fire(...DISK);
  story.wait(HOUR);
  story.fire(...DISK, { severity: 'critical' });
  story.wait(10 * MINUTE);
  expect(posts(story).length).toBe(before + 1);
});

test('another host is another warning', () => {
  const story = tell();
  firing(story);
  const before = posts(story).length;
  story.fire(...DISK, { labels: { host: 'n2' } });
  story.wait(HOUR);
  expect(posts(story).length).toBe(before + 1);
});

test('an escalation of its route calls nobody', () => {
  const story = tell(
    `${SHOP}\nroute: { mention: U0123456, escalate: { after: 30m, mention: U6543210 } }`,
  );
  firing(story);
  const before = story.messages.length;
  story.fire(...DISK);
  story.wait(5 * HOUR);
  expect(chronic(story)).toHaveLength(1);
  expect(story.messages.slice(before).filter(({ action }) => action !== 'update')).toEqual([]);
  expect(story.reasons().filter((reason) => reason === 'escalated')).toHaveLength(1);
});

test('nor where it comes and goes in the digest', () => {
  const story = tell(
    `${SHOP}\nroute: { mention: U0123456, escalate: { after: 30m, mention: U6543210 } }`,
  );
  firing(story);
  for (const lastsMs of [MINUTE, MINUTE, MINUTE, HOUR, 2 * HOUR]) {
    story.fire(...DISK);
    story.wait(lastsMs);
    story.resolve(...DISK);
    story.wait(MINUTE);
  }
  expect(chronic(story)).toHaveLength(1);
  expect(story.reasons()).toContain('reopened');
  expect(story.reasons().filter((reason) => reason === 'escalated')).toHaveLength(1);
});

test('what is in no message of Slack nobody could act upon', () => {
  const story = tell(`${SHOP}\nroute: { urgency: digest }`);
  firing(story);
  expect(story.state.chronic.size).toBe(0);
});

test('it is bounded, and the oldest go', () => {
  const story = tell();
  const severity = 'warning';
  for (let n = 0; n < 1_000; n++) {
    const fingerprint = `f${n}`;
    const known = { fingerprint, at: story.now() - n, firedMs: DAY, severity } as const;
    putSmall(story.state, 'chronic', fingerprint, known);
  }
  firing(story);
  expect(story.state.chronic.size).toBe(1_000);
  expect(story.state.chronic.has('f998')).toBe(true);
  expect(story.state.chronic.has('f999')).toBe(false);
  // What is too old to matter goes first, and all of it.
  story.wait(30 * DAY);
  for (let n = 0; n < 5; n++) {
    const known = { fingerprint: `g${n}`, at: story.now(), firedMs: DAY, severity } as const;
    putSmall(story.state, 'chronic', known.fingerprint, known);
  }
  firing(story);
  expect(story.state.chronic.size).toBe(6);
});

test('it is remembered across a restart, by who follows, and in every lane', () => {
  const story = tell();
  firing(story);
  const records = [...story.state.chronic].map(([fingerprint, value]) => ({
    key: `chronic/${fingerprint}`,
    value: JSON.parse(JSON.stringify(value)) as unknown,
  }));
  expect(records).toHaveLength(1);
  const state: LaneState = createState(LANE);
  restore(state, records);
  expect(state.chronic).toEqual(story.state.chronic);
  const source: LaneContents = { lane: LANE, records, outbox: [] };
  const lanes = relane([source], { by: ['env'], lanes: ['europe'] });
  expect(lanes).toHaveLength(2);
  for (const { records: all } of lanes) expect(all).toEqual(records);
  follow(state, [], [records[0]?.key ?? '']);
  expect(state.chronic.size).toBe(0);
});
