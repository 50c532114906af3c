import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SEVERITIES } from '../../src/model.ts';
import { builtInRules } from '../../src/rules/compile.ts';
import { bareHost } from '../../src/rules/host-name.ts';
import { normaliseTransaction } from '../../src/rules/transactions.ts';
import { alertOf, rulesOf } from './support.ts';

const UNTUNED = builtInRules();
const CATALOG = rulesOf(`
services:
  - { name: Payments, owner: a, aliases: [payments-api, svc_payments], runbook: 'https://wiki/p' }
  - { name: orders, owner: a, dashboard: 'https://grafana/o' }
  - { name: prod, owner: a }
`);

function facts(labels: Record<string, string>, annotations: Record<string, string> = {}) {
  return UNTUNED.normalise(alertOf(labels, annotations));
}
function service(labels: Record<string, string>) {
  const { service: name, known } = CATALOG.normalise(alertOf(labels));
  return known ? name : `unknown ${name}`;
}

test('an alert of Prometheus needs no tuning', () => {
  const labels = {
    alertname: 'HighErrorRate',
    severity: 'page',
    job: 'checkout',
    instance: '10.0.0.7:9100',
    env: 'prod',
  };
  const annotations = { summary: 'x', runbook_url: 'https://wiki/r', dashboard_url: 'https://g/d' };
  expect(facts(labels, annotations)).toEqual({
    name: 'HighErrorRate',
    service: 'checkout',
    known: false,
    environment: 'production',
    severity: 'critical',
    host: '10.0.0.7',
    transactions: [],
    runbook: 'https://wiki/r',
    dashboard: 'https://g/d',
  });
});

test('what no label says an annotation of its name does', () => {
  const annotations = {
    alertname: 'Down',
    service: 'checkout',
    severity: 'critical',
    environment: 'stage',
    host: 'web-1:443',
  };
  const said = { name: 'Down', service: 'checkout', severity: 'critical', environment: 'staging' };
  expect(facts({ key: '8f1c' }, annotations)).toMatchObject({ ...said, host: 'web-1' });
  const labels = { alertname: 'Slow', app: 'basket', level: 'info', env: 'prod', node: 'web-2' };
  expect(facts(labels, annotations)).toMatchObject({
    name: 'Slow',
    service: 'basket',
    severity: 'info',
    environment: 'production',
    host: 'web-2',
  });
});

test('an alert that says nothing still has all its facts', () => {
  expect(facts({})).toEqual({
    name: 'alert',
    service: 'alert',
    known: false,
    environment: 'production',
    severity: 'warning',
    host: undefined,
    transactions: [],
    runbook: undefined,
    dashboard: undefined,
  });
});

test.each([
  ['page', 'critical'],
  ['CRIT', 'critical'],
  ['P1', 'critical'],
  ['sev1', 'critical'],
  ['SEV-1', 'critical'],
  ['P-3', 'warning'],
  ['disaster', 'critical'],
  ['error', 'high'],
  ['major', 'high'],
  ['P2', 'high'],
  ['Warn', 'warning'],
  ['minor', 'warning'],
  ['average', 'warning'],
  ['notice', 'info'],
  ['P5', 'info'],
  ['none', 'none'],
  ['', 'warning'],
  ['purple', 'warning'],
])('the severity %s means %s', (word, severity) => {
  expect(facts({ severity: word }).severity).toBe(severity);
});

test.each([
  [{ env: 'prod' }, 'production'],
  [{ environment: 'PRD' }, 'production'],
  [{ stage: 'stg' }, 'staging'],
  [{ env: 'qa' }, 'qa'],
  // Nothing is quietened because a label is missing.
  [{}, 'production'],
  [{ namespace: 'staging' }, 'staging'],
  [{ namespace: 'payments-dev' }, 'development'],
  [{ namespace: 'qa-7' }, 'qa'],
  [{ namespace: 'stg-shop' }, 'staging'],
  [{ namespace: 'monitoring', exported_namespace: 'shop-test' }, 'test'],
  [{ namespace: 'shop', cluster: 'pre-prod-eu' }, 'preprod'],
  [{ namespace: 'shop', cluster: 'eu-nonprod-1' }, 'nonprod'],
  [{ namespace: 'staging', env: 'live' }, 'production'],
  // What runs there, and not where.
  [{ namespace: 'dev-portal' }, 'production'],
  [{ namespace: 'test-results' }, 'production'],
  [{ namespace: 'ci' }, 'production'],
  [{ namespace: 'backstage' }, 'production'],
  [{ namespace: 'kube-system', cluster: 'latest' }, 'production'],
])('the environment of %j is %s', (labels, environment) => {
  expect(facts(labels).environment).toBe(environment);
});

