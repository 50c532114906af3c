import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRecorder, recordingLine } from '../../src/ingest/recorder.ts';
import { readLine, type Recorded, textsInBatches } from '../../src/ingest/recording.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { startService } from '../support/service.ts';
import { samplesOf } from './samples.ts';

const AT = Date.parse('2026-01-01T00:00:00Z');

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quell-recording-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

async function read(name: string, content: string | Uint8Array): Promise<readonly Recorded[]> {
  const path = join(dir, name);
  await writeFile(path, content);
  return all(path);
}

async function all(path: string): Promise<readonly Recorded[]> {
  const lines: Recorded[] = [];
  let number = 0;
  for await (const texts of textsInBatches(path, 'all'))
    for (const text of texts) {
      const line = readLine(text, ++number);
      if (line !== undefined) lines.push(line);
    }
  return lines;
}

const DELIVERY = '{"at":"2026-01-01T00:00:00.000Z","source":"alertmanager","body":{"alerts":[]}}';
const REACTION = '{"at":"2026-01-01T00:00:01Z","reaction":"eyes","incident":"7Q2K","user":"U1"}';

test('deliveries and reactions come in order, with their lines', async () => {
  expect(await read('a.jsonl', `${DELIVERY}\n\n${REACTION}\n`)).toEqual([
    { kind: 'delivery', line: 1, at: AT, source: 'alertmanager', body: { alerts: [] } },
    {
      kind: 'reaction',
      line: 3,
      at: AT + 1000,
      reaction: 'eyes',
      removed: false,
      incident: '7Q2K',
      user: 'U1',
      alerts: [],
    },
  ]);
});

test('the last line needs no line break; Windows line breaks are no trouble', async () => {
  expect((await read('a.jsonl', `${DELIVERY}\r\n${REACTION}`)).map(({ kind }) => kind)).toEqual([
    'delivery',
    'reaction',
  ]);
  expect(await read('empty.jsonl', '')).toEqual([]);
});

test('a line that is none is reported with its number, and the rest goes on', async () => {
  const lines = await read(
    'a.jsonl',
    [
      '{',
      '5',
      '{"at":"noon"}',
      '{"at":"2026-01-01T00:00:00Z"}',
      '{"at":"2026-01-01T00:00:00Z","reaction":1}',
      DELIVERY,
    ].join('\n'),
  );
  expect(lines).toEqual([
    { kind: 'bad', line: 1, error: 'not JSON: it ends too early, at character 2' },
    { kind: 'bad', line: 2, error: 'expected an object, got number' },
    {
      kind: 'bad',
      line: 3,
      error: 'at: expected a time like 2026-01-01T00:00:00.000Z, got "noon"',
    },
    { kind: 'bad', line: 4, error: 'expected "source" and "body", or "reaction"' },
    { kind: 'bad', line: 5, error: 'expected "reaction", "incident" and "user" as text' },
    expect.objectContaining({ kind: 'delivery', line: 6 }),
  ]);
});

test('lines longer than what is read at once stay whole, also in gzip', async () => {
  const long = recordingLine(
    AT,
    'generic',
    Buffer.from(JSON.stringify({ name: 'é'.repeat(1_600_000) })),
  );
  const content = `${DELIVERY}\n${long.toString()}${DELIVERY}\n`;
  for (const [name, bytes] of [
    ['a.jsonl', content],
    ['a.jsonl.gz', gzipSync(content)],
  ] as const) {
    const lines = await read(name, bytes);
    expect(lines.map(({ kind, line }) => [kind, line])).toEqual([
      ['delivery', 1],
      ['delivery', 2],
      ['delivery', 3],
    ]);
    expect(lines[1]).toMatchObject({ body: { name: 'é'.repeat(1_600_000) } });
  }
});

test('a body is one line of the recording as it came: without its mark, line breaks and what is no text', () => {
  const lineOf = (body: string | Buffer): string =>
    recordingLine(AT, 'generic', Buffer.from(body)).toString();
  const head = '{"at":"2026-01-01T00:00:00.000Z","source":"generic","body":';
  expect(lineOf('\ufeff \t{"a": 1.0}\r\n ')).toBe(`${head}{"a": 1.0}}\n`);
  expect(lineOf('{\n"é":\r\n"🔴"}')).toBe(`${head}{ "é":  "🔴"}}\n`);
  expect(lineOf(Buffer.from([0x22, 0xff, 0x22]))).toBe(`${head}"\ufffd"}\n`);
});

