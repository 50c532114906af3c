/**
 * The newest small transactions, in a file beside LMDB's, until LMDB has them.
 *
 * LMDB writes a dozen pages for a transaction, in as many places, whatever little is in it. To add to this
 * file is one write to a place that exists already, so not even the file system has anything to note.
 *
 *   frame   CRC-32 of the rest, its length, number, changes
 *   change  length of the key, key as JSON, length of the value or GONE, value
 *
 * The file keeps its size, and is written from its start again as soon as LMDB has what is in it. Frames are
 * numbered without a gap, and LMDB knows the number of the last one that it has: what follows that from
 * the start of the file on, without a gap, is what it lacks. A frame that a crash cut short fails its
 * checksum, and nobody was answered for it.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import type { Key } from 'lmdb';
import { codeOf } from '../../errors.ts';
import { type Change, UTF8_MAX, lengthOf, writeText } from './row-text.ts';

export interface ChangeLog {
  /** The next frame, with these changes. Undefined: they are many, or the file is full. */
  frame(changes: readonly Change[]): Frame | undefined;
  /** Adds the frame that was made last: it is on the disk afterwards. */
  addSync(frame: Frame): void;
  add(frame: Frame): Promise<void>;
  /** The number of the last frame that was made. */
  readonly last: number;
  /** LMDB has everything: the next frame goes to the start. */
  restart(): void;
  close(): void;
}

/** Changes by the name of their key. */
export type NamedChanges = Map<string, Change>;

export interface Frame {
  readonly bytes: Buffer;
  readonly changes: NamedChanges;
}

const FILE_BYTES = 256 << 10;
const PAGE_BYTES = 4_096;
/** More than that LMDB writes as cheaply. */
const FRAME_CHARACTERS_MAX = 64 << 10;
const CHECKSUM_BYTES = 4;
const LENGTH_BYTES = 4;
const HEAD_BYTES = CHECKSUM_BYTES + LENGTH_BYTES + 8;
const GONE = 0xffff_ffff;

/** `known`: the number of the last frame that LMDB has. With what it lacks, which it must get before anything is added. */
export function openChangeLog(
  path: string,
  known: number,
): { readonly log: ChangeLog; readonly lacking: NamedChanges } {
  const lacking: NamedChanges = new Map();
  let last = readAfter(readWhole(path), known, lacking);
  let position = 0;
  const fd = openSync(path, 'r+');
  const scratch = Buffer.allocUnsafeSlow(FILE_BYTES);
  // To hand this to a thread would cost more than to do it: it is the flush that takes its time.
  const write = ({ bytes }: Frame): void => {
    const written = writeSync(fd, bytes, 0, bytes.length, position);
    if (written < bytes.length) throw new Error(`${written} of ${bytes.length} bytes were written`);
    position += written;
  };
  const log: ChangeLog = {
    frame(changes) {
      const frame = frameOf(changes, last + 1, scratch);
      if (frame === undefined || position + frame.bytes.length > FILE_BYTES) return undefined;
      last++;
      return frame;
    },
    addSync(frame) {
      write(frame);
      fdatasyncSync(fd);
    },
    add(frame) {
      write(frame);
      return flushed(fd);
    },
    get last() {
      return last;
    },
    restart() {
      position = 0;
    },
    close: () => closeSync(fd),
  };
  return { log, lacking };
}

const flushed = promisify(fdatasync);

/**
 * A new file is filled, so that its size never changes while it is in use, and page by page: what comes in
 * one write the kernel may keep as one piece (a large folio), and would flush all of it for each frame.
 */
function readWhole(path: string): Buffer {
  try {
    const bytes = readFileSync(path);
    if (bytes.length >= FILE_BYTES) return bytes;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const page = Buffer.alloc(PAGE_BYTES);
  const fd = openSync(path, 'w', 0o600);
  for (let at = 0; at < FILE_BYTES; at += PAGE_BYTES) writeSync(fd, page);
  fsyncSync(fd);
  closeSync(fd);
  const dir = openSync(dirname(path), 'r');
  fsyncSync(dir);
  closeSync(dir);
  return Buffer.alloc(FILE_BYTES);
}

/** How rows are called in memory. */
export function nameOf(key: Key): string {
  return JSON.stringify(key);
}

function frameOf(changes: readonly Change[], number: number, buffer: Buffer): Frame | undefined {
  let characters = 0;
  for (const { value } of changes) characters += lengthOf(value);
  if (characters > FRAME_CHARACTERS_MAX) return undefined;
  const named: NamedChanges = new Map();
  let end = HEAD_BYTES;
  for (const change of changes) {
    const name = nameOf(change.key);
    const most = (name.length + lengthOf(change.value)) * UTF8_MAX + 2 * LENGTH_BYTES;
    if (end + most > buffer.length) return undefined;
    named.set(name, change);
    end = writeLengthAnd(name, buffer, end);
    end = writeLengthAnd(change.value, buffer, end);
  }
  buffer.writeUInt32LE(end, CHECKSUM_BYTES);
  buffer.writeDoubleLE(number, CHECKSUM_BYTES + LENGTH_BYTES);
  buffer.writeUInt32LE(crc32(buffer.subarray(CHECKSUM_BYTES, end)), 0);
  return { bytes: buffer.subarray(0, end), changes: named };
}

function writeLengthAnd(value: Change['value'], buffer: Buffer, from: number): number {
  const begin = from + LENGTH_BYTES;
  const end = value === undefined ? begin : writeText(value, buffer, begin);
  buffer.writeUInt32LE(value === undefined ? GONE : end - begin, from);
  return end;
}

/** The number of the last frame that follows `known` without a gap. */
function readAfter(bytes: Buffer, known: number, changes: NamedChanges): number {
  let number = known;
  for (let at = 0; ; ) {
    const end = frameEnd(bytes, at);
    if (end === undefined || bytes.readDoubleLE(at + CHECKSUM_BYTES + LENGTH_BYTES) !== number + 1)
      return number;
    readFrame(bytes, at + HEAD_BYTES, end, changes);
    number++;
    at = end;
  }
}

/** Undefined: no whole frame begins there. */
function frameEnd(bytes: Buffer, at: number): number | undefined {
  if (at + HEAD_BYTES > bytes.length) return undefined;
  const end = at + bytes.readUInt32LE(at + CHECKSUM_BYTES);
  if (end < at + HEAD_BYTES || end > bytes.length) return undefined;
  const isWhole = crc32(bytes.subarray(at + CHECKSUM_BYTES, end)) === bytes.readUInt32LE(at);
  return isWhole ? end : undefined;
}

function readFrame(bytes: Buffer, from: number, end: number, changes: NamedChanges): void {
  let at = from;
  const next = (): string | undefined => {
    const length = bytes.readUInt32LE(at);
    at += LENGTH_BYTES;
    if (length === GONE) return undefined;
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  while (at < end) {
    const name = next() ?? '';
    // A key that `nameOf` wrote.
    changes.set(name, { key: JSON.parse(name) as Key, value: next() });
  }
}
