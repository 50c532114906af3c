/**
 * Days of alerts, decided in virtual time by a lane on Redis, so that the size of what is kept can be
 * looked at.
 */
import type { Redis } from 'ioredis';
import { openLane } from '../../src/lane/lane.ts';
import type { Event, ReceivedAlert } from '../../src/model.ts';
import { loadRules } from '../../src/rules/files/load.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import type { Random } from '../noise/random.ts';

export interface Days {
  readonly days: number;
  readonly perDay: number;
  readonly random: Random;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const BEGIN = Date.UTC(2026, 0, 1);
const SERVICES = 40;
const KINDS = 30;
const SEVERITIES = ['critical', 'high', 'warning', 'warning', 'warning', 'info'] as const;
/** Long enough for all incidents to close. */
const AFTER_MS = 7 * DAY_MS;
const LANE = 'default';

/** Bytes of each key that grows with time. */
export async function daysOfHistory(
  url: string,
  client: Redis,
  days: Days,
): Promise<ReadonlyMap<string, number>> {
  const address = readRedisUrl(url);
  const loaded = await loadRules('rules');
  if (address === undefined || loaded.kind !== 'loaded') throw new Error('no Redis, or no rules');
  const store = await openRedisStore(address, () => undefined);
  let now = BEGIN;
  const lane = await openLane({
    name: LANE,
    store,
    rules: loaded.rules,
    clock: { now: () => now, wakeAt: () => () => undefined },
    observer: {
      decided: () => undefined,
      committed: () => undefined,
      failed: (error) => {
        throw error;
      },
    },
  });
  for (const { at, alert } of alertsOf(days)) {
    now = at;
    const event: Event = { kind: 'alert', delivery: `bench-${at}`, alert };
    await lane.submit(at, [event]);
  }
  now += AFTER_MS;
  await lane.submit(now, []);
  await lane.settled();
  await lane.stop();
  const sizes = new Map<string, number>();
  for (const name of ['history', 'index', 'closed']) {
    const key = `{${address.prefix}:${LANE}}:${name}`;
    sizes.set(name, (await client.memory('USAGE', key, 'SAMPLES', 0)) ?? 0);
  }
  sizes.set(
    'together',
    [...sizes.values()].reduce((sum, size) => sum + size, 0),
  );
  await store.close();
  return sizes;
}

interface Sent {
  readonly at: number;
  readonly alert: ReceivedAlert;
}

/** Each fires at a random moment, for two minutes to an hour. */
function alertsOf({ days, perDay, random }: Days): readonly Sent[] {
  const sent: Sent[] = [];
  for (let count = 0; count < days * perDay; count++) {
    const startsAt = BEGIN + random.int(0, days * DAY_MS - 1);
    const endsAt = startsAt + random.int(2 * MINUTE_MS, 60 * MINUTE_MS);
    const service = `service-${random.int(0, SERVICES - 1)}`;
    const alert = {
      source: 'alertmanager',
      labels: {
        alertname: `Check${random.int(0, KINDS - 1)}`,
        service,
        environment: 'production',
        severity: SEVERITIES[random.int(0, SEVERITIES.length - 1)] ?? 'warning',
        instance: `10.0.${random.int(0, 9)}.${random.int(1, 99)}:9100`,
      },
      annotations: {
        summary: `Latency of ${service} is above its limit for 5 minutes`,
        runbook_url: 'https://runbooks.example.org/latency-high',
      },
      startsAt,
      generatorURL: 'http://prometheus.example.org:9090/graph?g0.expr=latency',
    };
    sent.push({ at: startsAt, alert: { ...alert, status: 'firing', endsAt: undefined } });
    sent.push({ at: endsAt, alert: { ...alert, status: 'resolved', endsAt } });
  }
  return sent.sort((one, other) => one.at - other.at);
}