test.each([
  ['db1:9100', 'db1'],
  ['db1', 'db1'],
  ['10.0.0.7:9100', '10.0.0.7'],
  ['[2001:db8::1]:9100', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['fe80::1', 'fe80::1'],
  ['https://shop.example.com:8443/health?x=1', 'shop.example.com'],
  ['shop.example.com/health', 'shop.example.com'],
  ['http://[::1]:80/', undefined],
  ['localhost:9090', undefined],
  ['127.0.0.1:9090', undefined],
  [':9100', undefined],
  ['', undefined],
])('the host of %s is %s', (raw, host) => {
  expect(bareHost(raw)).toBe(host);
});

test.each([
  [{ service: 'kps-kubelet', persistentvolumeclaim: 'data-users-0' }, 'users'],
  [{ service: 'kps-kubelet', persistentvolumeclaim: 'data-0-shop-kafka-2' }, 'shop-kafka'],
  [{ service: 'kps-kubelet', persistentvolumeclaim: 'grafana-data' }, 'grafana-data'],
  [{ job: 'kube-state-metrics', namespace: 'shop', job_name: 'report-28475920' }, 'report'],
  [{ namespace: 'shop', pod: 'redis-cart-6d5f8b7c9-x2k4z' }, 'redis-cart'],
  [{ namespace: 'shop', pod: 'redis-cart-a6f272c8e-f7a1a' }, 'redis-cart'],
  [{ namespace: 'shop', pod: 'redis-cart-abc123xyz-12345' }, 'redis-cart'],
  [{ namespace: 'shop', pod: 'redis-frontend-x2k4z' }, 'redis-frontend'],
  [{ namespace: 'shop', pod: 'redis-service01-proxy' }, 'redis-service01-proxy'],
  [{ namespace: 'shop', horizontalpodautoscaler: 'cart', container: 'metrics' }, 'cart'],
  [{ job: 'kube-state-metrics', namespace: 'shop', resourcequota: 'team' }, 'shop'],
  [
    { namespace: 'monitoring', job: 'node-exporter', service: 'kps-node-exporter' },
    'node-exporter',
  ],
  [{ namespace: 'monitoring', node: 'node-7', job: 'kube-state-metrics' }, 'node-7'],
  [{ host: 'db1', job: 'icmp' }, 'db1'],
  [
    {
      consumergroup: 'indexer',
      topic: 'products',
      job: 'kafka-exporter',
      instance: 'kafka-exporter:9308',
    },
    'indexer',
  ],
  [{ consumer_group: 'indexer', topic: 'products', job: 'kafka-lag-exporter' }, 'indexer'],
  [{ instance: 'https://shop.example.com/health', job: 'blackbox-http' }, 'shop.example.com'],
  [{ instance: 'shop.example.com:443', job: 'probe/monitoring/shop' }, 'shop.example.com'],
])('an alert of Kubernetes with %o is of %s', (labels, name) => {
  expect(facts({ ...labels, alertname: 'Kube' }).service).toBe(name);
});

test.each([
  [{ service: 'rabbitmq', queue: 'orders', instance: 'rabbit-0:15692' }, 'orders'],
  [{ job: 'rabbitmq-exporter', queue: 'orders.created', instance: 'rabbit-0:9419' }, 'orders'],
  [{ job: 'rabbitmq', queue: 'mail-out' }, 'mailer'],
  [{ service: 'kafka', consumergroup: 'mailer', topic: 'orders' }, 'mailer'],
  [{ service: 'rabbitmq', queue: 'nobody-knows' }, 'rabbitmq'],
  [{ service: 'kafka', topic: 'orders' }, 'kafka'],
  [{ service: 'checkout', queue: 'orders' }, 'checkout'],
])('what a broker tells of a queue is of whoever takes from it: %o is of %s', (labels, name) => {
  const rules = rulesOf(
    'services: [{ name: orders }, { name: mailer, aliases: [mail-out] }, { name: rabbitmq }]',
  );
  const found = rules.normalise(alertOf({ ...labels, alertname: 'QueueGrows' }));
  expect(found.service).toBe(name);
  // Two queues of one broker are not linked by where they were measured.
  if (name === 'orders') expect(found.host).toBeUndefined();
});

test('the name of an exporter is no service: what it measures is', () => {
  expect(facts({ job: 'node-exporter', instance: 'db1:9100' }).service).toBe('db1');
  expect(facts({ service: 'prom-kube-state-metrics', container: 'web' }).service).toBe('web');
  expect(
    facts({ job: 'kube-state-metrics', alertname: 'PodDown', instance: '10.0.0.9:8080' }),
  ).toEqual(expect.objectContaining({ service: 'PodDown', host: undefined }));
  const lag = { job: 'kafka-exporter', consumergroup: 'indexer', instance: '10.0.0.9:9308' };
  expect(facts({ ...lag, alertname: 'Lag' }).host).toBeUndefined();
  expect(facts({ job: 'kafka-exporter', alertname: 'TargetDown' }).service).toBe('kafka-exporter');
  const listed = rulesOf('services: [{ name: node-exporter, owner: infra }]');
  expect(listed.normalise(alertOf({ job: 'node-exporter' }))).toMatchObject({
    service: 'node-exporter',
    known: true,
  });
});

test.each([
  ['Payments', 'Payments'],
  ['payments', 'Payments'],
  ['PAYMENTS-API', 'Payments'],
  ['payments-api-prod', 'Payments'],
  ['staging.payments', 'Payments'],
  ['shop/svc_payments', 'Payments'],
  ['orders.shop.svc.cluster.local', 'orders'],
  ['orders-canary', 'unknown orders-canary'],
  ['unlisted-prod', 'unknown unlisted-prod'],
  ['prod', 'prod'],
  ['__proto__', 'unknown __proto__'],
  ['constructor', 'unknown constructor'],
])('the label service="%s" means the service %s', (label, name) => {
  expect(service({ service: label })).toBe(name);
});

test('the catalog gives the runbook and the dashboard that the alert does not', () => {
  expect(CATALOG.normalise(alertOf({ service: 'payments' })).runbook).toBe('https://wiki/p');
  expect(CATALOG.normalise(alertOf({ service: 'orders' })).dashboard).toBe('https://grafana/o');
  const own = alertOf({ service: 'payments' }, { runbook_url: 'https://own' });
  expect(CATALOG.normalise(own).runbook).toBe('https://own');
});

test('a runbook that is no web address leads nowhere, and hides none', () => {
  for (const runbook_url of ['TBD', 'wiki page 7', 'javascript:alert(1)', 'https://', '']) {
    const lost = alertOf({ service: 'payments' }, { runbook_url });
    expect(CATALOG.normalise(lost).runbook, runbook_url).toBe('https://wiki/p');
    const elsewhere = alertOf({ service: 'x' }, { runbook_url, runbook: 'https://own' });
    expect(CATALOG.normalise(elsewhere).runbook, runbook_url).toBe('https://own');
    expect(CATALOG.normalise(alertOf({ service: 'x' }, { runbook_url })).runbook).toBeUndefined();
  }
});

test.each([
  ['tid_9F3ac1', 'tid_9f3ac1'],
  ['tid_a:b:c', 'tid_a:b:c'],
  ['6F9619FF-8B86-D011-B42D-00CF4FC964FF', '6f9619ff8b86d011b42d00cf4fc964ff'],
  ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', '4bf92f3577b34da6a3ce929d0e0e4736'],
  ['"abcdef12".', 'abcdef12'],
  ['00000000000000000000000000000000', undefined],
  ['00000000-0000-0000-0000-000000000000', undefined],
  ['abc', undefined],
  ['unknown', undefined],
  ['n/a', undefined],
  ['-', undefined],
  ['x'.repeat(200), undefined],
])('the transaction id %s is %s', (raw, id) => {
  expect(normaliseTransaction(raw)).toBe(id);
});

test('transaction ids are gathered from labels, annotations and text, each once', () => {
  const found = facts(
    { transaction_id: 'tid_one1', trace_id: '4BF92F3577B34DA6A3CE929D0E0E4736' },
    {
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      summary: 'transaction_id=tid_two22 failed (tid_three3), see mytid_nope and tid_one1.',
    },
  );
  expect(found.transactions).toEqual([
    'tid_one1',
    '4bf92f3577b34da6a3ce929d0e0e4736',
    'tid_two22',
    'tid_three3',
  ]);
});

test('one value may list several ids, and an alert has at most eight', () => {
  const ids = Array.from({ length: 20 }, (_, i) => `tid_number${i}`);
  expect(facts({ transaction_id: 'tid_aaaa1, tid_bbbb2' }).transactions).toEqual([
    'tid_aaaa1',
    'tid_bbbb2',
  ]);
  expect(facts({}, { text: ids.join(' ') }).transactions).toHaveLength(8);
});

test('replicas and transaction ids are no part of the identity', () => {
  const names = ['replica', 'prometheus_replica', '__replica__', 'transaction_id', 'trace_id'];
  for (const name of names) expect(UNTUNED.notIdentity).toContain(name);
  expect(UNTUNED.notIdentity).not.toContain('instance');
  const own = rulesOf('replica: [labels.pod]\ntransaction: [labels.order]');
  expect([...own.notIdentity].sort()).toEqual(
    ['__replica__', 'order', 'pod', 'prometheus_replica', 'replica'].sort(),
  );
});

test('own lists take the place of the built-in ones, own words come before them', () => {
  const own = rulesOf(String.raw`
service: [annotations.svc, { text: 'service=(?P<id>\w+)' }, labels.thing]
environment: { from: labels.place, map: { eu: staging }, default: lab }
severity:
  from: [labels.priority]
  map: { 1: critical, bad: high, info: none }
host: labels.box
name: [labels.title]
transaction: [{ text: 'order (?P<id>\d+)' }]
runbook: [labels.help]
`);
  const alert = alertOf(
    { title: 'T', thing: 'c', place: 'EU', priority: '1', box: 'b:1', help: 'https://h' },
    { text: 'order 1234567 of service=b' },
  );
  expect(own.normalise(alert)).toMatchObject({
    name: 'T',
    service: 'b',
    environment: 'staging',
    severity: 'critical',
    host: 'b',
    transactions: ['1234567'],
    runbook: 'https://h',
  });
  expect(own.normalise(alertOf({ priority: 'info' }))).toMatchObject({
    severity: 'none',
    environment: 'lab',
  });
  expect(own.normalise(alertOf({ priority: 'page' })).severity).toBe('critical');
});

test('any alert has facts of the right shape', () => {
  const set = fc.dictionary(
    fc.oneof(fc.string(), fc.constantFrom('service', 'severity', 'instance', 'traceparent', 'job')),
    fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 6_000 })),
  );
  fc.assert(
    fc.property(set, set, (labels, annotations) => {
      for (const rules of [UNTUNED, CATALOG]) {
        const found = rules.normalise(alertOf(labels, annotations));
        expect(SEVERITIES).toContain(found.severity);
        for (const text of [found.name, found.service, found.environment])
          expect(text).not.toBe('');
        expect(found.transactions.length).toBeLessThanOrEqual(8);
        expect(new Set(found.transactions).size).toBe(found.transactions.length);
      }
    }),
  );
});

