/** A large text on its way to Redis. ASCII, as nearly all of it is, is copied and not encoded. */
export function bytesOf(text: string): Buffer {
  const isAscii = Buffer.byteLength(text) === text.length;
  return Buffer.from(text, isAscii ? 'latin1' : 'utf8');
}
