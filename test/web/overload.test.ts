import { expect, onTestFinished, test } from 'vitest';
import { createMemoryStore } from '../support/memory-store.ts';
import { type Service, startService } from '../support/service.ts';

/** What can wait at once, in events; each delivery has ten. */
const CAPACITY = 300;
const ALERTS = 10;

/** A store whose commits wait until it is told to go on: a disk that has stopped. */
function stoppingStore() {
  const store = createMemoryStore();
  let stopped = false;
  let goOn: () => void = () => undefined;
  let going = Promise.resolve();
  return {
    store: {
      ...store,
      async commit(...args: Parameters<typeof store.commit>) {
        if (stopped) await going;
        return store.commit(...args);
      },
    },
    stop() {
      stopped = true;
      going = new Promise((resolve) => {
        goOn = resolve;
      });
    },
    go() {
      stopped = false;
      goOn();
    },
  };
}

function deliver(service: Service, wave: number, index: number): Promise<Response> {
  const alerts = Array.from({ length: ALERTS }, (_, at) => ({
    labels: { alertname: `A${at}`, service: `s${wave}-${index}` },
    status: 'firing',
    startsAt: '2026-11-21T01:20:00Z',
  }));
  return service.post('/v1/ingest/alertmanager', { alerts });
}

async function sumOf(service: Service, name: string): Promise<number> {
  const text = await service.metrics.text();
  return [...text.matchAll(new RegExp(`^${name}\\{[^\\n]*\\} (\\d+)`, 'gm'))].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
}

test('at three times what it can hold it takes what it can, asks the rest to come back, and recovers', async () => {
  const disk = stoppingStore();
  const service = await startService({ store: disk.store, limits: { waiting: CAPACITY } });
  onTestFinished(() => service.stop());
  expect((await deliver(service, 0, 0)).status).toBe(200);

  for (let wave = 1; wave <= 3; wave++) {
    disk.stop();
    const offered = (3 * CAPACITY) / ALERTS;
    let mostWaiting = 0;
    let refusedFirst = 0;
    const answers = Array.from({ length: offered }, async (_, index) => {
      const answer = await deliver(service, wave, index);
      mostWaiting = Math.max(mostWaiting, service.lane.waiting * ALERTS);
      if (answer.status === 503 && ++refusedFirst === offered / 2) disk.go();
      return answer;
    });
    const done = await Promise.all(answers);
    const taken = done.filter(({ status }) => status === 200);
    const refused = done.filter(({ status }) => status === 503);
    expect(taken.length + refused.length).toBe(offered);
    // What was on its way to the disk when it stopped comes on top of what waits.
    expect(taken.length).toBeGreaterThanOrEqual(CAPACITY / ALERTS);
    expect(mostWaiting).toBeLessThanOrEqual(CAPACITY);
    for (const answer of refused) {
      expect(answer.headers.get('retry-after')).toBe('5');
      expect(await answer.text()).toContain('(limit waiting)');
    }
    // Senders come back, as they were asked to.
    for (const [index, answer] of done.entries()) {
      if (answer.status === 503) {
        expect((await deliver(service, wave, index)).status).toBe(200);
      }
    }
    await service.lane.settled();
    expect(service.lane.waiting).toBe(0);
    expect(await sumOf(service, 'quell_verdicts_total')).toBe(
      await sumOf(service, 'quell_alerts_in_total'),
    );
    expect(service.lane.state.alerts.size).toBe(ALERTS + wave * offered * ALERTS);
  }
});
