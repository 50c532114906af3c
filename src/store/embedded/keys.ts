/**
 * Texts from outside as parts of LMDB keys.
 *
 * LMDB limits a key to 1978 bytes, and the key encoding knows neither NUL nor lone surrogates. A short
 * and ordinary text stands for itself, so that it sorts as people expect; any other is replaced by its
 * hash. No ordinary text can be mistaken for a hash: one that begins with # is hashed too.
 */
import { createHash } from 'node:crypto';

const PLAIN_TEXT = /^(?!#)[\x20-\x7e]{0,120}$/;

export function keyPart(text: string): string {
  if (PLAIN_TEXT.test(text)) return text;
  // JSON writes a lone surrogate as an escape, where UTF-8 would make all of them the same.
  return `#${createHash('sha256').update(JSON.stringify(text)).digest('hex').slice(0, 40)}`;
}