test('a file that is not there, or no gzip, fails with its error', async () => {
  await expect(all(join(dir, 'nothing.jsonl'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(all(join(dir, 'nothing.jsonl.gz'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(read('a.jsonl.gz', DELIVERY)).rejects.toThrow(/header/);
});

test('what is recorded is what came, and is read back', async () => {
  const path = join(dir, 'r.jsonl');
  const recorder = openRecorder(path, { log: createLog('silent'), metrics: createMetrics() });
  const service = await startService({ recorder });
  const samples = samplesOf('prometheus');
  for (const { bytes } of samples) await service.post('/api/v2/alerts', bytes);
  await service.post(
    '/v1/ingest/generic',
    '{\n  "name": "A",\r\n  "labels": { "id": "12345678901234567890" }\n}',
  );
  await service.post('/v1/ingest/generic', 'no json');
  await service.stop();
  await recorder.close();
  const lines = await all(path);
  expect(lines.map((line) => line.kind === 'delivery' && [line.source, line.body])).toEqual([
    ...samples.map(({ body }) => ['prometheus', body]),
    ['generic', { name: 'A', labels: { id: '12345678901234567890' } }],
  ]);
  expect(await readFile(path, 'utf8')).toContain('"id": "12345678901234567890"');
});

test.skipIf(!existsSync('/dev/full'))(
  'a recording that cannot be written any more loses deliveries aloud, and no request',
  async () => {
    const metrics = createMetrics();
    const lines: string[] = [];
    const log = createLog('error', { write: (line) => void lines.push(line) });
    const recorder = openRecorder('/dev/full', { log, metrics });
    const service = await startService({ recorder });
    for (let i = 0; i < 20; i++) {
      expect((await service.post('/v1/ingest/generic', { name: `A${i}` })).status).toBe(200);
    }
    await service.stop();
    await recorder.close();
    expect(lines.join('')).toContain('the recording stopped');
    expect(await metrics.text()).toMatch(/quell_recording_lost_total [1-9]/);
  },
);

test('a recording that cannot be opened is refused', () => {
  const deps = { log: createLog('silent'), metrics: createMetrics() };
  expect(() => openRecorder(join(dir, 'no', 'such', 'dir', 'r.jsonl'), deps)).toThrow(
    /cannot record to .*ENOENT/,
  );
});

test('reactions that were taken back can be part of a recording', () => {
  expect(readLine(`${REACTION.slice(0, -1)},"removed":true}`, 1)).toMatchObject({ removed: true });
});

test('a file that is full takes no more, is told of once, and stays as it is after a restart', async () => {
  const path = join(dir, 'r.jsonl');
  const logged: string[] = [];
  const log = createLog('info', { write: (line) => void logged.push(line) });
  const line = Buffer.from(`${DELIVERY}\n`);
  for (const added of [2, 0]) {
    const metrics = createMetrics();
    const recorder = openRecorder(path, { log, metrics, bytesMax: 2.5 * line.length });
    for (let n = 0; n < 4; n++) recorder.line(line);
    await recorder.close();
    const text = await metrics.text();
    expect(text).toContain(`quell_recording_lost_total ${4 - added}`);
    expect(text).toContain(`quell_limit_reached_total{limit="recorded"} ${4 - added}`);
    expect(await all(path)).toHaveLength(2);
  }
  expect(logged.filter((one) => one.includes('(limit recorded)'))).toHaveLength(2);
});

const MATCHER = { name: 'service', value: 'shop.*', isRegex: true, isEqual: false };
const SILENCE = {
  id: 's1',
  matchers: [MATCHER],
  startsAt: AT,
  endsAt: AT + 60_000,
  createdBy: 'ada',
  comment: 'deploying',
};

function silenced(said: object): Recorded | undefined {
  return readLine(JSON.stringify({ at: '2026-01-01T00:00:00Z', ...said }), 1);
}

test('a silence that began or ended can be part of a recording, without what nobody knows', () => {
  const matchers = [{ ...MATCHER, unknown: 1 }];
  expect(silenced({ silence: { ...SILENCE, matchers, unknown: 1 } })).toEqual({
    kind: 'silence',
    line: 1,
    at: AT,
    event: { kind: 'silence', silence: SILENCE },
  });
  expect(silenced({ unsilence: 's1', by: 'ada' })).toEqual({
    kind: 'silence',
    line: 1,
    at: AT,
    event: { kind: 'unsilence', id: 's1', by: 'ada' },
  });
});

test.each([
  { silence: 's1' },
  { silence: { ...SILENCE, id: 1 } },
  { silence: { ...SILENCE, comment: 'x'.repeat(100_001) } },
  { silence: { ...SILENCE, startsAt: '2026-01-01T00:00:00Z' } },
  { silence: { ...SILENCE, endsAt: null } },
  { silence: { ...SILENCE, matchers: MATCHER } },
  { silence: { ...SILENCE, matchers: [MATCHER, 'service'] } },
  { silence: { ...SILENCE, matchers: [{ ...MATCHER, isRegex: 'yes' }] } },
  { silence: { ...SILENCE, matchers: [{ ...MATCHER, value: 1 }] } },
  { unsilence: 's1' },
  { unsilence: 1, by: 'ada' },
])('a silence that is not as it is recorded is a mistake: %j', (said) => {
  const error = 'expected "silence" as it is recorded, or "unsilence"';
  expect(silenced(said)).toEqual({ kind: 'bad', line: 1, error });
});
