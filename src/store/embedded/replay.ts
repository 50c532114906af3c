/**
 * Reading the journal back: what each entry did to the memory of its lane, and to history.
 */
import type { FoundFrame } from './open-journal.ts';
import {
  type AcceptedHead,
  type CommittedHead,
  eachLine,
  entriesIn,
  type EntryFound,
  itemsIn,
  type KeptHead,
  type LaneHead,
  parseEffect,
  readHead,
  readTexts,
} from './entries.ts';
import { type HistoryTexts, parseHistory } from './history-texts.ts';
import {
  applyAccepted,
  applyCommitted,
  applyEffect,
  countWritten,
  laneOf,
  type LaneMemory,
} from './lane-memory.ts';

/** Told of each commit that adds to history. */
export type HistoryFound = (lane: string, commit: number, history: () => HistoryTexts) => void;

export function replayFrame(
  frame: FoundFrame,
  lanes: Map<string, LaneMemory>,
  historyFound: HistoryFound,
): void {
  const positionOf = (offset: number): number => frame.position + offset - frame.start;
  for (const entry of entriesIn(frame.bytes, frame.start, frame.end)) {
    switch (entry.kind) {
      case 'accepted':
        replayAccepted(frame.bytes, entry, lanes, positionOf);
        break;
      case 'committed':
        replayCommitted(frame.bytes, entry, lanes, positionOf, historyFound);
        break;
      case 'kept':
        replayKept(frame.bytes, entry, lanes, positionOf);
        break;
      case 'lane':
        replayLane(frame.bytes, entry, lanes);
        break;
    }
  }
}

type PositionOf = (offset: number) => number;

function replayAccepted(
  bytes: Buffer,
  entry: EntryFound,
  lanes: Map<string, LaneMemory>,
  positionOf: PositionOf,
): void {
  const { head, next } = readHead<AcceptedHead>(bytes, entry);
  const lane = laneOf(lanes, head.lane);
  for (const { seq, start, end } of itemsIn(bytes, next, head.items)) {
    applyAccepted(lane, seq, positionOf(start));
    countWritten(lane.items, 1, end - start);
  }
}

function replayCommitted(
  bytes: Buffer,
  entry: EntryFound,
  lanes: Map<string, LaneMemory>,
  positionOf: PositionOf,
  historyFound: HistoryFound,
): void {
  const { head, next } = readHead<CommittedHead>(bytes, entry);
  const lane = laneOf(lanes, head.lane);
  applyCommitted(lane, { ...head, wakeAt: head.wakeAt });
  const afterPuts = eachLine(bytes, next, head.puts, (key, start) => {
    lane.records.set(key, positionOf(start));
  });
  countWritten(lane.lines, head.puts, afterPuts - next);
  const effects = readTexts(bytes, afterPuts, head.effects);
  for (const text of effects.texts) applyEffect(lane, parseEffect(text).id, text);
  if (head.chunks === 0 && head.closed === 0) return;
  historyFound(head.lane, head.version - 1, () => {
    const chunks = readTexts(bytes, effects.next, head.chunks);
    return parseHistory(chunks.texts, readTexts(bytes, chunks.next, head.closed).texts);
  });
}

function replayKept(
  bytes: Buffer,
  entry: EntryFound,
  lanes: Map<string, LaneMemory>,
  positionOf: PositionOf,
): void {
  const { head, next } = readHead<KeptHead>(bytes, entry);
  const lane = laneOf(lanes, head.lane);
  const end = eachLine(bytes, next, head.puts, (key, start) => {
    lane.records.set(key, positionOf(start));
  });
  countWritten(lane.lines, head.puts, end - next);
}

function replayLane(bytes: Buffer, entry: EntryFound, lanes: Map<string, LaneMemory>): void {
  const { head, next } = readHead<LaneHead>(bytes, entry);
  const lane = laneOf(lanes, head.lane);
  lane.version = head.version;
  lane.staged = head.version;
  lane.seq = Math.max(lane.seq, head.seq);
  lane.wakeAt = head.wakeAt;
  lane.outbox.clear();
  for (const text of readTexts(bytes, next, head.effects).texts) {
    applyEffect(lane, parseEffect(text).id, text);
  }
}
