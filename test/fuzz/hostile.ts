/**
 * Hostile values from a seed: text that tries to act, times that are none, JSON that is nearly JSON.
 */
import type { Random } from '../support/random.ts';

export const TRICKS = [
  '<!channel>',
  '<!here|x>',
  '<@U1>',
  '<https://evil.example|safe>',
  '&lt;!everyone&gt;',
  '*_~`',
  '```',
  ':fire:',
  '</script><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='x",
  '<meta http-equiv="refresh" content="0">',
  'javascript:alert(1)',
  'data:text/html,<b>x',
  'http://evil.example/?q=<x>|y',
  'https://user:hush@wiki.example.com/a b',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  'then',
  'length',
  '\u0000',
  '\u0001\u001b[31m',
  '\ud800',
  '\udc00\ud800',
  '\u202e',
  '\u2028\u2029',
  '\ufeff',
  '\ufffd',
  '\u200b',
  '👨‍👩‍👧',
  'e\u0301'.repeat(5),
  '%s%n%00',
  '${7*7}{{7*7}}',
  '../../../etc/passwd',
  '\r\nSet-Cookie: a=b',
  '(limit body)',
  ' ',
  '',
  'null',
  'NaN',
  '-0',
  '1e999',
  '^(a+)+$',
  'a'.repeat(40),
  'checkout',
  'payments-db',
] as const satisfies readonly [string, ...string[]];

export function text(random: Random): string {
  const kind = random.below(20);
  if (kind < 9) return random.pick(TRICKS);
  if (kind < 13) return `${random.pick(TRICKS)}${random.pick(TRICKS)}${random.pick(TRICKS)}`;
  if (kind < 17) return word(random);
  if (kind < 19) return anyCharacters(random, random.below(40));
  return random.pick(TRICKS).repeat(1 + random.below(300));
}

export function word(random: Random): string {
  return random.pick(['checkout', 'payments', 'payments-db', 'basket', 'stranger', 'node-7']);
}

/** Any UTF-16 units, lone surrogates among them. */
function anyCharacters(random: Random, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(random.below(0x10000))).join('');
}

/** From the year 0 to 275760, and what only looks like a time. */
export function time(random: Random): unknown {
  if (random.chance(0.4)) {
    return new Date(Date.parse('2026-11-21T01:00:00Z') + random.below(7_200_000)).toISOString();
  }
  return random.pick([
    '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z',
    '-000001-01-01T00:00:00Z',
    '1969-12-31T23:59:59.999Z',
    '1970-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999999999Z',
    '10000-01-01T00:00:00Z',
    '+275760-09-13T00:00:00.000Z',
    '+275760-09-13T00:00:00.001Z',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-21T25:61:61Z',
    '2026-11-21T01:00:00+99:99',
    '2026-11-21 01:00:00',
    '24:00',
    0,
    -1,
    1e308,
    8.64e15,
    8.64e15 + 1,
    1_763_700_000,
    1_763_700_000_000,
    null,
    true,
    [],
    {},
    text(random),
  ]);
}

/** Any JSON value, small and shallow most of the time. */
export function value(random: Random, depth = 3): unknown {
  const kind = random.below(depth > 0 ? 10 : 7);
  if (kind < 3) return text(random);
  if (kind === 3) return random.pick([0, -0, 1, -1, 1e308, 5e-324, 2 ** 53, 0.1]);
  if (kind === 4) return random.pick([null, true, false]);
  if (kind === 5) return time(random);
  if (kind === 6) return word(random);
  if (kind === 7) return Array.from({ length: random.below(5) }, () => value(random, depth - 1));
  return record(random, 5, () => value(random, depth - 1));
}

/** An object whose keys may be `__proto__` and the like, as its own. */
export function record(random: Random, most: number, make: () => unknown): object {
  const entries = Array.from({ length: random.below(most + 1) }, () => [text(random), make()]);
  return Object.fromEntries(entries) as object;
}

/** Cuts, repeats, swaps and breaks a few bytes. */
export function mutate(random: Random, bytes: Buffer): Buffer {
  let mutated = Buffer.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(mutated.length + 1);
    const end = Math.min(mutated.length, at + 1 + random.below(40));
    switch (random.below(6)) {
      case 0:
        if (at < mutated.length) mutated[at] = random.below(256);
        break;
      case 1:
        mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(end)]);
        break;
      case 2:
        mutated = Buffer.concat([mutated.subarray(0, end), mutated.subarray(at)]);
        break;
      case 3: {
        const trick = Buffer.from(JSON.stringify(text(random)).slice(1, -1));
        mutated = Buffer.concat([mutated.subarray(0, at), trick, mutated.subarray(at)]);
        break;
      }
      case 4:
        mutated = mutated.subarray(0, at);
        break;
      default:
        // Overlong and broken UTF-8.
        mutated = Buffer.concat([
          mutated.subarray(0, at),
          Buffer.from(random.pick([[0xc0, 0x80], [0xff], [0xed, 0xa0, 0x80], [0xf8, 0x88]])),
          mutated.subarray(at),
        ]);
    }
  }
  return mutated;
}
