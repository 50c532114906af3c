/** One change of one place in a copy of the code. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

export interface Planted {
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
}

export function plant(dir: string, { file, from, to }: Planted): void {
  const path = join(dir, file);
  const text = readFileSync(path, 'utf8');
  expect(text.split(from).length - 1, `${file} has «${from}»`).toBe(1);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
}
