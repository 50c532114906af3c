import { expect, test } from 'vitest';
import { HOUR, MINUTE, SHOP, type Story, tell } from '../support/story.ts';

test('a critical alert of a tier 1 service is told at once', () => {
  const story = tell();
  story.fire('payments-db', 'ConnectionsExhausted', { severity: 'critical' });
  expect(story.posts()).toHaveLength(1);
  expect(story.posts()[0]).toMatchObject({ severity: 'critical', root: 'payments-db' });
});

test('a warning that is over within its hold is never told', () => {
  const story = tell();
  story.fire('basket', 'HighLatency');
  story.wait(MINUTE);
  story.resolve('basket', 'HighLatency');
  story.wait(HOUR);
  expect(story.messages).toHaveLength(0);
  expect(story.reasons()).toContain('transient');
});

test('a warning that outlasts its hold is told then, and once', () => {
  const story = tell();
  story.fire('basket', 'HighLatency');
  story.wait(8 * MINUTE - 1);
  expect(story.posts()).toHaveLength(0);
  story.wait(1);
  expect(story.posts()).toHaveLength(1);
  story.fire('basket', 'HighLatency');
  story.wait(10 * MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.messages.filter(({ action }) => action !== 'post')).toHaveLength(0);
});

test('a message says since when the first of its alerts fires, whichever was heard of first', () => {
  const story = tell();
  story.wait(10 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(MINUTE);
  story.fire('payments-db', 'DiskFull', {
    severity: 'critical',
    startsAt: story.now() - 6 * MINUTE,
  });
  story.wait(10 * MINUTE);
  expect(story.last()?.text).toContain('since 10:05 UTC');
});

test('a start says nothing anew of what stands', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.fire('newsletter', 'Slow');
  story.wait(2 * HOUR);
  const before = story.messages.length;
  story.event({ kind: 'started' });
  story.wait(HOUR);
  expect(story.messages.length).toBe(before);
});

test('a cascade is one message with the deepest failing service as its cause', () => {
  const story = tell();
  story.fire('checkout', 'HighErrorRate', { severity: 'critical' });
  story.wait(20_000);
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  story.wait(20_000);
  story.fire('payments-db', 'ConnectionsExhausted', { severity: 'critical' });
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()).toMatchObject({
    root: 'payments-db',
    candidates: ['payments-db', 'payments', 'checkout'],
  });
  expect(story.last()?.alerts).toHaveLength(3);
});

test('what nobody outside knows says what they know that needs it, until that fails itself', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  expect(story.last()?.text).toMatch(/^🔴 payments-db: down[^]*\nNeeded by: Checkout\n/);
  story.fire('checkout', 'Down', { severity: 'critical' });
  story.wait(MINUTE);
  expect(story.last()?.text).toMatch(/^🔴 Checkout is failing: payments-db – down/);
  expect(story.last()?.text).not.toContain('Needed by');
});

test('what has recovered is said to fail no more, also when the rest fires again', () => {
  const story = tell();
  const resolve = (...services: readonly string[]) => {
    for (const service of services) story.resolve(service, 'Down', { severity: 'critical' });
  };
  const fire = (...services: readonly string[]) => {
    for (const service of services) story.fire(service, 'Down', { severity: 'critical' });
  };
  fire('payments-db', 'payments', 'checkout');
  story.wait(MINUTE);
  expect(story.last()?.text).toMatch(/^🔴 Checkout is failing: payments-db – down/);
  resolve('payments', 'checkout');
  story.wait(MINUTE);
  const partly =
    /^🔴 payments-db: down[^]*Affected: payments-db, checkout \(recovered\) and payments \(recovered\)/;
  expect(story.last()?.text).toMatch(partly);
  resolve('payments-db');
  story.wait(3 * MINUTE);
  expect(story.last()?.text).toMatch(/^🟢 Resolved .*Checkout \(payments-db: down\)/);
  fire('payments-db');
  story.wait(MINUTE);
  expect(story.last()?.text).toMatch(partly);
});

test('what a mere symptom also depends on is another incident', () => {
  const story = tell();
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  story.fire('checkout', 'HighErrorRate', { severity: 'critical' });
  story.wait(10_000);
  story.fire('basket-db', 'DiskFull', { severity: 'critical' });
  story.wait(5 * MINUTE);
  expect(new Set(story.posts().map(({ root }) => root))).toEqual(
    new Set(['payments', 'basket-db']),
  );
});

test('environments are never mixed', () => {
  const story = tell();
  story.fire('payments', 'HighErrorRate', { severity: 'critical' });
  story.fire('payments-db', 'Down', { severity: 'critical', env: 'production-us' });
  expect(story.posts()).toHaveLength(2);
});

