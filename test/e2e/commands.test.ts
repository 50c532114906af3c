/** The command line as a person meets it: what it says, and the code it ends with. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { startChild } from '../support/child.ts';
import { checkBuilt } from '../support/quell-process.ts';
import { scratchDir } from '../support/scratch-dir.ts';
import { within } from '../support/within.ts';

const COMMANDS = [
  ...readFileSync('src/main.ts', 'utf8').matchAll(/addCommand\((\w+)Command\(/g),
].map(([, name = '']) => name);

interface Ran {
  readonly code: number | null;
  readonly lines: readonly string[];
}

/** In a folder where nothing is. */
async function quell(...args: readonly string[]): Promise<Ran> {
  checkBuilt();
  const child = startChild({
    name: `quell ${args.join(' ')}`,
    command: process.execPath,
    args: [resolve('dist/main.js'), ...args],
    cwd: scratchDir('nothing'),
    env: { QUELL_RULES_DIR: '', QUELL_DATA_DIR: '', QUELL_PORT: '0' },
  });
  const { code } = await within(60, 'it ends', child.exited, child.tail);
  return { code, lines: child.lines };
}

test('quell --help lists every command', { timeout: 90_000 }, async () => {
  const { code, lines } = await quell('--help');
  expect(code).toBe(0);
  for (const name of COMMANDS) expect(lines.join('\n')).toMatch(new RegExp(`^  ${name} `, 'm'));
});

test.each(COMMANDS)('quell %s --help says what it is for', { timeout: 90_000 }, async (name) => {
  const { code, lines } = await quell(name, '--help');
  expect(code).toBe(0);
  expect(lines[0]).toMatch(new RegExp(`^Usage: quell ${name}`));
  expect((lines[2] ?? '').length).toBeGreaterThan(20);
});

test('a command that is not there ends with code 2 and says what was meant', {
  timeout: 90_000,
}, async () => {
  const { code, lines } = await quell('serv');
  expect(code).toBe(2);
  expect(lines.join('\n')).toContain('Did you mean serve?');
});

test.each([['serve'], ['check'], ['replay', 'recording.jsonl']])(
  'without a rules folder quell %s ends with code 2 and one line about it',
  {
    timeout: 90_000,
  },
  async (...args) => {
    const { code, lines } = await quell(...args);
    const said = lines.filter((line) => !line.startsWith('{'));
    expect({ code, said }).toEqual({
      code: 2,
      said: ['cannot read the rules folder ./rules: there is none'],
    });
  },
);
