/** What passes by itself, and what proves that something does not: blips, holds, and what is told early. */
import { expect, test } from 'vitest';
import type { Severity } from '../../src/model.ts';
import { HOUR, MINUTE, SECOND, SHOP, tell } from '../support/story.ts';

test('a blip that is over explains nothing that comes later', () => {
  const story = tell();
  story.fire('payments-db', 'HighCpu');
  story.wait(2 * MINUTE);
  story.resolve('payments-db', 'HighCpu');
  story.wait(MINUTE);
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({ root: 'payments', alerts: [{}] });
});

test('an alert that fires again after it ended untold takes a new place', () => {
  const story = tell();
  story.fire('basket', 'HighLatency');
  story.wait(MINUTE);
  story.resolve('basket', 'HighLatency');
  story.wait(10 * MINUTE);
  story.fire('basket', 'HighLatency');
  expect(story.reasons().filter((reason) => reason === 'opened')).toHaveLength(2);
  // The first is kept for the history, with its alert.
  expect(story.state.closed.map(({ members }) => members.length)).toEqual([1]);
});

test('a critical alert that stands alone waits by what the catalog says of its service', () => {
  const toldAfterMs = (service: string, ...alsoFails: readonly string[]): number => {
    const story = tell();
    const firedAt = story.now();
    story.fire(service, 'HighErrorRate', { severity: 'critical' });
    for (const name of alsoFails) story.fire(service, name);
    story.wait(20 * MINUTE);
    return Date.parse(story.posts()[0]?.at ?? '') - firedAt;
  };
  expect(toldAfterMs('payments')).toBe(0);
  expect(toldAfterMs('stranger')).toBe(150 * SECOND);
  expect(toldAfterMs('basket')).toBe(4 * MINUTE);
  expect(toldAfterMs('newsletter')).toBe(5 * MINUTE);
  // It is taken at its word where something else fails, too; what never wakes anyone is not.
  expect(toldAfterMs('basket', 'HighLatency')).toBe(0);
  expect(toldAfterMs('newsletter', 'HighLatency')).toBe(4 * MINUTE);
});

test('a blip beside what waits for the digest makes no message of it', () => {
  const story = tell();
  story.fire('newsletter', 'DiskFillingUp');
  story.wait(7 * MINUTE);
  story.fire('newsletter', 'HighLatency');
  story.wait(2 * MINUTE);
  story.resolve('newsletter', 'HighLatency');
  story.wait(HOUR);
  expect(story.reasons()).toContain('digested');
  expect(story.posts()).toHaveLength(0);
});

test('of a service that never wakes anyone one mild check waits for the digest, and several are a message', () => {
  const toldAfter = (
    rules: string,
    ...checks: readonly (readonly [number, string, Severity])[]
  ) => {
    const story = tell(rules);
    const firedAt = story.now();
    for (const [atMs, name, severity] of checks) {
      story.wait(firedAt + atMs - story.now());
      story.fire('newsletter', name, { severity });
    }
    story.wait(HOUR);
    const digested = story.reasons().includes('digested');
    const told = story.posts().map(({ at }) => (Date.parse(at) - firedAt) / MINUTE);
    return [...(digested ? ['digest'] : []), ...told];
  };
  const slow = [0, 'HighLatency', 'warning'] as const;
  expect(toldAfter(SHOP, slow)).toEqual(['digest']);
  expect(toldAfter(SHOP, slow, [MINUTE, 'BackupMissing', 'info'])).toEqual(['digest']);
  expect(toldAfter(SHOP, slow, [MINUTE, 'QueueGrows', 'warning'])).toEqual([5]);
  // It was in the digest when the second began to fail, and to last.
  expect(toldAfter(SHOP, slow, [11 * MINUTE, 'QueueGrows', 'high'])).toEqual(['digest', 17]);
  const stated = `${SHOP}\nroute: { routes: [{ match: ['tier="3"'], urgency: digest }] }\n`;
  expect(toldAfter(stated, slow, [MINUTE, 'QueueGrows', 'warning'])).toEqual(['digest']);
});

test('two checks that both fail for four minutes are told before one alone would be', () => {
  const story = tell();
  story.fire('basket', 'HighLatency');
  story.wait(MINUTE);
  story.fire('basket-db', 'SlowQueries');
  story.wait(4 * MINUTE - 1);
  expect(story.posts()).toHaveLength(0);
  story.wait(1);
  expect(story.posts()).toHaveLength(1);
  expect(story.posts()[0]?.alerts).toHaveLength(2);
});

