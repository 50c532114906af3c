/** A command of `quell` as a person runs it: what it says, and the code it ends with. */
import { resolve } from 'node:path';
import { startChild } from './child.ts';
import { checkBuilt } from './quell-process.ts';
import { scratchDir } from './scratch-dir.ts';
import { within } from './within.ts';

export interface Ran {
  readonly code: number | null;
  /** Both streams. */
  readonly text: string;
}

/** In a folder where nothing is, unless `cwd` names another. */
export async function runQuell(
  args: readonly string[],
  cwd = scratchDir('nothing'),
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  checkBuilt();
  const child = startChild({
    name: `quell ${args.join(' ')}`,
    command: process.execPath,
    args: [resolve('dist/main.js'), ...args],
    cwd,
    env: { QUELL_RULES_DIR: '', QUELL_DATA_DIR: '', ...env },
  });
  const { code } = await within(60, 'it ends', child.exited, child.tail);
  return { code, text: child.lines.join('\n') };
}
