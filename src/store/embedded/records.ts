/**
 * The state records of a lane, kept as a log of chunks: one row for each commit, with all records
 * that it put or removed.
 *
 *   [lane, 'l', version]  lines of JSON, each an array of {key,value}, or {key} of one that
 *                         is gone. Of records with one key the last counts.
 *
 * A row for each record would cost a place in the tree for each, and a hundred thousand alerts that
 * begin to fire at once are a hundred thousand places. So a commit appends one row, and memory knows
 * in which row the newest line of each record stands. When more than half of the lines are outdated,
 * each commit carries some of the oldest rows' living lines forward and drops those rows.
 */
import type { Commit, StateRecord } from '../contract.ts';
import type { Rows, RowWriter } from './database.ts';
import { keyPart } from './keys.ts';
import { lengthOf, NEWLINE } from './row-text.ts';

export interface RecordLog {
  /** The row in which each record stands that is in force. */
  readonly where: Map<string, number>;
  /** Records in all rows, outdated ones included. */
  written: number;
  /** How long all rows are together, in characters. LMDB packs them: on the disk they hardly take more. */
  length: number;
}

export function emptyLog(): RecordLog {
  return { where: new Map(), written: 0, length: 0 };
}

/** Outdated records that are not worth the work. */
const OUTDATED_MIN = 2_000;
/** Records carried forward by one commit beside its own: twice as many as it writes, and some. */
const CARRIED_MIN = 200;
/** Bytes of rows whose records are carried forward by one commit, about. */
const CARRIED_BYTES_MAX = 16 * 1024 * 1024;

/** Reads the log from its end: the first record with a key that comes is the one in force. */
export function* readRecords(rows: Rows, lane: string, log: RecordLog): Iterable<StateRecord> {
  const prefix = [keyPart(lane), 'l'];
  const seen = new Set<string>();
  log.where.clear();
  log.written = 0;
  log.length = 0;
  for (const { key, value } of rows.getRange({
    start: [...prefix, Infinity],
    end: prefix,
    reverse: true,
  })) {
    const version = Array.isArray(key) ? Number(key[2]) : 0;
    const { records, length } = recordsIn(value);
    log.written += records.length;
    log.length += length;
    for (const record of records.reverse()) {
      if (seen.has(record.key)) continue;
      seen.add(record.key);
      if (record.value === undefined) continue;
      log.where.set(record.key, version);
      yield record;
    }
  }
}

/** Records in a line: a text of many megabytes would be in memory twice when it is written. */
const LINE_RECORDS = 32;

/** What a commit puts, as lines. Can fail, if a record is no JSON. */
export function linesOf(put: Commit['put']): readonly string[] {
  const lines: string[] = [];
  for (let from = 0; from < put.length; from += LINE_RECORDS)
    lines.push(JSON.stringify(put.slice(from, from + LINE_RECORDS)));
  return lines;
}

/** Where a commit of a lane is written, and as which version. */
interface Place {
  readonly rows: Rows;
  readonly batch: RowWriter;
  readonly lane: string;
  readonly log: RecordLog;
  readonly version: number;
}

/** Stages the row of one commit. `lines`: its `put`, made beforehand. */
export function writeRecords(
  place: Place,
  { put, remove }: Pick<Commit, 'put' | 'remove'>,
  lines: readonly string[],
): void {
  const { batch, lane, log, version } = place;
  const before: StateRecord[] = [];
  for (const key of remove) if (log.where.delete(key)) before.push({ key, value: undefined });
  for (const { key } of put) log.where.set(key, version);
  if (log.written - log.where.size > log.where.size + OUTDATED_MIN) {
    const most = 2 * (before.length + put.length) + CARRIED_MIN;
    carryForward(place, before, most);
  }
  log.written += before.length + put.length;
  const row = before.length === 0 ? lines : [JSON.stringify(before), ...lines];
  if (row.length === 0) return;
  log.length += lengthOf(row);
  batch.put([keyPart(lane), 'l', version], row);
}

/** The oldest rows go; a record of theirs that is in force is written again, into `carried`. */
function carryForward(
  { rows, batch, lane, log, version }: Place,
  carried: StateRecord[],
  most: number,
): void {
  const prefix = [keyPart(lane), 'l'];
  let looked = 0;
  let bytes = 0;
  for (const { key, value } of rows.getRange({ start: prefix, end: [...prefix, version] })) {
    const row = Array.isArray(key) ? Number(key[2]) : 0;
    const { records: old, length } = recordsIn(value);
    for (const record of old.reverse()) {
      // Nothing older is left that a removed record could come back from.
      if (record.value === undefined || log.where.get(record.key) !== row) continue;
      log.where.set(record.key, version);
      carried.push(record);
    }
    log.written -= old.length;
    log.length -= length;
    batch.remove(key);
    looked += old.length;
    bytes += value.length;
    if (looked >= most || bytes >= CARRIED_BYTES_MAX) return;
  }
}

/** What `writeRecords` put there, and as how much it counted it. */
function recordsIn(value: Buffer): { readonly records: StateRecord[]; readonly length: number } {
  const records: StateRecord[] = [];
  let length = 0;
  // Each line by itself: no text can be longer than 512 MB.
  for (let from = 0; from < value.length; ) {
    const next = value.indexOf(NEWLINE, from);
    const end = next === -1 ? value.length : next;
    const line = value.toString('utf8', from, end);
    for (const record of JSON.parse(line) as StateRecord[]) records.push(record);
    length += line.length + 1;
    from = end + 1;
  }
  return { records, length };
}
