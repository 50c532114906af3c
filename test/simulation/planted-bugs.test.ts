/**
 * Tests the simulation: each planted bug must be noticed by some seed. The code with the bug is a copy
 * that is loaded beside the real one.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { tsImport } from 'tsx/esm/api';
import { expect, onTestFinished, test } from 'vitest';
import { type Planted, plant } from '../support/plant.ts';
import { PLANTED_BUGS } from './planted-bugs.ts';

/** The rarest take some hundred seeds. */
const ALL_SEEDS = Array.from({ length: 1_000 }, (_, index) => index + 1);

for (const bug of PLANTED_BUGS) {
  test(`noticed: ${bug.name}`, { timeout: 600_000 }, async () => {
    const simulate = await withBug(bug);
    let noticed: string | undefined;
    for (const seed of [bug.seed, ...ALL_SEEDS]) {
      const found = await simulate(seed);
      if (found.length > 0) noticed = `seed ${seed}: ${found.join('; ')}`;
      if (noticed !== undefined) break;
    }
    expect(noticed).toBeDefined();
  });
}

type Simulate = (seed: number) => Promise<readonly string[]>;

/** In the project's folder, so that its libraries are found. */
async function withBug(bug: Planted): Promise<Simulate> {
  const dir = mkdtempSync(join(process.cwd(), '.planted-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const folder of ['src', 'test/simulation', 'test/support']) {
    cpSync(folder, join(dir, folder), { recursive: true });
  }
  cpSync('package.json', join(dir, 'package.json'));
  plant(dir, bug);
  const url = pathToFileURL(join(dir, 'test/simulation/simulate.ts')).href;
  // The module that was just written.
  const module = (await tsImport(url, import.meta.url)) as { readonly simulate: Simulate };
  return module.simulate;
}
