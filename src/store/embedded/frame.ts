/**
 * Frames: what one write to the journal puts on the disk, all or nothing.
 *
 *   segment header   magic 8 | number f64 | end of the segment before f64 | salt u32 | crc u32
 *   frame            length u32 | crc u32 | salt u32 | frame number u32 | entries ..., padded to 8
 *
 * A frame counts only if its checksum is right, its salt is that of its segment (files are used again,
 * and nobody outside can guess the salt) and its number is the next one. Reading stops at the first
 * that is not: a write that a crash cut off. Writes never overlap, so if the frame after a bad one is
 * good, the bad one had been complete and was damaged later.
 */
import { crc32 } from 'node:zlib';

export const SEGMENT_HEADER_BYTES = 32;
export const FRAME_HEADER_BYTES = 16;
const MAGIC = Buffer.from('QUELLJ1\n');

export interface SegmentHeader {
  readonly number: number;
  /** Where the last frame of the segment before ends; 0 when there was none. */
  readonly previousEnd: number;
  readonly salt: number;
}

export interface Frame {
  /** Offset of the first byte of its entries within the segment, and of the first after them. */
  readonly start: number;
  readonly end: number;
}

export type SegmentScan =
  | { readonly kind: 'read'; readonly frames: readonly Frame[]; readonly end: number }
  | { readonly kind: 'damaged'; readonly at: number };

export function writeSegmentHeader({ number, previousEnd, salt }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes.writeDoubleLE(number, 8);
  bytes.writeDoubleLE(previousEnd, 16);
  bytes.writeUInt32LE(salt, 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
  return bytes;
}

/** Undefined when the file was prepared but never begun. */
export function readSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined;
  if (bytes.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0) return undefined;
  if (bytes.readUInt32LE(28) !== crc32(bytes.subarray(0, 28))) return undefined;
  return {
    number: bytes.readDoubleLE(8),
    previousEnd: bytes.readDoubleLE(16),
    salt: bytes.readUInt32LE(24),
  };
}

/** Fills in the header of a frame; `bytes` is the whole frame, its entries already in place. */
export function sealFrame(bytes: Buffer, length: number, salt: number, frame: number): void {
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt32LE(salt, 8);
  bytes.writeUInt32LE(frame >>> 0, 12);
  bytes.writeUInt32LE(crc32(bytes.subarray(8, FRAME_HEADER_BYTES + length)), 4);
}

export function paddedFrameBytes(length: number): number {
  return Math.ceil((FRAME_HEADER_BYTES + length) / 8) * 8;
}

export function scanSegment(bytes: Buffer, salt: number): SegmentScan {
  const frames: Frame[] = [];
  let at = SEGMENT_HEADER_BYTES;
  for (;;) {
    const length = frameAt(bytes, at, salt, frames.length + 1);
    if (length === undefined) break;
    const start = at + FRAME_HEADER_BYTES;
    frames.push({ start, end: start + length });
    at += paddedFrameBytes(length);
  }
  if (hasFrameAfter(bytes, at, salt, frames.length + 2)) return { kind: 'damaged', at };
  return { kind: 'read', frames, end: at };
}

/** The length of the entries of the frame that begins there, if one does. */
function frameAt(bytes: Buffer, at: number, salt: number, frame: number): number | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length) return undefined;
  if (bytes.readUInt32LE(at + 8) !== salt) return undefined;
  if (bytes.readUInt32LE(at + 12) !== frame >>> 0) return undefined;
  const length = bytes.readUInt32LE(at);
  const end = at + FRAME_HEADER_BYTES + length;
  if (length === 0 || end > bytes.length) return undefined;
  return bytes.readUInt32LE(at + 4) === crc32(bytes.subarray(at + 8, end)) ? length : undefined;
}

function hasFrameAfter(bytes: Buffer, from: number, salt: number, frame: number): boolean {
  for (let at = from + 8; at + FRAME_HEADER_BYTES <= bytes.length; at += 8) {
    if (bytes.readUInt32LE(at + 8) === salt && frameAt(bytes, at, salt, frame) !== undefined) {
      return true;
    }
  }
  return false;
}
