/** What the service keeps of what came in: by day, packed when it is over, whole after a crash. */
import { appendFile, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openJournal } from '../../src/ingest/journal.ts';
import { readJournal } from '../../src/ingest/journal-read.ts';
import { recordingLine } from '../../src/ingest/recorder.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { scratchDir } from '../support/scratch-dir.ts';

const deps = { log: createLog('silent'), metrics: createMetrics() };
const DAY = 86_400_000;
const NOON = Date.parse('2026-03-02T12:00:00Z');

function line(at: number, name: string): Buffer {
  return recordingLine(at, 'generic', Buffer.from(JSON.stringify({ name })));
}

async function namesIn(dir: string, from = 0, to = NOON + 100 * DAY): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const lines of readJournal(dir, { from, to })) {
    // Lines that this test wrote.
    for (const one of lines) names.push((JSON.parse(one) as { body: { name: string } }).body.name);
  }
  return names;
}

test('each day has its file; one that is over is packed, and all are read in order', async () => {
  const dir = join(scratchDir('journal'), 'recorded');
  const journal = await openJournal(dir, NOON, deps);
  journal.line(NOON, line(NOON, 'first'));
  journal.line(NOON + DAY, line(NOON + DAY, 'second'));
  journal.line(NOON + 2 * DAY, line(NOON + 2 * DAY, 'third'));
  await journal.close();
  expect((await readdir(dir)).sort()).toEqual([
    '2026-03-02.jsonl.gz',
    '2026-03-03.jsonl.gz',
    '2026-03-04.jsonl',
  ]);
  expect(await namesIn(dir)).toEqual(['first', 'second', 'third']);
  expect(await namesIn(dir, NOON, NOON + DAY)).toEqual(['first']);
  expect(await namesIn(dir, NOON + DAY, NOON + DAY + 1)).toEqual(['second']);
  expect(await namesIn(dir, NOON + DAY + 1, NOON + 2 * DAY)).toEqual([]);
});

test('half a line, as a killed process leaves it, is not read and does not spoil the next', async () => {
  const dir = join(scratchDir('journal'), 'recorded');
  await mkdir(dir);
  const path = join(dir, '2026-03-02.jsonl');
  await writeFile(path, `${line(NOON, 'whole').toString()}{"at":"2026-03-02T12:00:01.000Z","sou`);
  expect(await namesIn(dir)).toEqual(['whole']);
  const journal = await openJournal(dir, NOON, deps);
  journal.line(NOON, line(NOON, 'next'));
  await journal.close();
  expect(await namesIn(dir)).toEqual(['whole', 'next']);
});

test('a day that a stopped service left is packed at the next start', async () => {
  const dir = join(scratchDir('journal'), 'recorded');
  await mkdir(dir);
  await writeFile(join(dir, '2026-03-01.jsonl'), `${line(NOON - DAY, 'old').toString()}{"at`);
  const journal = await openJournal(dir, NOON, deps);
  await journal.close();
  const packed = await readFile(join(dir, '2026-03-01.jsonl.gz'));
  expect(gunzipSync(packed).toString()).toBe(line(NOON - DAY, 'old').toString());
  expect(await namesIn(dir)).toEqual(['old']);
});

test('days older than the retention go; the day of its end stays whole', async () => {
  const dir = join(scratchDir('journal'), 'recorded');
  await mkdir(dir);
  for (const day of ['2026-02-27', '2026-02-28', '2026-03-01']) {
    await writeFile(join(dir, `${day}.jsonl.gz`), gzipSync(''));
  }
  await appendFile(join(dir, 'notes.txt'), 'not ours');
  const journal = await openJournal(dir, NOON, deps);
  await journal.prune(NOON - DAY);
  await journal.close();
  expect((await readdir(dir)).sort()).toEqual([
    '2026-02-28.jsonl.gz',
    '2026-03-01.jsonl.gz',
    '2026-03-02.jsonl',
    'notes.txt',
  ]);
});

test('what a process left that was killed while it packed a day goes; what is being packed stays', async () => {
  const dir = join(scratchDir('journal'), 'recorded');
  await mkdir(dir);
  const journal = await openJournal(dir, NOON, deps);
  const [left, going] = ['2026-03-01.jsonl.7.new', '2026-03-01.jsonl.8.new'];
  for (const name of [left, going]) await writeFile(join(dir, name), 'half');
  const hourAgo = new Date(Date.now() - 3_600_000);
  await utimes(join(dir, left), hourAgo, hourAgo);
  await journal.prune(NOON - DAY);
  await journal.close();
  expect((await readdir(dir)).sort()).toEqual([going, '2026-03-02.jsonl']);
});

test('when days take more than there is room for the oldest go, and of today half of the room is kept', async () => {
  const dir = join(scratchDir('journal'), 'recorded');
  await mkdir(dir);
  for (const day of ['2026-02-27', '2026-02-28', '2026-03-01']) {
    await writeFile(join(dir, `${day}.jsonl.gz`), 'x'.repeat(3_000));
  }
  const metrics = createMetrics();
  const limits = { recorded: 10_000 };
  const journal = await openJournal(dir, NOON, { ...deps, metrics, limits });
  expect(journal.bytes).toBe(9_000);
  const long = line(NOON, 'x'.repeat(1_000));
  for (let i = 0; i < 6; i++) journal.line(NOON, long);
  const kept = Math.floor(5_000 / long.length);
  expect(journal.bytes).toBe(9_000 + kept * long.length);
  await journal.prune(NOON - 100 * DAY);
  expect(journal.bytes).toBe(3_000 + kept * long.length);
  await journal.close();
  expect((await readdir(dir)).sort()).toEqual(['2026-03-01.jsonl.gz', '2026-03-02.jsonl']);
  const text = await metrics.text();
  expect(text).toContain(`quell_limit_reached_total{limit="recorded"} ${6 - kept + 1}`);
  expect(text).toContain(`quell_recording_lost_total ${6 - kept}`);
  const again = await openJournal(dir, NOON, { ...deps, limits });
  expect(again.bytes).toBe(3_000 + kept * long.length);
  await again.close();
});

test('a clock that goes back writes on in the newer day', async () => {
  const dir = join(scratchDir('journal'), 'recorded');
  const journal = await openJournal(dir, NOON, deps);
  journal.line(NOON - DAY, line(NOON - DAY, 'back'));
  await journal.close();
  expect((await readdir(dir)).sort()).toEqual(['2026-03-02.jsonl']);
});

test('a folder that cannot be made is refused with what to check', async () => {
  await expect(openJournal('/proc/nothing/recorded', NOON, deps)).rejects.toThrow(
    /cannot keep what comes in under .*check QUELL_DATA_DIR/,
  );
});
