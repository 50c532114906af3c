/**
 * History for commands that decide it again: a second thread reads it meanwhile (history-thread.ts),
 * because reading takes half as long as deciding.
 *
 * The lines come in the same order, and every mistake is told in the same words, as if one thread did
 * both. The thread ends with the process, however that ends.
 */
import { on } from 'node:events';
import { Worker } from 'node:worker_threads';
import { AppError } from '../errors.ts';
import { createUnpacker, type ReadLine } from '../ingest/packed.ts';
import { namesAlike } from '../rehearse/rehearsal.ts';
import type { Rules } from '../rules/rules.ts';
import type { FromThread, ThreadData, Wanted } from './history-thread.ts';
import { type HistoryFlags, openHistory } from './history.ts';

export interface ReadAhead {
  /** For people. */
  readonly name: string;
  /** Calls back for each line, oldest first, for whoever decides by these `sets` of rules. Rejects with an AppError. */
  readonly read: (
    sets: readonly Rules[],
    each: (line: ReadLine, place: string) => void,
  ) => Promise<void>;
}

/** As openHistory, and throws what it throws. */
export function readAhead(recordings: readonly string[], given: HistoryFlags): ReadAhead {
  const { since, dataDir, url } = given;
  const flags = {
    ...(since === undefined ? {} : { since }),
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(url === undefined ? {} : { url }),
  };
  const now = Date.now();
  const { name } = openHistory(recordings, flags, now, process.env);
  const decided = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const workerData: ThreadData = { recordings, flags, now, decided };
  const thread = new Worker(new URL(THREAD, import.meta.url), { workerData });
  // Whoever does not come to read need not wait for it.
  thread.unref();
  return {
    name,
    async read(sets, each) {
      thread.ref();
      thread.postMessage(wantedFor(sets));
      try {
        await takeAll(thread, decided, each);
      } finally {
        thread.unref();
      }
    },
  };
}

/** Beside this file, as source or as it is built. */
const THREAD = import.meta.url.endsWith('.ts') ? './history-thread.ts' : './history-thread.js';

function wantedFor(sets: readonly Rules[]): Wanted {
  const mapped = new Set(sets.flatMap(({ mappings }) => [...mappings.keys()]));
  return { mapped, notIdentity: namesAlike(sets) ? sets[0]?.notIdentity : undefined };
}

async function takeAll(
  thread: Worker,
  decided: Int32Array,
  each: (line: ReadLine, place: string) => void,
): Promise<void> {
  const unpack = createUnpacker();
  for await (const [said] of on(thread, 'message')) {
    // Our own thread says nothing else.
    const message = said as FromThread;
    if (message.kind === 'end') return;
    if (message.kind === 'failed') {
      const { code, message: text, retryable } = message;
      throw new AppError(code, text, { retryable });
    }
    unpack(message.batch, each);
    Atomics.add(decided, 0, 1);
    Atomics.notify(decided, 0);
  }
}
