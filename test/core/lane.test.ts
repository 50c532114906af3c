/**
 * A lane whose clock was wrong, and one whose pipeline fails on an alert.
 */
import { expect, onTestFinished, test } from 'vitest';
import { type Lane, openLane } from '../../src/lane/lane.ts';
import type { Event } from '../../src/model.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { createClock, createTime } from '../simulation/time.ts';
import { alertEvent, HOUR, MINUTE, rulesOf, SHOP, START } from '../support/story.ts';
import { heavy, MB, weighed } from '../support/weighed.ts';

const ESCALATES = `${SHOP}
route: { channel: '#alerts', escalate: { after: 15m, mention: ['@here'] } }
`;

async function laneOnClock(rules: Rules = rulesOf(ESCALATES)) {
  const time = createTime(START);
  const clock = createClock(time);
  const escalated: number[] = [];
  const lane = await openLane({
    name: 'default',
    store: createMemoryStore(),
    rules,
    clock,
    observer: {
      decided: (_, decisions) => {
        for (const { reason } of decisions) if (reason === 'escalated') escalated.push(time.now());
      },
      committed: () => undefined,
      failed: () => undefined,
    },
  });
  await time.advance(1);
  onTestFinished(() => lane.stop());
  const take = async (at: number, events: readonly Event[], job?: string) => {
    await Promise.all([lane.submit(at, events, job), time.advance(1)]);
  };
  return { lane, time, clock, escalated, take };
}

function critical(service: string): Event {
  return alertEvent({ alertname: 'Down', service, env: 'production', severity: 'critical' });
}

const servicesOf = (lane: Lane) =>
  [...lane.state.alerts.values()].map(({ facts }) => facts.service).sort();

test('a clock that was six hours ahead for a moment delays nothing once it is right', async () => {
  const { time, clock, escalated, take } = await laneOnClock();
  clock.jump(6 * HOUR);
  await take(clock.now(), [critical('basket-db')]);
  clock.mend();
  const before = time.now();
  await take(clock.now(), [critical('payments-db')]);
  await time.advance(HOUR);
  expect(escalated[0]).toBeLessThan(before + 16 * MINUTE);
});

test('the clock of another instance, which took the delivery in, does not count', async () => {
  const { time, clock, escalated, take } = await laneOnClock();
  await take(clock.now() + HOUR, [critical('payments-db')], 'job-1');
  await time.advance(16 * MINUTE);
  expect(escalated).toHaveLength(1);
});

test('an alert on which the pipeline fails takes no other of its delivery along', async () => {
  const rules = rulesOf(ESCALATES);
  const { lane, take } = await laneOnClock({
    ...rules,
    hold: (subject) => {
      if (subject.facts.service === 'basket') throw new Error('a bug');
      return rules.hold(subject);
    },
  });
  await take(START, [critical('payments-db'), critical('basket'), critical('newsletter')]);
  expect(servicesOf(lane)).toEqual(['newsletter', 'payments-db']);
});

test('a delivery that changes very much is committed in parts, and answered after the last', async () => {
  const { lane, sizes, take, time } = await weighed();
  await take(heavy(500));
  expect([...lane.state.alerts.values()].filter(({ status }) => status === 'firing').length).toBe(
    500,
  );
  const parts = sizes.length;
  expect(parts).toBeGreaterThan(3);
  await take(heavy(500, { endsAt: time.now() }));
  expect(lane.state.alerts.size - lane.state.resolved.size).toBe(0);
  expect(sizes.length).toBeGreaterThanOrEqual(parts + 3);
  expect(Math.max(...sizes)).toBeLessThan(10 * MB);
});

test('what ends by itself all at once is committed in parts', async () => {
  const { lane, sizes, take, time } = await weighed();
  const events = heavy(500).map((event) =>
    event.kind === 'alert'
      ? { ...event, alert: { ...event.alert, endsAt: time.now() + MINUTE } }
      : event,
  );
  await take(events);
  await time.advance(10 * MINUTE);
  await lane.settled();
  expect(lane.state.alerts.size - lane.state.resolved.size).toBe(0);
  expect(Math.max(...sizes)).toBeLessThan(10 * MB);
});

test('a delivery of which a part could not be committed is decided anew as a whole', async () => {
  const { lane, sizes, fault, take } = await weighed();
  fault.when = () => sizes.length === 2;
  await take(heavy(500));
  expect(lane.state.alerts.size).toBe(500);
  expect(sizes.length).toBeGreaterThanOrEqual(5);
});

test('a delivery of very many alerts is decided in parts, and nothing of it is told before all is decided', async () => {
  const { lane, sizes, take, time } = await weighed();
  const known: number[] = [];
  lane.attach({
    enqueue: () => void known.push(lane.state.alerts.size),
    restore: () => undefined,
    abandon: async () => undefined,
  });
  const events = Array.from({ length: 3_500 }, (_, n) =>
    alertEvent({ alertname: `Down-${n}`, service: 'payments-db', severity: 'critical' }, {}),
  );
  await take(events);
  await time.advance(MINUTE);
  expect(sizes.length).toBeGreaterThan(3);
  expect(new Set(known)).toEqual(new Set([3_500]));
});

test('one large delivery after another keeps nobody from being told of the first', async () => {
  const { lane, time } = await weighed();
  const known: number[] = [];
  lane.attach({
    enqueue: () => void known.push(lane.state.alerts.size),
    restore: () => undefined,
    abandon: async () => undefined,
  });
  const deliveries = Array.from({ length: 6 }, (_, delivery) =>
    Array.from({ length: 1_500 }, (__, n) =>
      alertEvent({
        alertname: `Down-${delivery}-${n}`,
        service: 'payments-db',
        severity: 'critical',
      }),
    ),
  );
  const all = deliveries.map((events) => lane.submit(time.now(), events));
  await time.advance(MINUTE);
  await Promise.all(all);
  // The first one is decided after two commits, and told of after the third.
  expect(known[0]).toBeGreaterThanOrEqual(1_500);
  expect(known[0]).toBeLessThanOrEqual(4_500);
});
