/**
 * What commands print for programs. Instants are RFC 3339, as everywhere outside; what is absent is left out.
 */

const INSTANTS: ReadonlySet<string> = new Set(['at', 'from', 'to']);

export function asJson(value: unknown): string {
  const outside = (key: string, one: unknown): unknown =>
    typeof one === 'number' && INSTANTS.has(key) ? new Date(one).toISOString() : one;
  return `${JSON.stringify(value, outside, 2)}\n`;
}
