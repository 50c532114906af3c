/**
 * Which history a command decides again, out of its flags and the settings: plain data, which a thread can
 * be told (history-thread.ts).
 */
import { openSources } from '../config/sources.ts';
import { misuse } from '../errors.ts';
import type { JournalSpan } from '../ingest/journal-read.ts';
import { parseDuration } from '../rules/duration.ts';
import { type Env, serviceAddress } from './service-address.ts';

export interface HistoryFlags {
  readonly since?: string;
  readonly dataDir?: string;
  readonly url?: string;
}

export type HistoryPlace =
  | { readonly kind: 'recordings'; readonly paths: readonly string[] }
  /** What a service keeps. `since`: the span as it was asked for. */
  | {
      readonly kind: 'data-dir';
      readonly dataDir: string;
      readonly span: JournalSpan;
      readonly since: string;
    }
  /** The same from a service elsewhere; `token` is shown to it. */
  | {
      readonly kind: 'service';
      readonly base: string;
      readonly token: string | undefined;
      readonly span: JournalSpan;
      readonly since: string;
    };

/** Recordings, if some are named, else what the service has kept. Throws an AppError for flags that do not fit. */
export function historyPlace(
  recordings: readonly string[],
  flags: HistoryFlags,
  now: number,
  env: Env,
): HistoryPlace {
  const { since, dataDir, url } = flags;
  if (recordings.length > 0) {
    const unfit = [since, dataDir, url].some((flag) => flag !== undefined);
    if (unfit) throw misuse('name recordings, or say --since, not both');
    return { kind: 'recordings', paths: recordings };
  }
  if (since === undefined) throw misuse('name a recording, or say --since 30d for what Quell kept');
  const duration = parseDuration(since);
  if (duration.kind === 'refused') throw misuse(`--since: ${duration.message}`);
  const span = { from: now - duration.ms, to: now };
  if (url !== undefined) return { kind: 'service', ...serviceAddress(url, env), span, since };
  const dir = dataDirOf(dataDir, env) ?? './data';
  return { kind: 'data-dir', dataDir: dir, span, since };
}

const SINCE = '30d';

/** For commands that look back a month unless they are told otherwise. */
export function withSince(recordings: readonly string[], flags: HistoryFlags): HistoryFlags {
  return recordings.length > 0 ? flags : { ...flags, since: flags.since ?? SINCE };
}

function dataDirOf(dataDir: string | undefined, env: Env): string | undefined {
  const found = openSources({ flags: { dataDir }, env, file: undefined }).find('dataDir');
  return found.kind === 'found' ? found.value : undefined;
}
