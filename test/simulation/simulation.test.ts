/**
 * Seeded simulation: crashes, lost answers, failing commits, repeated and reordered deliveries. An
 * oracle of its own knows what truly fires; at the end that, and nothing else, is told, once.
 */
import { expect, test } from 'vitest';
import type { Event } from '../../src/model.ts';
import {
  createFaultyStore,
  createRandom,
  createSlack,
  createTime,
  type Planted,
  type Process,
  startProcess,
} from './world.ts';

const SEEDS = Number(process.env.QUELL_SIMULATION_SEEDS ?? 300);
const STEPS = 40;
const MINUTE = 60_000;
const SERVICES = [
  'checkout',
  'payments',
  'payments-db',
  'basket',
  'basket-db',
  'newsletter',
  'stranger',
];

interface Truth {
  readonly service: string;
  readonly severity: string;
  /** Start of the present or last firing; undefined: never fired. */
  startsAt: number | undefined;
  endsAt: number | undefined;
}

async function simulate(seed: number, planted: Planted): Promise<readonly string[]> {
  const random = createRandom(seed);
  const time = createTime(Date.parse('2026-03-03T10:00:00Z'));
  let faults = true;
  const store = createFaultyStore(random, () => faults);
  const slack = createSlack(random, time, planted);
  const truths: Truth[] = SERVICES.map((service, index) => ({
    service,
    severity: index % 2 === 0 ? 'critical' : 'warning',
    startsAt: undefined,
    endsAt: undefined,
  }));
  const unsent: { readonly event: Event; readonly id: string }[] = [];
  let deliveries = 0;
  let quell: Process | undefined;

  const start = async () => {
    // Opening can fail like anything else: a supervisor starts it again.
    for (;;) {
      try {
        quell = await startProcess(store, slack, time, random);
        return;
      } catch {
        await time.advance(1000);
      }
    }
  };
  const send = async () => {
    for (const one of unsent.splice(0)) {
      const at = time.now();
      try {
        const submitted = quell?.lane.submit(at, [one.event]);
        if (submitted === undefined) throw new Error('down');
        await Promise.race([
          submitted,
          time.advance(200).then(() => Promise.reject(new Error('no answer'))),
        ]);
      } catch {
        unsent.push(one);
      }
    }
  };
  const announce = (truth: Truth, times: number) => {
    if (truth.startsAt === undefined) return;
    for (let i = 0; i < times; i++) unsent.push({ event: eventOf(truth), id: `d${deliveries++}` });
  };

  await start();
  for (let step = 0; step < STEPS; step++) {
    const truth = truths[random.below(truths.length)];
    if (truth === undefined) continue;
    const firing = truth.startsAt !== undefined && truth.endsAt === undefined;
    if (random.chance(0.5)) {
      if (firing) truth.endsAt = time.now();
      else {
        truth.startsAt = time.now();
        truth.endsAt = undefined;
      }
    }
    announce(truth, 1 + random.below(2));
    // Late news of an earlier state may overtake.
    if (random.chance(0.3)) unsent.reverse();
    if (random.chance(0.8)) await send();
    if (random.chance(0.15)) {
      quell?.kill();
      quell = undefined;
      if (random.chance(0.5)) await time.advance(random.below(5 * MINUTE));
      await start();
    }
    await time.advance(random.chance(0.7) ? random.below(30_000) : random.below(10 * MINUTE));
  }
  faults = false;
  slack.faulty = false;
  for (let round = 0; round < 20 && unsent.length > 0; round++) {
    await send();
    await time.advance(10_000);
  }
  for (const truth of truths) announce(truth, 1);
  await send();
  await time.advance(40 * MINUTE);
  return quell === undefined ? ['it is not running'] : complaints(quell, truths, slack.messages);
}

function eventOf(truth: Truth): Event {
  const { service, severity, startsAt = 0, endsAt } = truth;
  return {
    kind: 'alert',
    delivery: 'd',
    alert: {
      source: 'alertmanager',
      status: endsAt === undefined ? 'firing' : 'resolved',
      labels: { alertname: 'Broken', env: 'production', service, severity },
      annotations: {},
      startsAt,
      endsAt,
      generatorURL: undefined,
    },
  };
}

function complaints(
  quell: Process,
  truths: readonly Truth[],
  sent: readonly { readonly id: string; readonly revision: number }[],
): readonly string[] {
  const found: string[] = [];
  const { state } = quell.lane;
  const alerts = [...state.alerts.values()];
  for (const truth of truths) {
    const alert = alerts.find(({ facts }) => facts.service === truth.service);
    const fires = truth.startsAt !== undefined && truth.endsAt === undefined;
    if ((alert?.status === 'firing') !== fires)
      found.push(
        `${truth.service} ${fires ? 'fires' : 'does not fire'}, but Quell has ${alert?.status}`,
      );
    if (!fires || alert === undefined) continue;
    const incident = state.incidents.get(alert.incident ?? '');
    if (incident?.phase !== 'open')
      found.push(`${truth.service} fires, but its incident is ${incident?.phase}`);
    if (incident?.toldIn === undefined) found.push(`${truth.service} fires, and nobody was told`);
  }
  for (const incident of state.incidents.values()) {
    const messages = sent.filter(({ id }) => id === `message:${incident.id}`);
    if (messages.length > 1) found.push(`${incident.id} has ${messages.length} messages`);
    if (incident.toldIn === 'message' && incident.mergedInto === undefined && messages.length !== 1)
      found.push(`${incident.id} was told in ${messages.length} messages`);
    if (
      messages.length === 1 &&
      incident.refreshAt === undefined &&
      messages[0]?.revision !== incident.revision
    ) {
      found.push(
        `${incident.id} is at revision ${incident.revision}, its message at ${messages[0]?.revision}`,
      );
    }
  }
  const ids = sent.map(({ id }) => id);
  const twice = ids.filter((id, index) => id.startsWith('message:') && ids.indexOf(id) !== index);
  if (twice.length > 0) found.push(`posted twice: ${twice.join(', ')}`);
  return found;
}

test(`whatever fails meanwhile, in the end everything that fires is told, once (${SEEDS} seeds)`, {
  timeout: 600_000,
}, async () => {
  const failed: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const found = await simulate(seed, undefined);
    if (found.length > 0) failed.push(`seed ${seed}: ${found.join('; ')}`);
  }
  expect(failed).toEqual([]);
});

test('a Slack that cannot be searched makes the simulation fail: the check can fail', {
  timeout: 120_000,
}, async () => {
  let found = 0;
  for (let seed = 1; seed <= 40; seed++) found += (await simulate(seed, 'finds-nothing')).length;
  expect(found).toBeGreaterThan(0);
});
