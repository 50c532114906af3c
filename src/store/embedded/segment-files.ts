/**
 * The files of the journal: `<number>.log`, each a header and frames, and spare ones to be used again.
 *
 * A file is filled with zeros before it is used, and is used again when nothing in it is needed any
 * more: a write into blocks that exist costs half of one that makes a file grow. Writes resolve when
 * they are on the disk.
 */
import { randomInt } from 'node:crypto';
import * as fs from 'node:fs';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSegmentHeader, type SegmentHeader, writeSegmentHeader } from './frame.ts';

const SPARES_MAX = 2;
const ZEROS = Buffer.alloc(1 << 20);
/** Linux: a write returns when it is on the disk. Elsewhere fdatasync follows, which is as good. */
const DSYNC = process.platform === 'linux' ? fs.constants.O_DSYNC : 0;

/** A segment that frames are written to. */
export interface OpenSegment {
  readonly number: number;
  readonly salt: number;
  readonly size: number;
  readonly fd: number;
}

export interface SegmentFiles {
  /** Numbers of the segments that were begun, ascending. */
  list(): Promise<readonly number[]>;
  /** Undefined when its header is not as it was written. */
  read(
    number: number,
  ): Promise<{ readonly header: SegmentHeader; readonly bytes: Buffer } | undefined>;
  /** Begins a segment with room for at least so many bytes. */
  begin(number: number, previousEnd: number, bytes: number): Promise<OpenSegment>;
  reopen(header: SegmentHeader): Promise<OpenSegment>;
  /** Has a spare file ready for the next `begin`. */
  prepare(): Promise<void>;
  /** The segment is not needed any more. */
  retire(number: number): Promise<void>;
}

export function createSegmentFiles(dir: string, segmentBytes: number): SegmentFiles {
  const pathOf = (number: number): string => join(dir, `${String(number).padStart(10, '0')}.log`);
  const spares = createSpares(dir, segmentBytes);
  return {
    async list() {
      const numbers: number[] = [];
      for (const name of await readdir(dir)) {
        if (/^\d{10,}\.log$/.test(name)) numbers.push(Number.parseInt(name, 10));
        else if (name.startsWith('spare-')) await spares.adopt(join(dir, name));
      }
      return numbers.sort((a, b) => a - b);
    },
    async read(number) {
      const bytes = await readFile(pathOf(number));
      const header = readSegmentHeader(bytes);
      return header?.number === number ? { header, bytes } : undefined;
    },
    async begin(number, previousEnd, bytes) {
      const path = await spares.take(bytes);
      const salt = randomInt(1, 0xffff_ffff);
      const fd = await openFile(path);
      try {
        await writeDurably(fd, writeSegmentHeader({ number, previousEnd, salt }), 0);
        await rename(path, pathOf(number));
        await syncDir(dir);
      } catch (error) {
        fs.closeSync(fd);
        if (fs.existsSync(path)) await spares.adopt(path);
        throw error;
      }
      return { number, salt, fd, size: Math.max(bytes, segmentBytes) };
    },
    async reopen({ number, salt }) {
      const path = pathOf(number);
      const { size } = await stat(path);
      return { number, salt, size, fd: await openFile(path) };
    },
    prepare: () => spares.prepare(),
    async retire(number) {
      const spare = spares.newPath();
      await rename(pathOf(number), spare);
      await spares.adopt(spare);
    },
  };
}

/** Files that are ready to become segments. */
interface Spares {
  newPath(): string;
  /** Has at least one ready. */
  prepare(): Promise<void>;
  take(bytes: number): Promise<string>;
  /** Keeps the file if it can be used, else removes it. */
  adopt(path: string): Promise<void>;
}

function createSpares(dir: string, segmentBytes: number): Spares {
  const paths: string[] = [];
  let named = 0;
  let preparing: Promise<void> | undefined;
  const newPath = (): string => join(dir, `spare-${process.pid}-${Date.now()}-${named++}`);
  const fill = async (): Promise<void> => {
    const path = newPath();
    await fillWithZeros(path, segmentBytes);
    paths.push(path);
  };
  const prepare = async (): Promise<void> => {
    if (paths.length > 0) return;
    preparing ??= fill().finally(() => {
      preparing = undefined;
    });
    await preparing;
  };
  return {
    newPath,
    prepare,
    async take(bytes) {
      if (bytes > segmentBytes) {
        const path = newPath();
        await fillWithZeros(path, bytes);
        return path;
      }
      for (;;) {
        const path = paths.pop();
        if (path !== undefined) return path;
        await prepare();
      }
    },
    async adopt(path) {
      const { size } = await stat(path);
      if (size === segmentBytes && paths.length < SPARES_MAX) paths.push(path);
      else await rm(path);
    },
  };
}

/** Resolves when all bytes are on the disk. */
export function writeDurably(fd: number, bytes: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, 0, bytes.length, position, (error, written) => {
      if (error !== null) return reject(error);
      if (written < bytes.length) {
        return resolve(writeDurably(fd, bytes.subarray(written), position + written));
      }
      if (DSYNC !== 0) return resolve();
      fs.fdatasync(fd, (failed) => (failed === null ? resolve() : reject(failed)));
    });
  });
}

/** The same, but the whole process waits for the disk. */
export function writeDurablySync(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
  if (DSYNC === 0) fs.fdatasyncSync(fd);
}

function openFile(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, fs.constants.O_RDWR | DSYNC, (error, fd) =>
      error === null ? resolve(fd) : reject(error),
    );
  });
}

async function fillWithZeros(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let at = 0; at < bytes; at += ZEROS.length) {
      await file.write(ZEROS, 0, Math.min(ZEROS.length, bytes - at), at);
    }
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function syncDir(dir: string): Promise<void> {
  // Windows cannot open a directory; its file system orders a rename by itself.
  if (process.platform === 'win32') return;
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
