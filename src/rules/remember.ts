/**
 * Remembers answers for values that come again and again, as label values do. Bounded: a full memory
 * is emptied, because whoever fills it with ever new values gains nothing by it; and long values are not
 * kept, because they seldom come again.
 */
const LENGTH_MAX = 256;

export function remember<T extends string | boolean>(
  entriesMax: number,
  answer: (value: string) => T,
): (value: string) => T {
  const memory = new Map<string, T>();
  return (value) => {
    if (value.length > LENGTH_MAX) return answer(value);
    const known = memory.get(value);
    if (known !== undefined) return known;
    const found = answer(value);
    if (memory.size >= entriesMax) memory.clear();
    memory.set(value, found);
    return found;
  };
}
