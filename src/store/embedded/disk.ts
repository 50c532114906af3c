/**
 * Writes a frame to the disk in the cheaper of two ways.
 *
 * To hand a small write to a thread costs more CPU than the write itself, and a good disk has it done
 * in a fraction of a millisecond: then we wait for it right here. As soon as one takes longer, or is
 * large, a thread waits instead, and the process goes on with other things.
 */
import { writeDurably, writeDurablySync } from './segment-files.ts';

/** Longer than this the process should not stand still. */
const SLOW_MS = 2;
/** After a slow write threads wait for so long, and longer if writes stay slow. */
const CAREFUL_MS = 1_000;
const SMALL_BYTES = 128 << 10;

export interface Disk {
  write(fd: number, bytes: Buffer, position: number): Promise<void>;
}

export function createDisk(clock: () => number = () => performance.now()): Disk {
  let carefulUntil = 0;
  return {
    async write(fd, bytes, position) {
      const began = clock();
      if (bytes.length <= SMALL_BYTES && began >= carefulUntil) {
        writeDurablySync(fd, bytes, position);
      } else {
        await writeDurably(fd, bytes, position);
      }
      const ended = clock();
      if (ended - began > SLOW_MS) carefulUntil = ended + CAREFUL_MS;
    },
  };
}
