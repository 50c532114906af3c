/** The project's own files, for tests that keep its plan and its documentation true. */
import { existsSync, readdirSync } from 'node:fs';

/** Paths below a folder, from the top of the repository, that end like this. */
export function filesUnder(folder: string, ending: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map(({ parentPath, name }) => `${parentPath}/${name}`)
    .filter((path) => !path.includes('node_modules'))
    .sort();
}
