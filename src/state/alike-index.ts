/**
 * What began lately in the same way, or names the same thing from outside: a key -> alerts, the newest last.
 *
 * Not stored: a start makes it of the alerts in memory (correlate/outside.ts). Lost then are only alerts that left
 * memory, and earlier beginnings of an alert that began again. Names that all alerts say are a record of their own.
 */
import type { Instant } from '../model.ts';

export interface AlikeIndex {
  readonly rows: Map<string, Recent[]>;
  /** A name -> services whose alerts said it, as far as it matters. */
  readonly carriers: Map<string, Set<string>>;
}

interface Recent {
  readonly at: Instant;
  readonly fingerprint: string;
}

/** As long as the longest usual hold takes: by then it is told, or over. */
const LATELY_MS = 15 * 60_000;
/** Of each key the newest. */
const ROW_MAX = 16;
const ROWS_MAX = 10_000;
/** A name that more services say stands in a template of all texts. */
const CARRIERS_MAX = 12;
const NAMES_MAX = 10_000;

export function createAlikeIndex(): AlikeIndex {
  return { rows: new Map(), carriers: new Map() };
}

export function noteAlike({ rows }: AlikeIndex, key: string, recent: Recent): void {
  const row = rows.get(key) ?? [];
  // The map's order is that of the last news, so the first row is the oldest.
  rows.delete(key);
  rows.set(key, row);
  row.push(recent);
  if (row.length > ROW_MAX) row.shift();
  for (const [oldest, its] of rows) {
    const last = its.at(-1)?.at ?? 0;
    if (rows.size <= ROWS_MAX && last >= recent.at - LATELY_MS) break;
    rows.delete(oldest);
  }
}

/** How many began in the quarter of an hour before, by more than `withinMs`. */
export function alikeBefore(
  { rows }: AlikeIndex,
  key: string,
  at: Instant,
  withinMs: number,
): number {
  const row = rows.get(key) ?? [];
  return row.filter((recent) => at - recent.at > withinMs && at - recent.at <= LATELY_MS).length;
}

/** Those that began within `withinMs` of `at`, each once, in an order that does not tell who loaded what. */
export function alikeAt(
  { rows }: AlikeIndex,
  key: string,
  at: Instant,
  withinMs: number,
): readonly string[] {
  const row = rows.get(key) ?? [];
  const near = row.filter((recent) => Math.abs(recent.at - at) <= withinMs);
  return [...new Set(near.map(({ fingerprint }) => fingerprint))].sort();
}

/** True from when so many services say it that it says nothing. */
export function noteCarrier({ carriers }: AlikeIndex, name: string, service: string): boolean {
  const services = carriers.get(name) ?? new Set<string>();
  if (services.size <= CARRIERS_MAX) services.add(service);
  carriers.set(name, services);
  const oldest = carriers.size > NAMES_MAX ? carriers.keys().next() : undefined;
  if (oldest?.done === false) carriers.delete(oldest.value);
  return services.size > CARRIERS_MAX;
}