test('a shared transaction joins what no dependency links', () => {
  const story = tell();
  const annotations = { transaction_id: 'tid_9f3ac1' };
  story.fire('newsletter', 'SendFailed', { severity: 'warning', annotations });
  story.fire('payments', 'ChargeFailed', { severity: 'critical', annotations });
  story.wait(MINUTE);
  expect(story.posts()).toHaveLength(1);
  expect(story.last()?.alerts).toHaveLength(2);
});

test('two incidents that turn out to have one cause become one message and one pointer', () => {
  const story = tell();
  story.fire('checkout', 'HighErrorRate', { severity: 'critical' });
  story.wait(10 * MINUTE);
  story.fire('basket', 'HighErrorRate', { severity: 'critical', labels: { host: 'h1' } });
  story.wait(2 * MINUTE);
  story.fire('basket-db', 'Down', { severity: 'critical' });
  story.wait(MINUTE);
  const last = story.last();
  expect(last?.root).toBe('basket-db');
});

test('when all is resolved the message says so, and a re-fire opens the same one', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(5 * MINUTE);
  story.resolve('payments-db', 'Down', { severity: 'critical' });
  expect(story.last()?.action).toBe('update');
  expect(story.reasons()).toContain('ended');
  story.wait(10 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  expect(story.posts()).toHaveLength(1);
  expect(story.reasons()).toContain('reopened');
  expect(story.messages.filter(({ action }) => action === 'reply')).toHaveLength(1);
});

test('a re-fire long after the end is a new incident', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(5 * MINUTE);
  story.resolve('payments-db', 'Down', { severity: 'critical' });
  story.wait(45 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  expect(story.posts()).toHaveLength(2);
});

test('flapping is told as a state, not as transitions', () => {
  const story = tell(SHOP);
  for (let i = 0; i < 12; i++) {
    story.fire('basket', 'QueueLong');
    story.wait(30_000);
    story.resolve('basket', 'QueueLong');
    story.wait(5 * MINUTE);
  }
  expect(story.reasons()).toContain('flapping');
  expect(story.messages).toHaveLength(0);
  story.fire('basket', 'QueueLong');
  story.wait(19 * MINUTE);
  expect(story.posts()).toHaveLength(0);
  story.wait(2 * MINUTE);
  expect(story.posts()).toHaveLength(1);
});

test('an alert that its source no longer mentions is taken as resolved', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical', endsAt: story.now() + 4 * MINUTE });
  story.wait(3 * MINUTE);
  story.fire('payments-db', 'Down', { severity: 'critical', endsAt: story.now() + 4 * MINUTE });
  story.wait(3 * MINUTE);
  expect(story.reasons()).not.toContain('expired');
  story.wait(2 * MINUTE);
  expect(story.reasons()).toContain('expired');
  expect(story.reasons()).toContain('ended');
});

test('what timed out and is mentioned again with the same start goes on: no new firing', () => {
  const story = tell();
  const first = story.now();
  const mention = () =>
    story.fire('payments-db', 'Down', { severity: 'critical', endsAt: story.now() + 4 * MINUTE });
  for (let i = 0; i < 8; i++) {
    mention();
    story.wait(6 * MINUTE);
  }
  expect(story.reasons().filter((reason) => reason === 'expired')).toHaveLength(8);
  expect(story.reasons()).not.toContain('flapping');
  const [alert] = story.state.alerts.values();
  expect(alert).toMatchObject({ episodes: 1, startsAt: first });
  expect(story.posts()).toHaveLength(1);
});

test('a silence mutes, and what still fires when it ends is told then', () => {
  const story = tell(`${SHOP}
silences:
  - name: known trouble
    match: ['service="payments-db"']
    startsAt: 2026-03-03T09:00:00Z
    endsAt: 2026-03-03T10:30:00Z
    why: OPS-12
`);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.wait(29 * MINUTE);
  expect(story.messages).toHaveLength(0);
  expect(story.decisions.find(({ reason }) => reason === 'silenced')).toMatchObject({
    why: 'OPS-12',
  });
  story.wait(2 * MINUTE);
  expect(story.posts()).toHaveLength(1);
});

test('people acknowledge, take it back, and a false "solved" is found out', () => {
  const story = tell();
  story.fire('payments-db', 'Down', { severity: 'critical' });
  const id = story.posts()[0]?.incident ?? '';
  story.react('eyes', id);
  expect(story.reasons().at(-1)).toBe('acknowledged');
  story.wait(1000);
  story.unreact('eyes', id);
  expect(story.reasons().at(-1)).toBe('unacknowledged');
  story.wait(1000);
  story.react('white_check_mark', id);
  story.wait(6 * MINUTE);
  expect(story.reasons()).toContain('refuted');
  expect(story.last()?.action).toBe('reply');
});

