/** Counts over an incident's alerts: as they come and go. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Alert } from '../../src/model.ts';
import {
  addToTally,
  createTally,
  CROWD,
  GRAVE,
  removeFromTally,
  servicesOn,
} from '../../src/state/tally.ts';

function alertOn(host: string, service: string): Alert {
  const facts: Alert['facts'] = {
    name: 'Down',
    service,
    known: false,
    environment: 'production',
    severity: 'warning',
    host,
    transactions: [],
    runbook: undefined,
    dashboard: undefined,
  };
  return {
    fingerprint: `${host} ${service}`,
    source: 'test',
    labels: {},
    annotations: {},
    generatorURL: undefined,
    more: undefined,
    facts,
    status: 'firing',
    startsAt: 0,
    endsAt: undefined,
    since: 0,
    expiresAt: undefined,
    resolvedAt: undefined,
    episodes: 1,
    muted: undefined,
    incident: 'i',
    heldUntil: 0,
    holdRule: 'built-in',
    holdWhy: undefined,
    awaitsWord: false,
    flap: undefined,
  };
}

test('crowded hosts are counted as alerts come and go', () => {
  const hosts = ['a', 'b'];
  const one = fc.record({
    host: fc.constantFrom(...hosts),
    service: fc.constantFrom('x', 'y', 'z', 'w'),
    leaves: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 40 }), (steps) => {
      const tally = createTally();
      const present: Alert[] = [];
      for (const { host, service, leaves } of steps) {
        const gone = leaves ? present.pop() : undefined;
        if (gone !== undefined) removeFromTally(tally, gone);
        else {
          const alert = alertOn(host, service);
          present.push(alert);
          addToTally(tally, alert);
        }
        const crowded = hosts.filter((name) => servicesOn(tally, name).size >= CROWD);
        expect(tally.crowded).toBe(crowded.length);
      }
    }),
  );
});

test('a critical alert that is held for long is doubted, unless only for what its source says late; words decide nothing', () => {
  const weight = (change: Partial<Alert>): number | undefined => {
    const tally = createTally();
    const held = alertOn('h', 'x');
    const facts = { ...held.facts, severity: 'critical' } as const;
    addToTally(tally, { ...held, facts, heldUntil: 10 * 60_000, ...change });
    return tally.checks.values().next().value?.weight;
  };
  expect(weight({ awaitsWord: true })).toBe(GRAVE);
  expect(weight({ awaitsWord: true, holdWhy: 'any words' })).toBe(GRAVE);
  const why = 'its source says late that something is over';
  expect(weight({ holdWhy: why })).toBe(weight({}));
  expect(weight({})).toBeLessThan(GRAVE);
});
