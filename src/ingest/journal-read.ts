/**
 * Reads the recording that the service keeps (journal.ts), also while it is being written: a day that
 * is packed meanwhile is found packed, and half a line at the end is not read yet.
 */
import { join } from 'node:path';
import { codeOf } from '../errors.ts';
import type { Instant } from '../model.ts';
import { type JournalDay, dayOf, daysIn } from './journal.ts';
import { textsInBatches } from './recording.ts';

export interface JournalSpan {
  /** Inclusive. */
  readonly from: Instant;
  /** Exclusive. */
  readonly to: Instant;
}

/** Batches of whole lines, oldest first. Fails with the error of the file system, as when there is no folder. */
export async function* readJournal(
  dir: string,
  { from, to }: JournalSpan,
): AsyncGenerator<readonly string[]> {
  const first = new Date(from).toISOString();
  const last = new Date(to).toISOString();
  for (const day of await daysIn(dir)) {
    if (day.day < dayOf(from) || day.day > dayOf(to)) continue;
    for await (const texts of textsOf(dir, day)) {
      yield texts.filter((text) => isWithin(text, first, last));
    }
  }
}

async function* textsOf(dir: string, day: JournalDay): AsyncGenerator<readonly string[]> {
  try {
    yield* textsInBatches(join(dir, day.name), 'whole lines');
  } catch (error) {
    const wasPacked = !day.closed && codeOf(error) === 'ENOENT';
    if (!wasPacked) throw error;
    yield* textsInBatches(join(dir, `${day.name}.gz`), 'whole lines');
  }
}

const HEAD = '{"at":"';
const TIME_LENGTH = '2026-01-01T00:00:00.000Z'.length;

/** Lines of the journal begin with their instant, and such instants sort as texts. */
function isWithin(text: string, first: string, last: string): boolean {
  const at = text.slice(HEAD.length, HEAD.length + TIME_LENGTH);
  return text.startsWith(HEAD) && at >= first && at < last;
}
