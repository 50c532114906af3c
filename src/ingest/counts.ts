/**
 * How much a JSON text holds, counted in one pass over its bytes before it is parsed, as nothing else can be done while it is.
 *
 * Parsing takes time for each value, however short it is; four times as long for an object or an array; and fifty times as long
 * for a name that no object before had as for one that all have: 500,000 of them took 3 seconds.
 */
import { randomBytes } from 'node:crypto';

export interface Counts {
  /** Values; an object or an array counts as four. */
  readonly values: number;
  /** Different names of fields, about. */
  readonly names: number;
}

const STRUCTURE_COUNTS = 4;
/** Bytes of a value, at least: itself and what divides it from the next. */
const VALUE_BYTES = 2;
/** Bytes of a name that is new, at least: its quotes, a character or two, a colon, a value and a comma. */
const NAME_BYTES = 8;

/** Names are told apart by so many bits of their hash: of 10,000 about fifty are taken for others. */
const HASH_BITS = 20;
const WORD_BITS = 5;

/** Nobody who sends can know which names are taken for each other. */
const SEED = randomBytes(4).readInt32LE();
const FACTOR = randomBytes(4).readInt32LE() | 1;
/** Of MurmurHash3's last step: every bit of a hash has a part in the upper ones. */
const SPREAD = 0x85ebca6b;

/** Of what a text holds more than `max`; undefined: of nothing. Stops as soon as it knows. */
export function tooMuchIn(json: Uint8Array, max: Counts): keyof Counts | undefined {
  const { length } = json;
  const valuesMax = (length / VALUE_BYTES) * STRUCTURE_COUNTS;
  if (valuesMax <= max.values && length <= max.names * NAME_BYTES) return undefined;
  const seen = new Uint32Array(1 << (HASH_BITS - WORD_BITS));
  let values = 0;
  let names = 0;
  for (let i = json[0] === MARK ? MARK_BYTES : 0; i < length; i++) {
    const byte = json[i] ?? 0;
    // This is no JSON, and is parsed no further than to here.
    if (byte > ASCII_MAX) return undefined;
    values += COUNTS[byte] ?? 0;
    if (byte === QUOTE) {
      const from = i + 1;
      i = endOfText(json, from);
      if (isName(json, i + 1) && isNew(seen, hashOf(json, from, i))) names++;
    }
    if (values > max.values) return 'values';
    if (names > max.names) return 'names';
  }
  return undefined;
}

/** Where the quote stands that ends a text. */
function endOfText(json: Uint8Array, from: number): number {
  const { length } = json;
  let i = from;
  while (i < length && json[i] !== QUOTE) i += json[i] === BACKSLASH ? 2 : 1;
  return i;
}

/** A text that ends here is one if a colon follows. */
function isName(json: Uint8Array, from: number): boolean {
  let i = from;
  while (json[i] === BLANK || json[i] === NEWLINE || json[i] === RETURN || json[i] === TAB) i++;
  return json[i] === COLON;
}

function hashOf(json: Uint8Array, from: number, end: number): number {
  let hash = SEED;
  // A factor with few bits mixes little by itself: the shifts make any of them a good one.
  for (let i = from; i < end; i++) {
    hash = Math.imul(hash ^ (json[i] ?? 0), FACTOR);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, SPREAD);
  return (hash ^ (hash >>> 13)) >>> (32 - HASH_BITS);
}

/** A bit for each hash. */
function isNew(seen: Uint32Array, hash: number): boolean {
  const word = hash >>> WORD_BITS;
  const before = seen[word] ?? 0;
  const after = before | (1 << (hash & 31));
  seen[word] = after;
  return after !== (before | 0);
}

/** A byte order mark may stand before it. */
const [MARK, MARK_BYTES] = [0xef, 3];
const ASCII_MAX = 0x7f;
const [TAB, NEWLINE, RETURN, BLANK] = [9, 10, 13, 32];
const [QUOTE, COMMA, COLON] = [34, 44, 58];
const [BRACKET, BACKSLASH, BRACE] = [91, 92, 123];

/** How many values a byte tells of. */
const COUNTS = new Uint8Array(ASCII_MAX + 1);
COUNTS[COMMA] = 1;
COUNTS[BRACE] = STRUCTURE_COUNTS;
COUNTS[BRACKET] = STRUCTURE_COUNTS;