test('they have to last for longer where their source says late that something is over', () => {
  const toldAfterMs = (lateMs: number): number => {
    const story = tell();
    for (let blip = 0; blip < 60; blip++) {
      story.fire('newsletter', `Check${blip}`, { severity: 'info' });
      story.wait(MINUTE + lateMs);
      const over = { severity: 'info', endsAt: story.now() - lateMs };
      story.resolve('newsletter', `Check${blip}`, over);
    }
    const from = story.now();
    story.fire('basket', 'HighLatency');
    story.fire('basket-db', 'SlowQueries');
    story.wait(20 * MINUTE);
    return Date.parse(story.posts()[0]?.at ?? '') - from;
  };
  expect(toldAfterMs(0)).toBe(4 * MINUTE);
  // Within a step of 4 min and 3 min.
  expect(toldAfterMs(3 * MINUTE)).toBeGreaterThan(6.5 * MINUTE);
  expect(toldAfterMs(3 * MINUTE)).toBeLessThan(7.5 * MINUTE);
  // Each outlasts its own hold by then.
  expect(toldAfterMs(6 * MINUTE)).toBe(8 * MINUTE);
});

test('one that lasts and one that passes by are not two that last', () => {
  const story = tell();
  story.fire('basket', 'HighLatency');
  story.wait(3 * MINUTE);
  story.fire('basket-db', 'SlowQueries');
  story.wait(2 * MINUTE);
  story.resolve('basket-db', 'SlowQueries');
  story.wait(3 * MINUTE - 1);
  expect(story.posts()).toHaveLength(0);
  story.wait(1);
  expect(story.posts()).toHaveLength(1);
});