test('an alert of megabytes is read', () => {
  const text = `${'tid_'.repeat(300_000)} transaction_id=${'a'.repeat(1_000_000)}`;
  const annotations = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`a${i}`, text]));
  const labels = { service: `${' '.repeat(1_000_000)}x`, instance: ':'.repeat(1_000_000) };
  facts(labels, annotations);
});

test.each([
  [{ alertname: 'Down', url: 'https://payments.example.com/health' }, 'Payments'],
  [
    { alertname: 'ProbeFailed', job: 'blackbox', instance: 'https://orders.corp.example/' },
    'orders',
  ],
  [{ alertname: 'CPUUtilization', db_instance: 'svc_payments' }, 'Payments'],
  [{ alertname: 'HostDown', host: 'payments-api' }, 'Payments'],
  [{ alertname: 'PgDown', job: 'postgres-exporter', instance: 'payments-api-0:9187' }, 'Payments'],
  [{ alertname: 'PgDown', instance: 'orders-1.orders-headless.shop.svc.cluster.local' }, 'orders'],
  [{ alertname: 'Down', instance: 'orders.shop.svc:8080' }, 'orders'],
  [{ alertname: 'PgDown', instance: 'elsewhere-0:9187' }, 'unknown elsewhere-0'],
  [{ alertname: 'HostDown', instance: 'orders-01:9100' }, 'unknown orders-01'],
  [{ alertname: 'ErrorRate', service: 'Orders Service' }, 'orders'],
  [{ alertname: 'Down', url: 'https://shop.example.com/health' }, 'unknown shop.example.com'],
  [{ alertname: 'HostDown', host: 'payments.example.com' }, 'unknown payments.example.com'],
  [{ alertname: 'HostDown', host: 'vm-1', role: 'orders' }, 'unknown vm-1'],
  [{ alertname: 'orders', env: 'prod' }, 'unknown orders'],
])('the names of other tools: %j is of %s', (labels, name) => {
  expect(service(labels)).toBe(name);
});