test('the link to silence an alert names its labels as they came, whatever its service is called here', () => {
  const story = tell(`
services: [{ name: payments, aliases: [svc-pay], tier: 1 }]
links: { silence: 'https://alerts.example.com/#/silences/new?filter={matchers}' }
`);
  const labels = { service: '', app: 'svc-pay', 'k8s.pod': 'a "b"', replica: 'b' };
  story.fire('', 'Down', { severity: 'critical', labels });
  const [, filter = ''] = /filter=(\S+)/.exec(story.last()?.text ?? '') ?? [];
  expect(decodeURIComponent(filter)).toBe(
    '{alertname="Down",env="production",severity="critical",app="svc-pay","k8s.pod"="a \\"b\\""}',
  );
});

const SILENCE = "links: { silence: 'https://alerts.example.com/#/silences/new?filter={matchers}' }";

function silencedBy(story: Story): string {
  const told = story.messages.findLast(({ action }) => action !== 'reply');
  return decodeURIComponent(/filter=(\S+)/.exec(told?.text ?? '')?.[1] ?? '');
}

test('the link to silence names what all that fires of an incident shares, and the few values where it differs', () => {
  const story = tell(`${SHOP}\n${SILENCE}`);
  const labels = (zone: string) => ({ zone, replica: zone });
  story.fire('payments-db', 'Down', { severity: 'critical', labels: labels('a') });
  story.fire('payments', 'Slow (p99)', { severity: 'critical', labels: labels('b') });
  story.fire('payments', 'Gone', { severity: 'critical', labels: labels('a') });
  story.wait(5 * MINUTE);
  story.resolve('payments', 'Gone', { severity: 'critical', labels: labels('a') });
  story.wait(5 * MINUTE);
  expect(silencedBy(story)).toBe(
    '{alertname=~"Down|Slow [(]p99[)]",service=~"payments|payments-db",env="production",severity="critical",zone=~"a|b"}',
  );
});

test('the link to silence is of what still fires, also when what began is over', () => {
  const story = tell(`${SHOP}\n${SILENCE}`);
  story.fire('payments-db', 'Down', { severity: 'critical' });
  story.fire('payments', 'Slow', { severity: 'critical' });
  story.wait(5 * MINUTE);
  story.resolve('payments-db', 'Down', { severity: 'critical' });
  story.wait(5 * MINUTE);
  expect(silencedBy(story)).toContain('{alertname="Slow",service="payments"');
});

test('a label that is called as what every object has is a label like any other', () => {
  const story = tell(`${SHOP}\n${SILENCE}`);
  const critical = { severity: 'critical' };
  story.fire('payments-db', 'Down', { ...critical, labels: { constructor: 'x', toString: 'y' } });
  story.fire('payments-db', 'Down', { ...critical, labels: { zone: 'b' } });
  story.wait(5 * MINUTE);
  expect(silencedBy(story)).toBe(
    '{alertname="Down",service="payments-db",env="production",severity="critical"}',
  );
});

test('a link to silence never says less than of which service, and where', () => {
  const down = { severity: 'critical' };
  // Without a service of their own the others are known by their host: of the cause it is known.
  const mixed = tell(`${SHOP}\n${SILENCE}`);
  mixed.fire('payments-db', 'Down', { ...down, labels: { instance: 'one' } });
  mixed.fire('payments-db', 'Slow', { ...down, labels: { instance: 'two' } });
  mixed.fire('', 'Errors', { ...down, labels: { service: '', app: 'payments' } });
  mixed.wait(MINUTE);
  expect(silencedBy(mixed)).toBe(
    '{alertname=~"Down|Slow",service="payments-db",env="production",severity="critical",instance=~"one|two"}',
  );
  // Too many pods to name: it is of one service, which is named.
  const many = tell(`${SHOP}\n${SILENCE}`);
  for (let n = 0; n < 30; n++)
    many.fire('payments', 'Down', { ...down, labels: { pod: `pod-${n}` } });
  many.wait(MINUTE);
  expect(silencedBy(many)).toBe(
    '{alertname="Down",service="payments",env="production",severity="critical"}',
  );
  // Of two that call it otherwise, nothing is shared that names it: the alert that speaks for them is silenced.
  const other = tell(`
services: [{ name: payments, aliases: [pay], tier: 1 }]
${SILENCE}
`);
  other.fire('', 'Down', { ...down, labels: { service: '', app: 'pay' } });
  other.fire('payments', 'Down', down);
  other.wait(MINUTE);
  expect(silencedBy(other)).toBe(
    '{alertname="Down",env="production",severity="critical",app="pay"}',
  );
});

test('half a character in a name is no reason to say nothing', () => {
  const story = tell(`
links:
  dashboard: 'https://d.example.com/{service}/{environment}/{transaction}'
  silence: 'https://a.example.com/{alertname}/{matchers}'
`);
  const half = '\ud800';
  const labels = { env: `e${half}`, transaction_id: `transaction-${half}` };
  story.fire(`svc${half}`, `Down${half}`, { severity: 'critical', labels });
  story.wait(HOUR);
  expect(story.posts()).toHaveLength(1);
});
