/**
 * Reading a lane: all of it, or what changed since a version.
 *
 * Another process may commit between two reads. So a snapshot is read in steps, what changed meanwhile
 * is read after it, and it is done when the version did not move any more.
 */
import { AppError } from '../../errors.ts';
import type { Effect } from '../../model.ts';
import type { LaneChanges, LaneSnapshot, StateRecord } from '../contract.ts';
import type { Connection } from './connection.ts';
import { textOf } from './keys.ts';
import { type Changes, readChanges } from './scripts.ts';
import { UNFINISHED, unfinished } from '../unfinished.ts';

/** Of all keys of a lane, and of what stands in them. Earlier ones are read, later ones refused. */
export const FORMAT = 1;
/** Records read at a time. */
const SCAN_COUNT = 500;

/** By tag: in which timeline what was read last has its version. */
export type Timelines = Map<string, string>;

/** Later than any: only the whole lane helps. */
const NEVER = Number.MAX_SAFE_INTEGER;

export async function loadLane(
  connection: Connection,
  tag: string,
  timelines: Timelines,
): Promise<LaneSnapshot> {
  const { texts, ...rest } = await readAll(connection, tag, timelines);
  return { ...rest, records: recordsOf(texts) };
}

/** What changed since a version. When that cannot be told any more: all there is. */
export async function changesSince(
  connection: Connection,
  tag: string,
  since: number,
  timelines: Timelines,
): Promise<LaneChanges> {
  const put = new Map<string, string>();
  const gone = new Set<string>();
  for (let from = since; from > 0; ) {
    const changes = await readChanges(connection, tag, from, timelines.get(tag));
    const [now, distance, format, timeline] = changes;
    checkFormat(format, connection);
    if (distance === 'far') break;
    timelines.set(tag, timeline);
    for (const key of sortOut(changes, put)) {
      put.delete(key);
      gone.add(key);
    }
    from = Number(now);
    if (distance === 'part') continue;
    // What was gone may have come again.
    return { version: from, whole: false, put, remove: [...gone].filter((key) => !put.has(key)) };
  }
  const { version, texts } = await readAll(connection, tag, timelines);
  return { version, whole: true, put: texts, remove: [] };
}

async function readAll(
  connection: Connection,
  tag: string,
  timelines: Timelines,
): Promise<Omit<LaneSnapshot, 'records'> & { readonly texts: Map<string, string> }> {
  const { client } = connection;
  const [first, , format, timeline] = await readChanges(connection, tag, NEVER);
  checkFormat(format, connection);
  timelines.set(tag, timeline);
  let version = Number(first);
  const texts = new Map<string, string>();
  for (let cursor = ''; cursor !== '0'; ) {
    const from = cursor === '' ? '0' : cursor;
    const [next, found] = await client.hscan(`${tag}:records`, from, 'COUNT', SCAN_COUNT);
    for (let at = 0; at < found.length; at += 2)
      texts.set(textOf(found[at] ?? ''), found[at + 1] ?? '');
    cursor = next;
  }
  for (;;) {
    const changes = await readChanges(connection, tag, version, timeline);
    const [now, distance] = changes;
    if (distance === 'far') return readAll(connection, tag, timelines);
    for (const key of sortOut(changes, texts)) texts.delete(key);
    version = Number(now);
    const rest = await readRest(connection, tag);
    if (texts.has(UNFINISHED)) throw unfinished();
    if (rest.version === version) return { ...rest, texts };
  }
}

/** Puts the records that changed where they belong; returns the keys of those that are gone. */
function sortOut(
  [, , , , fields = [], values = []]: Changes,
  put: Map<string, string>,
): readonly string[] {
  const gone: string[] = [];
  for (const [index, field] of fields.entries()) {
    const json = values[index] ?? '';
    if (json === '') gone.push(textOf(field));
    else put.set(textOf(field), json);
  }
  return gone;
}

/** Version, wake-up and outbox, of one instant. */
export async function readRest(
  connection: Connection,
  tag: string,
): Promise<Omit<LaneSnapshot, 'records'>> {
  const { client } = connection;
  const replies = await client.multi().hgetall(`${tag}:lane`).hvals(`${tag}:outbox`).exec();
  const [meta, rows] = (replies ?? []).map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
  // What HGETALL and HVALS return, of what `commit` wrote.
  const { version = '0', wakeAt = '', format = '' } = (meta ?? {}) as Record<string, string>;
  checkFormat(format, connection);
  const outbox = ((rows ?? []) as string[]).map((row) => JSON.parse(row) as OutboxRow);
  outbox.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  return {
    version: Number(version),
    wakeAt: wakeAt === '' ? undefined : Number(wakeAt),
    outbox: outbox.map(([, , effect]) => effect),
  };
}

/** What a newer version wrote must not be misread, nor written over. Empty: nothing was written yet. */
function checkFormat(format: string, { address }: Connection): void {
  if (Number(format) <= FORMAT) return;
  const message = `this instance is older than what wrote the state in Redis at ${address.shown} (format ${format}, it knows ${FORMAT}): upgrade it`;
  throw new AppError('store-format', message, { retryable: false });
}

/** An effect with its place: version of the commit that asked for it, and index in that. */
export type OutboxRow = readonly [version: number, index: number, effect: Effect];

/** Each text is let go of as soon as it is read. */
function* recordsOf(texts: Map<string, string>): Iterable<StateRecord> {
  for (const [key, json] of texts) {
    texts.delete(key);
    yield { key, value: JSON.parse(json) };
  }
}