test('what is probed by its URL is the host of an alert that names none, and nobody knows whose api.example.com is', () => {
  const { host } = facts({ alertname: 'Down', url: 'https://shop.example.com/health' });
  expect(host).toBe('shop.example.com');
  const own = rulesOf('services: [{ name: api }]');
  const probe = alertOf({ alertname: 'Down', target: 'https://api.stripe.com/v1' });
  expect(own.normalise(probe).service).toBe('api.stripe.com');
});

test("a site of somebody else's is no service of ours, where the rules say which domain is ours", () => {
  const rules = rulesOf(`
services:
  - { name: login, aliases: [hooks.slack.com], runbook: https://wiki.example.co.uk/login }
  - { name: billing, runbook: https://github.com/example/runbooks/billing.md }
links: { logs: 'https://logs.example.net/{transaction}' }
`);
  const of = (instance: string) =>
    rules.normalise(alertOf({ alertname: 'ProbeFailed', job: 'blackbox', instance })).service;
  expect(of('https://login.okta.com/')).toBe('login.okta.com');
  expect(of('https://login.other.co.uk/')).toBe('login.other.co.uk');
  expect(of('https://billing.github.com/')).toBe('billing.github.com');
  expect(of('https://hooks.slack.com/x')).toBe('login'); // an alias
  expect(of('https://login.example.co.uk/health')).toBe('login');
  expect(of('https://billing.example.net')).toBe('billing');
  expect(of('https://billing.shop.internal')).toBe('billing');
  expect(of('http://billing:8080/health')).toBe('billing');
  // As Istio names what is called, also outside of the mesh.
  const called = (destination_service: string) =>
    rules.normalise(alertOf({ alertname: 'Errors', destination_service })).service;
  expect(called('login.okta.com')).toBe('login.okta.com');
  expect(called('login.example.co.uk')).toBe('login');
  expect(called('login.shop.svc.cluster.local')).toBe('login');
  expect(called('login.shop')).toBe('login');
});

test.each([
  { team: 'payments' },
  { owner: 'payments' },
  { peer_service: 'payments' },
  { 'peer.service': 'payments' },
  { upstream_cluster: 'payments' },
  { clientName: 'payments' },
  { on_call: 'payments' },
])('who owns it, calls or is called is not what fails: %j', (labels) => {
  expect(service({ alertname: 'QueueGrows', ...labels })).toBe('unknown QueueGrows');
});

test('a service that a rule reads is called as it says, with its cluster', () => {
  const service = 'stranger.prod.svc.cluster.local';
  const named = (yaml: string) => rulesOf(yaml).normalise(alertOf({ alertname: 'Down', service }));
  expect(named('').service).toBe('stranger');
  expect(named('service: [labels.service]').service).toBe(service);
});
