/** Where two values differ, named by their paths: objects by fields, maps and sets by what is in them. */

/** Paths with what is there in each, `most` at the most. What is undefined counts as not there. */
export function differences(one: unknown, other: unknown, most = 20): readonly string[] {
  const found: string[] = [];
  compare(one, other, 'state', found, most);
  return found;
}

function compare(one: unknown, other: unknown, path: string, found: string[], most: number): void {
  if (found.length >= most || Object.is(one, other)) return;
  const [mine, theirs] = [partsOf(one), partsOf(other)];
  if (mine === undefined || theirs === undefined || kindOf(one) !== kindOf(other)) {
    found.push(`${path}: ${inWords(one)} | ${inWords(other)}`);
    return;
  }
  for (const key of new Set([...mine.keys(), ...theirs.keys()]))
    compare(mine.get(key), theirs.get(key), `${path}.${key}`, found, most);
}

function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value);
}

/** Undefined for what has none: a text, a number, a function. */
function partsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (value instanceof Set) return new Map([...value].map((one) => [inWords(one), true]));
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [String(key), one]));
  if (typeof value !== 'object' || value === null) return undefined;
  return new Map(Object.entries(value));
}

function inWords(value: unknown): string {
  return value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value);
}
