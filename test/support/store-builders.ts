/**
 * Builders for what a store keeps, and the stores that the contract is tried on.
 *
 * A builder supplies what the test is not about; the test names the rest.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Decision, Effect, Incident } from '../../src/model.ts';
import type { ClosedIncident, Commit, Store } from '../../src/store/contract.ts';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import { readRedisUrl } from '../../src/store/redis/address.ts';
import { createMemoryStore } from './memory-store.ts';

export const NOON = Date.UTC(2026, 0, 1, 12);

/** A store that can be closed and opened again on the same data. */
export interface StoreUnderTest {
  store: Store;
  readonly reopen: () => Promise<void>;
  readonly dispose: () => Promise<void>;
}

export interface Implementation {
  readonly name: string;
  readonly create: () => Promise<StoreUnderTest>;
}

export const MEMORY: Implementation = {
  name: 'memory',
  create: async () => ({
    store: createMemoryStore(),
    reopen: async () => {},
    dispose: async () => {},
  }),
};

export const EMBEDDED: Implementation = {
  name: 'embedded',
  create: async () => {
    const dir = await temporaryDir();
    const under: StoreUnderTest = {
      store: await openEmbeddedStore(dir),
      reopen: async () => {
        await under.store.close();
        under.store = await openEmbeddedStore(dir);
      },
      dispose: async () => {
        await under.store.close();
        await rm(dir, { recursive: true });
      },
    };
    return under;
  },
};

/** Each has a part of one Redis to itself, which the test file starts. */
export function redis(url: string, name = 'redis'): Implementation {
  return {
    name,
    create: async () => {
      const address = readRedisUrl(`${url}?prefix=${randomUUID()}`);
      if (address === undefined) throw new Error(`${url} is no address of a Redis`);
      const open = () => openRedisStore(address, () => undefined);
      const under: StoreUnderTest = {
        store: await open(),
        reopen: async () => {
          await under.store.close();
          under.store = await open();
        },
        dispose: () => under.store.close(),
      };
      return under;
    },
  };
}

export function temporaryDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'quell-store-'));
}

export function aCommit(version: number, over: Partial<Commit> = {}): Commit {
  return {
    version,
    put: [],
    remove: [],
    decisions: [],
    rules: 'rules-1',
    closed: [],
    effects: [],
    effectsDone: [],
    wakeAt: undefined,
    jobs: [],
    ...over,
  };
}

export function aDecision(over: Partial<Decision> = {}): Decision {
  return {
    at: NOON,
    reason: 'opened',
    fingerprint: 'f1',
    service: 'checkout',
    incident: 'i1',
    delivery: 'delivery-1',
    because: undefined,
    ground: undefined,
    rule: 'built-in',
    why: undefined,
    ...over,
  };
}

export function anEffect(id: string, over: { readonly channel?: string } = {}): Effect {
  return {
    kind: 'message',
    id,
    at: NOON,
    channel: '#alerts',
    severity: 'critical',
    delivery: undefined,
    incident: id,
    ...over,
  };
}

/** A store looks at nothing of an incident but what is named here, so the builder leaves out the rest. */
export function anIncident(id: string, over: Partial<Incident> = {}): Incident {
  const parts: Partial<Incident> = { id, phase: 'resolved', gatheredAt: NOON, resolvedAt: NOON };
  return { ...parts, ...over } as Incident;
}

export function aClosed(
  id: string,
  resolvedAt: number | undefined = NOON,
  services: readonly string[] = ['checkout'],
): ClosedIncident {
  return { incident: anIncident(id, { resolvedAt }), services, view: { id, services } };
}
