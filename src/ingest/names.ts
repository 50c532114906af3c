/**
 * How many different names a JSON text has. Parsing takes fifty times as long for a name that no object before
 * had as for one that all have, and nothing else can be done meanwhile: 500,000 of them took 3 seconds.
 */
import { randomBytes } from 'node:crypto';
import { endOfText, QUOTE } from './json.ts';

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

/** Has a text more different names than `max`, about? Stops as soon as it knows. */
export function hasMoreNamesThan(max: number, json: Uint8Array): boolean {
  if (json.length <= max * NAME_BYTES) return false;
  const seen = new Uint32Array(1 << (HASH_BITS - WORD_BITS));
  let names = 0;
  for (let i = json[0] === MARK ? MARK_BYTES : 0; i < json.length; i++) {
    const byte = json[i];
    // This is no JSON, and is parsed no further than to here.
    if (byte !== undefined && byte > ASCII_MAX) return false;
    if (byte !== QUOTE) continue;
    const from = i + 1;
    i = endOfText(json, from);
    if (!isName(json, i + 1)) continue;
    const bucket = bucketOf(json, from, i);
    const word = bucket >>> WORD_BITS;
    const before = seen[word] ?? 0;
    const after = before | (1 << (bucket & 31));
    if (after === (before | 0)) continue;
    seen[word] = after;
    if (++names > max) return true;
  }
  return false;
}

function bucketOf(json: Uint8Array, from: number, end: number): number {
  let hash = SEED;
  // A factor with few bits mixes little by itself: the shifts make any of them a good one.
  for (let i = from; i < end; i++) {
    hash = Math.imul(hash ^ (json[i] ?? 0), FACTOR);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, SPREAD);
  return (hash ^ (hash >>> 13)) >>> (32 - HASH_BITS);
}

/** A text that ends here is one if a colon follows. */
function isName(json: Uint8Array, from: number): boolean {
  let i = from;
  while (json[i] === BLANK || json[i] === NEWLINE || json[i] === RETURN || json[i] === TAB) i++;
  return json[i] === COLON;
}

/** A byte order mark may stand before it. */
const [MARK, MARK_BYTES] = [0xef, 3];
const ASCII_MAX = 0x7f;
const COLON = 58;
const [TAB, NEWLINE, RETURN, BLANK] = [9, 10, 13, 32];
