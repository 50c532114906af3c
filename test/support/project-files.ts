/** The project's own files, for tests that keep its plan and its documentation true. */
import { existsSync, readdirSync } from 'node:fs';

/** Paths below a folder, from the top of the repository, that end like this. */
export function filesUnder(folder: string, ending: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending) && !path.includes('node_modules'))
    .map((path) => `${folder}/${path}`)
    .sort();
}
