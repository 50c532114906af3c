/**
 * The entries of a frame: length u32, kind u32, then a head of JSON in one line, then what follows it.
 *
 *   accepted   items                                 something came in
 *   committed  lines of records and effects, texts   a commit of a lane
 *   kept       lines of records                      carried on from a segment that is given up
 *   lane       lines of effects                      likewise: all else of a lane, as it stood then
 *
 *   item       head length u32, body length u32, JSON [seq, at, delivery, source], body as received
 *
 * Applying the entries in their order, each as a whole, gives the state of every lane.
 */
import type { Effect } from '../../model.ts';
import type { Accepted, Commit, Incoming } from '../contract.ts';
import type { FrameBuffer } from './frame-buffer.ts';
import type { HistoryTexts } from './history-texts.ts';
import { lineAt, textEnd, writeLine, writeText } from './lines.ts';

export const ENTRY_KINDS = { accepted: 1, committed: 2, kept: 3, lane: 4 } as const;
export type EntryKind = keyof typeof ENTRY_KINDS;

const ENTRY_HEADER_BYTES = 8;
const ITEM_HEADER_BYTES = 8;

export interface EntryFound {
  readonly kind: EntryKind;
  readonly start: number;
  readonly end: number;
}

export interface AcceptedHead {
  readonly lane: string;
  readonly items: number;
}

export interface CommittedHead {
  readonly lane: string;
  /** After the commit. */
  readonly version: number;
  readonly wakeAt?: number;
  readonly decided: readonly number[];
  readonly remove: readonly string[];
  readonly effectsDone: readonly string[];
  readonly puts: number;
  readonly effects: number;
  readonly chunks: number;
  readonly closed: number;
}

export interface KeptHead {
  readonly lane: string;
  readonly puts: number;
}

export interface LaneHead {
  readonly lane: string;
  readonly version: number;
  readonly seq: number;
  readonly wakeAt?: number;
  readonly effects: number;
}

/** Writes an entry around what `body` writes. */
export function writeEntry(
  frame: FrameBuffer,
  kind: EntryKind,
  head: AcceptedHead | CommittedHead | KeptHead | LaneHead,
  body: () => void,
): void {
  const start = frame.length;
  frame.uint32(0);
  frame.uint32(ENTRY_KINDS[kind]);
  writeText(frame, JSON.stringify(head));
  body();
  frame.setUint32(start, frame.length - start - ENTRY_HEADER_BYTES);
}

/** Returns where each item begins. */
export function writeAccepted(
  frame: FrameBuffer,
  lane: string,
  first: number,
  items: readonly Incoming[],
): readonly number[] {
  const offsets: number[] = [];
  writeEntry(frame, 'accepted', { lane, items: items.length }, () => {
    for (const [index, { at, delivery, source, body }] of items.entries()) {
      const offset = frame.length;
      offsets.push(offset);
      frame.uint32(0);
      frame.uint32(body.length);
      const head = frame.text(JSON.stringify([first + index, at, delivery, source]));
      frame.setUint32(offset, head);
      frame.bytes(body);
    }
  });
  return offsets;
}

/** Where the line of each record begins, and where they all end. */
export interface PutsWritten {
  readonly offsets: readonly number[];
  readonly end: number;
}

export function writeCommitted(
  frame: FrameBuffer,
  lane: string,
  commit: Commit,
  effects: readonly string[],
  history: HistoryTexts,
): PutsWritten {
  const { wakeAt, decided, remove, effectsDone, put } = commit;
  const offsets: number[] = [];
  let end = 0;
  const head: CommittedHead = {
    lane,
    version: commit.version + 1,
    ...(wakeAt === undefined ? {} : { wakeAt }),
    decided,
    remove,
    effectsDone,
    puts: put.length,
    effects: effects.length,
    chunks: history.chunks.length,
    closed: history.closed.length,
  };
  writeEntry(frame, 'committed', head, () => {
    for (const { key, value } of put) {
      offsets.push(frame.length);
      writeLine(frame, key, JSON.stringify(value));
    }
    end = frame.length;
    for (const effect of effects) writeText(frame, effect);
    for (const { text } of history.chunks) writeText(frame, text);
    for (const { text } of history.closed) writeText(frame, text);
  });
  return { offsets, end };
}

export function* entriesIn(bytes: Buffer, start: number, end: number): Generator<EntryFound> {
  for (let at = start; at < end; ) {
    const length = bytes.readUInt32LE(at);
    const kind = kindOf(bytes.readUInt32LE(at + 4));
    const first = at + ENTRY_HEADER_BYTES;
    yield { kind, start: first, end: first + length };
    at = first + length;
  }
}

function kindOf(number: number): EntryKind {
  for (const kind of ['accepted', 'committed', 'kept', 'lane'] as const) {
    if (ENTRY_KINDS[kind] === number) return kind;
  }
  throw new Error(`the journal has an entry of the unknown kind ${number}`);
}

/** `T` is the head that belongs to the kind of the entry. */
export function readHead<T>(
  bytes: Buffer,
  entry: EntryFound,
): { readonly head: T; readonly next: number } {
  const end = textEnd(bytes, entry.start);
  return { head: JSON.parse(bytes.toString('utf8', entry.start, end)) as T, next: end + 1 };
}

export interface ItemFound {
  readonly seq: number;
  readonly start: number;
  readonly end: number;
}

/** The items of an accepted entry, without their bodies. */
export function* itemsIn(bytes: Buffer, start: number, count: number): Generator<ItemFound> {
  let at = start;
  for (let index = 0; index < count; index++) {
    const { seq, end } = itemHead(bytes, at);
    yield { seq, start: at, end };
    at = end;
  }
}

function itemHead(
  bytes: Buffer,
  start: number,
): { seq: number; at: number; delivery: string; source: string; body: number; end: number } {
  const body = start + ITEM_HEADER_BYTES + bytes.readUInt32LE(start);
  const end = body + bytes.readUInt32LE(start + 4);
  // Written by `writeAccepted`.
  const [seq, at, delivery, source] = JSON.parse(
    bytes.toString('utf8', start + ITEM_HEADER_BYTES, body),
  ) as [number, number, string, string];
  return { seq, at, delivery, source, body, end };
}

/** A copy: the bytes around it are not held in memory. */
export function readItem(bytes: Buffer, start: number): Accepted {
  const { seq, at, delivery, source, body, end } = itemHead(bytes, start);
  return { seq, item: { at, delivery, source, body: new Uint8Array(bytes.subarray(body, end)) } };
}

/** Calls back for each of the lines that begin there. Returns where they end. */
export function eachLine(
  bytes: Buffer,
  start: number,
  count: number,
  visit: (key: string, start: number, end: number) => void,
): number {
  let at = start;
  for (let index = 0; index < count; index++) {
    const line = lineAt(bytes, at);
    visit(line.key, at, line.end + 1);
    at = line.end + 1;
  }
  return at;
}

/** The texts that begin there, and where they end. */
export function readTexts(
  bytes: Buffer,
  start: number,
  count: number,
): { readonly texts: readonly string[]; readonly next: number } {
  const texts: string[] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    const end = textEnd(bytes, at);
    texts.push(bytes.toString('utf8', at, end));
    at = end + 1;
  }
  return { texts, next: at };
}

/** An effect as it was committed. */
export function parseEffect(text: string): Effect {
  return JSON.parse(text) as Effect;
}
