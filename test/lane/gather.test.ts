import { expect, test } from 'vitest';
import { createGathering } from '../../src/lane/gather.ts';
import type { Instant } from '../../src/model.ts';

test('those whom the last write served are waited for', async () => {
  const { clock, pass } = clockFrom(1_000);
  const gathering = createGathering(clock, 2);
  gathering.written(2, 1);
  const enough = isOver(gathering.enough(1));
  gathering.arrived(2);
  expect(await enough()).toBe(false);
  gathering.arrived(3);
  expect(await enough()).toBe(true);
  pass(10);
});

test('nobody is waited for longer than a moment', async () => {
  const { clock, pass } = clockFrom(1_000);
  const gathering = createGathering(clock, 2);
  gathering.written(4, 0);
  const enough = isOver(gathering.enough(1));
  pass(1);
  expect(await enough()).toBe(false);
  pass(1);
  expect(await enough()).toBe(true);
});

test('what comes alone waits for nobody', async () => {
  const { clock } = clockFrom(1_000);
  const gathering = createGathering(clock, 2);
  expect(await isOver(gathering.enough(1))()).toBe(true);
  gathering.written(1, 0);
  expect(await isOver(gathering.enough(1))()).toBe(true);
});

test('what comes after a pause, or after the clock went back, waits for nobody', async () => {
  const { clock, pass } = clockFrom(1_000);
  const gathering = createGathering(clock, 2);
  gathering.written(4, 0);
  pass(3);
  expect(await isOver(gathering.enough(1))()).toBe(true);
  gathering.written(4, 0);
  pass(-500);
  expect(await isOver(gathering.enough(1))()).toBe(true);
});

test('without a moment nobody waits', async () => {
  const { clock } = clockFrom(1_000);
  const gathering = createGathering(clock, 0);
  gathering.written(4, 0);
  expect(await isOver(gathering.enough(1))()).toBe(true);
});

/** Asks whether a promise has resolved by now. */
function isOver(promise: Promise<void>): () => Promise<boolean> {
  let over = false;
  void promise.then(() => {
    over = true;
  });
  return async () => {
    await new Promise<void>((resolve) => setImmediate(resolve));
    return over;
  };
}

/** A clock that stands still, and calls back when it is moved on. */
function clockFrom(start: Instant) {
  let now = start;
  const calls = new Map<() => void, Instant>();
  return {
    clock: {
      now: () => now,
      wakeAt(at: Instant, callback: () => void) {
        calls.set(callback, at);
        return () => void calls.delete(callback);
      },
    },
    pass: (ms: number) => {
      now += ms;
      for (const [callback, at] of calls) {
        if (at > now) continue;
        calls.delete(callback);
        callback();
      }
    },
  };
}
