/**
 * The embedded store: LMDB files in one directory, one process.
 *
 *   [lane, 'v']        version, highest sequence number, next wake-up
 *   [lane, 'r', key]   a state record
 *   [lane, 'n', seq]   the inbox
 *   [lane, 'o', id]    the outbox
 *   ...                history: see history-rows.ts
 */
import { type Database, type Key, open } from 'lmdb';
import type { Effect, Instant } from '../model.ts';
import type {
  Accepted,
  CommitResult,
  Incoming,
  LaneSnapshot,
  StateRecord,
  Store,
} from './contract.ts';
import { pruneClosed, pruneDecisions, writeHistory } from './history.ts';
import { queryClosed, queryDecisions, readClosed } from './history-query.ts';
import { readRow, type Rows, type RowWriter } from './history-rows.ts';
import { keyPart } from './keys.ts';

interface LaneMeta {
  readonly version: number;
  readonly seq: number;
  readonly order: number;
  readonly wakeAt: Instant | undefined;
}

interface Job {
  readonly stage: (batch: RowWriter) => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

export async function openEmbeddedStore(dir: string): Promise<Store> {
  const rows: Database<Buffer, Key> = open({
    path: dir,
    encoding: 'binary',
    overlappingSync: false,
    cache: false,
    mapSize: 2 ** 33,
  });
  const write = groupWriter(rows);
  const lanes = new Map<string, LaneMeta>();
  const metaOf = (lane: string): LaneMeta => {
    const known = lanes.get(lane) ?? readMeta(rows, lane);
    lanes.set(lane, known);
    return known;
  };

  return {
    async accept(lane, items) {
      const meta = metaOf(lane);
      lanes.set(lane, { ...meta, seq: meta.seq + items.length });
      const seqs = items.map((_, index) => meta.seq + 1 + index);
      const values = items.map(encodeIncoming);
      await write((batch) => {
        for (const [index, value] of values.entries()) {
          batch.put([keyPart(lane), 'n', meta.seq + 1 + index], value);
        }
      });
      return seqs;
    },
    async load(lane) {
      return loadLane(rows, lane, metaOf(lane));
    },
    async commit(lane, change) {
      let result: CommitResult = { kind: 'stale' };
      const texts = {
        put: change.put.map(({ key, value }) => [key, toJson({ key, value })] as const),
        effects: change.effects.map((effect) => [effect.id, effect] as const),
      };
      await write((batch) => {
        const meta = metaOf(lane);
        if (meta.version !== change.version) return;
        const next = {
          ...meta,
          version: meta.version + 1,
          order: meta.order + change.effects.length,
          wakeAt: change.wakeAt,
        };
        lanes.set(lane, next);
        result = { kind: 'committed', version: next.version };
        const name = keyPart(lane);
        batch.put([name, 'v'], toJson(next));
        for (const seq of change.decided) batch.remove([name, 'n', seq]);
        for (const key of change.remove) batch.remove([name, 'r', keyPart(key)]);
        for (const [key, text] of texts.put) batch.put([name, 'r', keyPart(key)], text);
        for (const id of change.effectsDone) batch.remove([name, 'o', keyPart(id)]);
        for (const [index, [id, effect]] of texts.effects.entries()) {
          batch.put([name, 'o', keyPart(id)], toJson({ order: meta.order + index, effect }));
        }
        writeHistory(rows, batch, lane, { ...change, commit: change.version });
      });
      return result;
    },
    async decisions(query) {
      return queryDecisions(rows, query);
    },
    async closedIncidents(query) {
      return queryClosed(rows, query);
    },
    async closedIncident(lane, id) {
      return readClosed(rows, lane, id);
    },
    async prune(lane, before, limit) {
      let gone = 0;
      await write((batch) => {
        gone = pruneDecisions(rows, batch, lane, before, limit);
        gone += pruneClosed(rows, batch, lane, before, limit);
      });
      return gone;
    },
    async close() {
      await rows.close();
    },
  };
}

/** What waits while a batch is being written shares the next one. */
function groupWriter(rows: Rows): (stage: Job['stage']) => Promise<void> {
  let waiting: Job[] = [];
  let busy = false;
  const batchWriter: RowWriter = {
    // The promise of the batch tells what becomes of each put and remove in it.
    put(key, value) {
      void rows.put(key, value);
    },
    remove(key) {
      void rows.remove(key);
    },
  };
  async function run(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const jobs = waiting;
      waiting = [];
      try {
        await rows.batch(() => {
          for (const job of jobs) job.stage(batchWriter);
        });
        for (const job of jobs) job.done();
      } catch (error) {
        for (const job of jobs) job.failed(error);
      }
    }
    busy = false;
  }
  return (stage) =>
    new Promise((resolve, reject) => {
      waiting.push({ stage, done: resolve, failed: reject });
      if (!busy) void run();
    });
}

function readMeta(rows: Rows, lane: string): LaneMeta {
  const meta = readRow<LaneMeta>(rows, [keyPart(lane), 'v']);
  const start = [keyPart(lane), 'n'];
  let seq = meta?.seq ?? 0;
  for (const key of rows.getKeys({
    start: [...start, Infinity],
    end: start,
    reverse: true,
    limit: 1,
  })) {
    if (Array.isArray(key)) seq = Math.max(seq, Number(key[2]));
  }
  return { version: meta?.version ?? 0, order: meta?.order ?? 0, seq, wakeAt: meta?.wakeAt };
}

function loadLane(rows: Rows, lane: string, meta: LaneMeta): LaneSnapshot {
  const name = keyPart(lane);
  const records: StateRecord[] = [];
  for (const { value } of rows.getRange({ start: [name, 'r'], end: [name, 'r', '\uffff'] })) {
    records.push(JSON.parse(value.toString()) as StateRecord);
  }
  const inbox: Accepted[] = [];
  for (const { key, value } of rows.getRange({ start: [name, 'n'], end: [name, 'n', Infinity] })) {
    inbox.push({ seq: Array.isArray(key) ? Number(key[2]) : 0, item: decodeIncoming(value) });
  }
  const outbox: { readonly order: number; readonly effect: Effect }[] = [];
  for (const { value } of rows.getRange({ start: [name, 'o'], end: [name, 'o', '\uffff'] })) {
    outbox.push(JSON.parse(value.toString()) as { order: number; effect: Effect });
  }
  outbox.sort((a, b) => a.order - b.order);
  return {
    version: meta.version,
    records,
    inbox,
    outbox: outbox.map(({ effect }) => effect),
    wakeAt: meta.wakeAt,
  };
}

function encodeIncoming({ at, delivery, source, body }: Incoming): Buffer {
  const head = toJson([at, delivery, source]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(head.length);
  return Buffer.concat([size, head, body]);
}

function decodeIncoming(bytes: Buffer): Incoming {
  const end = 4 + bytes.readUInt32LE(0);
  const [at, delivery, source] = JSON.parse(bytes.toString('utf8', 4, end)) as [
    number,
    string,
    string,
  ];
  return { at, delivery, source, body: new Uint8Array(bytes.subarray(end)) };
}

function toJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
