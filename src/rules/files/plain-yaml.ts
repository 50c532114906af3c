/**
 * A short cut for the plain part of YAML, of which nearly all rules are: keys and lists in blocks,
 * values on one line. It makes the document that the library would, five times as fast.
 *
 * Whatever is not surely plain (anchors, tags, texts of several lines, escapes, empty values, tabs) and
 * whatever is wrong gives undefined: the library reads the whole file then, and says what is wrong.
 */
import { Document, type Node, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';

const DEPTH_MAX = 20;
/** The patterns below need memory for each character that they look at. */
const LINE_MAX = 10_000;
/** Control characters, what ends a line for a pattern but not for YAML, and the byte order mark. */
// oxlint-disable-next-line no-control-regex -- it is these that are looked for
const ODD_CHARACTER = /[\0-\x09\x0b\x0c\x0e-\x1f\u2028\u2029\uFEFF]|\r(?!\n)/;
const KEY = /[A-Za-z_][\w./-]{0,99}:(?= |$)/my;
const DASH = /-(?: +|$)/my;
const BLANK = / */y;
/** The end of a line after a value, a comment included. */
const REST = / *(?:(?<= )#.*)?$/my;
/** No `#` after a blank and no `:` before one. */
const PLAIN = /[^\s\-?:,[\]{}#&*!|>'"%@`](?:[^\r\n:#]|:(?! |$)|(?<! )#)*/my;
const PLAIN_IN_FLOW = /[^\s\-?:,[\]{}#&*!|>'"%@`](?:[^\r\n:#,[\]{}]|:(?![ ,[\]{}]|$)|(?<! )#)*/my;
const SINGLE_QUOTED = /'(?:[^'\r\n]|'')*'/y;
const DOUBLE_QUOTED = /"[^"\\\r\n]*"/y;
const WHOLE_NUMBER = /^(?:0|[1-9]\d{0,14})$/;
/** Whole numbers in another spelling, fractions, and words that may stand for something else. */
const NOT_SURELY_TEXT = /^[+.\d][-+.\dex_o]*$|^0x|^[+.]*(?:inf|nan)$|^(?:~|null|true|false)$/i;

/** What a line without content begins with, after its blanks. */
const EMPTY: ReadonlySet<string | undefined> = new Set(['\n', '\r', '#']);

interface Line {
  /** Of its first character that is no blank. */
  readonly at: number;
  readonly column: number;
  /** Where the next one starts. */
  readonly end: number;
}

/** Where it is: in `lines[line]`, at the offset `at`. */
interface Reader {
  readonly text: string;
  /** Those with more than blanks and a comment. */
  readonly lines: readonly Line[];
  line: number;
  at: number;
}

export function plainDocument(text: string): Document | undefined {
  if (ODD_CHARACTER.test(text)) return undefined;
  const reader: Reader = { text, lines: linesOf(text), line: 0, at: 0 };
  const first = reader.lines[0];
  if (first === undefined || reader.lines.some(isLong)) return undefined;
  reader.at = first.at;
  const contents = block(reader, first.column, 0);
  if (contents === undefined || reader.line < reader.lines.length) return undefined;
  const document = new Document();
  document.contents = contents;
  return document;
}

function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline + 1;
    let at = start;
    while (text[at] === ' ') at += 1;
    if (at < end && !EMPTY.has(text[at])) lines.push({ at, column: at - start, end });
    start = end;
  }
  return lines;
}

function isLong({ at, end }: Line): boolean {
  return end - at > LINE_MAX;
}

// --- blocks: each leaves the reader at the beginning of the line after it --------------------------

function block(reader: Reader, column: number, depth: number): Node | undefined {
  if (depth > DEPTH_MAX) return undefined;
  return taken(reader, DASH, false) === undefined
    ? mapping(reader, column, depth)
    : sequence(reader, column, depth);
}

function sequence(reader: Reader, column: number, depth: number): Node | undefined {
  const list = new YAMLSeq();
  const start = reader.at;
  while (isAt(reader, column) && taken(reader, DASH) !== undefined) {
    const inside = reader.at - startOfLine(reader);
    const item =
      taken(reader, KEY, false) === undefined
        ? valueBelow(reader, column + 1, depth)
        : mapping(reader, inside, depth + 1);
    if (item === undefined || isDeeper(reader, column)) return undefined;
    list.items.push(item);
  }
  return ranged(list, start, endOfBefore(reader));
}

function mapping(reader: Reader, column: number, depth: number): Node | undefined {
  const map = new YAMLMap();
  const start = reader.at;
  do {
    const from = reader.at;
    const written = taken(reader, KEY);
    if (written === undefined || depth > DEPTH_MAX) return undefined;
    const key = scalar(written.slice(0, -1), from, reader.at - 1);
    taken(reader, BLANK);
    const value = valueBelow(reader, column, depth);
    if (value === undefined || isDeeper(reader, column)) return undefined;
    map.items.push(new Pair(key, value));
  } while (isAt(reader, column));
  return ranged(map, start, endOfBefore(reader));
}

