/**
 * Where the next frame is put together: one buffer that grows, and is used again and again.
 *
 * An entry is written straight into it, so that neither bodies nor JSON texts are copied once more.
 */
import { FRAME_HEADER_BYTES, paddedFrameBytes, sealFrame } from './frame.ts';

const START_BYTES = 1 << 20;
/** A buffer that one huge frame has blown up is not kept. */
const KEEP_BYTES = 8 << 20;
/** No character takes more bytes in UTF-8 than this for each of its UTF-16 units. */
const UTF8_MAX = 3;

export interface FrameBuffer {
  /** Bytes of entries so far. */
  readonly length: number;
  /** Adds a text. Returns how many bytes it took. */
  text(text: string): number;
  bytes(bytes: Uint8Array): void;
  uint32(value: number): void;
  /** Overwrites a number that was added at this length. */
  setUint32(at: number, value: number): void;
  /** Forgets what was added since the length was this. */
  truncate(length: number): void;
  /** The whole frame, ready to be written. Valid until the next `clear`. */
  seal(salt: number, frame: number): Buffer;
  clear(): void;
}

export function createFrameBuffer(): FrameBuffer {
  let buffer = Buffer.allocUnsafeSlow(START_BYTES);
  let end = FRAME_HEADER_BYTES;

  function reserve(bytes: number): void {
    if (end + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(end + bytes, buffer.length * 2));
    buffer.copy(larger, 0, 0, end);
    buffer = larger;
  }

  return {
    get length() {
      return end - FRAME_HEADER_BYTES;
    },
    text(text) {
      reserve(text.length * UTF8_MAX);
      const written = buffer.write(text, end);
      end += written;
      return written;
    },
    bytes(bytes) {
      reserve(bytes.length);
      buffer.set(bytes, end);
      end += bytes.length;
    },
    uint32(value) {
      reserve(4);
      end = buffer.writeUInt32LE(value, end);
    },
    setUint32(at, value) {
      buffer.writeUInt32LE(value, FRAME_HEADER_BYTES + at);
    },
    truncate(length) {
      end = FRAME_HEADER_BYTES + length;
    },
    seal(salt, frame) {
      const length = end - FRAME_HEADER_BYTES;
      const size = paddedFrameBytes(length);
      reserve(size - end);
      buffer.fill(0, end, size);
      const whole = buffer.subarray(0, size);
      sealFrame(whole, length, salt, frame);
      return whole;
    },
    clear() {
      end = FRAME_HEADER_BYTES;
      if (buffer.length > KEEP_BYTES) buffer = Buffer.allocUnsafeSlow(START_BYTES);
    },
  };
}
