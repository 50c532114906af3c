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
import { readChanges } from './scripts.ts';

/** Of all keys of a lane, and of what stands in them. Earlier ones are read, later ones refused. */
export const FORMAT = 1;
/** Records read at a time. */
const SCAN_COUNT = 2_000;

export async function loadLane(connection: Connection, tag: string): Promise<LaneSnapshot> {
  const { client } = connection;
  let { version } = await readRest(connection, tag);
  const values = new Map<string, string>();
  for (let cursor = ''; cursor !== '0'; ) {
    const from = cursor === '' ? '0' : cursor;
    const [next, found] = await client.hscan(`${tag}:records`, from, 'COUNT', SCAN_COUNT);
    for (let at = 0; at < found.length; at += 2) values.set(found[at] ?? '', found[at + 1] ?? '');
    cursor = next;
  }
  for (;;) {
    const changes = await readChanges(connection, tag, version);
    const [now, distance, , fields = [], fresh = []] = changes;
    if (distance === 'far') return loadLane(connection, tag);
    for (const [index, field] of fields.entries()) {
      const value = fresh[index] ?? '';
      if (value === '') values.delete(field);
      else values.set(field, value);
    }
    version = Number(now);
    const rest = await readRest(connection, tag);
    if (rest.version === version) return { ...rest, records: recordsOf(values) };
  }
}

/** Undefined: it cannot be told any more; load the lane. */
export async function changesSince(
  connection: Connection,
  tag: string,
  since: number,
): Promise<LaneChanges | undefined> {
  const changes = await readChanges(connection, tag, since);
  const [now, distance, format, fields = [], fresh = []] = changes;
  checkFormat(format, connection);
  if (distance === 'far') return undefined;
  const put: StateRecord[] = [];
  const remove: string[] = [];
  for (const [index, field] of fields.entries()) {
    const json = fresh[index] ?? '';
    if (json === '') remove.push(textOf(field));
    else put.push({ key: textOf(field), value: JSON.parse(json) });
  }
  return { version: Number(now), put, remove };
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
function* recordsOf(values: Map<string, string>): Iterable<StateRecord> {
  for (const [field, json] of values) {
    values.delete(field);
    yield { key: textOf(field), value: JSON.parse(json) };
  }
}
