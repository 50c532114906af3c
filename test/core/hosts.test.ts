/** Machines: what runs on one, what a failing one takes along, and what only names one. */
import { expect, test } from 'vitest';
import { alertEvent, MINUTE, SECOND, tell } from '../support/story.ts';

test('what a host draws into one incident must all run there, told or not', () => {
  const posts = (...hosts: readonly string[]): number => {
    const story = tell();
    for (const host of hosts)
      story.fire('payments-db', 'Down', { severity: 'critical', labels: { host } });
    story.fire('basket-db', 'Down', { severity: 'critical', labels: { host: 'h1' } });
    story.wait(5 * MINUTE);
    return story.posts().length;
  };
  expect([posts('h1'), posts('h1', 'h2')]).toEqual([1, 2]);
});

test('what runs beside one of two services that fail together, or on one of several hosts, is no part of it', () => {
  const posts = (rules: string, ...hosts: readonly (readonly [string, string])[]): number => {
    const story = tell(rules);
    for (const [service, host] of hosts)
      story.fire(service, `Down on ${host}`, { severity: 'critical', labels: { host } });
    story.wait(10 * SECOND);
    story.fire('stranger', 'Down', { severity: 'critical', labels: { host: 'h1' } });
    story.wait(5 * MINUTE);
    return story.posts().length;
  };
  const graph =
    'services: [{ name: a, dependsOn: [db] }, { name: b, dependsOn: [db] }, { name: db }, { name: stranger, dependsOn: [other] }, { name: other }]';
  expect(posts(graph, ['db', 'h1'], ['a', 'h2'])).toBe(2);
  expect(posts(graph, ['db', 'h1'], ['a', 'h1'], ['db', 'h2'])).toBe(2);
  expect(posts(graph, ['db', 'h1'], ['a', 'h1'])).toBe(1);
  expect(posts(graph, ['db', 'h1'], ['a', 'h1'], ['b', 'h2'])).toBe(1);
});

test('a host that fails is one incident of all that runs on it', () => {
  const story = tell();
  const onHost = { severity: 'high', labels: { host: 'h1' } } as const;
  for (const service of ['payments-db', 'newsletter', 'stranger']) {
    story.fire(service, 'Down', onHost);
    story.wait(5_000);
  }
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'h1' });
  expect(story.last()?.text).toContain('explains 3 of 3 alerts');
});

test('where the work of a lost host went is part of its failure', () => {
  const story = tell();
  const onHost = (host: string) => ({ severity: 'high', labels: { host } }) as const;
  for (const service of ['payments-db', 'newsletter', 'stranger'])
    story.fire(service, 'Down', onHost('h1'));
  story.wait(3 * MINUTE);
  story.fire('stranger', 'HighLatency', onHost('h2'));
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'h1', alerts: [{}, {}, {}, {}] });
});

test('a machine that fails takes in what runs on it, though others elsewhere fail with it', () => {
  const story = tell();
  const at = (host: string) => ({
    severity: 'high',
    labels: { host },
    annotations: { transaction_id: 'tid_5a5a5a' },
  });
  story.fire('h1', 'NodeDown', at('h1'));
  for (const [service, host] of [
    ['payments', 'h1'],
    ['newsletter', 'h2'],
    ['basket-db', 'h3'],
  ] as const)
    story.fire(service, 'Down', at(host));
  story.wait(10 * SECOND);
  story.fire('stranger', 'Down', { severity: 'critical', labels: { host: 'h1' } });
  expect(story.decisions.findLast(({ reason }) => reason === 'joined')?.because).toMatch(/host h1/);
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
});

test('a service that failed before its host was known to is one with all that runs there', () => {
  const story = tell();
  const onHost = { severity: 'high', labels: { host: 'h1' } } as const;
  story.fire('payments-db', 'Down', onHost);
  story.fire('newsletter', 'Down', onHost);
  story.fire('stranger', 'HighErrorRate', { severity: 'critical' });
  story.wait(30_000);
  story.fire('stranger', 'PodNotReady', onHost);
  story.wait(10 * MINUTE);
  expect(story.last()).toMatchObject({ root: 'h1' });
  expect(story.last()?.alerts).toHaveLength(4);
});

