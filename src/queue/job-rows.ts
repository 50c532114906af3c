/**
 * The events of a job of the inbox: rows of text beside it, each of bounded size, so that nobody writes or reads a
 * large delivery in one go. They lie where BullMQ keeps what a job logs, and go with the job when it does.
 *
 * They are there before the job is. Until it is written they are there for a while only: an instance that dies
 * meanwhile leaves nothing for good. A job whose rows are gone is one that nobody was told of.
 */
import { setImmediate } from 'node:timers/promises';
import type { Event } from '../model.ts';
import type { Connection } from '../store/redis/connection.ts';
import { bytesOf } from '../store/redis/wire.ts';
import { endOfPart } from '../state/weight.ts';

/** What the events of a row weigh: a hundredth of a second to write or to read, whatever there is in them. */
const ROW_BYTES = 1024 * 1024;
const UNWRITTEN_S = 600;

/** One step, because an instance may die between two. One that is sent again, late, leaves the rows of a job alone. */
const WRITE_ROW = `
if redis.call('RPUSH', KEYS[1], ARGV[1]) == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end`;

type Client = Connection['client'];

/** Its number says where it belongs: in a cluster a command whose answer was lost is sent again, so a row may be there twice. */
type Row = readonly [number: number, events: readonly Event[]];

/** `place`: what BullMQ calls the job in Redis. */
export function rowsOf(place: string): string {
  return `${place}:logs`;
}

/** `count` is how many there are. What is sent on this connection afterwards comes after them. */
export async function sendRows(
  client: Client,
  rows: string,
  events: readonly Event[],
): Promise<{ readonly count: number; readonly written: Promise<unknown> }> {
  let count = 0;
  let written: Promise<unknown> = Promise.resolve();
  for (let first = 0; first < events.length; count++) {
    if (count > 0) await setImmediate();
    const end = endOfPart(events, first, ROW_BYTES);
    const row: Row = [count, events.slice(first, end)];
    const text = bytesOf(JSON.stringify(row));
    written = Promise.all([written, client.eval(WRITE_ROW, 1, rows, text, UNWRITTEN_S)]);
    // Whoever waits for it hears of it, after the last.
    written.catch(() => undefined);
    first = end;
  }
  return { count, written };
}

/** From now on they stay as long as the job does, which was sent before. */
export async function keepRows(client: Client, rows: string): Promise<void> {
  await setImmediate();
  await client.persist(rows);
}

/** The job was not written, or its sender was not told: what they belong to may be nothing. Does not reject. */
export async function leaveRows(client: Client, rows: string): Promise<void> {
  await client.expire(rows, UNWRITTEN_S).catch(() => undefined);
}

/** Undefined when they are not all there. */
export async function readRows(
  client: Client,
  rows: string,
  count: number,
): Promise<readonly Event[] | undefined> {
  const found = new Map<number, readonly Event[]>();
  for (let at = 0; found.size < count; at++) {
    const text = await client.lindex(rows, at);
    if (text === null) return undefined;
    // What `sendRows` wrote.
    const [number, events] = JSON.parse(text) as Row;
    found.set(number, events);
  }
  return Array.from({ length: count }, (_, number) => found.get(number) ?? []).flat();
}
