/** Patches that `git apply` and `patch` take. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unifiedDiff } from '../../src/suggest/diff.ts';
import { scratchDir } from '../support/scratch-dir.ts';

test('a diff of a few lines', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng\n';
  expect(
    unifiedDiff('rules/x.yaml', before, before.replace('e\n', 'E\nand\n')),
  ).toBe(`--- a/rules/x.yaml
+++ b/rules/x.yaml
@@ -2,6 +2,7 @@
 b
 c
 d
-e
+E
+and
 f
 g
`);
});

test('changes that are far apart stand in pieces of their own, near ones in one', () => {
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index}\n`);
  const changed = lines.map((line, index) => ([3, 8, 30].includes(index) ? `new\n${line}` : line));
  const diff = unifiedDiff('x', lines.join(''), changed.join(''));
  expect(diff.match(/^@@.*@@$/gm)).toEqual(['@@ -1,11 +1,13 @@', '@@ -28,6 +30,7 @@']);
});

test('texts that are the same have no diff', () => {
  expect(unifiedDiff('x', 'a\n', 'a\n')).toBe('');
});

const hasGit = spawnSync('git', ['--version']).status === 0;
const line = fc.constantFrom('a', 'b', '  - match: x', '', '# c');
const text = fc
  .tuple(fc.array(line, { maxLength: 25 }), fc.boolean())
  .map(([lines, ends]) => lines.join('\n') + (ends ? '\n' : ''));

test.skipIf(!hasGit)(
  'whatever the texts, git apply makes the one of the other',
  { timeout: 120_000 },
  () => {
    const dir = scratchDir('diff');
    execFileSync('git', ['init', '-q'], { cwd: dir });
    mkdirSync(join(dir, 'rules'));
    const path = join(dir, 'rules/x.yaml');
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after && before !== '' && after !== '');
        writeFileSync(path, before);
        const diff = unifiedDiff('rules/x.yaml', before, after);
        execFileSync('git', ['apply', '--unidiff-zero', '-'], {
          cwd: dir,
          input: diff,
          stdio: ['pipe', 'ignore', 'ignore'],
        });
        expect(readFileSync(path, 'utf8')).toBe(after);
      }),
      { numRuns: 60 },
    );
  },
);
