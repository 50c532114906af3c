/**
 * The state records of a lane, kept as a log of chunks: one row for each commit, with all records
 * that it put or removed.
 *
 *   [lane, 'l', version]  lines of JSON: {key,value} of a record, or {key} of one that is gone
 *
 * A row for each record would cost a place in the tree for each, and a hundred thousand alerts that
 * begin to fire at once are a hundred thousand places. So a commit appends one row, and memory knows
 * in which row the newest line of each record stands. When more than half of the lines are outdated,
 * each commit carries some of the oldest rows' living lines forward and drops those rows.
 */
import type { StateRecord } from '../contract.ts';
import type { Rows, RowWriter } from './database.ts';
import { keyPart } from './keys.ts';

export interface RecordLog {
  /** The chunk in which each record's newest line stands. */
  readonly where: Map<string, number>;
  /** Lines in all chunks, outdated ones included. */
  lines: number;
}

/** Outdated lines that are not worth the work. */
const OUTDATED_MIN = 2_000;
/** Lines carried forward by one commit beside its own: twice as many as it writes, and some. */
const CARRIED_MIN = 200;

/** Reads the log from its end: the first line of a record that comes is its newest. */
export function* readRecords(rows: Rows, lane: string, log: RecordLog): Iterable<StateRecord> {
  const prefix = [keyPart(lane), 'l'];
  const seen = new Set<string>();
  log.where.clear();
  log.lines = 0;
  for (const { key, value } of rows.getRange({
    start: [...prefix, Infinity],
    end: prefix,
    reverse: true,
  })) {
    const version = Array.isArray(key) ? Number(key[2]) : 0;
    const lines = linesOf(value).reverse();
    log.lines += lines.length;
    for (const line of lines) {
      const record = JSON.parse(line) as StateRecord;
      if (seen.has(record.key)) continue;
      seen.add(record.key);
      if (record.value === undefined) continue;
      log.where.set(record.key, version);
      yield record;
    }
  }
}

/** Stages the row of one commit. `lines` are the put records as JSON. */
export function writeRecords(
  rows: Rows,
  batch: RowWriter,
  lane: string,
  log: RecordLog,
  version: number,
  put: readonly { readonly key: string; readonly line: string }[],
  remove: readonly string[],
): void {
  const lines: string[] = [];
  for (const key of remove) {
    if (log.where.delete(key)) lines.push(JSON.stringify({ key }));
  }
  // One line for each key: which of two was the later could not be told when they are carried forward.
  for (const [key, line] of new Map(put.map((one) => [one.key, one.line]))) {
    log.where.set(key, version);
    lines.push(line);
  }
  const own = lines.length;
  if (log.lines - log.where.size > log.where.size + OUTDATED_MIN) {
    carryForward(rows, batch, lane, log, version, lines, 2 * own + CARRIED_MIN);
  }
  if (lines.length === 0) return;
  log.lines += lines.length;
  batch.put([keyPart(lane), 'l', version], lines);
}

/** The oldest rows go; a line of theirs that is still the newest of its record is written again. */
function carryForward(
  rows: Rows,
  batch: RowWriter,
  lane: string,
  log: RecordLog,
  version: number,
  lines: string[],
  most: number,
): void {
  const prefix = [keyPart(lane), 'l'];
  let looked = 0;
  for (const { key, value } of rows.getRange({ start: prefix, end: [...prefix, version] })) {
    const chunk = Array.isArray(key) ? Number(key[2]) : 0;
    const old = linesOf(value);
    for (const line of old) {
      const record = JSON.parse(line) as StateRecord;
      // Nothing older is left that a removed record could come back from.
      if (record.value === undefined || log.where.get(record.key) !== chunk) continue;
      log.where.set(record.key, version);
      lines.push(line);
    }
    log.lines -= old.length;
    batch.remove(key);
    looked += old.length;
    if (looked >= most) return;
  }
}

function linesOf(value: Buffer): string[] {
  return value.toString().split('\n');
}
