/**
 * Which incident stands for a group of a `correlate: by` rule: the next alert of the group is its.
 *
 * What it answers follows from the incidents alone, and not from the order in which they came: whoever
 * loads them, and whoever followed them for days, decides the same.
 */
import type { Incident, Instant } from './model.ts';

/** Of each group its incidents: those that are over before those that go on, the newest of each last. */
export type GroupIndex = Map<string, Place[]>;

interface Place {
  readonly id: string;
  readonly isOver: boolean;
  readonly gatheredAt: Instant;
}

/** The newest incident that goes on, else the newest that is over. */
export function standsFor(groups: GroupIndex, group: string): string | undefined {
  return groups.get(group)?.at(-1)?.id;
}

/** `before` undefined: it was not known. `after` undefined: it is forgotten. */
export function indexGroup(
  groups: GroupIndex,
  before: Incident | undefined,
  after: Incident | undefined,
): void {
  if (before?.group === undefined && after?.group === undefined) return;
  if (before !== undefined && after !== undefined && isSamePlace(before, after)) return;
  if (before !== undefined) drop(groups, before);
  if (after?.group === undefined || after.mergedInto !== undefined) return;
  const row = groups.get(after.group) ?? [];
  groups.set(after.group, row);
  const place = placeOf(after);
  row.splice(indexOf(row, place), 0, place);
}

function isSamePlace(before: Incident, after: Incident): boolean {
  return (
    before.group === after.group &&
    before.gatheredAt === after.gatheredAt &&
    (before.phase === 'resolved') === (after.phase === 'resolved') &&
    before.mergedInto === after.mergedInto
  );
}

function drop(groups: GroupIndex, incident: Incident): void {
  const { group, id } = incident;
  const row = group === undefined ? undefined : groups.get(group);
  if (group === undefined || row === undefined) return;
  const index = indexOf(row, placeOf(incident));
  if (row[index]?.id === id) row.splice(index, 1);
  if (row.length === 0) groups.delete(group);
}

function placeOf({ id, phase, gatheredAt }: Incident): Place {
  return { id, isOver: phase === 'resolved', gatheredAt };
}

/** Where it stands, or would. */
function indexOf(row: readonly Place[], place: Place): number {
  let from = 0;
  let to = row.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const there = row[middle];
    if (there !== undefined && isBefore(there, place)) from = middle + 1;
    else to = middle;
  }
  return from;
}

function isBefore(one: Place, other: Place): boolean {
  if (one.isOver !== other.isOver) return one.isOver;
  if (one.gatheredAt !== other.gatheredAt) return one.gatheredAt < other.gatheredAt;
  return one.id < other.id;
}
