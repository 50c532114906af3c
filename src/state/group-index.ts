/**
 * Which incident stands for a group: the next alert of the group joins it. Incidents with a message are also found
 * by the minute in which they began, unless a rule says what belongs to them.
 *
 * The answer depends on the incidents alone, not on the order in which they came: whoever loads them decides the
 * same as whoever followed them for days.
 */
import type { Incident, Instant } from '../model.ts';

/** In place of a rule, in a group that only the time makes. */
export const BY_TIME = 'by time';

/** Of each key its incidents: those that are over before those that go on, the newest of each last. */
export type GroupIndex = Map<string, Place[]>;

interface Place {
  readonly id: string;
  readonly isOver: boolean;
  readonly gatheredAt: Instant;
}

const MINUTE_MS = 60_000;

/** Those with a message that began from `from` to `until`, or a little later. */
export function* toldBetween(
  groups: GroupIndex,
  environment: string,
  from: Instant,
  until: Instant,
): Iterable<string> {
  for (let minute = from; minute < until + MINUTE_MS; minute += MINUTE_MS)
    for (const { id } of groups.get(momentKey(environment, minute)) ?? []) yield id;
}

/** No rule says what belongs to such a group. */
export function isByTime(group: string): boolean {
  return group.split('\n', 2)[1] === BY_TIME;
}

function momentKey(environment: string, at: Instant): string {
  return `${environment}\nat\n${Math.floor(at / MINUTE_MS)}`;
}

function keysAt(incident: Incident): readonly string[] {
  const { group, environment, beganAt, startsAt } = incident;
  const keys = group === undefined ? [] : [group];
  if (!hasMoment(incident)) return keys;
  const moments = new Set([startsAt, beganAt ?? startsAt].map((at) => momentKey(environment, at)));
  return [...keys, ...moments];
}

function hasMoment({ group, toldIn }: Incident): boolean {
  return toldIn === 'message' && (group === undefined || isByTime(group));
}

/** The newest incident that goes on, else the newest that is over. */
export function standsFor(groups: GroupIndex, key: string): string | undefined {
  return groups.get(key)?.at(-1)?.id;
}

/** `before` undefined: it was not known. `after` undefined: it is forgotten. */
export function indexGroup(
  groups: GroupIndex,
  before: Incident | undefined,
  after: Incident | undefined,
): void {
  if (!isPlaced(before) && !isPlaced(after)) return;
  if (before !== undefined && after !== undefined && isSamePlace(before, after)) return;
  if (before !== undefined) drop(groups, before);
  if (after === undefined || after.mergedInto !== undefined) return;
  const place = placeOf(after);
  for (const key of keysAt(after)) {
    const row = groups.get(key) ?? [];
    groups.set(key, row);
    row.splice(indexOf(row, place), 0, place);
  }
}

/** Most of what is put has neither a group nor a message. */
function isPlaced(incident: Incident | undefined): boolean {
  return incident !== undefined && (incident.group !== undefined || incident.toldIn === 'message');
}

function isSamePlace(before: Incident, after: Incident): boolean {
  return (
    before.group === after.group &&
    before.toldIn === after.toldIn &&
    before.startsAt === after.startsAt &&
    before.beganAt === after.beganAt &&
    before.gatheredAt === after.gatheredAt &&
    (before.phase === 'resolved') === (after.phase === 'resolved') &&
    before.mergedInto === after.mergedInto
  );
}

function drop(groups: GroupIndex, incident: Incident): void {
  for (const key of keysAt(incident)) {
    const row = groups.get(key);
    if (row === undefined) continue;
    const index = indexOf(row, placeOf(incident));
    if (row[index]?.id === incident.id) row.splice(index, 1);
    if (row.length === 0) groups.delete(key);
  }
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
