/**
 * What fails in several places at once that nothing links: a network, a node, a provider that is in no catalog.
 */
import { expect, test } from 'vitest';
import { MINUTE, SECOND, type Story, tell } from '../support/story.ts';

const NAMES = ['pay', 'refund', 'payout', 'invoice'];
/** Each has a database, and nothing in common with the others. */
const CATALOG = `services:
${NAMES.map((name) => `  - { name: ${name}, dependsOn: [${name}-db] }\n  - { name: ${name}-db }`).join('\n')}
`;
const LASTS = 10 * MINUTE;

/** One after the other, each in a way of its own. */
function failInTurn(story: Story, services: readonly string[], everyMs: number): void {
  for (const service of services) {
    story.fire(service, `${service}Fails`, { severity: 'high' });
    story.wait(everyMs);
  }
}

test('the third place that fails within three minutes joins the first two, and so does what follows', () => {
  const story = tell(CATALOG);
  failInTurn(story, NAMES, 40 * SECOND);
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(2);
  expect(story.last()?.alerts).toHaveLength(4);
  const merged = story.decisions.find(({ reason }) => reason === 'merged');
  expect(merged?.because).toMatch(
    /began \d+ s apart, and with it what fails in 3 places; nobody said what links them$/,
  );
});

test.each([
  ['two places', ['pay', 'refund'], SECOND, 2],
  ['three, one after the other', ['pay', 'refund', 'payout'], 100 * SECOND, 3],
  ['three, of which one explains another', ['pay', 'pay-db', 'refund'], SECOND, 2],
  ['two, and one that the graph does not place', ['pay', 'shop.example.com', 'refund'], SECOND, 2],
])('what may be chance stays apart: %s', (_, services, everyMs, posts) => {
  const story = tell(CATALOG);
  failInTurn(story, services, everyMs);
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(posts);
});

test('what fails in very many pods stays by itself: to move it would be dear', () => {
  const story = tell(CATALOG);
  const names = ['pay', 'refund', 'payout'];
  for (let i = 0; i <= 1_000; i++)
    for (const name of names) story.fire(name, `${name}Down`, { labels: { pod: `${name}-${i}` } });
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(3);
});

test('what calls several of them makes them not one place', () => {
  const story = tell(`${CATALOG}  - { name: shop, dependsOn: [pay, refund, payout] }\n`);
  failInTurn(story, ['pay', 'shop', 'refund', 'payout'], SECOND);
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(2);
  expect(story.last()?.alerts).toHaveLength(4);
});

test('where messages come all the time, three at once are no surprise', () => {
  const story = tell(
    `${CATALOG}  - { name: search, dependsOn: [search-db] }\n  - { name: search-db }\n`,
  );
  failInTurn(story, ['search'], 5 * MINUTE);
  failInTurn(story, ['pay', 'refund', 'payout'], SECOND);
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(4);
});

test('a service of the graph joins the message of machines that no graph places, two minutes later', () => {
  const story = tell(CATALOG);
  for (const vm of ['vm-1', 'vm-2', 'vm-3', 'vm-4'])
    story.fire(vm, 'HostDown', { labels: { host: vm } });
  story.wait(2 * MINUTE);
  story.fire('pay', 'Slow');
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(5);
});

test.each([
  [8, 1],
  [4, 2],
])(
  'what fails in %i places and spreads takes in what begins soon after the last',
  (places, posts) => {
    const story = tell(CATALOG);
    const down = (vm: string) => story.fire(vm, 'HostDown', { labels: { host: vm } });
    for (let i = 1; i < places; i++) down(`vm-${i}`);
    story.wait(2.5 * MINUTE);
    down('vm-0');
    story.wait(2.5 * MINUTE);
    story.fire('pay', 'Slow');
    story.wait(LASTS);
    expect(story.posts()).toHaveLength(posts);
  },
);

test('what waited before it fired began with the others', () => {
  const story = tell(CATALOG);
  failInTurn(story, ['pay', 'refund'], SECOND);
  story.wait(LASTS);
  // Of kube-prometheus: after ten minutes.
  story.fire('payout', 'TargetDown');
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(2);
  expect(story.last()?.alerts).toHaveLength(3);
});

test('whoever reads another channel is told of their own', () => {
  const owned = CATALOG.replaceAll(/name: (\w+), /g, 'name: $1, owner: team-$1, ');
  const teams = NAMES.map((name) => `  - { name: team-${name}, channel: '#${name}' }`);
  const story = tell(`${owned}teams:\n${teams.join('\n')}\nroute: { channel: owner }\n`);
  failInTurn(story, ['pay', 'refund', 'payout'], SECOND);
  story.wait(LASTS);
  expect(story.posts().map(({ channel }) => channel)).toEqual(['#pay', '#refund', '#payout']);
});
