/**
 * Opens the journal: reads every frame in it once, in order, and goes on after the last.
 *
 * A frame that a crash cut off is the end. Anything else that is not as it was written is damage, and
 * said so: to go on without it would lose what was acknowledged.
 */
import { mkdir } from 'node:fs/promises';
import { storeDamaged } from './failure.ts';
import { type Frame, scanSegment, SEGMENT_HEADER_BYTES, type SegmentHeader } from './frame.ts';
import { createPositions, type Journal, type Positions, startJournal } from './journal.ts';
import { createSegmentFiles, type SegmentFiles } from './segment-files.ts';

/** A frame found on the disk. `position` is that of its first byte, at `start` in `bytes`. */
export interface FoundFrame extends Frame {
  readonly segment: number;
  readonly bytes: Buffer;
  readonly position: number;
}

interface SegmentOnDisk {
  readonly header: SegmentHeader;
  readonly bytes: Buffer;
}

export interface OpenedJournal {
  readonly journal: Journal;
  readonly positions: Positions;
}

export async function openJournal(
  dir: string,
  segmentBytes: number,
  found: (frame: FoundFrame) => void,
): Promise<OpenedJournal> {
  await mkdir(dir, { recursive: true });
  const files = createSegmentFiles(dir, segmentBytes);
  const numbers = await files.list();
  const positions = createPositions(numbers[0] ?? 1);
  let last: { header: SegmentHeader; end: number; frames: number } | undefined;
  let next = await readSegment(files, dir, numbers[0]);
  for (const [index, number] of numbers.entries()) {
    const segment = next;
    next = await readSegment(files, dir, numbers[index + 1]);
    if (segment === undefined) break;
    const { frames, end } = framesOf(segment, next?.header, dir);
    for (const frame of frames) {
      const position = positions.of(number, frame.start);
      found({ ...frame, segment: number, bytes: segment.bytes, position });
    }
    last = { header: segment.header, end, frames: frames.length };
  }
  const current =
    last === undefined ? await files.begin(1, 0, segmentBytes) : await files.reopen(last.header);
  const journal = startJournal({
    dir,
    files,
    segments: last === undefined ? [1] : numbers,
    positions,
    current,
    end: last?.end ?? SEGMENT_HEADER_BYTES,
    frames: last?.frames ?? 0,
  });
  return { journal, positions };
}

async function readSegment(
  files: SegmentFiles,
  dir: string,
  number: number | undefined,
): Promise<SegmentOnDisk | undefined> {
  if (number === undefined) return undefined;
  const segment = await files.read(number);
  if (segment === undefined) throw storeDamaged(`segment ${number} of ${dir} has no valid header`);
  return segment;
}

/** The next segment knows where this one ends; the last one ends where no frame follows. */
function framesOf(
  { header, bytes }: SegmentOnDisk,
  next: SegmentHeader | undefined,
  dir: string,
): { readonly frames: readonly Frame[]; readonly end: number } {
  if (next !== undefined && next.number !== header.number + 1) {
    throw storeDamaged(`segment ${header.number + 1} of ${dir} is missing`);
  }
  const used = next === undefined ? bytes : bytes.subarray(0, next.previousEnd);
  const scan = scanSegment(used, header.salt);
  if (scan.kind === 'damaged' || (next !== undefined && scan.end !== next.previousEnd)) {
    const at = scan.kind === 'damaged' ? scan.at : scan.end;
    throw storeDamaged(`segment ${header.number} of ${dir} is damaged at byte ${at}`);
  }
  return scan;
}
