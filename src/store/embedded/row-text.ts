/**
 * What a row says, as bytes. Texts are put together only where they are written.
 */
import type { Key } from 'lmdb';

/** One text, or lines. */
export type RowText = string | readonly string[];

export interface Change {
  readonly key: Key;
  /** Undefined: the row goes. */
  readonly value: RowText | undefined;
}

/** In characters, line ends included. */
export function lengthOf(value: RowText | undefined): number {
  if (value === undefined) return 0;
  if (typeof value === 'string') return value.length;
  let length = value.length;
  for (const line of value) length += line.length;
  return length;
}

/** Bytes that one character of a text takes at most. */
export const UTF8_MAX = 3;

/** Where it ends. The buffer is sure to have room. */
export function writeText(value: RowText, buffer: Buffer, from: number): number {
  if (typeof value === 'string') return from + buffer.write(value, from);
  let end = from;
  for (const line of value) {
    if (end > from) buffer[end++] = NEWLINE;
    end += buffer.write(line, end);
  }
  return end;
}

export const NEWLINE = 10;
