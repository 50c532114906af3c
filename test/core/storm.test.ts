import { expect, test } from 'vitest';
import { MINUTE, type Story, tell } from '../support/story.ts';

/** Many services that have nothing to do with each other: those of tier 1 have on-calls. */
const RULES = `
services:
${Array.from({ length: 40 }, (_, i) => `  - { name: svc-${i}, tier: ${i % 4 === 0 ? 1 : 2}, owner: team-${i % 8}, dependsOn: [db-${i}] }`).join('\n')}
${Array.from({ length: 40 }, (_, i) => `  - { name: db-${i} }`).join('\n')}
teams:
${Array.from({ length: 8 }, (_, i) => `  - { name: team-${i}, channel: '#team-${i}', oncall: S012TEAM${i} }`).join('\n')}
hold: [{ for: 0s }]
heartbeats: [{ match: ['alertname="Watchdog"'], name: monitoring, missingAfter: 2h }]
route:
  channel: '#alerts'
  routes:
    - { match: ['environment!="production"'], channel: '#dev', urgency: digest }
    - { match: ['tier="1"', 'severity="critical"'], channel: owner, mention: oncall }
    - { match: ['tier="2"'], channel: owner }
`;

/** Each in a cluster of its own: nothing makes them one. */
const inOwnCluster = (i: number) => ({ labels: { cluster: `cluster-${i}` } });

function storm(): Story {
  const story = tell(RULES);
  for (let i = 0; i < 40; i++) {
    const severity = i % 4 === 0 ? 'critical' : 'warning';
    story.fire(`svc-${i}`, 'Broken', { severity, ...inOwnCluster(i) });
    story.wait(1_000);
  }
  story.wait(MINUTE);
  return story;
}

test('in a storm whoever answers for what is critical at tier 1 is called in its thread, once', () => {
  const story = storm();
  const replies = story.messages.filter(({ action }) => action === 'reply');
  const ofTier1 = story.decisions.filter(
    ({ reason, because }) => reason === 'told' && because?.startsWith('in the thread of'),
  );
  expect(ofTier1.length).toBeGreaterThan(3);
  expect(replies.map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/^🔴 In it: svc-24: broken · critical · incident \w{8} · Alert storm/),
  );
  const calls = replies.flatMap(({ text }) => text.match(/S012TEAM\d/g) ?? []);
  expect([...calls].sort()).toEqual(['S012TEAM0', 'S012TEAM4']);
  expect(replies).toHaveLength(ofTier1.length);
});

test('a storm that nobody acknowledges escalates', () => {
  const story = tell(`
route: { channel: '#alerts', escalate: { after: 15m, mention: here } }
correlate: [{ match: ['alertname="Boom"'], off: true }]
storm: { perMinute: 8 }
`);
  for (let n = 0; n < 40; n++) story.fire(`s${n}`, 'Boom', { severity: 'critical' });
  story.wait(40 * MINUTE);
  const began = story.decisions.find(({ reason }) => reason === 'storm-began');
  const escalated = story.decisions.filter(({ reason }) => reason === 'escalated');
  expect(escalated.map(({ incident }) => incident)).toContain(began?.incident);
});

test('a storm, and a heartbeat that is lost, are told where production is told', () => {
  const story = storm();
  const parent = story.messages.find(({ text }) => text.includes('Alert storm'));
  expect(parent?.channel).toBe('#alerts');
  story.wait(3 * 60 * MINUTE);
  const lost = story.messages.find(({ text }) => text.includes('Quell has never heard'));
  expect(lost?.channel).toBe('#alerts');
  expect(lost?.text).toContain('not heard for 2 h');
});

test('the message of a storm counts what joins the incidents that it stands for', () => {
  const story = storm();
  const before = story.messages.filter(({ text }) => text.includes('Alert storm')).at(-1)?.text;
  for (let i = 0; i < 40; i++) story.fire('svc-30', `Check${i}`);
  story.wait(MINUTE);
  const after = story.messages.filter(({ text }) => text.includes('Alert storm')).at(-1)?.text;
  const alerts = (text = '') => Number(/ (\d+) alerts/.exec(text)?.[1]);
  expect(alerts(after)).toBe(alerts(before) + 40);
  story.resolve('svc-30', 'Check0');
  story.wait(MINUTE);
  const last = story.messages.filter(({ text }) => text.includes('Alert storm')).at(-1)?.text;
  expect(last).toMatch(new RegExp(` ${alerts(after)} alerts, ${alerts(after) - 1} still firing`));
});

test('what begins to fail long after the flood is told by itself, though the storm still stands', () => {
  const story = storm();
  story.wait(40 * MINUTE);
  expect(story.state.storm).toBeDefined();
  story.fire('svc-40', 'Broken', { severity: 'critical', ...inOwnCluster(40) });
  expect(story.posts().at(-1)).toMatchObject({ root: 'svc-40' });
});

test('people who asked for quiet of a storm hear what comes and is critical at tier 1', () => {
  const story = tell(RULES);
  for (let i = 1; i < 40; i++) {
    if (i % 4 !== 0) story.fire(`svc-${i}`, 'Broken');
    story.wait(1_000);
  }
  const parent = story.messages.find(({ text }) => text.includes('Alert storm'));
  story.react('no_bell', parent?.incident ?? '');
  story.fire('svc-8', 'Broken', { severity: 'critical' });
  const lines = story.messages.filter(({ action }) => action === 'reply');
  expect(lines.map(({ text }) => text)).toEqual([
    expect.stringMatching(/^🔴 In it: svc-8.*S012TEAM0/),
  ]);
});

