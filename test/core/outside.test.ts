/**
 * Failures whose cause is outside the catalog: services without a path between them that fail in the same way at once.
 */
import { expect, test } from 'vitest';
import { MINUTE, SECOND, SHOP, type Story, tell } from '../support/story.ts';

/** Each has a database, and nothing in common with the others; two call the first. */
const CATALOG = `services:
${['pay', 'refund', 'payout', 'invoice'].map((name) => `  - { name: ${name}, dependsOn: [${name}-db] }\n  - { name: ${name}-db }`).join('\n')}
  - { name: shop, dependsOn: [pay] }
  - { name: app, dependsOn: [pay] }
`;

const LASTS = 10 * MINUTE;

/** One after the other, and each in the same way. */
function failInTurn(story: Story, services: readonly string[], everyMs: number): void {
  for (const service of services) {
    story.fire(service, 'ExternalCallsFail', { severity: 'high' });
    story.wait(everyMs);
  }
}

test('three services that share nothing and begin to fail in the same way at once are one incident', () => {
  const story = tell(CATALOG);
  failInTurn(story, ['pay', 'refund', 'payout'], 30 * SECOND);
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(3);
  const merged = story.decisions.find(({ reason }) => reason === 'merged');
  expect(merged?.because).toMatch(
    /ExternalCallsFail began \d+ s apart on \w+, and on a third; nobody said what links them$/,
  );
});

test('what begins to fail like them when they were told joins their message', () => {
  const story = tell(CATALOG);
  failInTurn(story, ['pay', 'refund', 'payout'], 10 * SECOND);
  story.fire('invoice', 'ExternalCallsFail');
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(4);
});

test.each([
  ['in the same way', CATALOG, ['pay', 'refund', 'payout'], {}, 1],
  ['what all name', CATALOG, ['pay', 'refund'], { provider: 'bank' }, 1],
] as const)('a restart forgets nothing of it: %s', (_, yaml, services, labels, posts) => {
  const story = tell(yaml);
  for (const service of services) {
    story.fire(service, 'ExternalCallsFail', { severity: 'high', labels });
    story.wait(20 * SECOND);
    restart(story);
  }
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(posts);
});

/** As a state that is loaded has it: an index of what began lately is not stored. */
function restart(story: Story): void {
  const { rows, carriers } = story.state.alikeLately;
  rows.clear();
  carriers.clear();
  story.event({ kind: 'started' });
}

test.each([
  ['two only', ['pay', 'refund'], 30 * SECOND, 2],
  ['three, one after the other', ['pay', 'refund', 'payout'], 2 * MINUTE, 3],
  ['two, and what calls one of them', ['pay', 'shop', 'app', 'refund'], 20 * SECOND, 2],
])('what may be chance stays apart: %s', (_, services, everyMs, posts) => {
  const story = tell(CATALOG);
  failInTurn(story, services, everyMs);
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(posts);
});

test('where such failures come all the time, three at once are no surprise', () => {
  const story = tell(CATALOG);
  story.fire('shop-x', 'ExternalCallsFail');
  story.resolve('shop-x', 'ExternalCallsFail');
  story.wait(5 * MINUTE);
  failInTurn(story, ['pay', 'refund', 'payout'], 30 * SECOND);
  story.wait(2 * MINUTE);
  expect(story.decisions.some(({ reason }) => reason === 'merged')).toBe(false);
});

test('what is over again, or only information, says nothing of what fails in the same way', () => {
  const story = tell(CATALOG);
  failInTurn(story, ['pay', 'refund', 'payout'], SECOND);
  story.fire('invoice', 'ExternalCallsFail', { severity: 'info' });
  story.resolve('payout', 'ExternalCallsFail', { severity: 'high' });
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(2);
});

test('whoever reads another channel is told of their own', () => {
  const owned = CATALOG.replaceAll(/name: (\w+), /g, 'name: $1, owner: team-$1, ');
  const teams = ['pay', 'refund', 'payout', 'invoice', 'shop', 'app'].map(
    (name) => `  - { name: team-${name}, channel: '#${name}' }`,
  );
  const story = tell(`${owned}teams:\n${teams.join('\n')}\nroute: { channel: owner }\n`);
  failInTurn(story, ['pay', 'refund', 'payout'], SECOND);
  story.wait(LASTS);
  expect(story.posts().map(({ channel }) => channel)).toEqual(['#pay', '#refund', '#payout']);
});

test.each([
  ['in a label', { labels: { peer_service: 'api.stripe.com' } }],
  ['as an address', { labels: { target: 'https://api.stripe.com/v1' } }],
])(
  'two that name the same from outside %s are one incident, and that is its likely cause',
  (_, more) => {
    const story = tell(CATALOG);
    story.fire('pay', 'CardsDeclined', { severity: 'high', ...more });
    story.wait(40 * SECOND);
    story.fire('payout', 'TransfersFail', { severity: 'high', ...more });
    story.wait(LASTS);
    expect(story.posts()).toHaveLength(1);
    expect(story.last()).toMatchObject({ root: 'api.stripe.com' });
    expect(story.last()?.text).toContain(
      'Likely cause: api.stripe.com: 2 services that share nothing in the catalog name it; explains 2 of 2 alerts',
    );
  },
);

