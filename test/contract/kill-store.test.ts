/**
 * The embedded store in a process that is killed (SIGKILL), and on a disk that is full: whatever was
 * acknowledged is there, and nothing is there by half.
 *
 *     KILL_ROUNDS=100 npx vitest run test/contract/kill-store.test.ts
 */
import { expect, test } from 'vitest';
import type { Store } from '../../src/store/contract.ts';
import { openEmbeddedStore } from '../../src/store/embedded.ts';
import { type Child, startChild } from '../support/child.ts';
import { commitNumber, KILL_LANE } from '../support/kill-store.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { within } from '../support/within.ts';

const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 6);

test(`killed ${ROUNDS} times: what was acknowledged is there, and nothing by half`, {
  timeout: (30 + ROUNDS * 10) * 1_000,
}, async () => {
  const dir = scratchDir('kill-store');
  let acked = -1;
  for (let round = 0; round < ROUNDS; round++) {
    const child = startCommitting(dir);
    // Early, while records are carried forward, and at no particular moment of a commit.
    const target = acked + 1 + ((round * 97) % 151) * (round % 2 === 0 ? 1 : 4);
    await within(60, `commit ${target}`, child.line(new RegExp(`^acked ${target}$`)), child.tail);
    await child.kill('SIGKILL');
    acked = lastAcked(child);

    const store = await openEmbeddedStore(dir);
    const { version } = await store.load(KILL_LANE);
    expect(version).toBeGreaterThanOrEqual(acked + 1);
    expect(version).toBeLessThanOrEqual(acked + 2);
    await expectAfter(store, version);
    await store.close();
    acked = version - 1;
  }
});

test('a second process is told who has the directory; when that one is killed, it gets it', async () => {
  const dir = scratchDir('lock');
  const child = startCommitting(dir);
  await within(60, 'a commit', child.line(/^acked 0$/), child.tail);
  await expect(openEmbeddedStore(dir)).rejects.toMatchObject({
    code: 'store-in-use',
    message: expect.stringContaining(`process ${child.pid}`),
  });
  await child.kill('SIGKILL');
  const store = await openEmbeddedStore(dir);
  await store.close();
});

test('when the disk is full commits are refused, and what was acknowledged stays', async () => {
  const dir = scratchDir('full');
  // No file may grow beyond 3 MB. LMDB calls that, and a full disk, an input/output error.
  const child = startCommitting(dir, 3_000);
  const [, code, at] = await within(
    60,
    'a failure',
    child.line(/^failed (\S+) (\d+)$/),
    child.tail,
  );
  await child.exited;
  expect(code).toBe('store-failed');
  const store = await openEmbeddedStore(dir);
  const { version } = await store.load(KILL_LANE);
  expect(version).toBe(Number(at));
  await expectAfter(store, version);
  expect(await store.commit(KILL_LANE, commitNumber(version))).toMatchObject({ kind: 'committed' });
  await store.close();
});

function startCommitting(dir: string, fileKilobytes?: number): Child {
  const command = [process.execPath, '--import', 'tsx', 'test/support/kill-store.ts', dir];
  const limit = fileKilobytes === undefined ? '' : `ulimit -f ${fileKilobytes};`;
  return startChild({
    name: 'the committing process',
    command: 'bash',
    args: ['-c', `${limit} exec "$@"`, 'bash', ...command],
  });
}

function lastAcked(child: Child): number {
  const [, last] = child.lines.map((line) => /^acked (\d+)$/.exec(line)).findLast(Boolean) ?? [];
  return Number(last);
}

/** Exactly what the first `version` commits leave. */
async function expectAfter(store: Store, version: number): Promise<void> {
  const records = new Map<string, unknown>();
  const outbox = new Map<string, unknown>();
  const because: unknown[] = [];
  const closed: string[] = [];
  for (let n = 0; n < version; n++) {
    const commit = commitNumber(n);
    for (const key of commit.remove) records.delete(key);
    for (const { key, value } of commit.put) records.set(key, value);
    for (const id of commit.effectsDone) outbox.delete(id);
    for (const effect of commit.effects) {
      outbox.delete(effect.id);
      outbox.set(effect.id, effect);
    }
    because.unshift(...commit.decisions.map((decision) => decision.because).toReversed());
    closed.unshift(...commit.closed.map(({ incident }) => incident.id));
  }
  const snapshot = await store.load(KILL_LANE);
  expect(new Map([...snapshot.records].map(({ key, value }) => [key, value]))).toEqual(records);
  expect(snapshot.outbox).toEqual([...outbox.values()]);
  expect(snapshot.wakeAt).toBe(version === 0 ? undefined : commitNumber(version - 1).wakeAt);
  const all = { lane: KILL_LANE, limit: 100_000 };
  const decisions = await store.decisions(all);
  expect(decisions.items.map((decision) => decision.because)).toEqual(because);
  for (const service of ['service 0', 'service 3']) {
    const found = await store.decisions({ ...all, service });
    expect(found.items).toEqual(decisions.items.filter((one) => one.service === service));
  }
  const incidents = await store.closedIncidents(all);
  expect(incidents.items.map(({ incident }) => incident.id)).toEqual(closed);
}
