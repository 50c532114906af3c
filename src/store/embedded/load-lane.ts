/**
 * Reads a lane's records and inbox out of the journal, one segment after another.
 *
 * Nothing is mapped into memory: a segment is read, what is alive in it is parsed, and it is let go.
 */
import type { Accepted, LaneSnapshot, StateRecord } from '../contract.ts';
import { parseEffect, readItem } from './entries.ts';
import { storeDamaged } from './failure.ts';
import type { Positions } from './journal.ts';
import type { LaneMemory } from './lane-memory.ts';
import { lineAt } from './lines.ts';
import type { SegmentFiles } from './segment-files.ts';

export async function loadLane(
  lane: LaneMemory,
  files: SegmentFiles,
  positions: Positions,
): Promise<LaneSnapshot> {
  const records: StateRecord[] = [];
  await readAt([...lane.records.values()], files, positions, (bytes, offset) => {
    const { key, json, end } = lineAt(bytes, offset);
    records.push({ key, value: JSON.parse(bytes.toString('utf8', json, end)) });
  });
  const inbox: Accepted[] = [];
  await readAt([...lane.inbox.values()], files, positions, (bytes, offset) => {
    inbox.push(readItem(bytes, offset));
  });
  return {
    version: lane.version,
    records,
    inbox: inbox.sort((a, b) => a.seq - b.seq),
    outbox: [...lane.outbox.values()].map(parseEffect),
    wakeAt: lane.wakeAt,
  };
}

/** Visits positions in the order of the journal, so that each segment is read once. */
async function readAt(
  wanted: readonly number[],
  files: SegmentFiles,
  positions: Positions,
  visit: (bytes: Buffer, offset: number) => void,
): Promise<void> {
  const ascending = Float64Array.from(wanted).sort();
  let segment: number | undefined;
  let bytes: Buffer | undefined;
  for (const position of ascending) {
    const number = positions.segmentOf(position);
    if (number !== segment) {
      segment = number;
      bytes = (await files.read(number))?.bytes;
    }
    if (bytes === undefined) throw storeDamaged(`segment ${number} has no valid header`);
    visit(bytes, positions.offsetOf(position));
  }
}
