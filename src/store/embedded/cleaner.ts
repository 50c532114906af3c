/**
 * Keeps the journal short: gives up its oldest segment when the journal is much longer than what is
 * alive in it.
 *
 * What is alive in that segment (the newest line of a record, an item that is not decided) is written
 * once more, at the end, a little with each frame, so that no write waits for long. Lines and items
 * are copied as they are. They stand at the beginning of a frame, before any commit that replaces them.
 */
import {
  type AcceptedHead,
  type CommittedHead,
  eachLine,
  entriesIn,
  type EntryFound,
  itemsIn,
  type KeptHead,
  readHead,
  writeEntry,
} from './entries.ts';
import { scanSegment } from './frame.ts';
import type { FrameBuffer } from './frame-buffer.ts';
import type { History } from './history.ts';
import type { Entry, Journal, Positions } from './journal.ts';
import { applyAccepted, laneOf, type LaneMemory } from './lane-memory.ts';
import { writeText } from './lines.ts';

/** Looked through with each frame, or twice what the last frame held if that is more. */
const STEP_BYTES = 64 << 10;
/** The journal may hold this many segments beyond twice what is alive. */
const SEGMENTS_SPARE = 4;

export interface CleanerOptions {
  readonly journal: Journal;
  readonly positions: Positions;
  readonly lanes: Map<string, LaneMemory>;
  readonly history: History;
  readonly segmentBytes: number;
  /** About how many bytes are alive. */
  readonly aliveBytes: () => number;
}

/** A segment that is being given up. */
interface Cleaning {
  readonly segment: number;
  readonly bytes: Buffer;
  readonly entries: readonly EntryFound[];
  next: number;
}

/** Something alive: it is at `start` now, and will be where it is copied to. */
interface Alive {
  readonly start: number;
  readonly end: number;
  readonly moved: (position: number) => void;
}

interface Copied {
  readonly offset: number;
  readonly moved: (position: number) => void;
}

/** Installs itself as the journal's housekeeping. */
export function startCleaner(options: CleanerOptions): void {
  const { journal, lanes, positions } = options;
  let cleaning: Cleaning | undefined;
  let busy = false;
  let lastEnd = journal.end;

  /** Reads the oldest segment, or gives it up; the journal goes on meanwhile. Tried again if it fails. */
  function inBackground(act: () => Promise<void>): void {
    busy = true;
    act()
      .catch(() => {})
      .finally(() => {
        busy = false;
      });
  }

  journal.housekeeping = () => {
    const written = Math.max(0, journal.end - lastEnd);
    lastEnd = journal.end;
    if (busy) return undefined;
    if (cleaning === undefined) {
      if (isLong(options)) inBackground(async () => void (cleaning = await begin(options)));
      return undefined;
    }
    if (cleaning.next > cleaning.entries.length) {
      inBackground(async () => {
        await giveUp(options);
        cleaning = undefined;
      });
      return undefined;
    }
    return step(cleaning, lanes, positions, Math.max(STEP_BYTES, 2 * written));
  };
}

function isLong({ journal, segmentBytes, aliveBytes }: CleanerOptions): boolean {
  const { length } = journal.segments;
  return length > 1 && (length - SEGMENTS_SPARE) * segmentBytes > 2 * aliveBytes();
}

async function begin({ journal }: CleanerOptions): Promise<Cleaning | undefined> {
  const [oldest] = journal.segments;
  if (oldest === undefined) return undefined;
  const segment = await journal.files.read(oldest);
  if (segment === undefined) return undefined;
  const scan = scanSegment(segment.bytes, segment.header.salt);
  if (scan.kind === 'damaged') return undefined;
  const entries = scan.frames.flatMap(({ start, end }) => [
    ...entriesIn(segment.bytes, start, end),
  ]);
  return { segment: oldest, bytes: segment.bytes, entries, next: 0 };
}

