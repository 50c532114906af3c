/** A cause that says nothing itself: what several services call that fail at once. */
import { expect, test } from 'vitest';
import { type Firing, MINUTE, SECOND, START, type Story, tell } from '../support/story.ts';

const SHARED_DB = `
services:
  - { name: shop, dependsOn: [orders] }
  - { name: orders, dependsOn: [mysql, flags] }
  - { name: prices, dependsOn: [mysql, flags] }
  - { name: stations, dependsOn: [mysql] }
  - { name: contacts, dependsOn: [mysql] }
  - { name: mysql }
  - { name: flags }
`;
const THREE = ['orders', 'prices', 'stations'];

/** One request went through all of them: they are one incident, whatever the graph says. */
const ONE_REQUEST = { labels: { transaction_id: 'tid_9f3ac1d2' } };

/** Services fail one after the other. */
function fail(
  story: Story,
  services: readonly string[],
  apartMs = 20 * SECOND,
  more: Partial<Firing> = {},
): void {
  for (const service of services) {
    story.fire(service, 'HighErrorRate', { severity: 'critical', ...more });
    story.wait(apartMs);
  }
}

test('three services that fail at once for want of one that says nothing are one incident, and it is the likely cause', () => {
  const story = tell(SHARED_DB);
  fail(story, THREE);
  story.wait(2 * MINUTE + 15 * SECOND);
  // Each of them comes when it has lasted.
  expect(story.posts()).toMatchObject([{ root: 'orders', alerts: [{}] }]);
  expect(story.last()).toMatchObject({ root: 'mysql', alerts: [{}, {}, {}] });
  expect(story.last()?.text).toContain(
    '3 services that call it alert, and it has no alert here; explains 3 of 3 alerts',
  );
  fail(story, ['contacts'], 3 * MINUTE);
  expect(story.last()).toMatchObject({ root: 'mysql', alerts: [{}, {}, {}, {}] });
  expect(story.posts()).toHaveLength(1);
});

test('when it does speak, what waits untold to be explained by it comes along', () => {
  const story = tell(SHARED_DB);
  fail(story, THREE);
  story.wait(3 * MINUTE);
  story.fire('contacts', 'HighErrorRate', { severity: 'high' });
  story.wait(10 * SECOND);
  story.fire('mysql', 'Down', { severity: 'critical' });
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'mysql', alerts: [{}, {}, {}, {}, {}] });
  expect(story.last()?.text).not.toContain('has no alert here');
});

test('what has spoken, and is over, is not said to have said nothing', () => {
  const story = tell(SHARED_DB);
  fail(story, ['mysql', ...THREE], 0, ONE_REQUEST);
  story.wait(20 * SECOND);
  story.resolve('mysql', 'HighErrorRate', {
    severity: 'critical',
    startsAt: START,
    ...ONE_REQUEST,
  });
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.text).not.toContain('has no alert here');
});

test('it is the likely cause also when all is well again', () => {
  const story = tell(SHARED_DB);
  fail(story, THREE);
  story.wait(5 * MINUTE);
  for (const service of THREE)
    story.resolve(service, 'HighErrorRate', { severity: 'critical', startsAt: START });
  story.wait(MINUTE);
  expect(story.last()).toMatchObject({ root: 'mysql' });
});

test.each([
  ['two', ['orders', 'prices'], 20 * SECOND, 2],
  ['three, of which one explains another', ['orders', 'prices', 'shop'], 20 * SECOND, 2],
  ['three, not at once', THREE, 4 * MINUTE, 3],
])('%s that share something do not fail for want of it', (_case, services, apartMs, posts) => {
  const story = tell(SHARED_DB);
  fail(story, services, apartMs);
  story.wait(5 * MINUTE);
  expect(story.posts()).toHaveLength(posts);
  expect(story.messages.map(({ root }) => root)).not.toContain('mysql');
});

test.each([
  ['at once', 30 * SECOND, 'mysql'],
  ['one after the other', 4 * MINUTE, 'orders'],
])(
  'what one incident is anyway, and fails %s, has the likely cause %3$s',
  (_case, apartMs, root) => {
    const story = tell(SHARED_DB);
    fail(story, THREE, apartMs, ONE_REQUEST);
    story.wait(MINUTE);
    expect(story.posts()).toHaveLength(1);
    expect(story.last()).toMatchObject({ root, alerts: [{}, {}, {}] });
  },
);

test.each([
  ['correlate: [{ off: true }]', 'services are not linked'],
  ['correlate: [{ maxHops: 1 }]', 'what is next to each other only is linked'],
  ['correlate: [{ silent: 0 }]', 'nothing is linked through what says nothing'],
  ['hubs: { callers: 3 }', 'it is a hub'],
])('where %s nothing is concluded: %s', (rule) => {
  const story = tell(`${SHARED_DB}\n${rule}\n`);
  fail(story, THREE);
  story.wait(5 * MINUTE);
  expect(story.posts()).toHaveLength(3);
  expect(story.messages.map(({ root }) => root)).not.toContain('mysql');
});

test('of a hub nothing is concluded, also where what calls it is one incident anyway', () => {
  const story = tell(`${SHARED_DB}\nhubs: { callers: 3 }\n`);
  fail(story, THREE, 20 * SECOND, ONE_REQUEST);
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.root).not.toBe('mysql');
});

test('a host on which all of them fail is the likely cause before it', () => {
  const story = tell(SHARED_DB);
  fail(story, THREE, 0, { labels: { ...ONE_REQUEST.labels, host: 'n1' } });
  story.wait(MINUTE);
  expect(story.last()).toMatchObject({ root: 'n1', alerts: [{}, {}, {}] });
});

