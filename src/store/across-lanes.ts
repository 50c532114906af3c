/**
 * The history of several lanes as that of one: pages from all of them, merged by time.
 *
 * The cursor of a merged page holds the place in each lane. With one lane it is the store's own.
 */
import type { History, HistoryQuery, Page, Store, Wanted } from './contract.ts';
import { badCursor, closedAt } from './history-order.ts';

export function acrossLanes(store: Store, lanes: readonly string[]): History {
  const [only, ...others] = lanes;
  const read = <T>(
    wanted: Wanted,
    ask: (query: HistoryQuery) => Promise<Page<T>>,
    atOf: (item: T) => number,
  ): Promise<Page<T>> =>
    only !== undefined && others.length === 0
      ? ask({ ...wanted, lane: only })
      : merge(lanes, wanted, ask, atOf);
  return {
    decisions: (wanted) =>
      read(
        wanted,
        (query) => store.decisions(query),
        ({ at }) => at,
      ),
    closedIncidents: (wanted) =>
      read(
        wanted,
        (query) => store.closedIncidents(query),
        ({ incident }) => closedAt(incident),
      ),
    async closedIncident(id) {
      for (const lane of lanes) {
        const found = await store.closedIncident(lane, id);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

/** Where each lane is: a cursor of its own; null: at its end; none: at its beginning. */
type Places = Readonly<Record<string, string | null>>;

interface Head<T> {
  readonly query: HistoryQuery;
  readonly page: Page<T>;
  /** Items of the page that are on the merged one. */
  taken: number;
}

async function merge<T>(
  lanes: readonly string[],
  wanted: Wanted,
  ask: (query: HistoryQuery) => Promise<Page<T>>,
  atOf: (item: T) => number,
): Promise<Page<T>> {
  const places = readPlaces(wanted.cursor);
  const { cursor: _, ...rest } = wanted;
  const open = lanes.filter((lane) => places[lane] !== null);
  const heads = await Promise.all(
    open.map(async (lane): Promise<Head<T>> => {
      const own = { ...rest, lane, cursor: places[lane] ?? undefined };
      const page = await ask(own);
      return { query: asOf(page, own, atOf), page, taken: 0 };
    }),
  );
  const items: T[] = [];
  for (let head = newest(heads, atOf); head !== undefined; head = newest(heads, atOf)) {
    if (items.length === wanted.limit) break;
    items.push(...head.page.items.slice(head.taken, ++head.taken));
  }
  const after = await Promise.all(heads.map((head) => placeAfter(head, ask)));
  const next = { ...places };
  for (const [index, lane] of open.entries()) {
    const place = after[index];
    if (place !== undefined) next[lane] = place;
  }
  const isEnd = lanes.every((lane) => next[lane] === null);
  return { items, next: isEnd ? undefined : writePlaces(next) };
}

/** Asked again, the first page begins where it began, whatever was written since. */
function asOf<T>(page: Page<T>, query: HistoryQuery, atOf: (item: T) => number): HistoryQuery {
  const [first] = page.items;
  if (query.cursor !== undefined || first === undefined) return query;
  return { ...query, to: Math.min(query.to ?? Number.POSITIVE_INFINITY, atOf(first) + 1) };
}

function newest<T>(heads: readonly Head<T>[], atOf: (item: T) => number): Head<T> | undefined {
  let best: Head<T> | undefined;
  let bestAt = Number.NEGATIVE_INFINITY;
  for (const head of heads) {
    const item = head.page.items[head.taken];
    if (item === undefined || atOf(item) <= bestAt) continue;
    best = head;
    bestAt = atOf(item);
  }
  return best;
}

/** Only the store knows the places within a page: it is asked for a shorter one. Undefined: where it was. */
async function placeAfter<T>(
  { query, page, taken }: Head<T>,
  ask: (query: HistoryQuery) => Promise<Page<T>>,
): Promise<string | null | undefined> {
  if (taken === page.items.length) return page.next ?? null;
  if (taken === 0) return undefined;
  return (await ask({ ...query, limit: taken })).next ?? null;
}

function writePlaces(places: Places): string {
  return Buffer.from(JSON.stringify(places)).toString('base64url');
}

function readPlaces(cursor: string | undefined): Record<string, string | null> {
  if (cursor === undefined) return {};
  try {
    const places: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    // What `writePlaces` wrote; a cursor within it is checked by the store.
    if (typeof places === 'object' && places !== null && !Array.isArray(places))
      return places as Record<string, string | null>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw badCursor(cursor);
}