test('two hosts that fail at once are two incidents where the graph knows what runs on them', () => {
  const roots = (rules: string): readonly (string | undefined)[] => {
    const story = tell(rules);
    for (const host of ['h1', 'h2']) {
      for (const name of ['api', 'cache', 'jobs'])
        story.fire(`${host}-${name}`, 'Down', { severity: 'high', labels: { host } });
      story.wait(20_000);
    }
    story.wait(5 * MINUTE);
    return story.posts().map(({ root }) => root);
  };
  const graph = ['h1', 'h2'].map(
    (host) => `{ name: ${host}-api, dependsOn: [${host}-db] }, { name: ${host}-db }`,
  );
  expect(roots(`services: [${graph.join(', ')}]`)).toEqual(['h1', 'h2']);
  expect(roots('')).toHaveLength(1);
});

test('a machine that fails is the likely cause of what began with it, however little it says', () => {
  const story = tell('');
  const host = { instance: 'db1:9100', job: 'node', namespace: 'monitoring' };
  for (const name of ['ServiceDown', 'QueueFull', 'JobsFail'])
    story.fire('billing', name, { severity: 'critical', labels: { namespace: 'shop' } });
  for (const name of ['HostDown', 'FilesystemReadOnly'])
    story.event(
      alertEvent({ alertname: name, severity: 'warning', ...host }, { startsAt: story.now() }),
    );
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.root).toBe('db1');
  expect(story.last()?.text).toContain('the machine itself fails');
});

test('a site that is probed by its URL is no machine', () => {
  const story = tell('');
  for (const name of ['ServiceDown', 'QueueFull'])
    story.fire('billing', name, { severity: 'critical', labels: { namespace: 'shop' } });
  const probe = { alertname: 'ProbeFailed', instance: 'https://shop.example.com', job: 'blackbox' };
  story.event(alertEvent({ ...probe, severity: 'critical' }, { startsAt: story.now() }));
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.root).toBe('billing');
});

test('what runs on one of several machines that fail together is part of it, though its service is in the graph', () => {
  const story = tell();
  for (const host of ['db1', 'db2', 'db3'])
    story.event(
      alertEvent({ alertname: 'HostDown', host, severity: 'critical' }, { startsAt: story.now() }),
    );
  story.wait(MINUTE);
  story.fire('payments-db', 'PortClosed', { labels: { host: 'db2' } });
  // Later than what the time alone would put there.
  story.wait(3 * MINUTE);
  story.fire('basket-db', 'PortClosed', { labels: { host: 'other' } });
  story.wait(10 * MINUTE);
  const [hosts] = story.posts();
  const last = story.messages.findLast(({ incident }) => incident === hosts?.incident);
  expect(last?.text).toContain('payments-db');
  expect(last?.text).not.toContain('basket-db');
});

test('a message names the host of what speaks for it, and says when others are of other hosts', () => {
  const text = (...hosts: readonly string[]): string => {
    const story = tell();
    for (const host of hosts)
      story.fire('payments-db', `Down on ${host}`, { severity: 'critical', labels: { host } });
    story.wait(MINUTE);
    return story.last()?.text ?? '';
  };
  expect(text('h1')).toMatch(/ host h1$/m);
  expect(text('h1', 'h2', 'h3')).toMatch(/ host h1 and others$/m);
});

test('of a service whose worst alert is over it is named where the worst that goes on is', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical', labels: { host: 'db-1' } });
  story.fire('payments-db', 'Slow', { severity: 'high', labels: { host: 'db-2' } });
  story.fire('payments-db', 'Full', { labels: { host: 'db-3' } });
  story.wait(MINUTE);
  story.resolve('payments-db', 'Down', { severity: 'critical', labels: { host: 'db-1' } });
  story.wait(MINUTE);
  expect(story.last()?.text).toMatch(/ host db-2 and others$/m);
});