test('a third that names it joins their message', () => {
  const story = tell(CATALOG);
  const more = { severity: 'high', labels: { provider: 'stripe' } };
  for (const service of ['pay', 'payout']) story.fire(service, `${service}Fails`, more);
  story.wait(30 * SECOND);
  story.fire('invoice', 'NotSent', { ...more, severity: 'warning' });
  story.wait(2 * LASTS);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'stripe', alerts: [{}, {}, {}] });
});

test.each(['people want it quiet', 'it is over'])(
  'a message takes in none that names the same when: %s',
  (why) => {
    const story = tell(CATALOG);
    const more = { severity: 'high', labels: { provider: 'stripe' } };
    for (const service of ['pay', 'payout']) story.fire(service, `${service}Fails`, more);
    story.wait(LASTS);
    const [told] = story.posts();
    expect(told?.alerts).toHaveLength(2);
    if (why === 'it is over')
      for (const service of ['pay', 'payout']) story.resolve(service, `${service}Fails`, more);
    else story.react('no_bell', told?.incident ?? '');
    story.fire('invoice', 'NotSent', more);
    story.wait(LASTS);
    expect(story.posts()).toHaveLength(2);
  },
);

test('what two of five name is not the likely cause of all', () => {
  const story = tell('');
  for (const [service, provider] of [
    ['a', 'stripe'],
    ['b', 'stripe'],
    ['c', 'one'],
    ['d', 'two'],
    ['e', 'three'],
  ] as const)
    story.fire(service, 'Down', { severity: 'high', labels: { provider } });
  story.wait(LASTS);
  expect(story.posts()).toMatchObject([{ root: 'a', alerts: [{}, {}, {}, {}, {}] }]);
});

test('what shares something in the catalog counts once', () => {
  const shared = ['tax', 'fee'].map((name) => `  - { name: ${name}, dependsOn: [pay-db] }\n`);
  const story = tell(`${CATALOG}${shared.join('')}hubs: { callers: 2 }\n`);
  failInTurn(story, ['tax', 'fee', 'payout'], SECOND);
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(3);
});

test.each([
  ['is a service of the catalog', { labels: { peer_service: 'pay-db' } }],
  ['is a machine', { labels: { target: '10.0.0.7:9100' } }],
  ['is empty', { labels: { peer_service: '' } }],
  ['is a machine with a name', { labels: { target: 'web-1.internal:9100' } }],
])('what they name says nothing if it %s', (_, more) => {
  const story = tell(CATALOG);
  story.fire('payout', 'TransfersFail', { severity: 'high', ...more });
  story.fire('refund', 'CardsDeclined', { severity: 'high', ...more });
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(2);
});

test('a name that stands on the alerts of everybody says nothing', () => {
  const names = Array.from({ length: 16 }, (_, i) => `svc-${i}`);
  const story = tell(
    `services:\n${names.map((name) => `  - { name: ${name}, dependsOn: [${name}-db] }\n  - { name: ${name}-db }`).join('\n')}`,
  );
  const labels = { provider: 'cloud' };
  for (const name of names.slice(0, 14)) {
    story.fire(name, `${name}Slow`, { labels });
    story.resolve(name, `${name}Slow`, { labels });
    story.wait(5 * MINUTE);
  }
  restart(story);
  story.fire('svc-14', 'Slow', { severity: 'high', labels });
  story.fire('svc-15', 'Failing', { severity: 'high', labels });
  story.wait(LASTS);
  expect(story.posts()).toHaveLength(2);
});

test('a site that fails its probe, and that an alert names as whom its service calls, is the likely cause', () => {
  const story = tell(SHOP);
  const upstream = { severity: 'high', labels: { upstream: 'api.paypal.com' } } as const;
  story.fire('checkout', 'HighErrorRate', { severity: 'critical' });
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  story.fire('payments', 'UpstreamErrors', upstream);
  story.wait(MINUTE);
  expect(story.last()).toMatchObject({ root: 'payments' });
  const probe = { job: 'blackbox', instance: 'https://api.paypal.com/status' };
  story.fire('', 'ProbeFailed', { severity: 'high', labels: { service: '', ...probe } });
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'api.paypal.com' });
  expect(story.last()?.text).toContain('api.paypal.com: payments names it; explains 4 of 4 alerts');
});

test('without names nobody calls anybody: the name service is the likely cause of an outage that began with it', () => {
  const story = tell(SHOP);
  for (const service of ['payments-db', 'payments', 'checkout', 'basket'])
    story.fire(service, 'HighErrorRate', { severity: 'critical' });
  story.wait(MINUTE);
  story.fire('coredns', 'CoreDNSErrorsHigh', { severity: 'critical' });
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'coredns' });
});
