/** The token bucket and the circuit breaker by themselves. */
import { expect, test } from 'vitest';
import { type Breaker, createBreaker } from '../../src/slack/breaker.ts';
import { createBucket } from '../../src/slack/pace.ts';
import type { SlackResult } from '../../src/slack/result.ts';
import { sleepingClock } from '../support/sleeping-clock.ts';

const ignore = () => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const OK: SlackResult<string> = { kind: 'ok', value: 'ok' };
const LOST: SlackResult<string> = { kind: 'unknown', error: 'socket hang up' };

function bucketOf(perMinute: number, burst: number) {
  const clock = sleepingClock(0);
  const stopping = new AbortController();
  const bucket = createBucket({ clock, signal: stopping.signal, perMinute, burst });
  return { clock, bucket, stopping };
}

test('an hour of silence saves up no more than a burst', () => {
  const { clock, bucket } = bucketOf(60, 4);
  clock.pass(3_600_000);
  for (let call = 0; call < 4; call++) expect(bucket.take(() => 0)).toBe(true);
  expect(bucket.take(() => 0)).not.toBe(true);
});

test('over a long time no more goes than the pace allows', async () => {
  const { clock, bucket } = bucketOf(60, 4);
  let taken = 0;
  const all = Array.from({ length: 100 }, async () => {
    await bucket.take(() => 0);
    taken += 1;
  });
  clock.hurry();
  await Promise.all(all);
  expect(taken).toBe(100);
  expect(clock.now()).toBe(96_000);
});

test('a clock that is put back does not make a pause longer', async () => {
  const { clock, bucket } = bucketOf(60, 4);
  clock.pass(3_600_000);
  bucket.pause(30_000);
  clock.pass(600_000);
  expect(bucket.take(() => 0)).toBe(true);
  clock.pass(-3_600_000);
  expect(bucket.take(() => 0)).toBe(true);
  bucket.pause(30_000);
  const waiting = bucket.take(() => 0);
  expect(await clock.asleep()).toEqual([30_000]);
  clock.pass(30_000);
  expect(await waiting).toBe(true);
});

test('among equals, who waits longest goes first', async () => {
  const { clock, bucket } = bucketOf(60, 1);
  const order: string[] = [];
  const call = async (name: string, urgency: number) => {
    await bucket.take(() => urgency);
    order.push(name);
  };
  const all = [call('at once', 9), call('b', 2), call('c', 2), call('a', 1)];
  clock.hurry();
  await Promise.all(all);
  expect(order).toEqual(['at once', 'a', 'b', 'c']);
});

test('whoever waits when everything stops is sent away', async () => {
  const { bucket, stopping } = bucketOf(60, 1);
  await bucket.take(() => 0);
  const waiting = bucket.take(() => 0);
  stopping.abort();
  expect(await waiting).toBe(false);
  expect(await bucket.take(() => 0)).toBe(false);
});

function breakerOf() {
  const clock = sleepingClock(0);
  const stopping = new AbortController();
  const breaker = createBreaker({ clock, signal: stopping.signal, random: () => 0.5, log });
  const fail = () => breaker.guard(() => Promise.resolve(LOST));
  return { clock, breaker, fail, stopping };
}

/** A call whose answer comes when the test says so. */
function onItsWay(breaker: Breaker) {
  let take: (result: SlackResult<string>) => void = ignore;
  const early = breaker.guard(
    () =>
      new Promise<SlackResult<string>>((resolve) => {
        take = resolve;
      }),
  );
  return { early, answer: (result: SlackResult<string>) => take(result) };
}

test('a few lost answers are bad luck, five in a row are an outage', async () => {
  const { breaker, fail } = breakerOf();
  for (let call = 0; call < 4; call++) await fail();
  expect(breaker.trouble()).toBeUndefined();
  await breaker.guard(() => Promise.resolve(OK));
  for (let call = 0; call < 4; call++) await fail();
  expect(breaker.trouble()).toBeUndefined();
  await fail();
  expect(breaker.trouble()).toBe('socket hang up');
});

test('a call that was on its way and succeeds frees all who wait, at once', async () => {
  const { breaker, fail } = breakerOf();
  const { early, answer } = onItsWay(breaker);
  for (let call = 0; call < 5; call++) await fail();
  const waiting = breaker.guard(() => Promise.resolve(OK));
  answer(OK);
  expect(await early).toEqual(OK);
  expect(await waiting).toEqual(OK);
  expect(breaker.trouble()).toBeUndefined();
});

test('after an outage the most urgent go first, and of equals what waited longest', async () => {
  const { breaker, fail } = breakerOf();
  const { early, answer } = onItsWay(breaker);
  for (let call = 0; call < 5; call++) await fail();
  const went: string[] = [];
  const bucket = { take: (): true => true };
  const waiting = ['3 a', '1 b', '2 c', '1 d'].map((name) =>
    breaker.guard(
      async () => {
        went.push(name);
        return OK;
      },
      { urgency: () => Number(name[0]), bucket },
    ),
  );
  answer(OK);
  await Promise.all([early, ...waiting]);
  expect(went).toEqual(['1 b', '1 d', '2 c', '3 a']);
});

test('during an outage one call asks at a time, further and further apart', async () => {
  const { clock, breaker, fail } = breakerOf();
  for (let call = 0; call < 5; call++) await fail();
  let made = 0;
  const others = Array.from({ length: 3 }, () =>
    breaker.guard(async () => {
      made += 1;
      return made < 3 ? LOST : OK;
    }),
  );
  for (const [waitMs, calls] of [
    [1_000, 0],
    [2_000, 1],
    [4_000, 2],
  ] as const) {
    expect(await clock.asleep()).toEqual([waitMs]);
    expect(made).toBe(calls);
    clock.pass(waitMs);
  }
  await Promise.all(others);
  expect(made).toBe(3);
});

test('whoever waits for Slack when everything stops is sent away', async () => {
  const { fail, stopping } = breakerOf();
  for (let call = 0; call < 5; call++) await fail();
  const waiting = fail();
  stopping.abort();
  expect(await waiting).toBeUndefined();
});
