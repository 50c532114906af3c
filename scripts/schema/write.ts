/**
 * Writes schema/*.json anew. Run: npm run schema
 */
import { writeFileSync } from 'node:fs';
import { SCHEMAS } from './json-schema.ts';

for (const [name, make] of Object.entries(SCHEMAS)) {
  const path = new URL(`../../schema/${name}`, import.meta.url);
  writeFileSync(path, `${JSON.stringify(make(), undefined, 2)}\n`);
}
