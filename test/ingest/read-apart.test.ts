/** Large bodies, which a thread of their own reads: as it was built, because Node 20 loads no TypeScript in one. */
import { expect, test } from 'vitest';
import { createReader } from '../../src/ingest/read-apart.ts';
import { recordingLine } from '../../src/ingest/recorder.ts';
import { NO_MAPPINGS, parseBytes } from '../../src/ingest/sources.ts';
import { rulesOf } from '../support/story.ts';
import { TRICKS } from '../fuzz/hostile.ts';

const THREAD = new URL('../../dist/ingest/apart-thread.js', import.meta.url);
const CONTEXT = { source: 'generic', delivery: 'd-1', at: Date.parse('2026-11-21T01:30:00Z') };

function bodyOf(alerts: number): Buffer {
  const list = Array.from({ length: alerts }, (_, n) => {
    if (n % 100 === 7) return { labels: n };
    const trick = TRICKS[n % TRICKS.length] ?? '';
    const labels = Object.fromEntries([
      ['alertname', `Down-${n}`],
      [`name ${trick}`, trick],
      ['__proto__', `own ${n}`],
    ]);
    return {
      labels,
      annotations: { summary: `${trick} ${'ж'.repeat(200)}` },
      startsAt: CONTEXT.at,
    };
  });
  return Buffer.from(JSON.stringify({ alerts: list }, undefined, 1));
}

const inThread = createReader(THREAD);

test('a large body is read as if it were at once, to the last character, and recorded alike', async () => {
  const body = bodyOf(5_000);
  expect(body.length).toBeGreaterThan(2 * 1024 * 1024);
  const { parsed, line } = await inThread(body, CONTEXT, NO_MAPPINGS);
  expect(parsed).toEqual(parseBytes(body, CONTEXT, NO_MAPPINGS));
  expect(Buffer.from(line ?? []).equals(recordingLine(CONTEXT.at, CONTEXT.source, body))).toBe(
    true,
  );
});

test('what is no UTF-8, no JSON, too much, or read by a mapping is told alike', async () => {
  const { mappings } = rulesOf(
    `ingest:\n  mine: { alerts: 'items[]', labels: { alertname: what } }\n`,
  );
  const items = Array.from({ length: 9_000 }, (_, n) => ({
    what: `thing ${n}`,
    more: 'x'.repeat(150),
  }));
  const bodies: readonly (readonly [string, Buffer])[] = [
    ['generic', Buffer.alloc(2_000_000, Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x0a, 0xff]))],
    ['generic', Buffer.concat([bodyOf(2_500), Buffer.from('}')])],
    ['generic', Buffer.from(`[${'{},'.repeat(600_000)}{}]`)],
    ['mine', Buffer.from(JSON.stringify({ items }))],
  ];
  const read = await Promise.all(
    bodies.map(async ([source, body]) => inThread(body, { ...CONTEXT, source }, mappings)),
  );
  expect(read.map(({ parsed }) => parsed)).toEqual(
    bodies.map(([source, body]) => parseBytes(body, { ...CONTEXT, source }, mappings)),
  );
});

test('a thread that fails is told of, and the next body is read', async () => {
  const missing = createReader(new URL('./no-such-thread.js', import.meta.url));
  await expect(missing(bodyOf(2_500), CONTEXT, NO_MAPPINGS)).rejects.toThrow('no-such-thread');
  await expect(missing(bodyOf(2_500), CONTEXT, NO_MAPPINGS)).rejects.toThrow('no-such-thread');
  expect(await missing(bodyOf(1), CONTEXT, NO_MAPPINGS)).toMatchObject({ line: undefined });
});

/** A thread that does this when it is asked for the first part, and for the second. */
function threadThat(first: string, second = ''): URL {
  const asked = `(n++ ? () => { ${second} } : () => { ${first} })()`;
  const code = `import { parentPort } from 'node:worker_threads'; let n = 0; parentPort.on('message', () => ${asked})`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

test.each([
  ['ends without a word', threadThat('process.exit(0)')],
  [
    'fails when nobody asks it',
    threadThat(`parentPort.postMessage({ kind: 'part', events: [] }); throw new Error('tired')`),
  ],
])('a thread that %s holds up nobody, and ends nothing else', async (_, thread) => {
  const reader = createReader(thread);
  const both = [
    reader(bodyOf(2_500), CONTEXT, NO_MAPPINGS),
    reader(bodyOf(2_500), CONTEXT, NO_MAPPINGS),
  ];
  for (const one of both) await expect(one).rejects.toThrow(/the thread ended|tired/);
});
