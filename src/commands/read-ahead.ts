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
import { type Batch, createUnpacker, type ReadLine } from '../ingest/packed.ts';
import { namesAlike } from '../rehearse/rehearsal.ts';
import type { Rules } from '../rules/rules.ts';
import { type FromThread, readAll, type ThreadData, type Wanted } from './history-thread.ts';
import { openHistory } from './history.ts';
import { type HistoryFlags, historyPlace } from './history-place.ts';

export interface ReadAhead {
  /** For people. */
  readonly name: string;
  /** Calls back for each line, oldest first, for whoever decides by these `sets` of rules. Rejects with an AppError. */
  readonly read: (
    sets: readonly Rules[],
    each: (line: ReadLine, place: string) => void,
  ) => Promise<void>;
}

/** Throws an AppError for flags that do not fit. */
export function readAhead(recordings: readonly string[], flags: HistoryFlags): ReadAhead {
  const place = historyPlace(recordings, flags, Date.now(), process.env);
  const decided = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const data: ThreadData = { place, decided };
  const thread = startThread(data);
  return {
    name: openHistory(place).name,
    async read(sets, each) {
      const wanted = wantedFor(sets);
      const unpack = createUnpacker();
      if (thread === undefined) return readAll(data, wanted, (batch) => unpack(batch, each));
      thread.ref();
      thread.postMessage(wanted);
      try {
        await takeAll(thread, (batch) => {
          unpack(batch, each);
          Atomics.add(decided, 0, 1);
          Atomics.notify(decided, 0);
        });
      } finally {
        thread.unref();
      }
    },
  };
}

/** Undefined when Quell runs as source: Node 20 loads no TypeScript in a thread, and what is read is read here. */
function startThread(workerData: ThreadData): Worker | undefined {
  if (import.meta.url.endsWith('.ts')) return undefined;
  const thread = new Worker(new URL('./history-thread.js', import.meta.url), { workerData });
  // Whoever does not come to read need not wait for it.
  thread.unref();
  return thread;
}

function wantedFor(sets: readonly Rules[]): Wanted {
  const mapped = new Set(sets.flatMap(({ mappings }) => [...mappings.keys()]));
  return { mapped, notIdentity: namesAlike(sets) ? sets[0]?.notIdentity : undefined };
}

async function takeAll(thread: Worker, take: (batch: Batch) => void): Promise<void> {
  for await (const [said] of on(thread, 'message')) {
    // Our own thread says nothing else.
    const message = said as FromThread;
    if (message.kind === 'end') return;
    if (message.kind === 'failed') {
      const { code, message: text, retryable } = message;
      throw new AppError(code, text, { retryable });
    }
    take(message.batch);
  }
}
