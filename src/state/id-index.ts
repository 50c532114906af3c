/**
 * An index from a key to the ids that have it: nearly always one, which then stands there by itself,
 * because a set of one takes ten times the memory.
 */
export type IdIndex = Map<string, string | Set<string>>;

export function addTo(index: IdIndex, key: string, id: string): void {
  const present = index.get(key);
  if (present === undefined) index.set(key, id);
  else if (typeof present !== 'string') present.add(id);
  else if (present !== id) index.set(key, new Set([present, id]));
}

export function removeFrom(index: IdIndex, key: string, id: string): void {
  const present = index.get(key);
  if (present === id) index.delete(key);
  if (present === undefined || typeof present === 'string') return;
  present.delete(id);
  if (present.size === 0) index.delete(key);
}

/** In the order in which they came. */
export function idsOf(index: IdIndex, key: string): Iterable<string> {
  const present = index.get(key);
  if (present === undefined) return NONE;
  return typeof present === 'string' ? [present] : present;
}

const NONE: readonly string[] = [];

/** The same by environment and service: two look-ups cost less than to put a key together. */
export type PlaceIndex = Map<string, IdIndex>;

export function addPlace(
  index: PlaceIndex,
  environment: string,
  service: string,
  id: string,
): void {
  let inEnvironment = index.get(environment);
  if (inEnvironment === undefined) index.set(environment, (inEnvironment = new Map()));
  addTo(inEnvironment, service, id);
}

export function removePlace(
  index: PlaceIndex,
  environment: string,
  service: string,
  id: string,
): void {
  const inEnvironment = index.get(environment);
  if (inEnvironment === undefined) return;
  removeFrom(inEnvironment, service, id);
  if (inEnvironment.size === 0) index.delete(environment);
}

export function idsAt(index: PlaceIndex, environment: string, service: string): Iterable<string> {
  const inEnvironment = index.get(environment);
  return inEnvironment === undefined ? NONE : idsOf(inEnvironment, service);
}
