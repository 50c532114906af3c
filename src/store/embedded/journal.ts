/**
 * The journal: what was accepted and committed, in order, on the disk before anybody is told.
 *
 * One write is under way at a time. Whatever is added meanwhile becomes one frame, written next: under
 * load many deliveries and commits share one trip to the disk. What nobody waits for (a commit without
 * effects) lingers a moment for company. A write that failed is as if it had not been: the next one
 * goes to the same place.
 *
 * A position is a segment and an offset in one number, which grows along the journal. It means
 * something in this process only, because it counts from the first segment found at the start.
 */
import { closeSync } from 'node:fs';
import { AppError } from '../../errors.ts';
import { storeFailure } from './failure.ts';
import { FRAME_HEADER_BYTES, paddedFrameBytes, SEGMENT_HEADER_BYTES } from './frame.ts';
import { createFrameBuffer, type FrameBuffer } from './frame-buffer.ts';
import { createDisk, type Disk } from './disk.ts';
import type { OpenSegment, SegmentFiles } from './segment-files.ts';

/** Also bounds what one frame can hold. */
const POSITIONS_PER_SEGMENT = 2 ** 28;
/** What waits beyond this goes into the frame after. */
const FRAME_ENOUGH_BYTES = 4 << 20;
const LINGER_MS = 2;

/** Something to be written. Exactly one of `written` and `failed` is called in the end. */
export interface Entry {
  /** Adds its bytes to the frame, or none. What it throws fails this entry only. */
  write(frame: FrameBuffer): void;
  /** It is on the disk. `origin` is the position at which the frame had length 0. */
  written(origin: number): void;
  failed(error: unknown): void;
}

export interface Journal {
  readonly files: SegmentFiles;
  /** Numbers of the segments in use, ascending. The last one is written to. */
  readonly segments: readonly number[];
  /** Everything before this position is on the disk. */
  readonly end: number;
  /** Asked at the beginning of each frame for what should be written besides. */
  housekeeping: (() => Entry | undefined) | undefined;
  add(entry: Entry, haste: 'now' | 'lingers'): void;
  /** Runs while no write is under way, and holds back writes meanwhile. */
  exclusively<T>(act: () => Promise<T>): Promise<T>;
  retireOldest(): Promise<void>;
  /** Writes what waits, then closes. */
  close(): Promise<void>;
}

export interface JournalStart {
  readonly dir: string;
  readonly files: SegmentFiles;
  readonly segments: readonly number[];
  readonly positions: Positions;
  readonly current: OpenSegment;
  /** Where the next frame goes in the current segment, and how many are in it. */
  readonly end: number;
  readonly frames: number;
}

export interface Positions {
  of(segment: number, offset: number): number;
  segmentOf(position: number): number;
  offsetOf(position: number): number;
}

export function createPositions(base: number): Positions {
  return {
    of: (segment, offset) => (segment - base) * POSITIONS_PER_SEGMENT + offset,
    segmentOf: (position) => Math.floor(position / POSITIONS_PER_SEGMENT) + base,
    offsetOf: (position) => position % POSITIONS_PER_SEGMENT,
  };
}

interface Writer {
  readonly start: JournalStart;
  readonly segments: number[];
  readonly frame: FrameBuffer;
  readonly disk: Disk;
  current: OpenSegment;
  end: number;
  frames: number;
  waiting: Entry[];
  /** Somebody waits for one of them. */
  urgent: boolean;
  linger: NodeJS.Timeout | undefined;
  scheduled: boolean;
  work: Promise<void> | undefined;
  readonly exclusive: (() => Promise<void>)[];
  closed: boolean;
  housekeeping: (() => Entry | undefined) | undefined;
}

export function startJournal(start: JournalStart): Journal {
  const writer: Writer = {
    start,
    segments: [...start.segments],
    frame: createFrameBuffer(),
    disk: createDisk(),
    current: start.current,
    end: start.end,
    frames: start.frames,
    waiting: [],
    urgent: false,
    linger: undefined,
    scheduled: false,
    work: undefined,
    exclusive: [],
    closed: false,
    housekeeping: undefined,
  };
  return {
    files: start.files,
    segments: writer.segments,
    get end() {
      return start.positions.of(writer.current.number, writer.end);
    },
    get housekeeping() {
      return writer.housekeeping;
    },
    set housekeeping(housekeeping) {
      writer.housekeeping = housekeeping;
    },
    add: (entry, haste) => add(writer, entry, haste),
    exclusively: (act) =>
      new Promise((resolve, reject) => {
        writer.exclusive.push(() => act().then(resolve, reject));
        schedule(writer);
      }),
    async retireOldest() {
      const oldest = writer.segments.shift();
      if (oldest !== undefined) await start.files.retire(oldest);
    },
    async close() {
      writer.closed = true;
      writer.urgent = true;
      schedule(writer);
      while (writer.work !== undefined || writer.scheduled) {
        await (writer.work ?? new Promise((resolve) => setImmediate(resolve)));
      }
      clearTimeout(writer.linger);
      closeSync(writer.current.fd);
    },
  };
}

