/**
 * A lane whose clock was wrong, and one whose pipeline fails on an alert.
 */
import { expect, onTestFinished, test } from 'vitest';
import type { Lane } from '../../src/lane.ts';
import { openLane } from '../../src/lane.ts';
import type { Event } from '../../src/model.ts';
import type { Rules } from '../../src/rules/rules.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createClock, createTime } from '../simulation/time.ts';
import { alertEvent, HOUR, MINUTE, rulesOf, SHOP, START } from '../support/story.ts';

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
  await take(clock.now(), [critical('newsletter')]);
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