/** History must have what the segment tells of it first. */
async function giveUp({ journal, history }: CleanerOptions): Promise<void> {
  await history.settled();
  await journal.retireOldest();
}

/** The next part of the segment; after the last part, what is known of each lane besides its records. */
function step(
  cleaning: Cleaning,
  lanes: Map<string, LaneMemory>,
  positions: Positions,
  bytesMax: number,
): Entry {
  const copied: Copied[] = [];
  let next = cleaning.next;
  return {
    write(frame) {
      const from = cleaning.entries[next]?.start ?? 0;
      for (; next < cleaning.entries.length; next++) {
        const entry = cleaning.entries[next];
        if (entry === undefined || entry.start - from > bytesMax) return;
        copied.push(...copyEntry(cleaning, entry, lanes, positions, frame));
      }
      for (const lane of lanes.values()) writeLane(frame, lane);
      next += 1;
    },
    written(origin) {
      for (const { offset, moved } of copied) moved(origin + offset);
      cleaning.next = next;
    },
    failed() {},
  };
}

function copyEntry(
  { segment, bytes }: Cleaning,
  entry: EntryFound,
  lanes: Map<string, LaneMemory>,
  positions: Positions,
  frame: FrameBuffer,
): readonly Copied[] {
  const positionOf = (offset: number): number => positions.of(segment, offset);
  switch (entry.kind) {
    case 'accepted': {
      const { head, next } = readHead<AcceptedHead>(bytes, entry);
      const lane = laneOf(lanes, head.lane);
      const alive = aliveItems(bytes, next, head.items, lane, positionOf);
      return copyAlive(frame, bytes, 'accepted', { lane: head.lane, items: alive.length }, alive);
    }
    case 'committed':
    case 'kept': {
      const { head, next } = readHead<CommittedHead | KeptHead>(bytes, entry);
      const lane = laneOf(lanes, head.lane);
      const alive = aliveLines(bytes, next, head.puts, lane, positionOf);
      return copyAlive(frame, bytes, 'kept', { lane: head.lane, puts: alive.length }, alive);
    }
    case 'lane':
      return [];
  }
}

function aliveItems(
  bytes: Buffer,
  from: number,
  count: number,
  lane: LaneMemory,
  positionOf: (offset: number) => number,
): readonly Alive[] {
  const alive: Alive[] = [];
  for (const { seq, start, end } of itemsIn(bytes, from, count)) {
    if (lane.inbox.get(seq) !== positionOf(start)) continue;
    alive.push({ start, end, moved: (position) => applyAccepted(lane, seq, position) });
  }
  return alive;
}

function aliveLines(
  bytes: Buffer,
  from: number,
  count: number,
  lane: LaneMemory,
  positionOf: (offset: number) => number,
): readonly Alive[] {
  const alive: Alive[] = [];
  eachLine(bytes, from, count, (key, start, end) => {
    if (lane.records.get(key) !== positionOf(start)) return;
    alive.push({ start, end, moved: (position) => lane.records.set(key, position) });
  });
  return alive;
}

function copyAlive(
  frame: FrameBuffer,
  bytes: Buffer,
  kind: 'accepted' | 'kept',
  head: AcceptedHead | KeptHead,
  alive: readonly Alive[],
): readonly Copied[] {
  if (alive.length === 0) return [];
  const copied: Copied[] = [];
  writeEntry(frame, kind, head, () => {
    for (const { start, end, moved } of alive) {
      copied.push({ offset: frame.length, moved });
      frame.bytes(bytes.subarray(start, end));
    }
  });
  return copied;
}

function writeLane(frame: FrameBuffer, lane: LaneMemory): void {
  const { name, version, seq, wakeAt, outbox } = lane;
  const head = {
    lane: name,
    version,
    seq,
    ...(wakeAt === undefined ? {} : { wakeAt }),
    effects: outbox.size,
  };
  writeEntry(frame, 'lane', head, () => {
    for (const text of outbox.values()) writeText(frame, text);
  });
}
