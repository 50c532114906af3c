/** What well-known outages looked like to those on call, told small: a message for each, with its cause. */
import { expect, test } from 'vitest';
import { MINUTE, SECOND, tell } from '../support/story.ts';

const CRITICAL = { severity: 'critical' } as const;

/** Alerts of nobody's service: a site that is probed from outside. */
function probe(site: string) {
  const labels = { job: 'blackbox', service: 'blackbox', instance: `https://${site}/` };
  return { ...CRITICAL, labels };
}

test('GitHub 2018: a database fails over across a continent, and services fail for hours because it lags', () => {
  const story = tell(`
services:
  - { name: web, tier: 1, dependsOn: [mysql] }
  - { name: api, tier: 1, dependsOn: [mysql] }
  - { name: webhooks, tier: 2, dependsOn: [api] }
  - { name: mysql, tier: 1 }
`);
  story.fire('mysql', 'OrchestratorFailover', CRITICAL);
  story.wait(2 * MINUTE);
  story.fire('mysql', 'MysqlReplicationLag', CRITICAL);
  story.wait(6 * MINUTE);
  story.fire('api', 'HighErrorRate', CRITICAL);
  story.fire('web', 'HighErrorRate', CRITICAL);
  story.wait(15 * MINUTE);
  story.fire('webhooks', 'BacklogGrows');
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'mysql', alerts: [{}, {}, {}, {}, {}] });
});

test('where people asked for quiet, what comes to fail long after is a message of its own', () => {
  const story = tell();
  story.fire('payments-db', 'Down', CRITICAL);
  story.wait(10 * MINUTE);
  story.react('no_bell', story.posts()[0]?.incident ?? '');
  story.wait(10 * MINUTE);
  story.fire('payments', 'HighErrorRate', CRITICAL);
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(2);
});

test('Cloudflare 2023: a data centre without power; what calls its databases fails because of them, not because of its machines', () => {
  const story = tell(`
services:
  - { name: dashboard, tier: 1, dependsOn: [auth] }
  - { name: auth, tier: 1, dependsOn: [auth-db] }
  - { name: auth-db, tier: 2 }
`);
  for (const host of ['pdx-1', 'pdx-2', 'pdx-3']) {
    const labels = { service: 'node-exporter', job: 'node-exporter', instance: `${host}:9100` };
    story.fire('', 'InstanceDown', { ...CRITICAL, labels });
    story.fire('', 'NodeUnreachable', { ...CRITICAL, labels });
  }
  story.wait(10 * SECOND);
  story.fire('auth-db', 'PostgresqlDown', CRITICAL);
  story.wait(4 * MINUTE);
  expect(story.posts()).toMatchObject([{ root: 'pdx-1' }]);
  story.fire('auth', 'HighErrorRate', CRITICAL);
  story.wait(MINUTE);
  story.fire('dashboard', 'HighErrorRate', CRITICAL);
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(1);
});

test('an outage that has reached several services shows from outside as well, minutes after it began', () => {
  const story = tell(`
services:
  - { name: gateway, tier: 1, dependsOn: [web, api] }
  - { name: web, tier: 1, dependsOn: [login] }
  - { name: api, tier: 1, dependsOn: [login] }
  - { name: login, tier: 1 }
`);
  story.fire('login', 'TlsHandshakeErrors', CRITICAL);
  story.wait(3 * MINUTE + 30 * SECOND);
  for (const service of ['web', 'api', 'gateway']) story.fire(service, 'HighErrorRate', CRITICAL);
  story.wait(MINUTE);
  story.fire('', 'ProbeFailed', probe('teams.example.com'));
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  // By then it has long stopped spreading.
  story.fire('', 'ProbeFailed', probe('careers.example.com'));
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(2);
});

test('Stripe 2019: a site that is probed fails of what fails behind it, two services so far', () => {
  const story = tell(`
services:
  - { name: api, tier: 1, dependsOn: [charges] }
  - { name: charges, tier: 1, dependsOn: [mongo] }
  - { name: mongo }
`);
  story.fire('mongo', 'MongodbReplicasetNoPrimary', CRITICAL);
  story.wait(4 * MINUTE);
  story.fire('charges', 'HighErrorRate', CRITICAL);
  story.wait(20 * SECOND);
  story.fire('', 'ProbeFailed', probe('api.pay.example'));
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'mongo', alerts: [{}, {}, {}] });
});

test('Google 2021: nobody gets in, and what is behind the sites that fail gets too few requests', () => {
  const story = tell(`
services:
  - { name: mobile-bff, tier: 1, dependsOn: [catalog] }
  - { name: storefront, tier: 1, dependsOn: [catalog] }
  - { name: catalog, tier: 1 }
`);
  story.fire('', 'ProbeFailed', probe('www.shop.example'));
  story.fire('', 'ProbeFailed', probe('m.shop.example'));
  story.wait(6 * MINUTE);
  story.fire('storefront', 'RequestRateLow', CRITICAL);
  story.wait(MINUTE);
  story.fire('mobile-bff', 'RequestRateLow', CRITICAL);
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'm.shop.example', alerts: [{}, {}, {}, {}] });
});

test('a disk fills for an hour, and what the database then breaks joins the message of the disk', () => {
  const story = tell(`
services:
  - { name: login, tier: 2, dependsOn: [accounts-db] }
  - { name: cart, tier: 2, dependsOn: [accounts-db] }
  - { name: accounts-db, tier: 1 }
`);
  story.fire('accounts-db', 'DiskAlmostFull');
  story.wait(51 * MINUTE);
  story.fire('accounts-db', 'DiskFull', CRITICAL);
  story.wait(15 * MINUTE);
  for (const service of ['login', 'cart']) story.fire(service, 'HighErrorRate', CRITICAL);
  story.wait(20 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'accounts-db', alerts: [{}, {}, {}, {}] });
});

test('a job that fails every hour is one message for as long as its failure stands', () => {
  const story = tell();
  for (const run of ['28475920', '28475980', '28476040']) {
    const labels = { service: 'kube-state-metrics', job_name: `export-${run}` };
    story.fire('', 'KubeJobFailed', { labels });
    story.wait(61 * MINUTE);
  }
  expect(story.posts()).toMatchObject([{ root: 'export' }]);
  expect(story.last()?.alerts).toHaveLength(3);
});