test('information does not gather an outage, nor make it look older than it is', () => {
  const story = tell();
  story.fire('payments-db', 'DiskHalfFull', { severity: 'info' });
  story.wait(30 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  expect(story.posts()).toHaveLength(1);
  expect(story.posts()[0]?.alerts).toHaveLength(1);
});

test('what stands in the digest is told when it has become worse, not when a blip comes by', () => {
  const story = tell();
  story.fire('basket', 'DiskHalfFull', { severity: 'info' });
  story.wait(16 * MINUTE);
  story.fire('basket', 'HighLatency');
  story.wait(2 * MINUTE);
  story.resolve('basket', 'HighLatency');
  story.wait(HOUR);
  expect(story.posts()).toHaveLength(0);
});

test('a source that speaks seldom gets the chance to say that it is over, unless a rule says how long', () => {
  const toldAfterMs = (yaml: string): number => {
    const story = tell(yaml);
    for (let blip = 0; blip < 60; blip++) {
      story.fire('newsletter', `Check${blip}`, { severity: 'info' });
      story.wait(6 * MINUTE);
      const over = { severity: 'info', endsAt: story.now() - 5 * MINUTE };
      story.resolve('newsletter', `Check${blip}`, over);
      story.wait(MINUTE);
    }
    const before = story.now();
    story.fire('basket', 'Down', { severity: 'critical' });
    story.wait(20 * MINUTE);
    const told = story.decisions.findLast(({ reason }) => reason === 'told');
    expect(told?.why).toBe(yaml === '' ? 'its source says late that something is over' : undefined);
    return Date.parse(story.posts().at(-1)?.at ?? '') - before;
  };
  expect(toldAfterMs('')).toBeGreaterThan(5.5 * MINUTE);
  expect(toldAfterMs('')).toBeLessThanOrEqual(6 * MINUTE);
  expect(toldAfterMs('hold:\n  - { for: 3m }\n')).toBe(3 * MINUTE);
});

test('a critical alert that stands alone waits, and is told at once in company', () => {
  const told = (...company: readonly string[]): string[] => {
    const story = tell();
    story.fire('basket', 'HighErrorRate', { severity: 'critical' });
    story.wait(MINUTE);
    for (const service of company) story.fire(service, `SlowQueriesOf${service}`);
    story.wait(5 * MINUTE);
    return story.posts().map(({ at }) => at.slice(14, 19));
  };
  expect([told(), told('basket')]).toEqual([['04:00'], ['01:00']]);
  // One warning somewhere around it may be a coincidence.
  expect([told('basket-db'), told('basket-db', 'checkout')]).toEqual([['04:00'], ['01:00']]);
});

test('what a transaction links counts in full', () => {
  const told = (transaction_id: string): number => {
    const story = tell();
    story.fire('basket', 'HighErrorRate', {
      severity: 'critical',
      annotations: { transaction_id: 'tid_5a5a5a' },
    });
    story.wait(MINUTE);
    for (const service of ['payments-db', 'newsletter'])
      story.fire(service, 'Slow', { annotations: { transaction_id } });
    return story.posts().length;
  };
  expect([told('tid_5a5a5a'), told('tid_7b7b7b')]).toEqual([1, 0]);
});

test('over a silent service a critical alert finds company less easily', () => {
  const told = (others: readonly string[]): string[] => {
    const story = tell(`services:
  - { name: till, dependsOn: [orders] }
  - { name: orders, dependsOn: [stock, prices] }
  - { name: stock }
  - { name: prices }`);
    story.fire('stock', 'HighErrorRate', { severity: 'critical' });
    for (const service of others) story.fire(service, 'HighLatency');
    story.wait(5 * MINUTE);
    return story.posts().map(({ at }) => at.slice(14, 19));
  };
  expect(told(['till'])).toEqual(['02:30']);
  expect(told(['till', 'orders'])).toEqual(['00:00']);
});

test('warnings that only the time links must last, however many', () => {
  const story = tell('');
  for (const service of ['cart', 'mail', 'orders', 'stock', 'front'])
    story.fire(service, 'HighLatency');
  expect(story.posts()).toHaveLength(0);
  story.wait(4 * MINUTE);
  expect(story.posts()).toHaveLength(1);
});

test('a critical alert of a tier-3 service and two warnings are no outage yet', () => {
  const story = tell(`
services:
  - { name: shop, dependsOn: [counter] }
  - { name: counter, tier: 3 }
`);
  story.fire('counter', 'Down', { severity: 'critical' });
  story.fire('counter', 'QueueGrowing');
  story.fire('shop', 'HighLatency');
  expect(story.posts()).toHaveLength(0);
});

test('a critical alert that only its late source makes wait is told at once in company', () => {
  const story = tell('services: [{ name: shop }, { name: counter }]');
  for (let blip = 0; blip < 60; blip++) {
    story.fire('shop', `Check${blip}`, { severity: 'info' });
    story.wait(6 * MINUTE);
    const over = { severity: 'info', endsAt: story.now() - 5 * MINUTE };
    story.resolve('shop', `Check${blip}`, over);
    story.wait(MINUTE);
  }
  story.fire('counter', 'Down', { severity: 'critical' });
  story.fire('counter', 'QueueGrowing');
  expect(story.posts()).toHaveLength(1);
});

test('four warnings may be a blip with its echoes, five are none', () => {
  const posts = (checks: readonly (readonly [string, string])[]): number => {
    const story = tell();
    for (const [service, name] of checks) {
      story.fire(service, name);
      story.wait(3 * SECOND);
    }
    return story.posts().length;
  };
  const cascade = [
    ['payments-db', 'SlowQueries'],
    ['payments-db', 'HighCpu'],
    ['payments', 'HighLatency'],
    ['payments', 'QueueGrowing'],
  ] as const;
  expect(posts(cascade)).toBe(0);
  expect(posts([...cascade, ['payments', 'HighErrorRate']])).toBe(1);
});

test('what adds up slowly, and barely, is told when it goes on', () => {
  /** After how many seconds five warnings are told that come one after the other, and end that long after the last. */
  const toldAfter = (everyMs: number, lastForMs: number): readonly number[] => {
    const story = tell();
    const firedAt = story.now();
    const checks = ['SlowQueries', 'HighCpu', 'QueueGrowing', 'HighLatency', 'HighMemory'];
    checks.forEach((name, i) => {
      if (i > 0) story.wait(everyMs);
      story.fire(i < 2 ? 'payments-db' : 'payments', name);
    });
    story.wait(lastForMs);
    for (const [i, name] of checks.entries())
      story.resolve(i < 2 ? 'payments-db' : 'payments', name);
    story.wait(10 * MINUTE);
    return story.posts().map(({ at }) => (Date.parse(at) - firedAt) / SECOND);
  };
  expect(toldAfter(15 * SECOND, MINUTE)).toEqual([60]);
  expect(toldAfter(40 * SECOND, 50 * SECOND)).toEqual([]);
  expect(toldAfter(40 * SECOND, 2 * MINUTE)).toEqual([160 + 75]);
});

test('information beside an outage does not join its message, nor keeps it open', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(MINUTE);
  story.fire('payments-db', 'CertificateExpires', { severity: 'info' });
  story.fire('payments', 'DiskFillingUp', { severity: 'info' });
  story.wait(10 * MINUTE);
  expect(story.last()?.alerts).toHaveLength(1);
  story.resolve('payments-db', 'Down', { severity: 'critical' });
  expect(story.reasons()).toContain('ended');
});

test('what came and went lately is held for longer, unless people were told of it', () => {
  const heldAfterMs = (lastedMs: number): number => {
    const story = tell();
    const both = (act: 'fire' | 'resolve') => story[act]('basket', 'HighLatency');
    both('fire');
    story.wait(lastedMs);
    both('resolve');
    story.wait(10 * MINUTE);
    both('fire');
    const [alert] = story.state.alerts.values();
    return (alert?.heldUntil ?? 0) - (alert?.since ?? 0);
  };
  expect(heldAfterMs(MINUTE)).toBeGreaterThan(12 * MINUTE);
  expect(heldAfterMs(10 * MINUTE)).toBe(8 * MINUTE);
});
