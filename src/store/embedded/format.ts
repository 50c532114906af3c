/**
 * Which format the data directory has, so that a version that does not know it refuses.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, codeOf } from '../../errors.ts';
import { storeDamaged } from './failure.ts';

const FORMAT = 4;

/** Checks the format of the directory; one that is new gets ours. */
export async function checkFormat(dir: string): Promise<void> {
  const path = join(dir, 'format.json');
  const found = await readFormat(path);
  if (found === undefined) {
    await writeFile(`${path}.new`, `${JSON.stringify({ format: FORMAT })}\n`, { flush: true });
    await rename(`${path}.new`, path);
    return;
  }
  if (found === FORMAT) return;
  throw new AppError(
    'store-format',
    `${dir} has format ${found}, and this version of Quell knows format ${FORMAT}: use the version that wrote it, or another directory`,
    { retryable: false },
  );
}

async function readFormat(path: string): Promise<number | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const format = /"format"\s*:\s*(\d+)/.exec(text)?.[1];
  if (format === undefined) throw storeDamaged(`${path} does not say its format`);
  return Number(format);
}