test('what explains more than it is the likely cause', () => {
  const story = tell(`
services:
  - { name: orders, dependsOn: [mysql] }
  - { name: prices, dependsOn: [mysql] }
  - { name: stations, dependsOn: [mysql] }
  - { name: mysql }
  - { name: shop, dependsOn: [queue] }
  - { name: kiosk, dependsOn: [queue] }
  - { name: phone, dependsOn: [queue] }
  - { name: queue }
`);
  fail(story, ['queue', 'shop', 'kiosk', 'phone', ...THREE], 0, ONE_REQUEST);
  story.wait(MINUTE);
  expect(story.last()).toMatchObject({ root: 'queue', alerts: { length: 7 } });
});

test.each(['orders', 'stations'])('a rule may keep one of them apart: %s', (name) => {
  const story = tell(`${SHARED_DB}
correlate: [{ match: ['service="${name}"'], off: true }]
`);
  fail(story, THREE);
  story.wait(5 * MINUTE);
  expect(story.posts()).toHaveLength(2);
  const own = story.posts().find(({ root }) => root === name);
  expect(own?.alerts).toHaveLength(1);
  expect(story.state.members.get(own?.incident ?? '')?.size).toBe(1);
});

test('a message that is about something else takes none of them in, though one of them is in it', () => {
  const story = tell(`
services:
  - { name: orders, dependsOn: [mysql, queue] }
  - { name: prices, dependsOn: [mysql] }
  - { name: stations, dependsOn: [mysql] }
  - { name: contacts, dependsOn: [mysql] }
  - { name: mysql }
  - { name: queue }
`);
  fail(story, ['queue', 'orders', 'prices', 'stations', 'contacts'], 10 * SECOND);
  story.wait(5 * MINUTE);
  expect(story.posts().map(({ root }) => root)).toEqual(['queue', 'prices']);
  const [queue, prices] = story.posts();
  expect(story.state.members.get(queue?.incident ?? '')?.size).toBe(2);
  expect(story.state.members.get(prices?.incident ?? '')?.size).toBe(3);
});

test('a message that is over by now takes no others in', () => {
  const story = tell(SHARED_DB);
  fail(story, ['orders'], MINUTE);
  fail(story, ['prices', 'stations'], 0);
  story.wait(95 * SECOND);
  expect(story.posts()).toHaveLength(1);
  story.resolve('orders', 'HighErrorRate', { severity: 'critical', startsAt: START });
  story.wait(5 * MINUTE);
  expect(story.posts()).toHaveLength(3);
});

test('of two messages that may be meant it is the one that began at nearly the same time', () => {
  const story = tell(`
services:
  - { name: orders, dependsOn: [mysql] }
  - { name: prices, dependsOn: [mysql] }
  - { name: routes, dependsOn: [cache] }
  - { name: trains, dependsOn: [cache] }
  - { name: stations, dependsOn: [mysql, cache] }
  - { name: mysql }
  - { name: cache }
`);
  fail(story, ['orders', 'prices', 'routes', 'trains', 'stations']);
  story.wait(3 * MINUTE);
  expect(story.posts().map(({ root }) => root)).toEqual(['orders', 'routes']);
  expect(story.last()).toMatchObject({ root: 'cache', alerts: [{}, {}, {}] });
});

test('what was split off is not taken for one that says nothing itself', () => {
  const story = tell(SHARED_DB);
  fail(story, ['mysql', ...THREE], 0);
  story.wait(5 * MINUTE);
  const [first] = story.posts();
  expect(story.posts()).toHaveLength(1);
  const on = { incident: first?.incident ?? '' };
  story.event({ kind: 'request', user: 'U7', text: 'split mysql', on, orderedAt: story.now() });
  story.wait(5 * MINUTE);
  expect(story.posts()).toHaveLength(2);
  const rest = story.messages.findLast(
    ({ incident, action }) => incident === first?.incident && action !== 'reply',
  );
  expect(rest?.text).not.toContain('has no alert here');
  expect(rest?.root).not.toBe('mysql');
});

test('of a likely cause whose own alert is silenced nobody says that it has said nothing', () => {
  const story = tell(SHARED_DB);
  story.event({
    kind: 'silence',
    silence: {
      id: 's1',
      matchers: [{ name: 'service', value: 'mysql', isRegex: false, isEqual: true }],
      startsAt: START,
      endsAt: START + 30 * MINUTE,
      createdBy: 'ann',
      comment: 'planned',
    },
  });
  fail(story, ['mysql', ...THREE], 0);
  story.wait(5 * MINUTE);
  expect(story.last()?.root).toBe('mysql');
  expect(story.last()?.text).toContain(
    'mysql: 3 services that call it alert, and it has no alert here',
  );
});

test('of several that they share it is the one that explains most, then the one with the fewest other callers', () => {
  const causeOf = (...services: readonly string[]) => {
    const names = ['alpha', 'beta', ...services].map((one) => `  - ${one}\n`);
    const story = tell(`services:\n${names.join('').replaceAll(/- (\w+)$/gm, '- { name: $1 }')}`);
    fail(story, [...THREE, 'shop'], 20 * SECOND, ONE_REQUEST);
    story.wait(MINUTE);
    return story.last()?.root;
  };
  const three = THREE.map((name) => `{ name: ${name}, dependsOn: [alpha, beta] }`);
  expect(causeOf(...three)).toBe('alpha');
  expect(causeOf(...three, '{ name: contacts, dependsOn: [alpha] }')).toBe('beta');
  const shop = '{ name: shop, dependsOn: [beta] }';
  const others = ['one', 'two'].map((name) => `{ name: ${name}, dependsOn: [beta] }`);
  expect(causeOf(...three, shop, ...others)).toBe('beta');
});