function add(writer: Writer, entry: Entry, haste: 'now' | 'lingers'): void {
  if (writer.closed) {
    const { dir } = writer.start;
    entry.failed(new AppError('store-closed', `${dir} was closed`, { retryable: true }));
    return;
  }
  writer.waiting.push(entry);
  if (haste === 'now') writer.urgent = true;
  if (writer.urgent) schedule(writer);
  else startLinger(writer);
}

function startLinger(writer: Writer): void {
  writer.linger ??= setTimeout(() => {
    writer.linger = undefined;
    writer.urgent = true;
    schedule(writer);
  }, LINGER_MS);
}

/** After everything that this turn of the event loop brought, so that it shares a frame. */
function schedule(writer: Writer): void {
  if (writer.scheduled || writer.work !== undefined) return;
  writer.scheduled = true;
  setImmediate(() => {
    writer.scheduled = false;
    writer.work = work(writer).finally(() => {
      writer.work = undefined;
      if (writer.exclusive.length > 0 || writer.urgent) schedule(writer);
      else if (writer.waiting.length > 0) startLinger(writer);
    });
  });
}

async function work(writer: Writer): Promise<void> {
  for (;;) {
    const act = writer.exclusive.shift();
    if (act !== undefined) await act();
    else if (writer.urgent) await writeFrame(writer);
    else return;
  }
}

async function writeFrame(writer: Writer): Promise<void> {
  const staged = stage(writer);
  try {
    if (writer.frame.length > 0) await putOnDisk(writer);
  } catch (error) {
    const failure = storeFailure(error, writer.start.dir);
    for (const entry of staged) entry.failed(failure);
    return;
  }
  const { number } = writer.current;
  const bytes = writer.frame.length === 0 ? 0 : paddedFrameBytes(writer.frame.length);
  const origin = writer.start.positions.of(number, writer.end - bytes + FRAME_HEADER_BYTES);
  for (const entry of staged) entry.written(origin);
  // The next segment gets its file before this one is full. Should that fail, `begin` will say so.
  if (writer.end > writer.current.size / 2) writer.start.files.prepare().catch(() => {});
}

/** Puts what waits into the frame. */
function stage(writer: Writer): readonly Entry[] {
  const { frame } = writer;
  clearTimeout(writer.linger);
  writer.linger = undefined;
  frame.clear();
  const staged: Entry[] = [];
  const chore = writer.housekeeping?.();
  const entries = chore === undefined ? writer.waiting : [chore, ...writer.waiting];
  let taken = 0;
  for (const entry of entries) {
    if (frame.length >= FRAME_ENOUGH_BYTES) break;
    taken += 1;
    const before = frame.length;
    try {
      entry.write(frame);
      staged.push(entry);
    } catch (error) {
      frame.truncate(before);
      entry.failed(error);
    }
  }
  writer.waiting = entries.slice(taken);
  if (writer.waiting.length === 0) writer.urgent = false;
  return staged;
}

async function putOnDisk(writer: Writer): Promise<void> {
  const bytes = paddedFrameBytes(writer.frame.length);
  if (bytes > POSITIONS_PER_SEGMENT - SEGMENT_HEADER_BYTES) {
    throw new AppError('store-too-large', `${bytes} bytes are too many for one write`, {
      retryable: false,
    });
  }
  if (writer.end + bytes > writer.current.size) await beginSegment(writer, bytes);
  const whole = writer.frame.seal(writer.current.salt, writer.frames + 1);
  await writer.disk.write(writer.current.fd, whole, writer.end);
  writer.end += whole.length;
  writer.frames += 1;
}

async function beginSegment(writer: Writer, bytes: number): Promise<void> {
  const { current, start } = writer;
  const needed = SEGMENT_HEADER_BYTES + bytes;
  writer.current = await start.files.begin(current.number + 1, writer.end, needed);
  writer.segments.push(writer.current.number);
  writer.end = SEGMENT_HEADER_BYTES;
  writer.frames = 0;
  closeSync(current.fd);
}
