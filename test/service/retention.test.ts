/** What is kept of the past: how long, and how much. */
import { expect, test } from 'vitest';
import { keepRetention } from '../../src/service/retention.ts';
import { createMemoryStore } from '../support/memory-store.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { aCommit, aDecision } from '../support/store-builders.ts';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-03-02T12:00:00Z');

interface Given {
  readonly decisions: number;
  readonly apartMs: number;
  readonly history?: number;
}

/** So many decisions, the last of them just now; then a round of forgetting. */
async function afterRound({ decisions: count, apartMs, history = Infinity }: Given) {
  const store = createMemoryStore();
  const decisions = Array.from({ length: count }, (_, n) =>
    aDecision({ at: NOW - (count - n) * apartMs }),
  );
  await store.commit('default', aCommit(0, { decisions }));
  const metrics = createMetrics();
  const retention = keepRetention({
    store,
    journal: { bytes: 3, prune: async () => undefined },
    lanes: { all: [{ name: 'default', leads: true }] },
    limits: { history },
    retentionMs: HOUR,
    now: () => NOW,
    log: createLog('silent'),
    metrics,
  });
  await retention.round();
  await retention.stop();
  const { items } = await store.decisions({ lane: 'default', limit: count });
  return { store, left: items, text: await metrics.text() };
}

test('however much is older than the retention goes in one round', async () => {
  const { left, text } = await afterRound({ decisions: 12_000, apartMs: HOUR / 100 });
  expect(left).toHaveLength(100);
  expect(text).toContain('quell_limit_reached_total{limit="history"} 0');
});

test('of what is younger the oldest goes when it takes more than there is room for', async () => {
  const one = await afterRound({ decisions: 1, apartMs: 1 });
  const size = await one.store.bytes('default');
  const { store, left, text } = await afterRound({
    decisions: 12_000,
    apartMs: 1,
    history: size * 7_000,
  });
  expect(left).toHaveLength(7_000);
  expect(left[0]?.at).toBe(NOW - 1);
  expect(text).toContain('quell_limit_reached_total{limit="history"} 1');
  expect(text).toContain(`quell_limit_used{limit="history"} ${await store.bytes('default')}`);
  expect(text).toContain('quell_limit_used{limit="recorded"} 3');
});
