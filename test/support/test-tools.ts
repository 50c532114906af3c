/**
 * Programs that only tests need. A test that misses one fails, and says in one line how to get it:
 * nothing is skipped silently.
 */
import { existsSync } from 'node:fs';

export const GET_TOOLS = 'install it with scripts/install-test-tools.sh (root, or sudo; uses apt)';

/** Debian's name first, then the one of the project's own archives. */
export function toolPath(...names: readonly string[]): string {
  const folders = (process.env['PATH'] ?? '').split(':');
  for (const name of names) {
    for (const folder of folders) {
      const path = `${folder}/${name}`;
      if (folder !== '' && existsSync(path)) return path;
    }
  }
  throw new Error(`${names.join(' or ')} is needed for this test: ${GET_TOOLS}`);
}
