/** The limits of rules, as whoever edits them meets them: what is over one leaves the rules in force as they are. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startQuell } from '../support/quell-process.ts';
import { scratchDir } from '../support/scratch-dir.ts';

function services(from: number, count: number): string {
  const names = Array.from({ length: count }, (_, n) => `  - name: service-${from + n}\n`);
  return `services:\n${names.join('')}`;
}

const MB = 1024 * 1024;
const comment = (bytes: number): string => `# ${'x'.repeat(bytes)}\n`;

/** What is put beside the file that is there. */
const OVER: readonly (readonly [limit: string, files: readonly string[]])[] = [
  ['services', Array.from({ length: 5 }, (_, n) => services(n * 4_500, 4_500))],
  ['rules-list', [services(0, 5_001)]],
  ['rules-file', [comment(2 * MB)]],
  ['rules-bytes', Array.from({ length: 3 }, () => comment(1.5 * MB))],
  ['rules-files', Array.from({ length: 500 }, () => '')],
];

test('rules over a limit are refused by its name and counted, and those in force stay', {
  timeout: 120_000,
}, async () => {
  const rulesDir = scratchDir('rules');
  writeFileSync(join(rulesDir, 'rules.yaml'), 'services: [{ name: web, owner: team-web }]\n');
  const quell = await startQuell({ rulesDir });
  for (const [limit, files] of OVER) {
    const paths = files.map((_, n) => join(rulesDir, `more-${n}.yaml`));
    for (const [n, path] of paths.entries()) writeFileSync(path, files[n] ?? '');
    const refused = await quell.post('/-/reload');
    expect([refused.status, await refused.text()], limit).toEqual([
      400,
      expect.stringContaining(`(limit ${limit})`),
    ]);
    const [reached = 0] = await quell.metrics(`quell_limit_reached_total{limit="${limit}"}`);
    expect(reached, limit).toBeGreaterThan(0);
    expect(await quell.metrics('quell_limit_used{limit="services"}'), limit).toEqual([1]);
    for (const path of paths) rmSync(path);
  }
  expect((await quell.post('/-/reload')).status).toBe(200);
});
