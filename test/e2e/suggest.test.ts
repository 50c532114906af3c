/** Suggestions as a person takes them up: the patch applies, the rules are right, the effect is as said. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fires, reacts, recordingOf } from '../rehearse/support.ts';
import { runQuell } from '../support/run-quell.ts';
import { scratchDir } from '../support/scratch-dir.ts';

const timeout = 120_000;
const HOUR = 60;
const cpu = { name: 'HighCpu', service: 'web' };
const disk = { name: 'DiskFull', service: 'store' };
const billing = { name: 'HighCpu', service: 'billing' };

const RULES = `# Ours.
hold:
  # Nothing is held here, yet.
  - for: 0s # told at once

services:
  - { name: web, owner: us }   # spelled as we like
  - name: store
`;

const RECORDING = recordingOf(
  Array.from({ length: 20 }, (_, index) => fires(index * HOUR, index * HOUR + 3, cpu)).flat(),
  Array.from({ length: 4 }, (_, index) =>
    fires(index * HOUR + 30, index * HOUR + 34, billing),
  ).flat(),
  fires(21 * HOUR, 23 * HOUR, disk),
  reacts(21 * HOUR + 3, 'eyes', disk),
);

function project(): string {
  const dir = scratchDir('project');
  mkdirSync(join(dir, 'rules'));
  writeFileSync(join(dir, 'rules', 'all.yaml'), RULES);
  writeFileSync(join(dir, 'a.jsonl'), `${RECORDING.join('\n')}\n`);
  cpSync(join(dir, 'rules'), join(dir, 'before'), { recursive: true });
  return dir;
}

test('each patch applies, and all together as one; what was there stays as it was', {
  timeout,
}, async () => {
  const dir = project();
  const { code, text } = await runQuell(['suggest', 'a.jsonl', '--patch', 'all.patch'], dir);
  expect(code).toBe(1);
  expect(text).toContain('1. Hold HighCpu for 5 min.  (all.yaml:3)');
  expect(text).toContain('would have hidden 24 of 25 messages; 0 of 1 acknowledged ones');
  const [first = ''] = /^--- a\/.*?(?=\n\n)/ms.exec(text) ?? [];
  writeFileSync(join(dir, 'first.patch'), `${first}\n`);
  execFileSync('git', ['apply', '--check', 'first.patch'], { cwd: dir });
  execFileSync('git', ['apply', '--check', 'all.patch'], { cwd: dir });
  execFileSync('patch', ['-p1', '--fuzz=0', '-i', 'all.patch'], { cwd: dir });
  expect(readFileSync(join(dir, 'rules', 'all.yaml'), 'utf8')).toBe(`# Ours.
hold:
  - match: ['alertname="HighCpu"']
    for: 5m
    why: 100 % of them end by themselves within 5m (24 firings seen).
  # Nothing is held here, yet.
  - for: 0s # told at once

services:
  - { name: web, owner: us }   # spelled as we like
  - name: store
  - name: billing
`);
  const again = await runQuell(
    ['replay', 'a.jsonl', '--rules', 'rules', '--against', 'before'],
    dir,
  );
  expect(again.code).toBe(0);
  expect(again.text).toContain('would have hidden 24 of 25 messages; 0 of 1 acknowledged ones');
  expect((await runQuell(['check', 'rules'], dir)).code).toBe(0);
  expect((await runQuell(['suggest', 'a.jsonl'], dir)).code).toBe(0);
});

test('as JSON, for programs', { timeout }, async () => {
  const { text } = await runQuell(['suggest', 'a.jsonl', '--json'], project());
  expect(JSON.parse(text)).toMatchObject({
    firings: 25,
    acknowledged: 1,
    suggestions: [
      { kind: 'hold', file: 'all.yaml', line: 3, effect: { messages: { now: 25, tried: 1 } } },
      { kind: 'services', file: 'all.yaml' },
    ],
    together: { messages: { now: 25, tried: 1 } },
  });
});

test('the noise report, in words and as JSON', { timeout }, async () => {
  const dir = project();
  const words = await runQuell(['report', 'a.jsonl'], dir);
  expect(words).toMatchObject({
    code: 0,
    text: expect.stringContaining('HighCpu of web and billing'),
  });
  const json = await runQuell(['report', 'a.jsonl', '--json'], dir);
  expect(JSON.parse(json.text)).toMatchObject({
    messages: 25,
    topTalkers: [{ alert: 'HighCpu', messages: 24 }, { alert: 'DiskFull' }],
    unknownServices: [{ name: 'billing', firings: 4 }],
  });
});

test.each([['suggest'], ['report']])(
  'quell %s says where it looked when nothing is kept',
  { timeout },
  async (name) => {
    const { code, text } = await runQuell([name, '--rules', 'rules'], project());
    expect({ code, text }).toEqual({
      code: 2,
      text: expect.stringMatching(/^nothing is kept in data\/recorded: name the data directory/),
    });
  },
);
