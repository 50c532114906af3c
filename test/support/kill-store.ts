/**
 * A process that does nothing but commit, for the test that kills it.
 *
 *     node --import tsx test/support/kill-store.ts DIR
 *
 * The n-th commit of a lane is always the same, so from the version alone follows what must be there.
 * Prints `acked N` when commit N is acknowledged, and `failed CODE` when one is refused.
 */
import { hash } from 'node:crypto';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { AppError } from '../../src/errors.ts';
import type { Commit } from '../../src/store/contract.ts';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { aClosed, aCommit, aDecision, anEffect, NOON } from './store-builders.ts';

export const KILL_LANE = 'prod';
const KEYS = 60;
const PUTS = 40;

/** The same for the same seed, and nothing that could be compressed: the disk is to become full. */
function noise(seed: string, length: number): string {
  let text = '';
  for (let part = 0; text.length < length; part++)
    text += hash('sha512', `${seed} ${part}`, 'base64');
  return text.slice(0, length);
}

/** What commit number `n` changes; it is made on version `n`. */
export function commitNumber(n: number): Commit {
  const keys = Array.from({ length: PUTS }, (_, index) => `record ${(n * 7 + index) % KEYS}`);
  const service = `service ${n % 5}`;
  return aCommit(n, {
    put: [
      ...keys.map((key) => ({
        key,
        value: { n, key, filling: noise(`${n} ${key}`, (n * 37) % 900) },
      })),
      { key: `once ${n % 200}`, value: n },
    ],
    remove: [`once ${(n + 100) % 200}`],
    decisions: Array.from({ length: n % 4 }, (_, index) =>
      aDecision({ at: NOON + n, service, incident: `incident ${n}`, because: `${n}.${index}` }),
    ),
    closed: n % 3 === 0 ? [aClosed(`incident ${n}`, NOON + n, [service])] : [],
    effects: [anEffect(`effect ${n % 10}`, { channel: `#${n}` })],
    effectsDone: [`effect ${(n + 5) % 10}`],
    wakeAt: NOON + n,
  });
}

async function main(dir: string): Promise<void> {
  const store = await openEmbeddedStore(dir);
  const { version } = await store.load(KILL_LANE);
  for (let n = version; ; n++) {
    try {
      await store.commit(KILL_LANE, commitNumber(n));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      process.stdout.write(`failed ${error.code} ${n}\n`);
      return store.close();
    }
    process.stdout.write(`acked ${n}\n`);
  }
}

const [, script = '', dir] = argv;
if (dir !== undefined && import.meta.url === pathToFileURL(script).href) await main(dir);
