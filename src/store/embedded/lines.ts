/**
 * Lines of the journal: `"key"`, a tab, JSON, a line feed.
 *
 * JSON text holds neither a raw tab nor a raw line feed, so a line can be cut and copied without being
 * understood: reading the journal parses keys only, and carrying a record on parses nothing else.
 */
import type { FrameBuffer } from './frame-buffer.ts';

const TAB = 0x09;
const LINE_FEED = 0x0a;

export interface Line {
  readonly key: string;
  /** Offset of the line in the bytes it was read from, of its JSON, and of the line feed. */
  readonly start: number;
  readonly json: number;
  readonly end: number;
}

export function writeLine(frame: FrameBuffer, key: string, json: string): void {
  frame.text(`${JSON.stringify(key)}\t${json}\n`);
}

/** A line without a key. */
export function writeText(frame: FrameBuffer, json: string): void {
  frame.text(`${json}\n`);
}

export function lineAt(bytes: Buffer, start: number): Line {
  const tab = bytes.indexOf(TAB, start);
  const key = bytes.toString('utf8', start, tab);
  // An ordinary key has no escapes and needs no parser.
  const plain = key.includes('\\') ? String(JSON.parse(key)) : key.slice(1, -1);
  return { key: plain, start, json: tab + 1, end: bytes.indexOf(LINE_FEED, tab) };
}

export function textEnd(bytes: Buffer, start: number): number {
  return bytes.indexOf(LINE_FEED, start);
}
