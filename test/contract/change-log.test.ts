/** What is in the log of changes and not in LMDB yet is there after a crash: all of it, in order, nothing else. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Key } from 'lmdb';
import { expect, test } from 'vitest';
import { type ChangeLog, openChangeLog } from '../../src/store/embedded/change-log.ts';
import { type Database, openDatabase } from '../../src/store/embedded/database.ts';
import type { Change } from '../../src/store/embedded/row-text.ts';
import { scratchDir } from '../support/scratch-dir.ts';

const keys = fc.constantFrom<Key[]>(['a', 'v'], ['a', 'l', 1], ['a', 'l', 2], ['b', 'd', 1.5, 7]);
const values = fc.oneof(
  fc.constant(undefined),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.array(fc.constantFrom('one', 'zwölf', '🔴'), { minLength: 1, maxLength: 3 }),
  // More than fits into one frame, and a few of which fill the file.
  fc.constantFrom('long '.repeat(8_000), 'longer '.repeat(20_000)),
);
const changes = fc.array(fc.record({ key: keys, value: values }), { minLength: 1, maxLength: 4 });
const steps = fc.array(
  fc.record({ changes, next: fc.constantFrom('crash', 'read', undefined, undefined, undefined) }),
  { maxLength: 25 },
);

test('whatever is written, and whenever it crashes: what was answered for is there', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      let dir = scratchDir('changes');
      let database = openDatabase(dir);
      const opened = [database];
      const expected = new Map<string, string>();
      for (const { changes: staged, next } of all) {
        await write(database, staged);
        for (const change of staged) apply(expected, change);
        for (const { key } of staged) {
          expect(await getOf(database, key)).toBe(expected.get(JSON.stringify(key)));
        }
        if (next === 'read') expect(await contentsOf(database)).toEqual(expected);
        if (next !== 'crash') continue;
        const copy = scratchDir('changes');
        cpSync(dir, copy, { recursive: true });
        dir = copy;
        database = openDatabase(dir);
        opened.push(database);
        expect(await contentsOf(database)).toEqual(expected);
      }
      for (const one of opened) await one.close();
      const again = openDatabase(dir);
      expect(await contentsOf(again)).toEqual(expected);
      await again.close();
    }),
    { numRuns: 60 },
  );
});

test('a frame that was cut short is not there, and those before it are', () => {
  const path = join(scratchDir('changes'), 'changes');
  const { log } = openChangeLog(path, 0);
  const sizes = ['first', 'second', 'third'].map((value) => add(log, value));
  log.close();
  const whole = readFileSync(path);
  const [first = 0, second = 0, third = 0] = sizes;
  for (let lost = 1; lost <= third; lost++) {
    const cut = Buffer.from(whole);
    cut.fill(0, first + second + third - lost, first + second + third);
    // The last bytes of a value may be zeros anyway, those of these are none.
    expect(lacking(path, cut, 0)).toEqual(['first', 'second']);
  }
  expect(lacking(path, whole, 0)).toEqual(['first', 'second', 'third']);
});

test('frames that LMDB has, and those that one of an earlier round follows, do not count', () => {
  const path = join(scratchDir('changes'), 'changes');
  const { log } = openChangeLog(path, 0);
  for (const value of ['one', 'two', 'six']) add(log, value);
  log.restart();
  expect(lacking(path, readFileSync(path), 3)).toEqual([]);
  add(log, 'new');
  expect(lacking(path, readFileSync(path), 3)).toEqual(['new']);
  log.close();
});

test('a frame that could not be written leaves no gap once LMDB knows of it', () => {
  const path = join(scratchDir('changes'), 'changes');
  const { log } = openChangeLog(path, 0);
  add(log, 'one');
  log.frame([{ key: ['k', 2], value: 'never written' }]);
  log.restart();
  expect(log.last).toBe(2);
  add(log, 'three');
  log.close();
  expect(lacking(path, readFileSync(path), 2)).toEqual(['three']);
});

test('the file never changes its size', () => {
  const path = join(scratchDir('changes'), 'changes');
  const { log } = openChangeLog(path, 0);
  const { length } = readFileSync(path);
  let frames = 0;
  for (const value = 'x'.repeat(10_000); ; frames++) {
    const frame = log.frame([{ key: ['k', frames], value }]);
    if (frame === undefined) break;
    log.addSync(frame);
  }
  log.close();
  expect(frames).toBeGreaterThan(10);
  expect(readFileSync(path)).toHaveLength(length);
});

test('a small frame makes the disk write little, not the whole file', () => {
  const path = join(scratchDir('changes'), 'changes');
  const { log } = openChangeLog(path, 0);
  const frames = 20;
  const before = bytesToDisk();
  for (let number = 0; number < frames; number++) add(log, `value ${number}`);
  expect((bytesToDisk() - before) / frames).toBeLessThan(64 << 10);
  log.close();
});

/** What the kernel says that this process made it write. */
function bytesToDisk(): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

function write(database: Database, staged: readonly Change[]): Promise<void> {
  return database.write((_, batch) => {
    for (const { key, value } of staged) {
      if (value === undefined) batch.remove(key);
      else batch.put(key, value);
    }
  });
}

function apply(expected: Map<string, string>, { key, value }: Change): void {
  if (value === undefined) expected.delete(JSON.stringify(key));
  else expected.set(JSON.stringify(key), typeof value === 'string' ? value : value.join('\n'));
}

function getOf(database: Database, key: Key): Promise<string | undefined> {
  return database.read((rows) => rows.get(key)?.toString());
}

/** All but what the database notes for itself. */
function contentsOf(database: Database): Promise<Map<string, string>> {
  return database.read((rows) => {
    const found = [...rows.getRange({ start: ['a'] })];
    return new Map(found.map(({ key, value }) => [JSON.stringify(key), value.toString()]));
  });
}

/** Returns how many bytes it took. */
function add(log: ChangeLog, value: string): number {
  const frame = log.frame([{ key: ['k', value], value }]);
  if (frame === undefined) throw new Error('the log is full');
  log.addSync(frame);
  return frame.bytes.length;
}

/** The values that are to be written after a crash that left the file so. */
function lacking(path: string, bytes: Buffer, known: number): readonly unknown[] {
  const copy = `${path}.copy`;
  writeFileSync(copy, bytes);
  const opened = openChangeLog(copy, known);
  opened.log.close();
  return [...opened.lacking.values()].map(({ value }) => value);
}