test('what only a storm told of, and flaps, is told when it fires on after the storm', () => {
  const story = tell(RULES);
  for (let i = 0; i < 32; i++) {
    story.fire(`svc-${i}`, 'Broken', inOwnCluster(i));
    story.wait(1_000);
  }
  const critical = { severity: 'critical', ...inOwnCluster(36) };
  for (let n = 0; n < 6; n++) {
    story.fire('svc-36', 'Flapping', critical);
    story.wait(1_000);
    story.resolve('svc-36', 'Flapping', critical);
    story.wait(1_000);
  }
  for (let i = 0; i < 32; i++) story.resolve(`svc-${i}`, 'Broken', inOwnCluster(i));
  story.wait(7 * MINUTE);
  expect(story.reasons()).toContain('storm-ended');
  story.fire('svc-36', 'Flapping', critical);
  story.wait(60 * MINUTE);
  const posts = story.posts().filter(({ text }) => text.includes('svc-36'));
  expect(posts.map(({ text }) => text)).toEqual([expect.stringContaining('S012TEAM4')]);
});

test('after a storm the ten worst that go on are told, the earliest first, and the rest is listed', () => {
  const story = storm();
  const { stormed, incidents } = story.state;
  const at = (id: string) => incidents.get(id)?.gatheredAt ?? 0;
  const earliest = (one: string, other: string) => at(one) - at(other);
  const are = (severity: string) =>
    [...stormed].filter((id) => incidents.get(id)?.severity === severity).sort(earliest);
  const worstFirst = [...are('critical'), ...are('warning')];
  story.wait(5 * 60 * MINUTE);
  const told = story.posts().map(({ incident }) => incident);
  expect(told.filter((id) => worstFirst.includes(id))).toEqual(worstFirst.slice(0, 10));
  const listed = story.decisions.filter(({ reason }) => reason === 'digested');
  expect(listed.map(({ incident }) => incident)).toEqual(worstFirst.slice(10));
});

test('what would begin a storm, and seconds later is part of what was told, begins none', () => {
  const strangers = Array.from(
    { length: 25 },
    (_, i) => `  - { name: svc-${i}, dependsOn: [db-${i}] }\n  - { name: db-${i} }\n`,
  );
  const story = tell(`
services:
  - { name: shop, tier: 1, dependsOn: [api] }
  - { name: api, dependsOn: [worker] }
  - { name: worker, dependsOn: [bus] }
  - { name: bus, tier: 1 }
${strangers.join('')}`);
  story.fire('bus', 'Down', { severity: 'critical' });
  for (let i = 0; i < 25; i++) {
    story.fire(`svc-${i}`, 'Slow');
    story.wait(500);
  }
  story.fire('shop', 'Down', { severity: 'critical' });
  story.wait(5_000);
  story.fire('worker', 'Down', { severity: 'high' });
  story.wait(MINUTE);
  expect(story.reasons()).not.toContain('storm-began');
  expect(story.posts()).toMatchObject([{ root: 'bus' }]);
});

test('the message of a storm names the worst in it, and what was told just before', () => {
  const story = storm();
  const parent = story.messages.findLast(({ text }) => text.includes('Alert storm'));
  const before = story.posts().filter(({ text }) => !text.includes('Alert storm'));
  expect(before.length).toBeGreaterThan(0);
  const { stormed } = story.state;
  const total = stormed.size + before.slice(-2).length;
  expect(parent?.text).toContain(`Alert storm: ${total} incidents at once`);
  const list = /In it: (.*)/.exec(parent?.text ?? '')?.[1] ?? '';
  expect(list.match(/svc-\d+: broken \(\w{8}\)/g)).toHaveLength(5);
  expect(list).toContain(`and ${stormed.size - 5} more`);
  for (const { incident } of before.slice(-2))
    expect(parent?.text).toMatch(new RegExp(`Told by themselves: .*\\(${incident}\\)`));
});

test('what goes on after a storm, in one cluster and for one channel, is one message', () => {
  const catalog = RULES.slice(0, RULES.indexOf('teams:')).replaceAll(/, owner: team-\d/g, '');
  const story = tell(`${catalog}\nhold: [{ for: 0s }]`);
  const inCluster = (i: number) => inOwnCluster(Math.min(i, 30));
  for (let i = 0; i < 40; i++) {
    story.fire(`svc-${i}`, 'Broken', inCluster(i));
    story.wait(1_000);
  }
  for (let i = 0; i < 30; i++) story.resolve(`svc-${i}`, 'Broken', inCluster(i));
  story.wait(5 * 60 * MINUTE);
  const ended = story.decisions.find(({ reason }) => reason === 'storm-ended')?.at ?? 0;
  expect(ended).toBeGreaterThan(0);
  const after = story.posts().filter(({ at }) => Date.parse(at) >= ended);
  expect(after).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(10);
  const merged = story.decisions.findLast(({ reason }) => reason === 'merged');
  expect(merged?.because).toMatch(/began \d+ s apart in a storm, and outlasted it$/);
});

test('a burst is still a storm when what came in it has outlasted its hold', () => {
  const story = tell('correlate: [{ off: true }]');
  for (let i = 0; i < 40; i++) story.fire(`service-${i}`, 'Down', { severity: 'critical' });
  story.wait(3 * MINUTE);
  expect(story.reasons()).toContain('storm-began');
  expect(story.posts().length).toBeLessThanOrEqual(3);
});