/** The rest of the line; if that is empty, the block below it: a list may stand as far left as its key. */
function valueBelow(reader: Reader, column: number, depth: number): Node | undefined {
  if (taken(reader, REST) === undefined) {
    const value = inline(reader, PLAIN, depth + 1);
    if (value === undefined || taken(reader, REST) === undefined) return undefined;
    nextLine(reader);
    return value;
  }
  nextLine(reader);
  const line = reader.lines[reader.line];
  if (line === undefined || line.column < column) return undefined;
  if (line.column === column && taken(reader, DASH, false) === undefined) return undefined;
  return block(reader, line.column, depth + 1);
}

// --- values on one line -----------------------------------------------------------------------------

function inline(reader: Reader, plain: RegExp, depth: number): Node | undefined {
  if (depth > DEPTH_MAX) return undefined;
  const start = reader.at;
  switch (reader.text[start]) {
    case '[':
      return flowList(reader, depth);
    case '{':
      return flowMapping(reader, depth);
    case "'": {
      const written = taken(reader, SINGLE_QUOTED)?.slice(1, -1).replaceAll("''", "'");
      return written === undefined ? undefined : scalar(written, start, reader.at);
    }
    case '"': {
      const written = taken(reader, DOUBLE_QUOTED)?.slice(1, -1);
      return written === undefined ? undefined : scalar(written, start, reader.at);
    }
    default: {
      if (taken(reader, plain) === undefined) return undefined;
      // Blanks at its end are none of it.
      while (reader.text[reader.at - 1] === ' ') reader.at -= 1;
      return plainScalar(reader.text.slice(start, reader.at), start, reader.at);
    }
  }
}

function plainScalar(written: string, start: number, end: number): Scalar | undefined {
  if (WHOLE_NUMBER.test(written)) return scalar(Number(written), start, end);
  if (written === 'true' || written === 'false') return scalar(written === 'true', start, end);
  return NOT_SURELY_TEXT.test(written) ? undefined : scalar(written, start, end);
}

function flowList(reader: Reader, depth: number): Node | undefined {
  const list = new YAMLSeq();
  list.flow = true;
  return flow(reader, list, ']', () => {
    const item = inline(reader, PLAIN_IN_FLOW, depth + 1);
    if (item !== undefined) list.items.push(item);
    return item !== undefined;
  });
}

function flowMapping(reader: Reader, depth: number): Node | undefined {
  const map = new YAMLMap();
  map.flow = true;
  return flow(reader, map, '}', () => {
    const from = reader.at;
    const written = taken(reader, KEY);
    if (written === undefined) return false;
    const key = scalar(written.slice(0, -1), from, reader.at - 1);
    taken(reader, BLANK);
    const value = inline(reader, PLAIN_IN_FLOW, depth + 1);
    if (value !== undefined) map.items.push(new Pair(key, value));
    return value !== undefined;
  });
}

/** From bracket to bracket. `takeItem` takes one into the collection; false: it is not plain. */
function flow(
  reader: Reader,
  collection: YAMLMap | YAMLSeq,
  close: string,
  takeItem: () => boolean,
): Node | undefined {
  const start = reader.at;
  for (;;) {
    reader.at += 1;
    taken(reader, BLANK);
    if (reader.text[reader.at] === close) break;
    if (!takeItem()) return undefined;
    taken(reader, BLANK);
    const next = reader.text[reader.at];
    if (next === close) break;
    if (next !== ',') return undefined;
  }
  reader.at += 1;
  return ranged(collection, start, reader.at);
}

// --- steps --------------------------------------------------------------------------------------------

/** What stands here, if it is that; the reader goes past it, unless it only looks. */
function taken(reader: Reader, what: RegExp, goOn = true): string | undefined {
  what.lastIndex = reader.at;
  const found = what.exec(reader.text)?.[0];
  if (found !== undefined && goOn) reader.at += found.length;
  return found;
}

function nextLine(reader: Reader): void {
  reader.line += 1;
  reader.at = reader.lines[reader.line]?.at ?? reader.text.length;
}

/** True when what comes next stands at the beginning of a line, and there. */
function isAt({ lines, line, at }: Reader, column: number): boolean {
  const here = lines[line];
  return here !== undefined && here.at === at && here.column === column;
}

/** What stands further right than it may: a text goes on, or somebody misplaced it. */
function isDeeper({ lines, line }: Reader, column: number): boolean {
  return (lines[line]?.column ?? 0) > column;
}

function startOfLine({ lines, line }: Reader): number {
  const here = lines[line];
  return here === undefined ? 0 : here.at - here.column;
}

function endOfBefore({ lines, line }: Reader): number {
  return lines[line - 1]?.end ?? 0;
}

function scalar(value: unknown, start: number, end: number): Scalar {
  return ranged(new Scalar(value), start, end);
}

function ranged<T extends Node>(node: T, start: number, end: number): T {
  node.range = [start, end, end];
  return node;
}
